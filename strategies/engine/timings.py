"""How long the executor waits for what, in seconds."""

from __future__ import annotations

from dataclasses import dataclass

from strategies.execution.dispatcher import LEASE_MARGIN, LEASE_SECONDS, SEND_SECONDS


@dataclass(frozen=True, slots=True)
class Timings:
    """Every wait of one executor. The defaults are what the venues' habits and the promises of the product ask for."""

    sweep: float = 1.0
    session_check: float = 5.0
    orphan_check: float = 5.0

    signal_lease: float = 30.0
    lease_renewal: float = 8.0
    order_lease: float = LEASE_SECONDS
    lease_margin: float = LEASE_MARGIN
    send: float = SEND_SECONDS
    stop: float = 3.0
    """For what is on the wire to be answered when the executor stops."""

    stale: float = 3.0
    """What was decided longer ago is not sent before its claim was renewed and, for an exit, its position asked for again."""
    settle: float = 10.0
    """A market order that is not final by then leaves its lane with an unknown end."""
    exit_fill: float = 120.0
    """How long a reversal's entry waits for its exit."""
    book_lag: float = 2.0
    """After that the stream's position is believed again, whatever our own orders must have led to."""
    book_wait: float = 0.3
    """The venue's position report usually follows its fill within milliseconds; then it is asked."""
    session_wait: float = 3.0
    """An account whose login is not in step may take this long before plain requests are used."""
    exit_patience: float = 20.0
    """An exit keeps asking for its position, and for what became of undecided orders, this long."""
    entry_patience: float = 10.0
    """An entry asks so long, for instance while its login is opened after a restart; its alert must be fresh afterwards."""
    recorder_wait: float = 2.0
    """What other strategies hold is known when the recorder has taken in all reports so far."""
    cancel_confirm: float = 2.0
    ask: float = 8.0
    """For one read to be answered."""

    first_lookup: float = 1.5
    lookup: float = 4.0
    fresh: float = 3.0
    """A look-up proves nothing until the order was sent this long ago."""
    proof: float = 10.0
    """How long an order must not have been found before it counts as never arrived."""
    alarm: float = 10.0
    """An order of which nobody knows is told to its owner when the broker cannot be asked for that long."""
    failed_lookups: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0, 15.0)

    naked: float = 5.0
    """How long a position may stand without the stop that its strategy demands, before it gets one or is closed."""
    protect_again: float = 2.0
    """A position that lacks its protective orders is looked at this often."""
    lane_wait: float = 10.0
    """A requested close waits this long for its turn; then it goes by itself."""
