"""A strategy's sizing in plain sentences, for whoever is filling in its form. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from tradeproject.common.money import floor_to_step, plain

ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Follower:
    """An account that follows: its two multipliers, and the smaller of its two maximums (None = no maximum)."""

    multiplier: Decimal = ONE
    account_multiplier: Decimal = ONE
    cap: Decimal | None = None

    def quantity(self, size: Decimal, step: Decimal) -> Decimal:
        wanted = floor_to_step(size * self.multiplier * self.account_multiplier, step)
        return wanted if self.cap is None else min(wanted, floor_to_step(self.cap, step))


@dataclass(frozen=True, slots=True)
class Contract:
    """What is known of the instrument: enough to turn ticks into money."""

    tick_size: Decimal
    point_value: Decimal
    quantity_step: Decimal = ONE
    currency: str = "USD"


@dataclass(frozen=True, slots=True)
class Sizing:
    """The fields of the form that decide how much. None = not set."""

    position_size: Decimal | None = None
    position_add: Decimal | None = None
    take_profit: Decimal | None = None
    stop_loss: Decimal | None = None
    units: str = "Ticks"


def sizing_sentences(
    sizing: Sizing, followers: Sequence[Follower], contract: Contract | None = None
) -> list[str]:
    """What an entry alert would do with these settings, one sentence a point."""
    step = contract.quantity_step if contract else ONE
    sentences = [_size_sentence(sizing, followers, step)]
    if sizing.position_add is not None:
        sentences.append(
            f"A further entry in the same direction adds {plain(sizing.position_add)}, times the multipliers."
        )
    for name, value in (("Take profit", sizing.take_profit), ("Stop loss", sizing.stop_loss)):
        if value is not None:
            sentences.append(_distance_sentence(name, value, sizing, contract))
    if sizing.stop_loss is None:
        sentences.append("No stop is placed by this strategy; only what the alert itself asks for.")
    return sentences


def _size_sentence(sizing: Sizing, followers: Sequence[Follower], step: Decimal) -> str:
    if sizing.position_size is None:
        base = ONE
        start = "Each account trades the alert's own quantity. For an alert of 1 that makes"
    else:
        base = sizing.position_size
        start = f"Every entry is {plain(base)} before multipliers, whatever the alert says. That makes"
    if not followers:
        return f"{start} nothing yet: no account is selected."
    found = [follower.quantity(base, step) for follower in followers]
    total, none = sum(found, Decimal(0)), sum(1 for quantity in found if not quantity)
    each = plain(found[0]) if len(set(found)) == 1 else f"{plain(min(found))} to {plain(max(found))}"
    accounts = "1 account" if len(found) == 1 else f"{len(found)} accounts"
    sentence = f"{start} {each} on {accounts}" + (f", {plain(total)} in total." if len(found) > 1 else ".")
    if none:
        sentence += f" {none} of them come to 0 and would be held back."
    return sentence


def _distance_sentence(name: str, value: Decimal, sizing: Sizing, contract: Contract | None) -> str:
    if not value:
        return f"{name} of 0 is not a distance: the order would be held back. Leave it empty for none."
    unit = sizing.units.lower()
    text = f"{name} {plain(value)} {unit} from the fill"
    if contract is None or unit not in {"ticks", "points"}:
        return text + (" for the whole entry." if unit == "dollars" else ".")
    points = value * contract.tick_size if unit == "ticks" else value
    money = points * contract.point_value
    return f"{text}: {plain(points)} points, {plain(money)} {contract.currency} a contract."
