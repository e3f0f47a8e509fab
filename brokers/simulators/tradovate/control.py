"""The control endpoint: what tests and demos use to arrange the venue, break it, and read the truth. See the README."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

from brokers.simulators.tradovate.commands import Failure
from brokers.simulators.tradovate.framing import Connection
from brokers.simulators.tradovate.library import ContractInfo
from brokers.simulators.tradovate.people import AccountInfo, Login, LoginOrder
from brokers.simulators.tradovate.prices import Walk
from brokers.simulators.tradovate.reports import Caller
from brokers.simulators.tradovate.risk import TEXTS
from brokers.simulators.tradovate.simulator import Simulator
from brokers.simulators.tradovate.terms import Violation
from brokers.simulators.tradovate.venue import LOCK_ACTIONS

Args = dict[str, Any]
LOGINS_CAP, ACCOUNTS_CAP = 20_000, 90
SHUTDOWN_CODES = frozenset({"Maintenance", "ConnectionQuotaReached", "IPQuotaReached"})


class BadWish(ValueError):
    """The control request makes no sense; answered with 400 and these words."""


class UnknownPath(LookupError):
    """There is no such control path."""


class Control:
    def __init__(self, simulator: Simulator, describe: Callable[[], dict[str, Any]]) -> None:
        self._sim = simulator
        self._handlers: dict[str, Callable[[Args], Any]] = {
            "": lambda _args: {"paths": sorted(f"/control/{name}" for name in self._handlers if name)},
            "describe": lambda _args: describe(),
            "logins": self._logins,
            "settings": self._settings,
            "faults": self._faults,
            "faults/clear": self._clear_faults,
            "prices": self._prices,
            "market": self._market,
            "quotes": self._quote,
            "trade": self._trade,
            "bust": self._bust,
            "locks": self._lock,
            "devices": self._device,
            "rights": self._rights,
            "tokens": self._tokens,
            "sessions/kick": self._kick,
            "sockets": self._sockets,
            "stale": self._stale,
            "clock": self._clock,
            "roll": self._roll,
            "limits/clear": self._clear_limits,
            "ledger": self._ledger,
            "requests": self._requests,
            "requests/clear": self._clear_requests,
            "reset": self._reset,
        }

    def call(self, name: str, args: Args) -> Any:
        """The answer. Raises BadWish, or UnknownPath."""
        handler = self._handlers.get(name)
        if handler is None:
            raise UnknownPath(name)
        try:
            return handler(args)
        except (Violation, Failure) as refusal:
            return refusal.answer
        except KeyError as missing:
            raise BadWish(f"{missing.args[0]} is required") from missing
        except (TypeError, InvalidOperation, ValueError) as error:
            raise BadWish(str(error)) from error

    # --- people -------------------------------------------------------------------------------------------------

    def _logins(self, args: Args) -> Any:
        """POST makes them; without a count: those that exist."""
        if "count" not in args:
            return [login.told() for login in self._sim.directory.by_name.values()]
        count, accounts = int(args["count"]), int(args.get("accounts_per_login", 2))
        if not 0 < count <= LOGINS_CAP or not 0 < accounts <= ACCOUNTS_CAP:
            raise BadWish(f"count must be 1 to {LOGINS_CAP}, accounts_per_login 1 to {ACCOUNTS_CAP}")
        live, firm = str(args.get("live", "alternate")), str(args.get("prop_firm", "none"))
        if not {live, firm} <= {"all", "none", "alternate"}:
            raise BadWish("live and prop_firm must be all, none or alternate")
        order = LoginOrder(str(args.get("prefix", "user-")), count, accounts, live, firm)
        logins = self._sim.make_logins(order)
        for login in logins:
            login.has_market_data = args.get("market_data", login.has_market_data) is True
        return [login.told() for login in logins]

    def _login(self, args: Args) -> Login:
        login = self._sim.directory.by_name.get(str(args.get("username", "")))
        if login is None:
            raise BadWish("username must name a login")
        return login

    def _user_id(self, args: Args) -> int | None:
        """None stands for everybody."""
        return self._login(args).user_id if args.get("username") else None

    def _account(self, args: Args) -> AccountInfo:
        wanted = str(args.get("account", ""))
        accounts = self._sim.directory.accounts
        found = accounts.get(int(wanted)) if wanted.isdigit() else None
        found = found or next((one for one in accounts.values() if one.name == wanted), None)
        if found is None:
            raise BadWish("account must be the id or the name of an account")
        return found

    def _device(self, args: Args) -> Any:
        """Approve a device of a login, as the e-mail link of the venue does."""
        login, device_id = self._login(args), str(args.get("device_id", ""))
        login.devices.add(device_id)
        if self._sim.memory is not None:
            self._sim.memory.keep_device(login.name, device_id)
        return {"devices": sorted(login.devices)}

    def _rights(self, args: Args) -> Any:
        login = self._login(args)
        if args.get("orders", "FullAccess") not in {"none", "Read", "FullAccess"}:
            raise BadWish("orders must be none, Read or FullAccess")
        login.orders_right = args.get("orders", login.orders_right)
        login.has_market_data = args.get("market_data", login.has_market_data) is True
        return {"orders": login.orders_right, "market_data": login.has_market_data}

    # --- behaviour ----------------------------------------------------------------------------------------------

    def _settings(self, args: Args) -> Any:
        self._sim.options.change(args)
        return self._sim.options.shown()

    def _faults(self, args: Args) -> Any:
        """POST adds one; without a kind: those that wait."""
        if "kind" not in args:
            return self._sim.faults.listed()
        if args.get("account"):
            args = {**args, "account": self._account(args).id}
        return self._sim.faults.add(args).told()

    def _clear_faults(self, args: Args) -> Any:
        fault_id = int(args["id"]) if "id" in args else None
        return {"removed": self._sim.faults.remove(fault_id)}

    def _stale(self, args: Args) -> Any:
        seconds = float(args.get("seconds", 0))
        for venue in self._sim.venues.values():
            venue.store.be_stale(seconds)
        return {"seconds": seconds}

    def _clear_limits(self, _args: Args) -> Any:
        self._sim.limits.clear()
        return {}

    # --- the market ---------------------------------------------------------------------------------------------

    def _contract(self, args: Args) -> ContractInfo:
        contract = self._sim.prices.find(str(args.get("symbol", "")))
        if contract is None:
            raise BadWish("symbol must be a contract (MNQZ6) or a root (MNQ)")
        return contract

    def _prices(self, args: Args) -> Any:
        """POST sets one; without a price: all of them."""
        if "price" not in args:
            return {name: walk.price for name, walk in self._sim.prices.walks.items()}
        contract = self._contract(args)
        price, bid, ask = (_decimal(args.get(name)) for name in ("price", "bid", "ask"))
        if (
            price is None
            or price <= 0
            or any(one is not None and one % contract.tick for one in (price, bid, ask))
        ):
            raise BadWish(f"price, bid and ask must be multiples of {contract.tick}")
        walk = self._sim.prices.set(contract, price, bid=bid, ask=ask, freeze=args.get("freeze"))
        self._sim.move_market([walk])
        return self._shown(contract, walk)

    def _shown(self, contract: ContractInfo, walk: Walk) -> Any:
        touch = self._sim.prices.shown(contract, walk)
        return {
            "symbol": contract.name,
            "contract_id": contract.id,
            "bid": touch.bid,
            "ask": touch.ask,
            "last": touch.last,
            "frozen": walk.frozen or self._sim.options.frozen,
        }

    def _market(self, args: Args) -> Any:
        """Freeze, unfreeze or silence one underlying, or freeze everything (without a symbol)."""
        if not args.get("symbol"):
            self._sim.options.frozen = args.get("frozen", self._sim.options.frozen) is True
            return {"frozen": self._sim.options.frozen}
        walk = self._sim.prices.walk_of(self._contract(args))
        if "frozen" in args:
            self._sim.prices.freeze(walk, args["frozen"] is True)
        if "silent" in args:
            change = (
                self._sim.prices.silent.add if args["silent"] is True else self._sim.prices.silent.discard
            )
            change(walk.name)
        return {"walk": walk.name, "frozen": walk.frozen, "silent": walk.name in self._sim.prices.silent}

    def _quote(self, args: Args) -> Any:
        contract = self._contract(args)
        self._sim.prices.touch(contract)
        return self._shown(contract, self._sim.prices.walk_of(contract))

    def _trade(self, args: Args) -> Any:
        """An order by hand in "the web trader": the body of placeorder, or ``cancel``, ``liquidate``."""
        account = self._account(args)
        login, venue = self._sim.directory.by_account[account.id], self._sim.venues[account.host]
        caller = Caller(
            login.user_id, login.name, 0, "web", "web/trade", self._sim.clock.now(), 0, "web trader"
        )
        body = {"accountId": account.id, "accountSpec": account.name, "orderType": "Market", **args}
        body.pop("account")
        if "cancel" in body:
            answer = venue.commands.cancel_order(caller, login, {"orderId": int(body["cancel"])})
        elif body.pop("liquidate", False) is True:
            answer = venue.commands.liquidate(
                caller, account.id, self._contract({"symbol": body["symbol"]}), is_automated=False
            )
        else:
            answer = venue.commands.place_order(caller, login, body)
        self._sim.settle_and_tell()
        return answer

    def _bust(self, args: Args) -> Any:
        """Void a fill, as the exchange does after an error."""
        if not any(venue.desk.bust(int(args["fill_id"])) for venue in self._sim.venues.values()):
            raise BadWish("fill_id must be an active fill of this session that is not paired with another")
        self._sim.settle_and_tell()
        return {"busted": int(args["fill_id"])}

    def _lock(self, args: Args) -> Any:
        account, reason = self._account(args), str(args.get("reason", "TradingLocked"))
        if reason not in LOCK_ACTIONS:
            raise BadWish(f"reason must be one of {', '.join(TEXTS)} or empty")
        self._sim.venues[account.host].lock(account.id, reason)
        self._sim.settle_and_tell()
        return {"account": account.id, "reason": reason}

    # --- tokens, sockets, time ----------------------------------------------------------------------------------

    def _tokens(self, args: Args) -> Any:
        """``expire`` (access and market data; ``refresh: true`` those too) or ``revoke`` all of a login, or of everybody."""
        user_id, act = self._user_id(args), args.get("act", "expire")
        if act == "revoke":
            return {"revoked": self._sim.sessions.revoke_all(user_id)}
        if act != "expire":
            raise BadWish("act must be expire or revoke")
        uses = (
            ("access", "market_data", "refresh") if args.get("refresh") is True else ("access", "market_data")
        )
        return {"expired": self._sim.sessions.expire_all(user_id, uses)}

    def _kick(self, args: Args) -> Any:
        """End the sessions of a login, as logging in elsewhere does."""
        sessions = self._sim.sessions.of_user(self._login(args).user_id)
        for session in sessions:
            self._sim.sessions.close(session, "ConnectionQuotaReached")
        return {"closed": len(sessions)}

    def _connections(self, args: Args) -> list[Connection]:
        user_id = self._user_id(args)
        hosts = {socket.connection: socket.host for socket in self._sim.hub.sockets}
        wanted = args.get("host")
        return [
            c
            for c in self._sim.hub.connections()
            if (user_id is None or (c.session is not None and c.session.user_id == user_id))
            and (wanted is None or hosts.get(c, "md") == wanted)
        ]

    def _sockets(self, args: Args) -> Any:
        """``shutdown`` (with reasonCode), ``cut``, ``close``, ``mute`` (for seconds); without ``act``: how many there are."""
        found, act = self._connections(args), args.get("act")
        if act == "shutdown":
            code = str(args.get("reasonCode", "Maintenance"))
            if code not in SHUTDOWN_CODES:
                raise BadWish(f"reasonCode must be one of {', '.join(sorted(SHUTDOWN_CODES))}")
            self._sim.hub.shut_down(found, code, str(args.get("reason", code)))
        elif act in {"cut", "close"}:
            for connection in found:
                connection.cut() if act == "cut" else connection.close()
        elif act == "mute":
            for connection in found:
                connection.mute(float(args.get("seconds", 60)))
        elif act is not None:
            raise BadWish("act must be shutdown, cut, close or mute")
        return {"connections": len(found), "synced": sum(s.is_synced for s in self._sim.hub.sockets)}

    def _clock(self, args: Args) -> Any:
        self._sim.clock.advance(float(args.get("advance_seconds", 0)))
        return {"now": self._sim.clock.stamp(), "offset_seconds": self._sim.clock.offset}

    def _roll(self, _args: Args) -> Any:
        self._sim.roll()
        return {host: str(venue.session) for host, venue in self._sim.venues.items()}

    # --- the truth ----------------------------------------------------------------------------------------------

    def _ledger(self, args: Args) -> Any:
        return self._sim.ledger.told(str(args.get("account", "")), str(args.get("username", "")))

    def _requests(self, args: Args) -> Any:
        return self._sim.traffic.shown(int(args.get("last", 100)), str(args.get("path", "")).lower())

    def _clear_requests(self, _args: Args) -> Any:
        self._sim.traffic.clear()
        return {}

    def _reset(self, _args: Args) -> Any:
        self._sim.reset()
        return {"logins": len(self._sim.directory.by_name)}


def _decimal(value: Any) -> Decimal | None:
    return None if value is None else Decimal(str(value))
