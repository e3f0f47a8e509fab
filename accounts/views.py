"""Pages around one's own login that the sign-in library does not have: API keys and recent activity."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import services
from accounts.forms import ApiKeyForm
from accounts.models import User
from accounts.selectors import activity_of, api_keys_of, get_owned_or_404


def admin_login(request: HttpRequest, extra_context: Any = None) -> HttpResponse:
    """In place of the admin's own login form, which knows neither second factors nor limits: staff sign in where
    everybody does, and a form posted here signs nobody in."""
    if not request.user.is_authenticated:
        return redirect_to_login(request.GET.get("next") or reverse("admin:index"))
    if not request.user.is_staff:
        raise PermissionDenied
    return redirect("admin:index")


@login_required
@require_http_methods(["GET", "POST"])
def api_keys(request: HttpRequest) -> HttpResponse:
    """List and make keys. A new key is in the answer to its POST and nowhere else."""
    user = cast(User, request.user)
    form = ApiKeyForm(request.POST if request.method == "POST" else None)
    secret = ""
    if form.is_bound and form.is_valid():
        try:
            _, secret = services.create_api_key(user, **form.wanted(), request=request)
            form = ApiKeyForm()
        except ValidationError as error:
            form.add_error(None, error)
    status = 400 if form.is_bound and form.errors else 200
    context = {"form": form, "keys": api_keys_of(user), "secret": secret}
    return render(request, "accounts/api_keys.html", context, status=status)


@login_required
@require_POST
def revoke_api_key(request: HttpRequest, pk: str) -> HttpResponse:
    user = cast(User, request.user)
    key = get_owned_or_404(api_keys_of(user), user, pk=pk)
    services.revoke_api_key(key, request=request)
    messages.success(request, f"{key.name} was revoked and works no more.")
    return redirect("account_api_keys")


@login_required
@require_GET
def activity(request: HttpRequest) -> HttpResponse:
    entries = activity_of(cast(User, request.user))[:100]
    return render(request, "accounts/activity.html", {"entries": entries})
