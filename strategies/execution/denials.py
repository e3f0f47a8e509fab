"""Every reason for which we refuse an order ourselves, in one table: code → the sentence a user reads.

A sentence says what happened and what to do; its fields are the numbers stored with the denial.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from tradeproject.common.money import plain

DENIALS: dict[str, str] = {
    "CONTROL_HALTED": "Trading is halted for this {scope}. Start it again when you are ready.",
    "CONTROL_REDUCING": "Only exits are allowed for this {scope} at the moment. Start it again to allow entries; "
    "a lock after a loss ends by itself at the time that the dashboard names.",
    "ACCOUNT_DISABLED": "This account is switched off. Enable it on the Accounts page.",
    "ACCOUNT_CLOSED": "The broker reports this account as {state}. Reconnect the login, or remove the "
    "account.",
    "CONNECTION_NOT_READY": "The broker login is {state}. {reason} Open the Accounts page to mend it.",
    "ACCOUNT_NOT_RECONCILED": "The account's positions could not be read from the broker since the start; "
    "entries wait for that.",
    "INSTRUMENT_UNKNOWN": "No contract for {symbol} was found at {broker}. {suggestion}",
    "INSTRUMENT_NOT_ALLOWED": "The alert is for {symbol}, but this strategy trades {allowed}. Change the "
    "strategy's symbol or the alert.",
    "CONTRACT_EXPIRED": "{contract} expired on {expires}. Use the current contract.",
    "CONTRACT_EXPIRING": "{contract} expires on {expires}, within a day. Entries are refused; exits still "
    "work.",
    "SESSION_CLOSED": "It is outside this strategy's trading window {window}. Exits are still allowed.",
    "SESSION_BLACKOUT": "Entries are blacked out from {start} to {end}. Exits are still allowed; send the alert "
    "again afterwards.",
    "SIGNAL_STALE": "The alert was {age_seconds} s old; entries older than {max_age_seconds} s are refused.",
    "SIGNAL_SUPERSEDED": "A newer alert of this strategy had already been carried out.",
    "ORDER_DUPLICATE": "The same order went to this account {age_seconds} s ago and nothing in the alert "
    "says it is another one. Send a different order id, or use the position fields.",
    "QUANTITY_ZERO": "The quantity comes to 0 ({size} × {multiplier}, at most {cap}). Raise the size, "
    "multiplier or maximum.",
    "QUANTITY_ABOVE_LIMIT": "{quantity} is above the strategy's largest order of {limit}. Lower the size, "
    "or raise max_order_quantity.",
    "POSITION_ABOVE_LIMIT": "The position would become {projected}; the strategy's largest position is "
    "{limit}. Lower the size, or raise max_position.",
    "POSITION_UNKNOWN": "The account's position could not be read from the broker, so the right quantity is "
    "not known. Check the account at the broker.",
    "EXIT_WOULD_OPEN": "The exit of {quantity} is more than the {held} held; it would open a position.",
    "EXIT_NOT_CONFIRMED": "The exit before this entry was not confirmed ({status}), so the entry was not "
    "sent.",
    "ORDER_OUTCOME_UNKNOWN": "{count} earlier order(s) on this account and contract still have an unknown "
    "outcome; no new exposure until the broker has answered.",
    "DIRECTION_NOT_ALLOWED": "This strategy trades {direction} only.",
    "STOP_NOT_POSSIBLE": "A {what} was asked for, and neither {broker} nor this server can place it for "
    "this order.",
    "NO_REFERENCE_PRICE": "A {what} in {units} needs a price to start from. Put the price into the alert.",
    "BRACKET_INVALID": "The {what} of {value} {units} is not a distance above zero. Leave it empty for none.",
    "ORDER_TYPE_NOT_SUPPORTED": "{broker} takes no {order_type} orders here. Use another order type.",
    "TIME_IN_FORCE_NOT_SUPPORTED": "{broker} takes no {time_in_force} orders. Leave the time in force out, or "
    "send day or gtc.",
    "PRICE_MISSING": "A {order_type} order needs a {what}.",
    "ACTION_NOT_AVAILABLE": "The action {action} is not available for {broker} accounts.",
    "QUANTITY_KIND_NOT_AVAILABLE": "A quantity given as {kind} cannot be used for this order. Send a number "
    "of contracts.",
    "CLOCK_WRONG": "This server's clock and the database's differ by {offset_seconds} s, more than {limit} "
    "s, so no age can be trusted. The operator must set the clocks; exits still work.",
    "DAILY_LOSS_REACHED": "The {scope} has lost {loss} today with its open positions; its daily loss limit "
    "is {limit}. Entries start again on its next trading day, exits still work.",
    "DRAWDOWN_REACHED": "The {scope} is {drawdown} below its best; its drawdown limit is {limit}. Exits "
    "still work. Change max_drawdown to measure anew from here.",
    "RESULT_UNKNOWN": "The {scope} has a loss limit of {limit}, and what it earned is not known at the "
    "moment. Entries wait until it is; if that lasts, check the login and the price feed.",
    "REJECTS_IN_A_ROW": "The broker refused {count} orders of this account in a row, at most {limit} are "
    "allowed. Trading is halted for it: see why on the Orders page, then resume it.",
    "EXECUTION_REPEATED": "This would be execution {count} within a minute; the strategy may have {limit}. "
    "It is halted until you resume it: check the chart for a loop of alerts first.",
    "REVERSALS_REPEATED": "The strategy reversed {count} times within a minute; it may {limit} times. It is "
    "halted until you resume it: check the chart for a flickering signal first.",
    "MESSAGE_RATE_ABOVE_LIMIT": "{count} orders went out for this {scope} within {seconds} s; it may send "
    "{limit} a second. Send fewer alerts at once, or raise the limit.",
    "ORDERS_PER_DAY_REACHED": "The {scope} has sent {count} orders today; its limit is {limit} a day. "
    "Entries start again tomorrow, exits still work; raise max_orders_per_day to go on.",
    "TRADES_PER_DAY_REACHED": "The {scope} has entered {count} trades today; its limit is {limit} a day. "
    "Entries start again tomorrow, exits still work; raise max_trades_per_day to go on.",
    "WORKING_ORDERS_ABOVE_LIMIT": "{count} orders of this account are working already; at most {limit} may. "
    "Cancel some on the Orders page, or raise max_working_orders.",
    "OPPOSING_ORDER": "Another strategy's order rests on the other side of this account: {order}. On one "
    "net account the two would trade against each other. Cancel that one, or give each strategy an account "
    "of its own.",
    "ADDS_REACHED": "The position was added to {count} times; at most {limit} adds are allowed. Exits still work; "
    "raise max_adds to go on.",
    "AVERAGING_DOWN": "The position was entered at {entered} on average and this add would be at {price}: it loses, "
    "and nothing is added to a losing position. Wait, or switch no_average_down off.",
    "AVERAGE_UNKNOWN": "Nothing is added to a losing position, and whether it loses is not known: {what} is missing. Put "
    "the price into the alert, or switch no_average_down off.",
    "FAN_OUT_ABOVE_LIMIT": "The alert would trade {quantity} contracts over {accounts} accounts together; "
    "the limit is {limit}. Check size and multipliers, or raise max_fan_out.",
    "STREAM_DOWN": "The broker's stream has been down for {seconds} s, longer than {limit} s, and an order "
    "with a price of its own rests unseen. Send it again when the login is connected, or use a market order.",
    "QUOTE_MISSING": "There is no market price for this contract, and entries need one of at most {limit} "
    "s. Connect market data, or clear max_quote_age.",
    "QUOTE_STALE": "The last market price is {age_seconds} s old; entries need one of at most {limit} s. "
    "Check the market data, or raise max_quote_age.",
    "SPREAD_TOO_WIDE": "Bid and ask are {spread_percent} % apart; a market entry may pay at most {limit} %. "
    "Use a limit order, or wait for the market.",
    "REFERENCE_PRICE_MISSING": "The order's price may lie {limit} % from the market, and there is no market "
    "price to measure from. Put the price into the alert, or connect market data.",
    "PRICE_OUTSIDE_COLLAR": "The price {price} is {away_percent} % from {market}; {limit} % is allowed. "
    "Check the alert's price and symbol, or widen price_collar_percent.",
    "ORDER_VALUE_UNKNOWN": "An order may be worth {limit}, and without a price its worth is not known. Put "
    "the price into the alert, or connect market data.",
    "ORDER_VALUE_ABOVE_LIMIT": "The order is worth {value}; the limit is {limit}. Lower the size, or raise "
    "max_order_notional.",
    "MARGIN_UNKNOWN": "An order may use {limit} % of the free margin, and the margin is not known. Set "
    "margin_per_contract, and check that the account tells its equity.",
    "MARGIN_ABOVE_LIMIT": "The order needs a margin of {needed}, and only {limit} % of the free {free} may "
    "go into one. Lower the size, or raise max_margin_percent.",
    "NOT_SENT_IN_TIME": "It could not be sent before the alert was too old: {reason} Nothing reached the "
    "broker.",
}

CAUTIONS: dict[str, str] = {
    "MARGIN_SHORT": "The order needs a margin of about {needed} and {free} is free; it was sent, the broker decides.",
    "ORDERS_PER_DAY_NEAR": "This is order {count} of the {limit} that the account may send today.",
}
"""What is told beside an order that goes all the same: code → sentence."""

SENTENCES = {**DENIALS, **CAUTIONS}


class _Gaps(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "?"


def explain(code: str, context: Mapping[str, Any]) -> str:
    """The sentence of a denial with its numbers filled in; what has nothing to say leaves no hole."""
    return " ".join(SENTENCES.get(code, code).format_map(_Gaps(as_text(context))).split())


def as_text(context: Mapping[str, Any]) -> dict[str, str]:
    """A denial's numbers as they are stored and shown: 3, not 3.00000000."""
    return {
        name: (plain(value) or "") if isinstance(value, Decimal) else str(value)
        for name, value in context.items()
    }
