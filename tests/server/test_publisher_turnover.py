"""One encoder goes, another comes, and neither pays for what the other left."""

from pathlib import Path

import trio.testing
from support.hostile import AAC_CONFIG, AAC_FRAME, HELLO, publish_bytes, site
from support.memory import in_virtual_time
from support.rtmp_bytes import command

DELETE_STREAM = command("deleteStream", 0.0, None, 1.0)
STARTED = b"NetStream.Publish.Start"


@in_virtual_time
async def test_an_encoder_starts_again_on_its_connection_without_a_pause(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        again = publish_bytes("cat") + AAC_CONFIG + AAC_FRAME
        peer = await here.say("rtmp", HELLO + again + DELETE_STREAM + again)
        heard = await peer.hear_until(STARTED)
        await trio.testing.wait_all_tasks_blocked()
        heard += await peer.hear()
        assert heard.count(STARTED) == 2
        assert b"Rejected" not in heard
        assert here.ended() == []


@in_virtual_time
async def test_an_encoder_that_broke_the_protocol_is_replaced_in_the_same_moment(
    tmp_path: Path,
) -> None:
    async with site(tmp_path) as here:
        first = await here.publish("cat")
        second = await here.say("rtmp", HELLO)
        await second.hear_until(b"_result")
        await trio.testing.wait_all_tasks_blocked()
        # Both are read in one go of the scheduler, and the broadcast learns of neither between.
        first.wire.outgoing.buffer += AAC_FRAME * 2 + command("connect", 1.0, {"app": "live"})
        second.wire.outgoing.buffer += publish_bytes("cat")
        first.wire.outgoing.changed.unpark_all()
        second.wire.outgoing.changed.unpark_all()
        await second.hear_until(STARTED)
        assert b"took over" not in await first.hear_all()
        await trio.testing.wait_all_tasks_blocked()
        assert here.ended() == ["protocol_error"]
