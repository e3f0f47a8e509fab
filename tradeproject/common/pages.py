"""What server-rendered pages share: who may see them, and the choice between a page and one of its fragments.

A page is one view with one context. htmx asks the same address for a part of it, naming in HX-Target the element that it
will replace; the answer is the template of that part with the same context, so first paint and refresh cannot differ.
Values that only some parts need are wrapped in ``lazy`` and computed when a template first uses them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.core.paginator import Page, Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

View = Callable[..., HttpResponse]
PAGE_SIZE = 50


def lazy(compute: Callable[[], Any]) -> Any:
    """A value that is computed once, when it is first used."""
    return SimpleLazyObject(compute)


def signed_in(view: View) -> View:
    """Only for a signed-in user. A fragment's request sends the whole page to the login, not the login into the page."""

    @functools.wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.user.is_authenticated:
            return view(request, *args, **kwargs)
        if not is_htmx(request):
            return redirect_to_login(request.get_full_path())
        answer = HttpResponse(status=204)
        answer["HX-Redirect"] = redirect_to_login(request.headers.get("HX-Current-URL", "/"))["Location"]
        return answer

    return guarded


def is_htmx(request: HttpRequest) -> bool:
    return bool(getattr(request, "htmx", False))


def page_or_part(
    request: HttpRequest,
    template: str,
    context: Mapping[str, Any],
    parts: Mapping[str, str],
    *,
    status: int = 200,
) -> HttpResponse:
    """The page, or for htmx the part (element id → template) that it asked for."""
    target = request.headers.get("HX-Target", "") if is_htmx(request) else ""
    answer = render(request, parts.get(target, template), dict(context), status=status)
    answer["Vary"] = "HX-Request, HX-Target"
    return answer


def go(request: HttpRequest, to: Any, *args: Any, **kwargs: Any) -> HttpResponse:
    """To another page after something was done, whether a form or htmx sent it."""
    answer = redirect(to, *args, **kwargs)
    if not is_htmx(request):
        return answer
    moved = HttpResponse(status=204)
    moved["HX-Redirect"] = answer["Location"]
    return moved


def own_page(path: str | None, otherwise: str = "/user/dashboard") -> str:
    """A page of ours to go back to; whatever leads elsewhere is replaced."""
    return path if path and path.startswith("/user/") and "//" not in path and "\\" not in path else otherwise


def paged(request: HttpRequest, rows: Any, size: int = PAGE_SIZE) -> Page[Any]:
    """The page of ``rows`` that ``?page=`` names; what is no page is the first or the last one."""
    return Paginator(rows, size).get_page(request.GET.get("page"))


def day_of(text: str | None) -> date | None:
    """A date of a filter, None for none or nonsense."""
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return None


def day_bounds(first: date | None, last: date | None) -> tuple[datetime | None, datetime | None]:
    """From the start of the first to the end of the last day, in the user's timezone; None stays open."""
    zone = timezone.get_current_timezone()
    start = datetime.combine(first, time.min, zone) if first else None
    end = datetime.combine(last + timedelta(days=1), time.min, zone) if last else None
    return start, end
