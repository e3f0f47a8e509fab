"""The trading switches on one page: what is allowed at every level, how far a halt has got, and the way back."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods

from accounts.models import User
from accounts.proof import demand_proof
from brokers.registry import BROKERS
from brokers.selectors import broker_accounts_of
from strategies import control, halts
from strategies.models import Halt, Strategy
from strategies.switches import PLATFORM, Scope, Switches, user_target
from tradeproject.common.api import Problem
from tradeproject.common.pages import go, lazy, own_page, page_or_part, signed_in

SAID = {
    "running": "Trading runs. New alerts are carried out again.",
    "reducing": "Paused: only exits are carried out from now on.",
    "halted": "Stopped: nothing but cancels is sent from now on.",
}
PARTS = {"halts": "dashboard/_halts.html"}


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def switch(request: HttpRequest) -> HttpResponse:
    """The page of all switches; POST turns one: ``scope``, ``id``, ``state``, ``reason``, ``flatten``, ``proof``."""
    return _turn(request) if request.method == "POST" else _page(request)


def _page(request: HttpRequest) -> HttpResponse:
    user = cast(User, request.user)
    context = {
        "levels": lazy(lambda: _levels(user)),
        "halts": lazy(lambda: [_shown(halt) for halt in halts.halts_of(user)]),
    }
    return page_or_part(request, "dashboard/switches.html", context, PARTS)


def _levels(user: User) -> list[dict[str, Any]]:
    """Every switch this user may turn, the widest first."""
    found = Switches.read()
    rows: list[tuple[str, str, str]] = []
    if user.is_staff:
        rows.append((*PLATFORM, "The whole platform"))
        rows += [(Scope.BROKER.value, kind, f"All of {spec.label}") for kind, spec in sorted(BROKERS.items())]
    rows.append((*user_target(user.pk), "All of my trading"))
    rows += [(Scope.STRATEGY.value, str(row.pk), row.name) for row in Strategy.objects.owned_by(user)]
    rows += [(Scope.BROKER_ACCOUNT.value, str(row.pk), str(row)) for row in broker_accounts_of(user)]
    waiting = set(Halt.objects.filter(resumed_at=None).values_list("scope", "object_id"))
    return [
        {
            "scope": scope,
            "id": object_id,
            "name": name,
            "switch": found.at((scope, object_id)),
            "needs_proof": (scope, object_id) in waiting or found.at((scope, object_id)).state == "halted",
        }
        for scope, object_id, name in rows
    ]


def _shown(halt: Halt) -> dict[str, Any]:
    """A halt with its steps: done, current, to come."""
    steps = [str(step) for step in halts.STEPS if halt.flatten or step != "flattening"]
    if halt.phase == Halt.Phase.NEEDS_YOU:
        steps = [*steps[:-1], Halt.Phase.NEEDS_YOU.value]
    place = steps.index(str(halt.phase))
    return {
        "halt": halt,
        "steps": [
            {"name": step, "state": "done" if n < place else "now" if n == place else "next"}
            for n, step in enumerate(steps)
        ],
    }


def _turn(request: HttpRequest) -> HttpResponse:
    state = request.POST.get("state", "")
    if state not in SAID:
        raise Http404
    user = cast(User, request.user)
    scope, object_id = request.POST.get("scope", "user"), request.POST.get("id") or None
    try:
        target = control.find_target(scope, object_id, user)
        if control.needs_proof(target, state):
            _demand_proof(request, user)
        change = control.set_state(
            scope,
            object_id,
            state,
            actor=user,
            reason=request.POST.get("reason", ""),
            flatten_too=bool(request.POST.get("flatten")),
            request=request,
        )
    except Problem as problem:
        messages.error(request, problem.message)
        if problem.code.startswith("reauthentication"):
            return go(request, "/user/control")
    else:
        _tell(request, change)
    return go(request, own_page(request.POST.get("next")))


def _demand_proof(request: HttpRequest, user: User) -> None:
    """One field for both: six digits are a code, unless they are the password."""
    given = request.POST.get("proof", "")
    is_code = given.isdigit() and len(given) == 6
    demand_proof(request, user, password=given, code=given if is_code else "")


def _tell(request: HttpRequest, change: control.Change) -> None:
    parts = [SAID[change.state]]
    if change.canceled:
        parts.append(f"{change.canceled} working entries are being canceled.")
    if change.flattened.orders:
        parts.append(f"{len(change.flattened.orders)} positions are being closed.")
    messages.success(request, " ".join(parts))
    for warning in change.flattened.warnings:
        messages.warning(request, warning)
