"""Who may publish: encoders without the right key go away, and know why."""

import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import trio
from support import ffmpeg, media
from support.publishing import STARTED, Encoder, publish, send_in_real_time
from support.server import ServerProcess, serving
from support.viewers import Viewer, open_viewer, wait_live

from relay.cli.key import add_api_key, add_stream_key, key_file
from relay.cli.key import revoke as revoke_key
from relay.errors import LocalProtocolError
from relay.flv.demuxer import Tag
from relay.identity.keyfile import KeyFile

DENIED, REJECTED = "NetStream.Publish.Denied", "NetStream.Publish.Rejected"
WRONG = "sk_" + "wrong" * 8
REVOKED_WITHIN_S = 2.0
REREAD_S = 1.5
"""The server looks at its keys that often, and a little."""
PUBLISH_START = b"NetStream.Publish.Start"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ServerProcess]:
    async with serving(tmp_path / "data", publish="key") as server:
        yield server


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source.flv"
    path.write_bytes(media.flv_file(4))
    return path


@pytest.fixture
def keys(tmp_path: Path) -> KeyFile:
    """The server's keys, before it starts."""
    return key_file(tmp_path / "data")


@pytest.fixture
def secret(keys: KeyFile) -> str:
    """A key for `live/cat`."""
    return add_stream_key(keys, "cat")


def revoke(keys: KeyFile) -> None:
    revoke_key(keys.load().publish[0].id, data=keys.path.parent)


async def watch_in(nursery: trio.Nursery, server: ServerProcess, output: str) -> Viewer:
    viewer = await open_viewer(server.addresses["http"], "cat", output)
    nursery.start_soon(viewer.read_to_end)
    return viewer


@pytest.mark.parametrize("executable", ffmpeg.BOTH.values(), ids=ffmpeg.BOTH)
async def test_ffmpeg_without_the_right_key_exits_and_says_why(
    secret: str, server: ServerProcess, source: Path, executable: str
) -> None:
    for name in ("cat", WRONG, f"cat?key={WRONG}", f"dog?key={secret}"):
        command = ffmpeg.copying(source, server.url(name), executable=executable)
        ended = await ffmpeg.run(command, within_s=10)
        assert ended.code != 0, name
        assert "this stream key is not known here" in ended.said, name


@pytest.mark.parametrize("executable", ffmpeg.BOTH.values(), ids=ffmpeg.BOTH)
async def test_ffmpeg_with_a_revoked_key_exits_and_says_why(
    secret: str, keys: KeyFile, server: ServerProcess, source: Path, executable: str
) -> None:
    async with trio.open_nursery() as nursery:
        ended: list[ffmpeg.Ended] = []

        async def push() -> None:
            command = ffmpeg.copying(source, server.url(secret), executable=executable, loop=True)
            ended.append(await ffmpeg.run(command, within_s=30))
            nursery.cancel_scope.cancel()

        nursery.start_soon(push)
        await wait_live(server.addresses["http"], "cat")
        revoke(keys)
        nursery.cancel_scope.deadline = trio.current_time() + REVOKED_WITHIN_S + 1
        await trio.sleep_forever()
    assert len(ended) == 1, "it went on publishing"
    assert ended[0].code != 0
    again = await ffmpeg.run(ffmpeg.copying(source, server.url(secret), executable=executable))
    assert again.code != 0
    assert "this stream key was revoked" in again.said


async def test_revoking_a_key_ends_the_broadcast_within_two_seconds(
    secret: str, keys: KeyFile, server: ServerProcess
) -> None:
    encoder = await publish(server.addresses["rtmp"], secret)
    tags = media.tags(media.flv_file(4))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(send_until_closed, encoder, tags)
        await wait_live(server.addresses["http"], "cat")
        viewer = await watch_in(nursery, server, "flv-ws")
        revoke(keys)
        with trio.fail_after(REVOKED_WITHIN_S):
            status = await encoder.wait_status()
            await encoder.wait_closed()
            await viewer.wait_until(lambda: False)
        nursery.cancel_scope.cancel()
    assert (status.code, status.description) == (DENIED, "this stream key was revoked")
    assert viewer.closed is not None
    await encoder.stream.aclose()


async def wait_for_more(viewer: Viewer, received: int) -> None:
    await viewer.wait_until(lambda: viewer.received >= received)


async def send_until_closed(encoder: Encoder, tags: list[Tag]) -> None:
    try:
        await send_in_real_time(encoder, tags)
    except (trio.BrokenResourceError, LocalProtocolError):
        return  # Closed, or told that it may no longer.


@pytest.mark.parametrize("name", ["cat", WRONG, f"cat?key={WRONG}", "cat?key="])
async def test_nothing_is_promised_before_the_key_is_known(
    secret: str, server: ServerProcess, name: str
) -> None:
    encoder = await Encoder.connect(server.addresses["rtmp"])
    status = await encoder.publish(name)
    assert (status.level, status.code) == ("error", DENIED)
    await encoder.wait_closed()
    assert PUBLISH_START not in encoder.received
    assert encoder.received.count(b"onStatus") == 1
    await encoder.stream.aclose()

    good = await publish(server.addresses["rtmp"], secret)
    assert good.received.count(PUBLISH_START) == 1
    await good.stop()


@pytest.mark.parametrize(
    "asked",
    [
        lambda secret: ("live", secret),
        lambda secret: ("live", f"cat?key={secret}"),
        lambda secret: ("live", f"cat/{secret}"),
        lambda secret: (f"live/{secret}", "cat"),
        lambda secret: (f"live?key={secret}", "cat"),
    ],
    ids=["key as name", "key in the query", "key in the path", "key in app", "key in app's query"],
)
async def test_a_key_is_found_wherever_encoders_put_it(
    secret: str, server: ServerProcess, asked: Callable[[str], tuple[str, str]]
) -> None:
    app, name = asked(secret)
    encoder = await publish(server.addresses["rtmp"], name, app=app)
    await encoder.stop()


async def test_keys_show_up_nowhere(secret: str, keys: KeyFile, server: ServerProcess) -> None:
    operator = add_api_key(keys, "site", None)
    encoder = await publish(server.addresses["rtmp"], f"cat?key={secret}")
    await encoder.send_tags(media.tags(media.flv_file(4))[:40])
    await wait_live(server.addresses["http"], "cat")
    refused = await Encoder.connect(server.addresses["rtmp"], app=f"live/{WRONG}")
    await refused.publish(WRONG)
    await refused.stream.aclose()
    await trio.sleep(REREAD_S)
    shown = [encoder.received.decode("latin-1"), refused.received.decode("latin-1")]
    authorised = ("Authorization", f"Bearer {operator}")
    answers = [await server.ask_admin("GET", "/api/v1/streams", authorised)]
    assert answers[0].status == 200
    for target in (
        *("/", "/watch/live/cat", "/api/v1/streams", "/metrics"),
        *(f"/watch/live/{secret}", f"/live/{secret}.flv", f"/{secret}?key={operator}"),
    ):
        answers += [await ask("GET", target) for ask in (server.ask, server.ask_admin)]
    await encoder.stop()
    await server.wait_log("connection ended", reason="publisher_stopped")
    assert await server.stop() == 0
    shown += [answer.body.decode() + str(answer.headers) for answer in answers]
    shown.append(server.output())
    for key in (secret, WRONG, operator):
        for text in shown:
            assert key not in text
            assert key[3:20] not in text


async def test_wrong_keys_are_throttled_and_then_even_the_right_one_waits(tmp_path: Path) -> None:
    secret = add_stream_key(key_file(tmp_path / "data"), "cat")
    settings = {"limits.wrong_keys_per_minute": 3}
    async with serving(tmp_path / "data", settings, publish="key") as server:
        said = []
        for name in (WRONG, WRONG, WRONG, WRONG, secret):
            encoder = await Encoder.connect(server.addresses["rtmp"])
            status = await encoder.publish(name)
            said.append(status.description)
            assert status.code == DENIED
            await encoder.stream.aclose()
    unknown, throttled = "this stream key is not known here", "too many wrong stream keys; wait"
    assert said[:3] == [unknown] * 3
    assert all(throttled in text for text in said[3:])


async def test_the_newest_encoder_takes_over_and_viewers_stay(
    secret: str, server: ServerProcess
) -> None:
    tags = media.tags(media.flv_file(4))
    first = await publish(server.addresses["rtmp"], secret)
    await first.send_tags(tags[:60])
    await wait_live(server.addresses["http"], "cat")
    async with trio.open_nursery() as nursery:
        viewers = [await watch_in(nursery, server, output) for output in ("flv", "mp4")]
        second = await publish(server.addresses["rtmp"], secret)
        told = await first.wait_status()
        await first.wait_closed()
        before = [viewer.received for viewer in viewers]
        await second.send_tags(tags)
        for viewer, received in zip(viewers, before, strict=True):
            await wait_for_more(viewer, received + len(media.flv_file(4)) // 2)
            assert not viewer.ended
        nursery.cancel_scope.cancel()
    assert (told.code, told.description) == (
        REJECTED,
        "another encoder with the same key took over",
    )
    await first.stream.aclose()
    await second.stop()


async def test_an_exclusive_key_refuses_a_second_encoder(
    keys: KeyFile, server: ServerProcess
) -> None:
    secret = add_stream_key(keys, "cat", exclusive=True)
    await trio.sleep(REREAD_S)
    first = await publish(server.addresses["rtmp"], secret)
    second = await Encoder.connect(server.addresses["rtmp"])
    refused = await second.publish(secret)
    assert refused.code == DENIED
    assert "exclusive" in refused.description
    await second.stream.aclose()
    await first.stop()
    await server.wait_log("connection ended", reason="publisher_stopped")
    third = await publish(server.addresses["rtmp"], secret)
    await third.stop()


async def test_encoders_that_replace_each_other_are_stopped(
    secret: str, server: ServerProcess
) -> None:
    encoders = [await Encoder.connect(server.addresses["rtmp"]) for _ in range(4)]
    answers = [await encoder.publish(secret) for encoder in encoders]
    assert [answer.code for answer in answers] == [STARTED, STARTED, STARTED, DENIED]
    assert re.search("keep replacing each other", answers[3].description)
    for encoder in encoders:
        await encoder.stream.aclose()
