"""A viewer sees their own rooms; staff may look at another user's; a login that ends takes its sockets with it."""

from __future__ import annotations

import asyncio
import uuid

import pytest
from channels.db import database_sync_to_async

from accounts.models import User
from accounts.sockets import SocketIdentity
from dashboard import live
from dashboard.consumers import LiveSocket
from tests.dashboard.live.conftest import SECONDS, session_cookie, tell
from tests.websocket import WebsocketCommunicator

pytestmark = pytest.mark.django_db(transaction=True)


async def test_it_lets_nobody_in_without_a_login(transactional_db):
    communicator = WebsocketCommunicator(SocketIdentity(LiveSocket()), "/ws")
    accepted, _ = await communicator.connect()
    assert not accepted


async def test_it_shows_a_stranger_nothing_of_the_owners(connect, owner, stranger, small_desk):
    socket = await connect(stranger)
    rooms = ["trades", "orders", "positions", "signals", "connections", "notifications", "dashboard"]
    await socket.say(action="subscribe", rooms=rooms)
    for _ in rooms:
        message = await socket.hear()
        assert not [value for value in message["data"].values() if isinstance(value, list) and value]
    await tell(owner, "position.opened")
    assert await socket.raw.receive_nothing(0.6)


@pytest.mark.parametrize("wanted", ["owner", "nobody", "nonsense"])
async def test_it_refuses_a_stranger_who_names_another_user(connect, owner, stranger, wanted):
    name = {"owner": str(owner.pk), "nobody": str(uuid.uuid4()), "nonsense": "x'1"}[wanted]
    socket = await connect(stranger, f"/ws?user={name}")
    code, reason = await socket.closed()
    assert (code, reason) == (4404, "There is no such user.")


async def test_it_shows_staff_the_user_they_name(connect, staff, owner, small_desk):
    socket = await connect(staff, f"/ws/dashboard?user={owner.pk}")
    assert len((await socket.hear())["data"]["positions"]) == 1
    own = await connect(staff, "/ws/dashboard")
    assert (await own.hear())["data"]["positions"] == []


async def open_quickly(user: User, query: str = "") -> WebsocketCommunicator:
    """A socket that checks its login all the time."""
    application = SocketIdentity(LiveSocket(recheck=0.05))
    key = await database_sync_to_async(session_cookie)(user)
    communicator = WebsocketCommunicator(
        application, f"/ws{query}", headers=[(b"cookie", f"session={key}".encode())]
    )
    assert (await communicator.connect(SECONDS))[0]
    return communicator


async def test_it_ends_with_the_login(owner):
    communicator = await open_quickly(owner)
    await database_sync_to_async(User.objects.filter(pk=owner.pk).update)(is_active=False)
    output = await communicator.receive_output(SECONDS)
    assert (output["type"], output["code"]) == ("websocket.close", 4401)


async def test_it_ends_with_the_right_to_look_at_others(staff, owner):
    communicator = await open_quickly(staff, f"?user={owner.pk}")
    await database_sync_to_async(User.objects.filter(pk=staff.pk).update)(is_staff=False)
    output = await communicator.receive_output(SECONDS)
    assert (output["type"], output["code"]) == ("websocket.close", 4404)


async def test_it_keeps_one_hub_per_user_and_none_after_the_last_socket(connect, owner, stranger):
    sockets = [await connect(owner), await connect(owner), await connect(stranger)]
    for socket in sockets:
        await socket.say(action="ping")
        await socket.hear()
    hubs = live._loops[asyncio.get_running_loop()]
    assert set(hubs.by_user) == {owner.pk, stranger.pk}
    assert hubs.by_user[owner.pk].users == 2
    for socket in sockets:
        await socket.raw.disconnect()
    assert not hubs.by_user
    assert hubs.board._users == 0
