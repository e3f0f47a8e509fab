"""Every operation of the API, the same for REST and for the socket: ``entity/operation`` and arguments in, an answer out.

Paths are looked up in lower case and the HTTP method is not looked at, as at the venue. What is not here is a 404.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from brokers.simulators.tradovate.auth import RENEW_PATH, Auth
from brokers.simulators.tradovate.catalog import RISK_ENTITIES, SPECS, Spec
from brokers.simulators.tradovate.clock import Clock
from brokers.simulators.tradovate.commands import Failure
from brokers.simulators.tradovate.library import FIRST_PRODUCT, Library
from brokers.simulators.tradovate.limits import Limits
from brokers.simulators.tradovate.options import Options
from brokers.simulators.tradovate.people import DEMO, LIVE, Login
from brokers.simulators.tradovate.products import PRODUCTS
from brokers.simulators.tradovate.reports import Caller
from brokers.simulators.tradovate.sessions import DENIED, Session
from brokers.simulators.tradovate.store import ITEMS_CAP
from brokers.simulators.tradovate.terms import Violation, body_of, flag, integer, number, parse_terms, text
from brokers.simulators.tradovate.venue import Venue
from brokers.simulators.tradovate.wire import Refused

COMMAND_PATHS = frozenset(
    {
        "order/placeorder", "order/placeoco", "order/placeoso", "order/modifyorder", "order/cancelorder",
        "order/liquidateposition", "order/liquidatepositions", "orderstrategy/startorderstrategy",
        "orderstrategy/interruptorderstrategy",
    }
)  # fmt: skip
_ENTITIES = {name.lower(): spec for name, spec in SPECS.items()}


@dataclass(slots=True)
class Request:
    """One authenticated call. ``args`` are query and body together; ``token`` is the text it came with."""

    venue: Venue
    path: str
    args: dict[str, Any]
    session: Session
    login: Login
    token: str
    address: str
    caller: Caller
    extra: dict[str, Any] = field(default_factory=dict)


Handler = Callable[[Request], Any]


class Router:
    def __init__(self, auth: Auth, library: Library, clock: Clock, limits: Limits, options: Options) -> None:
        self._auth, self._library, self._clock = auth, library, clock
        self._limits, self._options = limits, options
        self._handlers: dict[str, Handler] = {
            "auth/me": lambda r: auth.me(r.session),
            RENEW_PATH: lambda r: auth.renew(r.session, r.token, r.args, r.address),
            "order/placeorder": lambda r: r.venue.commands.place_order(r.caller, r.login, r.args),
            "order/placeoco": lambda r: r.venue.commands.place_oco(r.caller, r.login, r.args),
            "order/placeoso": lambda r: r.venue.commands.place_oso(r.caller, r.login, r.args),
            "order/modifyorder": lambda r: r.venue.commands.modify_order(r.caller, r.login, r.args),
            "order/cancelorder": lambda r: r.venue.commands.cancel_order(r.caller, r.login, r.args),
            "order/liquidateposition": lambda r: r.venue.commands.liquidate_position(
                r.caller, r.login, r.args
            ),
            "order/liquidatepositions": lambda r: r.venue.commands.liquidate_positions(
                r.caller, r.login, r.args
            ),
            "order/dryrun": self._dry_run,
            "orderstrategy/startorderstrategy": lambda r: r.venue.strategies.start(r.caller, r.login, r.args),
            "orderstrategy/interruptorderstrategy": lambda r: r.venue.strategies.interrupt(
                r.caller, r.login, r.args
            ),
            "cashbalance/getcashbalancesnapshot": self._cash_snapshot,
            "cashbalance/changedemobalance": self._change_demo_balance,
            "contract/rollcontract": self._roll_contract,
            "contract/getproductfeeparams": self._fee_params,
        }

    def call(self, request: Request) -> Any:
        """The answer's body. The path must be known. Raises Refused for everything that is not 200."""
        self._check_rights(request)
        handler = self._handlers.get(request.path) or self._entity_handler(request.path)
        try:
            return handler(request)
        except (Violation, Failure) as refusal:
            return refusal.answer

    def knows(self, path: str) -> bool:
        entity, _, operation = path.partition("/")
        spec = _ENTITIES.get(entity)
        return path in self._handlers or (spec is not None and operation in spec.operations)

    def _check_rights(self, request: Request) -> None:
        """Missing rights show as 401 on everything but the login; so does a device nobody approved, on live orders."""
        if request.path not in COMMAND_PATHS:
            return
        login, session = request.login, request.session
        has_device = session.kind == "oauth" or session.device_id in login.devices
        if self._options.device_approval and request.venue.host == LIVE and not has_device:
            raise Refused(401, DENIED)
        if login.orders_right != "FullAccess":
            raise Refused(401, DENIED)

    # --- entities -----------------------------------------------------------------------------------------------

    def _entity_handler(self, path: str) -> Handler:
        entity, _, operation = path.partition("/")
        spec = _ENTITIES[entity]
        handlers: dict[str, Callable[[Spec, Request], Any]] = {
            "list": self._list,
            "item": lambda s, r: r.venue.store.item(
                s.name, r.venue.view(r.login), whole_number(r.args, "id")
            ),
            "items": self._items,
            "find": self._find,
            "suggest": self._suggest,
            "deps": lambda s, r: self._children(s, r, [whole_number(r.args, "masterid")]),
            "ldeps": lambda s, r: self._children(s, r, whole_numbers(r.args, "masterids")),
        }
        return lambda request: self._ask(spec, request, handlers[operation])

    def _ask(self, spec: Spec, request: Request, handler: Callable[[Spec, Request], Any]) -> Any:
        is_oauth = request.session.kind == "oauth"
        if spec.name in RISK_ENTITIES and is_oauth and not self._options.oauth_risk_rights:
            raise Refused(401, DENIED)
        body_of(request.args)
        self._library.refresh(self._clock.now())
        return handler(spec, request)

    def _list(self, spec: Spec, request: Request) -> Any:
        return request.venue.store.listing(spec.name, request.venue.view(request.login))

    def _items(self, spec: Spec, request: Request) -> Any:
        ids = whole_numbers(request.args, "ids")
        if len(ids) > ITEMS_CAP:
            raise Refused(404)
        return request.venue.store.rows_of(spec.name, request.venue.view(request.login), ids)

    def _children(self, spec: Spec, request: Request, masters: list[int]) -> Any:
        return request.venue.store.children(spec.name, request.venue.view(request.login), masters)

    def _find(self, spec: Spec, request: Request) -> Any:
        name = str(request.args.get("name", ""))
        rows = self._list(spec, request)
        found = next((row for row in rows if getattr(row, "name", None) == name), None)
        if found is None:
            raise Refused(404, f"{spec.name} {name} was not found")
        return found

    def _suggest(self, spec: Spec, request: Request) -> Any:
        wanted, limit = str(request.args.get("t", "")), whole_number(request.args, "l", 10)
        if spec.name == "contract":
            return self._library.suggest(wanted, limit, self._clock.now())
        rows = (row for row in self._list(spec, request) if row.name.upper().startswith(wanted.upper()))
        return sorted(rows, key=lambda row: str(row.name))[:limit]

    # --- money --------------------------------------------------------------------------------------------------

    def _cash_snapshot(self, request: Request) -> Any:
        account_id = integer(body_of(request.args), "accountId")
        if account_id not in request.venue.view(request.login).accounts:
            return {"errorText": DENIED}
        return request.venue.cash_snapshot(account_id)

    def _change_demo_balance(self, request: Request) -> Any:
        body = body_of(request.args)
        account_id, change = integer(body, "accountId"), number(body, "cashChange")
        if request.venue.host != DEMO or account_id not in request.venue.view(request.login).accounts:
            return {"ok": False, "errorText": DENIED}
        if change is None:
            raise Violation("cashChange", None, "cashChange is required")
        most = self._options.demo_cash_changes_per_hour
        self._limits.count_endpoint(f"{request.path}|{account_id}", request.address, most)
        request.venue.books.deposit(account_id, change, "ManualAdjustment")
        return {"ok": True}

    # --- contracts ----------------------------------------------------------------------------------------------

    def _roll_contract(self, request: Request) -> Any:
        body = body_of(request.args)
        name = text(body, "name")
        if name is None or "forward" not in body:
            raise Violation("name" if name is None else "forward", None, "name and forward are required")
        rolled = self._library.roll(name, flag(body, "forward"), flag(body, "ifExpired"), self._clock.now())
        if rolled is None:
            return {"errorText": f"There is no contract to roll {name} to"}
        return {"contract": self._library.tables["contract"].rows[rolled.id]}

    def _fee_params(self, request: Request) -> Any:
        ids = body_of(request.args).get("productIds")
        if not isinstance(ids, list):
            raise Violation("productIds", None, "productIds is required")
        self._limits.count_endpoint(request.path, request.address, self._options.fee_queries_per_hour)
        known = {FIRST_PRODUCT + product.number: product for product in PRODUCTS.values()}
        margins = self._library.tables["productMargin"].rows
        return {
            "params": [
                {
                    "productId": one,
                    "clearingFee": known[one].fees.clearing,
                    "clearingCurrencyId": 1,
                    "exchangeFee": known[one].fees.exchange,
                    "exchangeCurrencyId": 1,
                    "nfaFee": known[one].fees.nfa,
                    "nfaCurrencyId": 1,
                    "commission": known[one].fees.commission,
                    "commissionCurrencyId": 1,
                    "dayMargin": known[one].day_margin,
                    "nightMargin": known[one].full_margin,
                    "fullMargin": margins[one],
                }
                for one in ids
                if one in known
            ]
        }

    def _dry_run(self, request: Request) -> Any:
        """What the risk check would say to these orders; nothing is taken."""
        body = body_of(request.args)
        account = request.venue.commands.account_of(request.login, body)
        orders = body.get("orders")
        if not isinstance(orders, list) or not orders:
            raise Violation("orders", None, "orders is required")
        for order in orders:
            contract, terms = request.venue.commands.contract_of(body_of(order)), parse_terms(order)
            verdict = request.venue.risk.check(account.id, contract, terms)
            if verdict is not None:
                return {"rejectReason": verdict.reason, "comment": verdict.text}
        return {"rejectReason": "Success", "comment": "", "details": {}, "fees": {}}


def whole_number(args: dict[str, Any], name: str, default: int | None = None) -> int:
    """An integer from a query string or a body."""
    value = args.get(name, default)
    try:
        return int(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise Refused(400, f"{name} must be an integer") from None


def whole_numbers(args: dict[str, Any], name: str) -> list[int]:
    value = args.get(name)
    parts = value if isinstance(value, list) else str(value or "").split(",")
    try:
        return [int(part) for part in parts if part != ""]
    except (TypeError, ValueError):
        raise Refused(400, f"{name} must be a list of integers") from None
