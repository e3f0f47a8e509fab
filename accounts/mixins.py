"""What endpoints over tenant data share."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet

from accounts.selectors import get_owned_or_404, owned


class OwnedMixin:
    """For a DRF generic view or viewset: its rows are the caller's own, and everything else does not exist.

    Put it before the DRF class, set ``queryset`` as usual and, where the owner is not in ``user``, ``owner_path``.
    """

    owner_path: ClassVar[str] = "user"
    staff_sees_all: ClassVar[bool] = False
    lookup_field: str
    lookup_url_kwarg: str | None
    request: Any
    kwargs: dict[str, Any]

    def get_queryset(self) -> QuerySet[Any]:
        queryset: QuerySet[Any] = super().get_queryset()  # type: ignore[misc]
        if getattr(self, "swagger_fake_view", False):  # the schema generator asks without a request
            return queryset.none()
        return owned(queryset, self.request.user, path=self.owner_path, staff_sees_all=self.staff_sees_all)

    def get_object(self) -> Any:
        queryset = self.filter_queryset(self.get_queryset())  # type: ignore[attr-defined]
        value = self.kwargs[self.lookup_url_kwarg or self.lookup_field]
        found = get_owned_or_404(
            queryset,
            self.request.user,
            path=self.owner_path,
            staff_sees_all=self.staff_sees_all,
            **{self.lookup_field: value},
        )
        self.check_object_permissions(self.request, found)  # type: ignore[attr-defined]
        return found
