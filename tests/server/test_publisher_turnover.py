"""One encoder goes, another comes, and neither pays for what the other left."""

from pathlib import Path

import trio.testing
from support.hostile import HELLO, TAGS, publish_bytes, site
from support.memory import in_virtual_time
from support.rtmp_bytes import command

from relay.live.run import Publisher
from relay.reasons import Reason

DELETE_STREAM = command("deleteStream", 0.0, None, 1.0)
STARTED = b"NetStream.Publish.Start"


@in_virtual_time
async def test_an_encoder_starts_again_on_its_connection_without_a_pause(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        again = publish_bytes("cat") + b"".join(TAGS)
        peer = await here.say("rtmp", HELLO + again + DELETE_STREAM + again)
        await trio.testing.wait_all_tasks_blocked()
        heard = await peer.hear()
        assert heard.count(STARTED) == 2
        assert b"Rejected" not in heard
        assert here.ended() == []


@in_virtual_time
async def test_who_has_stopped_is_not_told_who_came_after(tmp_path: Path) -> None:
    evicted: list[Reason] = []
    publisher = Publisher(address="", encoder="", key_id=None, exclusive=True, evict=evicted.append)
    async with site(tmp_path) as here:
        stage = here.services.stage
        with stage.publishing("live/cat", publisher):
            await trio.testing.wait_all_tasks_blocked()
        # Without a checkpoint: the broadcast has not yet seen the first one go.
        with stage.publishing("live/cat", publisher) as run:
            broadcast = stage.broadcast("live/cat")
            assert broadcast is not None
            assert broadcast.run is run
            assert evicted == []
            broadcast.end(Reason.KICKED)
        broadcast.end(Reason.KICKED)
        assert evicted == [Reason.KICKED]
