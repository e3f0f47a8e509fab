"""Logging in with password and API key, renewing, and who am I."""

from __future__ import annotations

import hmac
from typing import Any

from brokers.simulators.tradovate.clock import Clock, stamp
from brokers.simulators.tradovate.limits import Limits
from brokers.simulators.tradovate.options import Options
from brokers.simulators.tradovate.people import Directory, Login
from brokers.simulators.tradovate.sessions import Session, Sessions, Token
from brokers.simulators.tradovate.terms import body_of
from brokers.simulators.tradovate.wire import Refused

LOGIN_PATH, RENEW_PATH = "auth/accesstokenrequest", "auth/renewaccesstoken"
WRONG = "Incorrect username or password. Please try again, noting that passwords are case-sensitive."
WRONG_KEY = "The app is not registered"
YEAR = 365 * 24 * 3600


class Auth:
    def __init__(
        self, clock: Clock, options: Options, directory: Directory, sessions: Sessions, limits: Limits
    ) -> None:
        self._clock, self._options = clock, options
        self._directory, self._sessions, self._limits = directory, sessions, limits
        self.api_hosts: dict[str, str] = {}

    # --- password and key ---------------------------------------------------------------------------------------

    def request_token(self, args: Any, address: str) -> dict[str, Any]:
        """A new session, or 200 with an errorText or a penalty ticket. Malformed bodies are 400."""
        body = body_of(args)
        name, password = body.get("name"), body.get("password")
        if not isinstance(name, str) or not isinstance(password, str):
            raise Refused(400, "name and password are required")
        most = self._options.failed_logins_per_hour
        is_paid = self._limits.redeem(body.get("p-ticket"), LOGIN_PATH)
        if not is_paid and not self._limits.has_room(LOGIN_PATH, address, most):
            captcha = not self._options.prefers_tickets_over_captcha
            return self._limits.penalty(LOGIN_PATH, captcha=captcha)
        login = self._directory.by_name.get(name)
        error = self._wrong(login, password, body)
        if error or login is None:
            self._limits.add(LOGIN_PATH, address)
            return {"errorText": error or WRONG}
        session = self._sessions.open(
            login, "password", device_id=_text(body.get("deviceId")), app_id=_text(body.get("appId"))
        )
        return self._answer(login, session, self._sessions.issue_access(session))

    def _wrong(self, login: Login | None, password: str, body: dict[str, Any]) -> str:
        known = login.password if login is not None else ""
        if login is None or not hmac.compare_digest(known.encode(), password.encode()):
            return WRONG
        cid, secret = body.get("cid"), body.get("sec")
        if cid is not None and (str(cid) != login.cid or secret != login.secret):
            return WRONG_KEY
        return ""

    def _answer(self, login: Login, session: Session, token: Token) -> dict[str, Any]:
        market_data = self._sessions.issue(session, "market_data", self._options.token_seconds)
        return {
            "accessToken": token.text,
            "mdAccessToken": market_data.text,
            "expirationTime": stamp(token.expires),
            "passwordExpirationTime": stamp(self._clock.now() + YEAR),
            "userStatus": "Active",
            "userId": login.user_id,
            "name": login.name,
            "hasLive": login.has_live,
            "hasFunded": login.has_live,
            "hasMarketData": self._options.market_data or login.has_market_data,
            "outdatedTaC": False,
            "outdatedLiquidationPolicy": False,
        }

    # --- renewing -----------------------------------------------------------------------------------------------

    def renew(self, session: Session, token_text: str, args: Any, address: str) -> dict[str, Any]:
        """More time for a living access token. All calls count against the address, refused ones too."""
        ticket = args.get("p-ticket") if isinstance(args, dict) else None
        most = self._options.renewals_per_hour
        if not self._limits.redeem(ticket, RENEW_PATH) and not self._limits.has_room(
            RENEW_PATH, address, most
        ):
            return self._limits.penalty(RENEW_PATH, captcha=False)
        self._limits.add(RENEW_PATH, address)
        token = self._sessions.tokens[token_text]
        if self._options.renews_token_text:
            token = self._sessions.issue_access(session)
        else:
            token.expires = self._clock.now() + self._options.token_seconds
            self._sessions.keep(token)
        answer = self._answer(self._directory.by_user[session.user_id], session, token)
        if self._options.tells_api_hosts:
            answer["apiHosts"] = self.api_hosts
        return answer

    def me(self, session: Session) -> dict[str, Any]:
        login = self._directory.by_user[session.user_id]
        return {
            "userId": login.user_id,
            "name": login.name,
            "fullName": f"Simulated {login.name}",
            "email": login.email,
            "emailVerified": True,
            "isTrial": False,
            "organizationName": "",
            "activePlugins": [],
        }


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
