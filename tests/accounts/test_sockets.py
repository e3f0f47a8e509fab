"""Who may open a websocket, and for how long."""

from __future__ import annotations

import time
from typing import Any

import pytest
import time_machine
from asgiref.testing import ApplicationCommunicator
from channels.db import database_sync_to_async
from django.conf import settings as django_settings
from django.db import OperationalError
from rest_framework.test import APIClient

from accounts import sockets
from accounts.models import User
from accounts.services import end_session
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)
HOST = (b"host", b"testserver")


class Echo:
    """The application behind: accepts, and keeps the scope it was given."""

    def __init__(self) -> None:
        self.scope: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scope = scope
        await receive()
        await send({"type": "websocket.accept"})
        await receive()


@pytest.fixture
def signed_in(owner) -> dict[str, str]:
    client = APIClient()
    tokens = client.post("/auth/login", {"email": owner.email, "password": PASSWORD}).json()
    return {**tokens, "session": client.cookies[django_settings.SESSION_COOKIE_NAME].value}


def cookie(session: str) -> tuple[bytes, bytes]:
    return (b"cookie", f"theme=dark; {django_settings.SESSION_COOKIE_NAME}={session}".encode())


async def connect(path: str = "/ws", *headers: tuple[bytes, bytes]) -> tuple[bool, Any]:
    echo = Echo()
    path, _, query = path.partition("?")
    scope = {"type": "websocket", "path": path, "query_string": query.encode(), "headers": [HOST, *headers]}
    socket = ApplicationCommunicator(sockets.SocketIdentity(echo), scope)
    await socket.send_input({"type": "websocket.connect"})
    answer = await socket.receive_output(5)
    if answer["type"] == "websocket.accept":
        await socket.send_input({"type": "websocket.disconnect", "code": 1000})
    else:
        assert answer == {"type": "websocket.close", "code": sockets.CLOSED_UNAUTHENTICATED}
    await socket.wait(5)
    return answer["type"] == "websocket.accept", echo.scope


async def test_a_session_of_this_site_gets_in(owner, signed_in):
    for origin in (b"http://testserver", django_settings.SITE_URL.encode()):
        accepted, scope = await connect("/ws", cookie(signed_in["session"]), (b"origin", origin))
        assert accepted
        assert scope["user"] == owner
    assert (await connect("/ws", cookie(signed_in["session"])))[0], "no Origin: no browser"


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "http://testserver.evil.example",
        "http://testserver:81",
        "null",
        "",
        "file://testserver",
    ],
)
async def test_a_page_of_another_site_does_not_get_in_with_the_cookie(signed_in, origin):
    accepted, _ = await connect("/ws", cookie(signed_in["session"]), (b"origin", origin.encode()))

    assert not accepted


async def test_a_host_that_is_not_ours_proves_nothing(signed_in, settings):
    settings.ALLOWED_HOSTS = ["trade.example"]

    assert not (await connect("/ws", cookie(signed_in["session"]), (b"origin", b"http://testserver")))[0]


async def test_a_token_gets_in_from_anywhere(owner, signed_in):
    accepted, scope = await connect(
        f"/ws?token={signed_in['access']}", (b"origin", b"https://elsewhere.example")
    )

    assert accepted
    assert scope["user"] == owner
    assert signed_in["access"] not in repr(scope[sockets.CREDENTIAL])


async def test_everybody_else_is_refused(signed_in):
    for path, headers in [
        ("/ws", []),
        ("/ws", [cookie("made-up-session-key")]),
        ("/ws?token=a.b.c", []),
        ("/ws?token=a.b.c", [cookie(signed_in["session"])]),
        (f"/ws?token={signed_in['refresh']}", []),
        (f"/ws?token={signed_in['session']}", []),
    ]:
        assert not (await connect(path, *headers))[0], path


@pytest.mark.parametrize("kind", ["session", "token"])
@pytest.mark.parametrize("end", ["logout", "password", "deactivation", "deletion"])
async def test_it_ends_with_the_login(owner, signed_in, kind, end):
    path, headers = (
        ("/ws", [cookie(signed_in["session"])])
        if kind == "session"
        else (f"/ws?token={signed_in['access']}", [])
    )
    _, scope = await connect(path, *headers)
    assert await sockets.still_valid(scope) is True

    await database_sync_to_async(finish)(owner, signed_in["session"], end)

    assert await sockets.still_valid(scope) is False


def finish(owner: User, session: str, end: str) -> None:
    if end == "logout":
        end_session(session)
    elif end == "deletion":
        owner.delete()
    elif end == "deactivation":
        User.objects.filter(pk=owner.pk).update(is_active=False)
    else:
        owner.set_password("another-battery-staple")
        owner.save()


async def test_a_token_socket_ends_when_the_token_expires(signed_in):
    _, scope = await connect(f"/ws?token={signed_in['access']}")

    with time_machine.travel(time.time() + 601, tick=True):
        assert await sockets.still_valid(scope) is False


async def test_a_database_that_is_away_does_not_end_it(signed_in, owner):
    class Away(sockets.SocketCredential):
        def user(self) -> User | None:
            raise OperationalError("the connection is lost")

    assert await sockets.still_valid({"user": owner, sockets.CREDENTIAL: Away("session", "x")}) is True
    assert await sockets.still_valid({"user": owner}) is False
