"""Two tenants on one server: every route × method × person. Nobody sees, guesses or changes anything of anybody else's."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.apps import apps
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.test import Client
from django.urls import get_resolver, resolve

from tests.factories import UserFactory
from tests.isolation_table import (
    ADMIN_PREFIX,
    API,
    LIBRARY_PREFIX,
    OBJECT,
    PAGES,
    PUBLIC,
    SIGNED_IN,
    STAFF,
    Row,
)
from tests.world import World, make_world

pytestmark = pytest.mark.django_db

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
# What stands in an address where it is nobody's id.
PARAMETERS = {"kind": "tradovate", "key": "x-y", "uidb36": "zz"}
REFUSED = {401, 403, 404, 405}


# --- the routes ---------------------------------------------------------------------------------------------------------


def walk(resolver: Any, prefix: str = "") -> Iterator[str]:
    for pattern in resolver.url_patterns:
        whole = prefix + str(pattern.pattern)
        if hasattr(pattern, "url_patterns"):
            yield from walk(pattern, whole)
        else:
            yield whole


def template(pattern: str) -> str:
    """``^orders/(?P<pk>[^/]+)/?$`` as ``orders/{pk}``."""
    text = re.sub(
        r"<(?:\w+:)?(\w+)>", r"{\1}", re.sub(r"\(\?P<(\w+)>(?:\[[^\]]*\]|[^()])*\)", r"{\1}", pattern)
    )
    return text.replace("^", "").replace("/?$", "").replace("$", "").strip("/")


def routes() -> dict[str, Row | None]:
    """Every address of the project with its row; the admin and the sign-in library have tests of their own."""
    found: dict[str, Row | None] = {}
    for pattern in walk(get_resolver()):
        address = template(pattern)
        if pattern.startswith((ADMIN_PREFIX, LIBRARY_PREFIX)):
            continue
        relative = re.sub(r"^api/(v1/)?", "", address)
        found[address] = API.get(relative, PAGES.get(address)) if relative != address else PAGES.get(address)
        if address in {"api/schema", "api/docs"}:
            found[address] = PAGES[address]
    return found


ROUTES = routes()
# Addresses that end with a slash and do not leave it to the caller.
SLASHED = {template(pattern) for pattern in walk(get_resolver()) if pattern.endswith(("/", "/$"))}


def test_every_route_has_a_row_and_every_row_a_route():
    assert [address for address, row in ROUTES.items() if row is None] == []
    assert set(PAGES) - set(ROUTES) == set()
    for prefix in ("api/v1/", "api/"):
        assert {prefix + path for path in API} - set(ROUTES) == set()


def test_both_mounts_of_the_api_are_the_same_views():
    for path in API:
        concrete = path.format(pk=uuid.uuid4())
        versioned, current = resolve(f"/api/v1/{concrete}"), resolve(f"/api/{concrete}/")
        assert versioned.func.view_class is current.func.view_class
        assert versioned.func.view_initkwargs == current.func.view_initkwargs


# --- the people ---------------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _cheap(settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}


@pytest.fixture
def world(owner) -> World:
    made = make_world(owner)
    data = {"name": "canary factor", "credential": {}}
    made.factor = Authenticator.objects.create(user=owner, type="webauthn", data=data)  # type: ignore[attr-defined]
    return made


@pytest.fixture
def owners_rows(world) -> dict[Any, dict[Any, dict]]:
    """Everything there is before anybody else came: the owner's, all of it."""
    return rows_now()


def rows_now(of: dict[Any, dict[Any, dict]] | None = None) -> dict[Any, dict[Any, dict]]:
    skipped = {ContentType, Permission}
    found = {}
    for model in apps.get_models():
        if model not in skipped:
            rows = model._default_manager.all()
            if of is not None:
                rows = rows.filter(pk__in=of[model])
            found[model] = {
                row["pk"]: row for row in rows.values("pk", *[f.attname for f in model._meta.fields])
            }
    return found


@pytest.fixture
def people(owners_rows, stranger, staff) -> dict[str, Any]:
    return {"anonymous": None, "stranger": stranger, "staff": staff}


def client_of(person: Any) -> Client:
    # From elsewhere: a scraper on this very machine may read the metrics.
    client = Client(raise_request_exception=False, REMOTE_ADDR="203.0.113.9")
    if person is not None:
        client.force_login(person, backend=BACKEND)
    return client


# --- asking -------------------------------------------------------------------------------------------------------------


def ids_of(world: World) -> dict[str, Any]:
    return {**world.ids, "factor": world.factor.pk}  # type: ignore[attr-defined]


def fill(address: str, pk: object) -> str:
    return "/" + address.format(pk=pk, **PARAMETERS) + ("/" if address in SLASHED and address else "")


def unknown_id(known: Any) -> Any:
    return uuid.uuid4() if isinstance(known, uuid.UUID) else 987_654


def hostile(world: World) -> dict[str, Any]:
    """A body that names the owner and the owner's things under every name there is."""
    found = {name: str(pk) for name, pk in ids_of(world).items()}
    return {
        **found,
        "owner": found["user"],
        "user_id": found["user"],
        "demo_account": found["broker_account"],
        "allocations": [{"broker_account": found["broker_account"]}],
        "name": "hostile",
        "symbol": "MNQ1!",
        "scope": "broker_account",
        "id": found["broker_account"],
        "state": "halted",
    }


def ask(client: Client, method: str, address: str, world: World) -> Any:
    """API addresses are sent JSON, pages a form."""
    if method in {"GET", "HEAD", "OPTIONS"}:
        return getattr(client, method.lower())(address)
    if address.startswith(("/api", "/auth")):
        return client.generic(method, address, json.dumps(hostile(world)), content_type="application/json")
    if method == "POST":
        return client.post(address, hostile(world) | {"allocations": ""})
    return client.generic(method, address)


def text_of(answer: Any) -> str:
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    headers = "".join(f"{name}: {value}\n" for name, value in answer.headers.items())
    return headers + body.decode("utf-8", "replace")


def assert_nothing_of(world: World, answer: Any, asked: str, *, ids: bool) -> None:
    """No name, no secret and, where the question did not name them itself, no id of the owner's."""
    text = text_of(answer)
    leaks = [word for word in (world.mark, world.user.email, *world.secrets) if word in text]
    if ids:
        leaks += [name for name, pk in world.ids.items() if str(pk) in text and str(pk) not in asked]
    assert leaks == [], f"{asked}: {answer.status_code}"


def leads_to_login(answer: Any) -> bool:
    return answer.status_code == 302 and answer.headers["Location"].startswith(
        ("/accounts/login/", "/accounts/reauth")
    )


def assert_refused(answer: Any, asked: str) -> None:
    assert answer.status_code in REFUSED or leads_to_login(answer), f"{asked}: {answer.status_code}"


# --- the matrix ---------------------------------------------------------------------------------------------------------

# The API's second mount leads to the very same views (see above), so one of the two is asked.
ASKED = {a: r for a, r in ROUTES.items() if r and (a.startswith("api/v1/") or a in PAGES)}
KINDS = {
    kind: [(a, r) for a, r in ASKED.items() if r.kind == kind] for kind in (PUBLIC, SIGNED_IN, OBJECT, STAFF)
}


@pytest.mark.parametrize("address", list(ASKED))
def test_nobody_gets_or_changes_anything_of_the_owners(address, world, owners_rows, people):
    """Every method by everybody else, with the owner's ids in address and body: nothing comes out, nothing moves."""
    row = ROUTES[address]
    pk = ids_of(world).get(row.of, "") if row else ""
    for name, person in people.items():
        if name == "staff" and (row.kind == STAFF or row.staff_may):
            continue
        client = client_of(person)
        for method in METHODS:
            if "logout" in address:
                client = client_of(person)
            asked = f"{name} {method} {fill(address, pk)}"
            answer = ask(client, method, fill(address, pk), world)
            assert answer.status_code < 500 or address.startswith("health"), asked
            assert_nothing_of(world, answer, asked, ids=method in {"GET", "HEAD", "OPTIONS"})
    assert rows_now(owners_rows) == owners_rows


@pytest.mark.parametrize(("address", "row"), KINDS[OBJECT], ids=[a for a, _ in KINDS[OBJECT]])
def test_a_foreign_id_is_an_unknown_id(address, row, world, people):
    """For a stranger and for staff alike: the same status and the same bytes, whether the thing exists or not."""
    known = ids_of(world)[row.of]
    other = unknown_id(known)
    for name in ("stranger", "staff"):
        client = client_of(people[name])
        for method in METHODS:
            foreign = ask(client, method, fill(address, known), world)
            unknown = ask(client, method, fill(address, other), world)
            asked = f"{name} {method} {address}"
            if method != "OPTIONS":
                allowed = {404, 405} if "webauthn" not in address else {302, 404, 405}
                assert foreign.status_code in allowed, f"{asked}: {foreign.status_code}"
            assert foreign.status_code == unknown.status_code, asked
            same = foreign.content.replace(str(known).encode(), b"") == unknown.content.replace(
                str(other).encode(), b""
            )
            assert same or b"csrf" in foreign.content, asked


@pytest.mark.parametrize(
    ("address", "row"),
    [pair for kind in (SIGNED_IN, OBJECT, STAFF) for pair in KINDS[kind]],
    ids=[a for kind in (SIGNED_IN, OBJECT, STAFF) for a, _ in KINDS[kind]],
)
def test_nobody_gets_in_without_signing_in(address, row, world):
    pk, client = ids_of(world).get(row.of, ""), client_of(None)
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        asked = f"{method} {address}"
        assert_refused(ask(client, method, fill(address, pk), world), asked)


@pytest.mark.parametrize(("address", "row"), KINDS[STAFF], ids=[a for a, _ in KINDS[STAFF]])
def test_what_is_for_staff_is_for_staff(address, row, world, stranger, staff):
    for person in (world.user, stranger):
        assert client_of(person).get(fill(address, "")).status_code in {403, 404}
    assert client_of(staff).get(fill(address, "")).status_code == 200


READS = [(a, r) for kind in (SIGNED_IN, OBJECT) for a, r in KINDS[kind] if r.owner_reads]


@pytest.mark.parametrize(("address", "row"), READS, ids=[a for a, _ in READS])
def test_the_owner_sees_it(address, row, world):
    """Without this the rest would prove nothing: what is hidden from others is really there."""
    answer = client_of(world.user).get(fill(address, ids_of(world).get(row.of, "")))
    assert answer.status_code == 200
    if row.shows:
        assert world.mark in text_of(answer)


LISTS = [
    "signals", "orders", "positions", "dashboard/pnl", "dashboard/trades", "dashboard/performance", "dashboard/summary",
]  # fmt: skip
FILTERS = ("strategy", "broker_account", "signal", "user")


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("name", FILTERS)
def test_filtering_by_a_foreign_id_finds_nothing(path, name, world, stranger):
    pk = world.ids[name]
    foreign = client_of(stranger).get(f"/api/v1/{path}", {name: str(pk)})
    unknown = client_of(stranger).get(f"/api/v1/{path}", {name: str(uuid.uuid4())})
    assert foreign.status_code == unknown.status_code
    assert foreign.status_code in {200, 404}
    assert_nothing_of(world, foreign, f"{path}?{name}={pk}", ids=True)
    if foreign.status_code == 200 and "count" in foreign.json():
        assert foreign.json()["count"] == 0


@pytest.mark.parametrize("key", ["search", "q", "ordering", "order_by", "page_size", "fields", "format"])
def test_no_parameter_opens_a_list(key, world, stranger):
    for path, row in API.items():
        if row.kind == SIGNED_IN and row.owner_reads:
            for value in (world.mark, "user__email", "99999"):
                answer = client_of(stranger).get(f"/api/v1/{path}", {key: value})
                assert answer.status_code < 500
                assert world.user.email not in text_of(answer)
                assert world.account.name not in text_of(answer).replace(value, "")


# --- the admin and the sign-in library ------------------------------------------------------------------------------------


def admin_addresses(world: World) -> set[str]:
    pages = {template(pattern) for pattern in walk(get_resolver()) if pattern.startswith(ADMIN_PREFIX)}
    values = {
        "object_id": world.order.pk,
        "app_label": "strategies",
        "url": "x",
        "content_type_id": 1,
        "id": 1,
    }
    return {"/" + page.format(**values) + "/" for page in pages}


def test_the_admin_is_closed_to_everybody_but_staff(world, stranger, owners_rows):
    for address in admin_addresses(world):
        for person in (None, stranger, world.user):
            for method in ("GET", "POST"):
                answer = ask(client_of(person), method, address, world)
                asked = f"{method} {address}"
                way_out = answer.status_code in {301, 302} or answer.status_code in REFUSED
                assert way_out, f"{asked}: {answer.status_code}"
                if person != world.user:
                    assert_nothing_of(world, answer, asked, ids=False)
    assert rows_now(owners_rows)[type(world.order)] == owners_rows[type(world.order)]


def test_staff_without_rights_see_nothing_in_the_admin(world):
    helper = UserFactory(is_staff=True)
    for address in admin_addresses(world):
        assert_nothing_of(world, client_of(helper).get(address), address, ids=False)


def test_the_sign_in_librarys_api_knows_only_ones_own(world, stranger):
    addresses = {template(p) for p in walk(get_resolver()) if p.startswith(LIBRARY_PREFIX)}
    assert addresses
    assert not [address for address in addresses if "{" in address]
    for address in addresses:
        for person in (None, stranger):
            for method in ("GET", "POST", "PATCH", "DELETE"):
                answer = ask(client_of(person), method, f"/{address}", world)
                assert answer.status_code < 500, address
                assert_nothing_of(world, answer, f"{method} {address}", ids=True)
