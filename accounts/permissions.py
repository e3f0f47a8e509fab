"""Permissions that hold for every endpoint, beside the owner-scoped selectors."""

from __future__ import annotations

from typing import Any

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from accounts.models import ApiKey


class ScopeAllows(BasePermission):
    """An API key may only do what its scopes say. A view names the scope its writes need: ``write_scope``."""

    message = "This API key's scopes do not allow that. Make a key with the needed scope."

    def has_permission(self, request: Request, view: Any) -> bool:
        if not isinstance(request.auth, ApiKey):
            return True
        read_scope = getattr(view, "read_scope", ApiKey.Scope.READ)
        needed = (
            read_scope if request.method in SAFE_METHODS else getattr(view, "write_scope", ApiKey.Scope.TRADE)
        )
        return needed in request.auth.scopes


class IsStaff(BasePermission):
    message = "Only staff may do this."

    def has_permission(self, request: Request, view: Any) -> bool:
        return bool(request.user and request.user.is_authenticated and request.user.is_staff)
