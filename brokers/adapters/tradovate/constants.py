"""Tradovate as data: hosts, enum maps, limits, capabilities. Sources are named as in this folder's README."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType

from brokers.adaptation import Adaptation
from brokers.domain import (
    AssetClass,
    Call,
    Capabilities,
    LegKind,
    OrderStatus,
    OrderType,
    RateLimit,
    Side,
    TimeInForce,
)

KIND = "tradovate"
LABEL = "Tradovate"
HELP_URL = "https://trader.tradovate.com/"

# --- hosts (README: Hosts) --------------------------------------------------------------------------------------

LIVE_API = "https://live.tradovateapi.com/v1"
DEMO_API = "https://demo.tradovateapi.com/v1"
LIVE_MARKET_DATA = "wss://md.tradovateapi.com/v1/websocket"
DEMO_MARKET_DATA = "wss://md-demo.tradovateapi.com/v1/websocket"
CONSENT_PAGE = "https://trader.tradovate.com/oauth"
TOKEN_ENDPOINT = "https://live.tradovateapi.com/auth/oauthtoken"  # noqa: S105 - an address; without /v1, as the tutorial has it

# Dedicated hosts of one organisation live under these names; a token goes nowhere else (README: Hosts).
VENUE_DOMAINS = ("tradovateapi.com", "tradovate.com", "ninjatrader.com", "ninjatrader.dev")

# What we call ourselves at the login; the venue wants the nickname of the API key, so a connection may override it.
APP_ID = "TradeAutomation"
APP_VERSION = "1.0"

# --- words of the venue → our words -----------------------------------------------------------------------------

SIDES = MappingProxyType({"Buy": Side.BUY, "Sell": Side.SELL})
ACTIONS = MappingProxyType({side: word for word, side in SIDES.items()})

# There is no "partially filled" at the venue: it is Working with fills. Suspended is held (a bracket's leg before its
# parent fills, an activation time). Completed is decided by its filled quantity in parse.py.
STATUSES = MappingProxyType(
    {
        "PendingNew": OrderStatus.ACCEPTED,
        "PendingReplace": OrderStatus.ACCEPTED,
        "Suspended": OrderStatus.ACCEPTED,
        "Working": OrderStatus.ACCEPTED,
        "PendingCancel": OrderStatus.PENDING_CANCEL,
        "Filled": OrderStatus.FILLED,
        "Canceled": OrderStatus.CANCELED,
        "Rejected": OrderStatus.REJECTED,
        "Expired": OrderStatus.EXPIRED,
        "Completed": OrderStatus.FILLED,
        "Unknown": OrderStatus.UNKNOWN,
    }
)
FINISHED = frozenset({"Filled", "Canceled", "Rejected", "Expired", "Completed"})

# The venue has order types for which we have no word; orders entered elsewhere may use them.
ORDER_TYPES: MappingProxyType[str, OrderType | None] = MappingProxyType(
    {
        "Market": OrderType.MARKET,
        "Limit": OrderType.LIMIT,
        "Stop": OrderType.STOP,
        "StopLimit": OrderType.STOP_LIMIT,
        "TrailingStop": OrderType.TRAILING_STOP,
        "TrailingStopLimit": None,
        "MIT": None,
        "LimitIfTouched": None,
        "QTS": None,
    }
)
ORDER_TYPE_WORDS = MappingProxyType({ours: word for word, ours in ORDER_TYPES.items() if ours is not None})

TIF_WORDS = MappingProxyType(
    {
        TimeInForce.DAY: "Day",
        TimeInForce.GTC: "GTC",
        TimeInForce.IOC: "IOC",
        TimeInForce.FOK: "FOK",
    }
)

# commandStatus: what a report of a command says about it.
COMMAND_REFUSED = frozenset({"RiskRejected", "ExecutionRejected", "ExecutionStopped"})
COMMAND_DONE = frozenset({"AtExecution", "Replaced", "ExecutionSuspended"})

ASSET_CLASSES = MappingProxyType(
    {
        "Futures": AssetClass.FUTURES,
        "Options": AssetClass.OPTIONS,
        "Cryptocurrency": AssetClass.CRYPTO,
        "CommonStock": AssetClass.STOCK,
    }
)
CURRENCIES = MappingProxyType({1: "USD", 2: "EUR"})  # the venue's own numbers, not ISO

# Our ids of the orders that protect an entry: the entry's id and one letter.
LEG_SUFFIXES = MappingProxyType({LegKind.TAKE_PROFIT: "t", LegKind.STOP_LOSS: "s"})

MULTI_BRACKET_STRATEGY = 2  # orderStrategyTypeId; the only type offered
FAILED_STRATEGIES = frozenset({"ExecutionFailed", "NotEnoughLiquidity"})

# --- entities ---------------------------------------------------------------------------------------------------

# Plural key in the sync answer → entity type. Only what reports are made of.
SYNCED = MappingProxyType(
    {
        "orders": "order",
        "orderVersions": "orderVersion",
        "commands": "command",
        "commandReports": "commandReport",
        "executionReports": "executionReport",
        "fills": "fill",
        "fillFees": "fillFee",
        "orderStrategies": "orderStrategy",
        "orderStrategyLinks": "orderStrategyLink",
        "positions": "position",
        "cashBalances": "cashBalance",
    }
)
ENTITY_TYPES = ("account", *SYNCED.values())

ITEMS_PER_CALL = 10  # more ids in one /items call were seen to be answered 404
LIST_LIMIT = 1024  # the smallest size at which lists were seen to be cut off

# --- roll (README: Contracts) -----------------------------------------------------------------------------------

MONTHS = "FGHJKMNQUVXZ"


@dataclass(frozen=True, slots=True)
class RollRule:
    """When a contract is no longer the one to trade: so long before its expiry, or before its first intent day."""

    before_expiry: timedelta
    before_intent: timedelta = timedelta(days=2)


DEFAULT_ROLL = RollRule(timedelta(days=5))
_INDEX = RollRule(timedelta(days=8))
_BONDS = RollRule(timedelta(days=24), timedelta(days=3))
_NOTES = RollRule(timedelta(days=33), timedelta(days=3))
_METALS = RollRule(timedelta(days=28), timedelta(days=3))
_ENERGY = RollRule(timedelta(days=3))
_FX = RollRule(timedelta(days=6))
_CRYPTO = RollRule(timedelta(days=2))
_GRAINS = RollRule(timedelta(days=16), timedelta(days=3))

_ROLL_GROUPS = (
    (_INDEX, "ES MES NQ MNQ YM MYM RTY M2K EMD NKD"),
    (_BONDS, "ZB ZN UB TN"),
    (_NOTES, "ZF ZT"),
    (_METALS, "GC MGC SI SIL HG MHG PL PA"),
    (_ENERGY, "CL MCL QM NG QG MNG RB HO BZ"),
    (_FX, "6A 6B 6C 6E 6J 6M 6N 6S M6A M6B M6E E7 J7"),
    (_CRYPTO, "BTC MBT ETH MET"),
    (_GRAINS, "ZC ZS ZW ZL ZM KE XC XK XW"),
)
ROLL_RULES = MappingProxyType({root: rule for rule, roots in _ROLL_GROUPS for root in roots.split()})

# --- time -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds. The venue drops a socket that does not send ``[]`` every 2.5 s; the rest is ours."""

    connect: float = 5.0
    answer: float = 8.0
    snapshot: float = 30.0
    heartbeat: float = 2.5
    silence: float = 12.0  # the venue beats about every 2.5 s when idle: after this, a ping
    probe: float = 8.0  # ... and after this without any sign of life the socket is dead
    drain: float = 2.0
    confirm_change: float = 1.5
    fill_waits_for_order: float = 2.0
    not_sent_retry: float = 0.2
    busy_retry: float = 0.5
    quotes_resubscribe: float = 0.5


TIMINGS = Timings()
SHORT_PENALTY = 20.0
CAPTCHA_WAIT = 3600.0  # a captcha cannot be solved by us; the penalty ends after about an hour
LOGIN_RATE_WAIT = 3600.0  # the venue's advice after 429: an hour
REFRESH_RATE_WAIT = 300.0  # a rolling window frees gradually, and a token must not run out meanwhile
REFRESH_RETRY = 1.5
TOKEN_LIFE = timedelta(minutes=60)  # only when the venue does not say: below every life it was seen to give
FRAME_BYTES = 64 * 1024 * 1024  # a snapshot of a busy login is one message
BACKLOG = 200_000  # events a reader may be behind before it must start again from a snapshot

# --- limits and capabilities ------------------------------------------------------------------------------------

# README: Limits. All accounts of a login share its budget; the address limits are shared by all logins of a server.
LIMITS = (
    RateLimit("login", "*", 5000, 3600),
    RateLimit("login", "*", 5000, 60),
    RateLimit("address", "auth/accesstokenrequest", 5, 3600, Call.SIGN_IN, failed_only=True),
    RateLimit("address", "auth/renewaccesstoken", 15, 3600, Call.RENEWAL),
    RateLimit("address", "auth/me", 10, 3600, Call.IDENTITY, failed_only=True),
    RateLimit("address", "user/syncrequest", 300, 3600, Call.STREAM),
)

# README: Limits. Penalties grow with each further call, so a login that got one goes at half its pace for minutes.
ADAPTATION = Adaptation(lower=0.5, floor=0.1, step=0.1, every=60.0)

CAPABILITIES = Capabilities(
    order_types=frozenset(OrderType),  # placeorder's orderType
    time_in_force=frozenset(TimeInForce),  # placeorder's timeInForce
    bracket=True,  # placeoso
    bracket_offsets=True,  # startorderstrategy, type 2
    modify=True,  # modifyorder; on bracket legs reported to be silently without effect
    trailing_stop=True,
    reduce_only=False,  # no such flag: a sell larger than the long flips it
    client_id_lookup=True,  # clOrdId on the command, uuid on the strategy
    order_stream=True,  # user/syncrequest
    market_data=True,  # needs the exchange's rights; without them subscribing is refused
)
