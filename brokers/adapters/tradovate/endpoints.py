"""Where Tradovate is: one set of addresses for each environment, read from variables, with defaults that never mix servers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit, urlunsplit

from brokers.adapters.tradovate.constants import (
    CONSENT_PAGE,
    DEMO_API,
    DEMO_MARKET_DATA,
    LIVE_API,
    LIVE_MARKET_DATA,
    TOKEN_ENDPOINT,
    VENUE_DOMAINS,
)
from brokers.domain import Environment

Reader = Callable[[str, str], str]
HTTP = ("https", "http")
SOCKET = ("wss", "ws")


@dataclass(frozen=True, slots=True)
class Host:
    """One environment's addresses. ``market_data`` is "" when there is none."""

    api: str
    socket: str
    market_data: str = ""


@dataclass(frozen=True, slots=True)
class Endpoints:
    live: Host
    demo: Host
    consent_page: str
    token: str
    client_id: str = ""
    client_secret: str = field(default="", repr=False)

    def host(self, environment: Environment) -> Host:
        return self.live if environment is Environment.LIVE else self.demo


def read_endpoints(read: Reader) -> Endpoints:
    """The addresses of both environments. Raises ValueError naming the variable that is not an absolute URL.

    An environment whose API address is not given follows the other one's when that was moved to another server, so that
    credentials meant for one server never reach the other by default.
    """
    given = {name: _url(read, name, HTTP) for name in ("TRADOVATE_API_URL", "TRADOVATE_DEMO_URL")}
    live, demo = given["TRADOVATE_API_URL"], given["TRADOVATE_DEMO_URL"]
    live_api = live or (demo if demo and not is_official(demo) else LIVE_API)
    demo_api = demo or (live if live and not is_official(live) else DEMO_API)
    return Endpoints(
        live=Host(
            live_api,
            _url(read, "TRADOVATE_WS_URL", SOCKET) or socket_of(live_api),
            _url(read, "TRADOVATE_MD_WS_URL", SOCKET) or (LIVE_MARKET_DATA if live_api == LIVE_API else ""),
        ),
        demo=Host(
            demo_api,
            _url(read, "TRADOVATE_DEMO_WS_URL", SOCKET) or socket_of(demo_api),
            _url(read, "TRADOVATE_MD_DEMO_WS_URL", SOCKET)
            or (DEMO_MARKET_DATA if demo_api == DEMO_API else ""),
        ),
        consent_page=_url(read, "TRADOVATE_OAUTH_URL", HTTP) or _consent_page(live_api),
        token=_url(read, "TRADOVATE_TOKEN_URL", HTTP) or _token_endpoint(live_api),
        client_id=read("TRADOVATE_CLIENT_ID", "").strip(),
        client_secret=read("TRADOVATE_CLIENT_SECRET", "").strip(),
    )


def _url(read: Reader, name: str, schemes: tuple[str, ...]) -> str:
    """The variable's value without a trailing slash, or "" when it is not set."""
    text = read(name, "").strip().rstrip("/")
    if not text:
        return ""
    try:
        parts = urlsplit(text)
        valid = parts.scheme in schemes and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        valid = False
    if not valid or any(character.isspace() for character in text):
        raise ValueError(
            f"{name}: {text[:80]!r} is not an absolute {' or '.join(schemes)} URL. "
            f"Give one such as {schemes[0]}://host/v1, or leave it out for the default."
        )
    return text


def _token_endpoint(live_api: str) -> str:
    return TOKEN_ENDPOINT if live_api == LIVE_API else f"{live_api}/auth/oauthtoken"


def _consent_page(live_api: str) -> str:
    """Tradovate's own page for Tradovate; another server is expected to show one at its root."""
    if live_api == LIVE_API:
        return CONSENT_PAGE
    parts = urlsplit(live_api)
    return urlunsplit((parts.scheme, parts.netloc, "/oauth", "", ""))


def socket_of(api: str) -> str:
    """The trading socket that belongs to an API address: the same with ws and /websocket."""
    return f"ws{api.removeprefix('http')}/websocket"


def is_official(url: str) -> bool:
    """Whether the address lies in a domain of the venue."""
    host = urlsplit(url).hostname or ""
    return any(host == domain or host.endswith(f".{domain}") for domain in VENUE_DOMAINS)


def moved(api: str, place: str) -> str | None:
    """``api`` at the host that ``place`` (a host or an absolute URL) names, or None when a token must not go there.

    From an official address: any https host of the venue. From another server: only that same host.
    """
    origin = urlsplit(api)
    try:
        parts = urlsplit(place if "://" in place else f"//{place}")
        hostname, _ = parts.hostname, parts.port
    except ValueError:
        return None
    scheme = parts.scheme or origin.scheme
    if not hostname or parts.username is not None:
        return None
    candidate = urlunsplit((scheme, parts.netloc, origin.path, "", ""))
    if is_official(api):
        return candidate if scheme == "https" and is_official(candidate) else None
    return candidate if (scheme, hostname) == (origin.scheme, origin.hostname) else None


def redirected(api: str, operation: str, location: str) -> str | None:
    """``api`` at the host a redirect points to, or None when there is no other host to go to."""
    try:
        target = moved(api, urljoin(f"{api}/{operation}", location)) if location else None
    except ValueError:
        return None
    return target if target != api else None


def host_key(name: str) -> str:
    """The key in ``Tokens.extra`` under which an environment's own API address is kept."""
    return f"host.{name}"


def own_api(host: Host, environment: Environment, extra: Mapping[str, str]) -> str:
    """The API address for this login: the one the venue assigned to it, checked again, or the configured one."""
    kept = extra.get(host_key(environment.value), "")
    return (moved(host.api, kept) if kept else None) or host.api
