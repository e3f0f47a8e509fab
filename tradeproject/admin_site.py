"""What every page of the admin shares: Unfold's look, no secret ever, and an audit entry for what staff do and look into."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import DateTimeField, DecimalField, Field, Model, QuerySet
from django.http import Http404, HttpRequest
from django.utils import timezone
from unfold.admin import ModelAdmin, TabularInline
from unfold.paginator import InfinitePaginator

from accounts.services import record_audit
from tradeproject.common.api import Problem
from tradeproject.common.crypto import SealedMixin
from tradeproject.common.money import plain

Change = Callable[[Any], str | None]


def _column(field: Field[Any, Any], text: Callable[[Any], str | None]) -> Callable[[Any], str | None]:
    @admin.display(description=field.verbose_name, ordering=field.name, empty_value="-")
    def column(row: Any) -> str | None:
        value = getattr(row, field.name)
        return None if value is None else text(value)

    return column


def _moment(value: datetime) -> str:
    return timezone.localtime(value).strftime("%Y-%m-%d %H:%M:%S")


class BaseAdmin(ModelAdmin):
    """Base of all. ``secret_fields`` are left out of every page, as all encrypted fields are by themselves."""

    secret_fields: ClassVar[Sequence[str]] = ()
    owner_path: ClassVar[str] = "user"  # attributes from the row to its tenant; "" for what belongs to nobody
    list_per_page = 50
    show_full_result_count = False
    list_filter_submit = True
    compressed_fields = True

    def _is_secret(self, field: Field[Any, Any]) -> bool:
        return isinstance(field, SealedMixin) or field.name in self.secret_fields

    def get_exclude(self, request: HttpRequest, obj: Any = None) -> list[str]:
        hidden = [field.name for field in self.model._meta.fields if self._is_secret(field)]
        return [*(super().get_exclude(request, obj) or ()), *hidden]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Secrets are not even read where they are not shown."""
        sealed = [f.name for f in self.model._meta.fields if isinstance(f, SealedMixin)]
        return super().get_queryset(request).defer(*sealed)

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        """Numbers without empty decimals, and times to the second: here they are compared."""
        fields = {field.name: field for field in self.model._meta.fields}
        return [self._shown_as(fields.get(name), name) for name in super().get_list_display(request)]

    @staticmethod
    def _shown_as(field: Any, name: Any) -> Any:
        if isinstance(field, DecimalField):
            return _column(field, plain)
        return _column(field, _moment) if isinstance(field, DateTimeField) else name

    # --- audit ------------------------------------------------------------------------------------------------------

    def _owner_of(self, obj: Any) -> Any:
        for name in filter(None, self.owner_path.split(".")):
            obj = getattr(obj, name, None)
        return obj if self.owner_path else None

    def _record(self, request: HttpRequest, action: str, obj: Model, detail: dict[str, Any]) -> None:
        record_audit(
            action,
            actor=request.user,
            owner=self._owner_of(obj),
            object_type=self.model._meta.model_name or "",
            object_id=obj.pk,
            detail=detail,
            request=request,
        )

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        self._record(request, "admin_added", obj, {"what": str(obj)})
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        self._record(request, "admin_changed", obj, {"what": str(obj), "change": message})
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        for obj in queryset:
            self._record(request, "admin_deleted", obj, {"what": str(obj)})
        return super().log_deletions(request, queryset)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Looking into what belongs to somebody else is an act of its own."""
        obj = super().get_object(request, object_id, from_field)
        owner = self._owner_of(obj) if obj is not None else None
        if owner is not None and request.method == "GET" and owner.pk != request.user.pk:
            self._record(request, "admin_viewed", obj, {"what": str(obj)})
        return obj

    # --- actions ----------------------------------------------------------------------------------------------------

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """For actions on rows that nobody edits: who may change such rows may act on them."""
        options = self.model._meta
        return bool(request.user.has_perm(f"{options.app_label}.change_{options.model_name}"))

    def each(self, request: HttpRequest, rows: Any, act: Change, done: str) -> None:
        """Do ``act`` to each chosen row by itself and tell how it went; what one refuses does not stop the others."""
        count = 0
        for row in rows:
            try:
                said = act(row)
            except (Problem, ValidationError, Http404) as error:
                text = error.message if isinstance(error, Problem) else "It is not there any more."
                self.message_user(request, f"{row}: {text}", messages.ERROR)
                continue
            count += 1
            if said:
                self.message_user(request, f"{row}: {said}", messages.INFO)
        self.message_user(request, f"{count} {done}.", messages.SUCCESS if count else messages.WARNING)


class ReadOnlyAdmin(BaseAdmin):
    """Facts and history: to be looked at, never added, edited or deleted here."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Every field that is no secret, then what the class computes (``readonly_fields``)."""
        shown = [field.name for field in self.model._meta.fields if not self._is_secret(field)]
        return [*shown, *(name for name in self.readonly_fields if name not in shown)]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return self.get_fields(request, obj)


class LogAdmin(ReadOnlyAdmin):
    """History without end: pages without counting all of it."""

    paginator = InfinitePaginator


class ReadOnlyInline(TabularInline):
    """Related rows on the page of what they belong to."""

    extra = 0
    max_num = 0
    can_delete = False
    show_change_link = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[str]:
        return list(self.fields or ())
