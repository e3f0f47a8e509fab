"""Who may reach which address: one row per route of the project. A route without a row fails the suite.

PUBLIC     anybody, and nobody's data is in it
SIGNED_IN  people who signed in, each sees only their own (``shows``: the owner's own things are in it)
OBJECT     below somebody's id (``of``): for everybody but its owner it does not exist
STAFF      staff alone; others are refused, or it does not exist for them
"""

from __future__ import annotations

from dataclasses import dataclass

PUBLIC, SIGNED_IN, OBJECT, STAFF = "public", "signed in", "object", "staff"


@dataclass(frozen=True)
class Row:
    """``owner_reads``: the owner's GET answers 200 (else the address only takes other methods, or leads away).

    ``staff_may``: what it does or shows, staff may do to and see of everybody.
    """

    kind: str
    of: str = ""
    shows: bool = False
    owner_reads: bool = True
    staff_may: bool = False


public, signed_in, staff = Row(PUBLIC), Row(SIGNED_IN), Row(STAFF)
own = Row(SIGNED_IN, shows=True)
acts = Row(SIGNED_IN, owner_reads=False)
switch = Row(SIGNED_IN, owner_reads=False, staff_may=True)


def below(of: str, *, reads: bool = True, shows: bool = False) -> Row:
    return Row(OBJECT, of, shows, owner_reads=reads)


# Relative to /api/v1/ and /api/ alike.
API: dict[str, Row] = {
    "system/csrf-token": public,
    "auth/check-auth": public,
    "auth/login": public,
    "auth/refresh": public,
    "auth/verify": public,
    "auth/logout": public,
    "users": staff,
    "users/current": signed_in,
    "users/profile": signed_in,
    "users/settings": signed_in,
    "user/settings": signed_in,
    "user/toggle-discord-dms": acts,
    "api-keys": own,
    "api-keys/{pk}": below("api_key", reads=False),
    "connections": own,
    "connections/test": acts,
    "connections/{pk}": below("connection", shows=True),
    "connections/{pk}/reconnect": below("connection", reads=False),
    "broker-accounts": own,
    "broker-accounts/{pk}": below("broker_account", shows=True),
    "accounts/get-all-at-accounts": own,
    "accounts/add-tradovate": acts,
    "accounts/test-tradovate-connection": acts,
    "strategies": own,
    "strategies/{pk}": below("strategy", shows=True),
    "strategies/{pk}/logs": below("strategy", shows=True),
    "strategies/{pk}/positions": below("strategy"),
    "strategies/{pk}/analytics": below("strategy"),
    "strategies/{pk}/rotate-webhook": below("strategy", reads=False),
    "strategies/{pk}/alert-template": below("strategy"),
    "strategies/{pk}/drift": below("strategy", shows=True),
    "drift": own,
    "drift/{pk}": below("drift", shows=True),
    "drift/{pk}/bring-back": below("drift", reads=False),
    "signals": own,
    "signals/{pk}": below("signal", shows=True),
    "signals/{pk}/replay": below("signal", reads=False),
    "orders": own,
    "orders/{pk}": below("order", shows=True),
    "orders/{pk}/cancel": below("order", reads=False),
    "positions": own,
    "positions/flatten": acts,
    "risk-limits": own,
    "recorder/start/{pk}": below("strategy", reads=False),
    "recorder/stop/{pk}": below("strategy", reads=False),
    "recorder/positions/{pk}": below("strategy"),
    "dashboard/summary": signed_in,
    "dashboard/analytics/{pk}": below("strategy"),
    "dashboard/pnl": signed_in,
    "dashboard/trades": signed_in,
    "dashboard/performance": own,
    "control/status": own,
    "control/start": switch,
    "control/pause": switch,
    "control/stop": switch,
    "monitoring/system": staff,
    "monitoring/metrics": staff,
    "db-health/check": staff,
    "errors/recent": staff,
}

PAGES: dict[str, Row] = {
    "": public,
    "health": public,
    "health/live": public,
    "health/ready": public,
    "metrics": staff,
    "api/schema": public,
    "api/docs": public,
    "auth/login": public,
    "auth/refresh": public,
    "auth/verify": public,
    "auth/logout": public,
    "accounts/api-keys": own,
    "accounts/api-keys/{pk}/revoke": below("api_key", reads=False),
    "accounts/activity": signed_in,
    "accounts/login": public,
    "accounts/logout": public,
    "accounts/inactive": public,
    "accounts/signup": public,
    "accounts/reauthenticate": acts,
    "accounts/email": acts,
    "accounts/confirm-email": public,
    "accounts/password/change": acts,
    "accounts/password/set": acts,
    "accounts/password/reset": public,
    "accounts/login/code/confirm": public,
    "accounts/confirm-email/{key}": public,
    "accounts/password/reset/key/done": public,
    "accounts/password/reset/key/{uidb36}-{key}": public,
    "accounts/password/reset/done": public,
    "accounts/2fa": signed_in,
    "accounts/2fa/authenticate": public,
    "accounts/2fa/reauthenticate": acts,
    "accounts/2fa/totp/activate": acts,
    "accounts/2fa/totp/deactivate": acts,
    "accounts/2fa/recovery-codes": acts,
    "accounts/2fa/recovery-codes/generate": acts,
    "accounts/2fa/recovery-codes/download": acts,
    "accounts/2fa/webauthn": acts,
    "accounts/2fa/webauthn/add": acts,
    "accounts/2fa/webauthn/reauthenticate": acts,
    "accounts/2fa/webauthn/keys/{pk}/remove": below("factor", reads=False),
    "accounts/2fa/webauthn/keys/{pk}/edit": below("factor", reads=False),
    "accounts/2fa/webauthn/login": public,
    "accounts/3rdparty/login/cancelled": public,
    "accounts/3rdparty/login/error": public,
    "accounts/3rdparty/signup": public,
    "accounts/3rdparty": acts,
    "accounts/social/login/cancelled": public,
    "accounts/social/login/error": public,
    "accounts/social/signup": public,
    "accounts/social/connections": public,
    "accounts/sessions": signed_in,
    "oauth/tradovate/start": acts,
    "oauth/tradovate/callback": acts,
    "user/accounts": own,
    "user/accounts/connect/{kind}": signed_in,
    "user/accounts/login/{pk}/reconnect": below("connection"),
    "user/accounts/login/{pk}/edit": below("connection", reads=False),
    "user/accounts/login/{pk}/remove": below("connection", reads=False),
    "user/accounts/{pk}": below("broker_account", reads=False),
    "user/strats": own,
    "user/strats/new": signed_in,
    "user/strats/preview": acts,
    "user/strats/{pk}": below("strategy", shows=True),
    "user/strats/{pk}/edit": below("strategy", shows=True),
    "user/strats/{pk}/delete": below("strategy", reads=False),
    "user/strats/{pk}/active": below("strategy", reads=False),
    "user/strats/{pk}/rotate": below("strategy", reads=False),
    "user/strats/{pk}/logs": below("strategy"),
    "user/strats/{pk}/test": below("strategy", reads=False),
    "user/strats/{pk}/recording": below("strategy", reads=False),
    "user/strats/{pk}/drift": below("strategy", reads=False),
    "user/drift/{pk}/bring-back": below("drift", reads=False),
    "user/signals": own,
    "user/signals/{pk}": below("signal", shows=True),
    "user/orders": own,
    "user/orders/{pk}/cancel": below("order", reads=False),
    "user/notifications": own,
    "user/notifications/read": acts,
    "user/notifications/{pk}": below("notification", reads=False),
    "user/dashboard": Row(SIGNED_IN, shows=True, staff_may=True),  # staff choose whose
    "user/dashboard/equity": signed_in,
    "user/control": Row(SIGNED_IN, shows=True, staff_may=True),
    "user/settings": signed_in,
    "user/settings/webhook-secret": acts,
    "user/theme": acts,
}

# The sign-in library's own API for programs: nothing in it has somebody else's id in its address.
LIBRARY_PREFIX = "_allauth/"
# Every page of the admin is for staff with rights (tests/test_admin.py looks inside).
ADMIN_PREFIX = "admin/"

SOCKETS = {"ws": signed_in, "ws/dashboard": signed_in}
