"""Publications by the Centrifugo protocol: who may, what is taken, and when it is acknowledged."""

import json
from collections.abc import Sequence
from pathlib import Path

import attrs
import pytest
import trio
from support.centrifugo_client import CentrifugoClient, Refused, connected, token_of
from support.hostile import Site, site
from support.memory import in_virtual_time
from support.rooms import ROOMS
from support.server_api import api_key

from relay.config import Limits
from relay.store.contract import Append, Change, Store, StoreUnavailable

INTERNAL, DENIED, LIMIT, BAD_REQUEST, NOT_AVAILABLE, TOO_MANY = 100, 103, 106, 107, 108, 111
KINDS = ("room:a", "guests:a", "users:a", "ours:a", "private:a")


@pytest.mark.parametrize(
    ("claims", "allowed"),
    [
        ({"sub": ""}, KINDS[:1]),
        ({"sub": "g", "role": "guest"}, KINDS[:2]),
        ({"sub": "u"}, KINDS[:3]),
        (None, KINDS[:4]),
    ],
)
@in_virtual_time
async def test_each_may_publish_where_the_rules_say(
    claims: dict[str, str] | None, allowed: tuple[str, ...], tmp_path: Path
) -> None:
    key = api_key(tmp_path)
    async with site(tmp_path, publish="key", channels=ROOMS) as here:
        client = await connected(here, key if claims is None else token_of(here, **claims))
        codes = {
            channel: await client.code("publish", channel=channel, data=1) for channel in KINDS
        }
        assert codes == {channel: 0 if channel in allowed else DENIED for channel in KINDS}


@in_virtual_time
async def test_a_publication_says_who_published_it_and_when(tmp_path: Path) -> None:
    async with site(tmp_path, publish="key", channels=ROOMS) as here:
        client = await connected(here, token_of(here, "ann", info={"name": "Ann"}))
        await client.ask("subscribe", channel="room:a")
        await client.ask("publish", channel="room:a", data=[1, {"ö": None}])
        (pub,) = await client.publications(1)
        (session,) = here.services.sessions
        assert pub["data"] == [1, {"ö": None}]
        assert pub["info"] == {
            "user": "ann",
            "client": session.client,
            "conn_info": {"name": "Ann"},
        }
        assert pub["time"] == 1_700_000_000_000


@in_virtual_time
async def test_a_publication_over_several_lines_is_one_line_to_its_readers(tmp_path: Path) -> None:
    async with site(tmp_path, channels=ROOMS) as here:
        client = await connected(here)
        await client.ask("subscribe", channel="room:a")
        command = client.command("publish", channel="room:a", data={"a": [1, 2], "b": "c d"})
        await client.say(json.dumps(command, indent=3))
        await client.result(command)
        (pub,) = await client.publications(1)
        assert pub["data"] == command["publish"]["data"]
        assert all("\n" not in message for message in client.messages if "push" in message)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ({"channel": "room:a"}, BAD_REQUEST),
        ({"channel": "brief:a", "data": "x" * 63}, LIMIT),
        ({"channel": "none:a", "data": 1}, 102),
        ({"channel": "view:a", "data": 1}, DENIED),
    ],
)
@in_virtual_time
async def test_what_cannot_be_published_is_refused(
    command: dict[str, object], code: int, tmp_path: Path
) -> None:
    async with site(tmp_path, channels=ROOMS) as here:
        client = await connected(here)
        with pytest.raises(Refused) as refused:
            await client.ask("publish", **command)
        assert refused.value.code == code
        assert not refused.value.temporary
        # The connection goes on.
        await client.ask("publish", channel="brief:a", data="x" * 62)


@in_virtual_time
async def test_a_channel_of_bytes_takes_no_json(tmp_path: Path) -> None:
    async with site(tmp_path, channels=ROOMS) as here:
        channel = await here.services.hub.open("room:bytes")
        here.services.hub.changes.create_nowait(
            channel, lambda _: None, content_type="application/x-raw"
        )
        client = await connected(here)
        for command, more in (("publish", {"data": 1}), ("subscribe", {}), ("history", {})):
            with pytest.raises(Refused) as refused:
                await client.ask(command, channel="room:bytes", **more)
            assert refused.value.code == NOT_AVAILABLE


@in_virtual_time
async def test_the_same_key_publishes_once(tmp_path: Path) -> None:
    async with site(tmp_path, publish="key", channels=ROOMS) as here:
        for channel in ("room:a", "kept:a"):
            ann = await connected(here, token_of(here, "ann"))
            bob = await connected(here, token_of(here, "bob"))
            for client, number in ((ann, 1), (ann, 2), (bob, 3)):
                await client.ask("publish", channel=channel, data=number, idempotency_key="k")
            history = await ann.ask("history", channel=channel, limit=-1)
            # A key is its user's own.
            assert [pub["data"] for pub in history["publications"]] == [1, 3]


@in_virtual_time
async def test_too_many_publications_are_refused_for_a_while(tmp_path: Path) -> None:
    key = api_key(tmp_path)
    async with site(tmp_path, publish="key", channels=ROOMS) as here:
        client, operator = await connected(here), await connected(here, key)
        for _ in range(5):
            await client.ask("publish", channel="rare:a", data=1)
        with pytest.raises(Refused) as refused:
            await client.ask("publish", channel="rare:a", data=1)
        assert (refused.value.code, refused.value.temporary) == (TOO_MANY, True)
        for _ in range(20):
            await operator.ask("publish", channel="rare:a", data=1)
        await trio.sleep(10)
        await client.ask("publish", channel="rare:a", data=1)


# Acknowledgements.


@in_virtual_time
async def test_a_durable_publication_is_acknowledged_when_it_is_committed(tmp_path: Path) -> None:
    async with site(tmp_path, channels=ROOMS) as here:
        client = await connected(here)
        disk = disk_of(here)
        # Its answer to a ping would bring out what waits.
        client.answers_pings = False
        command = client.command("publish", channel="kept:a", data=1)
        began = trio.current_time()
        await client.say(command)
        await trio.sleep(0.9)
        assert (client.replies, disk.committed) == ({}, [])
        await client.result(command)
        assert disk.committed == ["kept:a"]
        # At once, and not with what it is told next.
        assert trio.current_time() - began < 1.1


@attrs.define(eq=False)
class Disk:
    """A store whose disk is slow, or full."""

    _store: Store
    is_full: bool = False
    committed: list[str] = attrs.field(factory=list)
    """The channels that were appended to."""

    async def commit(self, batch: Sequence[Change]) -> None:
        await trio.sleep(1)
        if self.is_full:
            raise StoreUnavailable("no space left on the device")
        await self._store.commit(batch)
        self.committed.extend(change.channel for change in batch if isinstance(change, Append))


def disk_of(here: Site, *, is_full: bool = False) -> Disk:
    """From now on the server writes to this one."""
    writer = here.services.writer
    disk = writer._store = Disk(writer._store, is_full)  # type: ignore[assignment] # as far as is used
    return disk


@in_virtual_time
async def test_what_could_not_be_committed_may_be_tried_again(tmp_path: Path) -> None:
    async with site(tmp_path, channels=ROOMS) as here:
        client = await connected(here)
        await client.ask("subscribe", channel="kept:a")
        disk = disk_of(here, is_full=True)
        with pytest.raises(Refused) as refused:
            await client.ask("publish", channel="kept:a", data=1)
        assert (refused.value.code, refused.value.temporary) == (INTERNAL, True)
        disk.is_full = False
        await client.ask("publish", channel="kept:a", data=2)
        (pub,) = await client.publications(1)
        assert (pub["offset"], pub["data"]) == (1, 2)


@in_virtual_time
async def test_over_the_bound_a_client_is_not_read_until_something_is_committed(
    tmp_path: Path,
) -> None:
    async with site(tmp_path, Limits(unacknowledged_publishes=4), channels=ROOMS) as here:
        client = await connected(here)
        (session,) = here.services.sessions
        disk_of(here)
        commands = [client.command("publish", channel="kept:a", data=n) for n in range(12)]
        ping = client.command("ping")
        await client.say(*commands, ping)
        await trio.sleep(0.5)
        assert session.is_held  # type: ignore[attr-defined] # not the server API's business
        assert client.replies == {}
        for command in (*commands, ping):
            await client.result(command)
        # Three commits of a second each, and nothing was lost or mixed up.
        history = await client.ask("history", channel="kept:a", limit=-1)
        assert [pub["data"] for pub in history["publications"]] == list(range(12))
        assert not session.is_held  # type: ignore[attr-defined] # the same


@in_virtual_time
async def test_what_was_refused_is_not_under_way(tmp_path: Path) -> None:
    async with site(tmp_path, Limits(unacknowledged_publishes=2), channels=ROOMS) as here:
        client = await connected(here)
        refused = [client.command("publish", channel="brief:a", data="x" * 99) for _ in range(5)]
        await client.say(*refused)
        assert await client.code("publish", channel="brief:a", data=1) == 0
        queue = here.services.writer.submit_nowait

        def full(*_: object) -> None:
            raise trio.WouldBlock

        here.services.hub._submit = full
        for _ in range(5):
            assert await client.code("publish", channel="kept:a", data=1) == TOO_MANY
        here.services.hub._submit = queue
        assert await client.code("publish", channel="kept:a", data=1) == 0


@in_virtual_time
async def test_what_follows_the_end_in_one_message_is_not_carried_out(tmp_path: Path) -> None:
    async with site(tmp_path, publish="key", channels=ROOMS) as here:
        client, other = await connected(here, token_of(here, "ann")), await connected(here)
        # The channel is there, so that nothing would have to be waited for.
        await other.ask("history", channel="room:a")
        await client.say(
            client.command("refresh", token=token_of(here, "bob")),
            client.command("publish", channel="room:a", data=1),
        )
        await client.read_to_end()
        assert (await other.ask("history", channel="room:a"))["offset"] == 0


@in_virtual_time
async def test_who_goes_before_the_acknowledgement_has_published_all_the_same(
    tmp_path: Path,
) -> None:
    async with site(tmp_path, channels=ROOMS) as here:
        client, other = await connected(here), await connected(here)
        disk_of(here)
        await client.say(client.command("publish", channel="kept:a", data=1))
        await trio.testing.wait_all_tasks_blocked()
        client.peer.close()
        await other.ask("publish", channel="kept:a", data=2)
        history = await other.ask("history", channel="kept:a", limit=-1)
        assert [pub["data"] for pub in history["publications"]] == [1, 2]


@in_virtual_time
async def test_commands_of_one_message_are_answered_in_one(tmp_path: Path) -> None:
    async with site(tmp_path, channels=ROOMS) as here:
        client = await connected(here)
        commands = [client.command("publish", channel="room:a", data=n) for n in range(20)]
        before = len(client.messages)
        await client.say(*commands)
        for command in commands:
            await client.result(command)
        assert len(client.messages) == before + 1


@in_virtual_time
async def test_who_says_too_much_is_read_more_slowly(tmp_path: Path) -> None:
    limits = Limits(commands_per_s=10)
    async with site(tmp_path, limits, channels=ROOMS) as here:
        flooder, other = await connected(here), await connected(here)
        began = trio.current_time()
        commands = [flooder.command("ping") for _ in range(55)]

        async def flood(client: CentrifugoClient) -> None:
            await client.say(*commands)
            for command in commands:
                await client.result(command)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(flood, flooder)
            await other.ask("ping")
            assert trio.current_time() - began < 0.5
        assert 4.5 < trio.current_time() - began < 6.5
