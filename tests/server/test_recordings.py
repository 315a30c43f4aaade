"""Recordings over HTTP: who sees, plays, clips and deletes them, and what is told of them."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio
from support import media
from support.hostile import Peer, Site, site
from support.http_client import Answer, request_bytes
from support.memory import in_virtual_time
from support.memory_disk import MemoryDisk
from support.recording import EVERYTHING
from support.tokens import token

from relay.config import CallbackConfig
from relay.config.schema import RecordingConfig
from relay.identity.keyfile import FILE_NAME, KeyFile, KeySet
from relay.identity.keys import issue_api_key, issue_stream_key
from relay.views.details import Details, Visibility

WHEN = "2026-01-01T00:00:00Z"
JSON = ("Content-Type", "application/json")
ALL = "/api/v1/recordings"
STREAM = "/api/v1/streams/live/cat"
EVERYBODY = ("nobody", "guest", "other", "owner", "operator")
OWNERS_ALONE = [("nobody", 401), ("guest", 403), ("other", 403)]


def bearers(data: Path) -> dict[str, tuple[tuple[str, str], ...]]:
    """What each caller shows; `live/cat` is ann's."""
    _, cat = issue_stream_key(b"1" * 32, "live/cat", created=WHEN, owner="ann")
    operator, api_key = issue_api_key(b"3" * 32, "ci", created=WHEN)
    KeyFile(data / FILE_NAME).change(lambda _: KeySet(publish=(cat,), api=(api_key,)))
    shown = {
        "guest": token(data, sub="guest_1", role="guest"),
        "other": token(data, sub="bob"),
        "owner": token(data, sub="ann"),
        "operator": operator,
    }
    fields = {who: (("Authorization", f"Bearer {text}"),) for who, text in shown.items()}
    return {"nobody": (), **fields}


@attrs.define(eq=False)
class Desk:
    """A server that records, and callers of every kind."""

    here: Site
    disk: MemoryDisk
    bearers: dict[str, tuple[tuple[str, str], ...]]

    async def ask(
        self, who: str, method: str, target: str, value: Any = None, *headers: tuple[str, str]
    ) -> Answer:
        body = b"" if value is None else json.dumps(value).encode()
        fields = (*self.bearers[who], *headers)
        if value is not None:
            fields = (*fields, JSON, ("Content-Length", str(len(body))))
        peer = await self.here.connect()
        answer = await peer.ask(request_bytes(method, target, *fields, body=body))
        peer.wire.close()
        return answer

    async def recorded(self, name: str = "cat") -> dict[str, Any]:
        """A broadcast, recorded from its beginning to its end."""
        publisher = await self.here.publish(name)
        await trio.sleep(5)
        publisher.wire.close()
        await trio.sleep(60)
        answer = await self.ask("operator", "GET", f"{ALL}?stream=live/{name}")
        (first, *_) = json.loads(answer.body)["recordings"]
        assert first["state"] == "finished"
        return dict(first)

    async def live(self) -> Peer:
        publisher = await self.here.publish("cat")
        await trio.sleep(2)
        return publisher


@asynccontextmanager
async def desk(
    data: Path,
    recording: RecordingConfig = EVERYTHING,
    *,
    on_play: CallbackConfig | None = None,
) -> AsyncIterator[Desk]:
    shown, disk = bearers(data), MemoryDisk()
    async with site(data, recording=recording, disk=disk, on_play=on_play) as here:
        yield Desk(here, disk, shown)


def problem(answer: Answer) -> str:
    """The name of the cause."""
    assert answer.headers["content-type"] == "application/problem+json"
    return str(json.loads(answer.body)["type"]).rpartition("/")[2]


@in_virtual_time
async def test_everybody_reads_of_a_recording_and_plays_it(tmp_path: Path) -> None:
    async with desk(tmp_path) as it:
        recording = await it.recorded()
        assert (recording["user"], recording["ending"]) == ("ann", "broadcast_ended")
        for who in EVERYBODY:
            listed = json.loads((await it.ask(who, "GET", ALL)).body)
            assert listed == {"recordings": [recording], "next": None}
            one = await it.ask(who, "GET", f"{ALL}/{recording['id']}")
            assert json.loads(one.body) == recording
            assert one.headers["access-control-allow-origin"] == "*"
            for address in ("file", "playlist", "page"):
                assert (await it.ask(who, "GET", recording[address])).status == 200


@in_virtual_time
async def test_the_file_is_sent_whole_and_in_ranges(tmp_path: Path) -> None:
    async with desk(tmp_path) as it:
        recording = await it.recorded()
        target = recording["file"]
        whole = await it.ask("nobody", "GET", target)
        size, etag = len(whole.body), whole.headers["etag"]
        assert whole.headers["accept-ranges"] == "bytes"
        assert whole.headers["content-type"] == "video/mp4"
        assert len(media.samples(whole.body)) > 20
        for asked, start, stop in (
            ("bytes=0-0", 0, 1),
            ("bytes=100-1099", 100, 1100),
            ("bytes=-77", size - 77, size),
            (f"bytes={size - 5}-", size - 5, size),
        ):
            part = await it.ask("nobody", "GET", target, None, ("Range", asked))
            assert part.status == 206
            assert part.headers["content-range"] == f"bytes {start}-{stop - 1}/{size}"
            assert part.body == whole.body[start:stop]
        beyond = await it.ask("nobody", "GET", target, None, ("Range", f"bytes={size}-"))
        assert (beyond.status, beyond.headers["content-range"]) == (416, f"bytes */{size}")
        again = await it.ask("nobody", "GET", target, None, ("If-None-Match", etag))
        assert again.status == 304
        stale = (("Range", "bytes=0-9"), ("If-Range", '"other"'))
        assert (await it.ask("nobody", "GET", target, None, *stale)).status == 200
        head = await it.ask("nobody", "HEAD", target)
        assert (head.status, head.headers["content-length"]) == (200, str(size))
        saved = await it.ask("nobody", "HEAD", f"{target}?download")
        assert saved.headers["content-disposition"].startswith('attachment; filename="live-cat-20')


@in_virtual_time
async def test_a_long_file_leaves_in_pieces_as_fast_as_it_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("relay.server.sending.SHORT_BYTES", 1000)
    monkeypatch.setattr("relay.server.sending.CHUNK_BYTES", 3000)
    async with desk(tmp_path) as it:
        recording = await it.recorded()
        plain = await it.here.services.recordings.find(recording["id"])
        assert plain is not None
        body = await it.here.services.recordings.kept.plain(plain, None)
        whole = await it.ask("nobody", "GET", recording["file"])
        assert whole.headers["connection"] == "close"
        assert len(whole.body) == body.size
        asked = ("Range", "bytes=1000-20000")
        part = await it.ask("nobody", "GET", recording["file"], None, asked)
        assert part.body == whole.body[1000:20001]


@in_virtual_time
async def test_a_playlist_leads_to_ranges_of_files_that_fit_together(tmp_path: Path) -> None:
    async with desk(tmp_path) as it:
        recording = await it.recorded()
        listed = (await it.ask("nobody", "GET", recording["playlist"])).body.decode()
        lines = listed.splitlines()
        assert lines[0] == "#EXTM3U"
        assert lines[-1] == "#EXT-X-ENDLIST"
        (address,) = {line for line in lines if line[0] != "#"}
        target = f"/recordings/{address}"
        data = b""
        for line in lines:
            if "BYTERANGE" not in line:
                continue
            size, _, offset = (
                line.rpartition(":" if line.startswith("#EXT-X-BY") else "=")[2]
                .strip('"')
                .partition("@")
            )
            last = int(offset) + int(size) - 1
            part = await it.ask("nobody", "GET", target, None, ("Range", f"bytes={offset}-{last}"))
            assert part.status == 206
            data += part.body
        whole = (await it.ask("nobody", "GET", recording["file"])).body
        assert media.digests(data) == media.digests(whole)
        guessed = await it.ask("nobody", "GET", f"/recordings/{recording['id']}/{'0' * 32}/0.m4s")
        assert problem(guessed) == "no-such-recording"


@pytest.mark.parametrize(("who", "status"), [*OWNERS_ALONE, ("owner", 204), ("operator", 204)])
@in_virtual_time
async def test_its_owner_and_the_operator_delete_a_recording(
    who: str, status: int, tmp_path: Path
) -> None:
    async with desk(tmp_path) as it:
        recording = await it.recorded()
        target = f"{ALL}/{recording['id']}"
        assert (await it.ask(who, "DELETE", target)).status == status
        is_gone = status == 204
        assert (await it.ask("nobody", "GET", target)).status == (404 if is_gone else 200)
        assert (await it.ask("nobody", "GET", recording["file"])).status == (
            404 if is_gone else 200
        )
        assert bool(it.disk.files) is not is_gone


@pytest.mark.parametrize(("who", "status"), [*OWNERS_ALONE, ("owner", 201), ("operator", 201)])
@in_virtual_time
async def test_its_owner_and_the_operator_clip_a_recording(
    who: str, status: int, tmp_path: Path
) -> None:
    async with desk(tmp_path) as it:
        recording = await it.recorded()
        asked = {"from_ms": 0, "to_ms": recording["duration_ms"]}
        answer = await it.ask(who, "POST", f"{ALL}/{recording['id']}/clips", asked)
        assert answer.status == status
        if status != 201:
            return
        clip = json.loads(answer.body)
        assert (clip["kind"], clip["user"], clip["from_ms"]) == ("clip", "ann", 0)
        assert clip["to_ms"] == recording["duration_ms"]
        assert answer.headers["location"] == f"{ALL}/{clip['id']}"
        whole, cut = [
            (await it.ask("nobody", "GET", each["file"])).body for each in (recording, clip)
        ]
        assert media.digests(cut) == media.digests(whole)


@pytest.mark.parametrize(("who", "status"), [*OWNERS_ALONE, ("owner", 201), ("operator", 201)])
@pytest.mark.parametrize("is_recorded", [True, False])
@in_virtual_time
async def test_its_owner_and_the_operator_clip_what_is_live(
    who: str, status: int, is_recorded: bool, tmp_path: Path
) -> None:
    config = EVERYTHING if is_recorded else RecordingConfig()
    async with desk(tmp_path, config) as it:
        await it.live()
        answer = await it.ask(who, "POST", f"{STREAM}/clips", {"last": "30s"})
        assert answer.status == status
        if status == 201:
            clip = json.loads(answer.body)
            assert clip["to_ms"] > clip["from_ms"]
            data = (await it.ask("nobody", "GET", clip["file"])).body
            assert len(media.samples(data)) > 5


@pytest.mark.parametrize(("who", "status"), [*OWNERS_ALONE, ("owner", 200), ("operator", 200)])
@in_virtual_time
async def test_its_owner_and_the_operator_have_a_stream_recorded(
    who: str, status: int, tmp_path: Path
) -> None:
    async with desk(tmp_path, RecordingConfig(free_bytes=0)) as it:
        await it.live()
        target = f"{STREAM}/recording"
        assert (await it.ask(who, "GET", target)).status == status
        answer = await it.ask(who, "PUT", target)
        assert answer.status == status
        assert (await it.ask(who, "DELETE", target)).status == status
        await trio.sleep(1)
        listed = json.loads((await it.ask("nobody", "GET", ALL)).body)["recordings"]
        assert [each["ending"] for each in listed] == (["stopped"] if status == 200 else [])


@in_virtual_time
async def test_what_is_being_recorded_is_shown_and_not_played_or_deleted(tmp_path: Path) -> None:
    async with desk(tmp_path) as it:
        await it.live()
        status = json.loads((await it.ask("owner", "GET", f"{STREAM}/recording")).body)
        assert (status["is_wanted"], status["by_rule"], status["refusal"]) == (True, True, None)
        recording = status["recording"]
        assert (recording["state"], recording["file"]) == ("recording", None)
        for method, target in (
            ("GET", f"/recordings/{recording['id']}.mp4"),
            ("GET", f"/recordings/{recording['id']}.m3u8"),
            ("DELETE", f"{ALL}/{recording['id']}"),
        ):
            assert problem(await it.ask("owner", method, target)) == "still-recording"


@in_virtual_time
async def test_what_is_not_listed_is_found_by_its_owner_and_by_who_has_its_address(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path) as it:
        recording = await it.recorded()
        hidden = Details(visibility=Visibility.UNLISTED)
        await it.here.services.catalog.change("live/cat", lambda _: hidden)
        for who in EVERYBODY:
            listed = json.loads((await it.ask(who, "GET", ALL)).body)["recordings"]
            assert len(listed) == (1 if who in {"owner", "operator"} else 0)
            assert (await it.ask(who, "GET", recording["page"])).status == 200
            assert (await it.ask(who, "GET", recording["file"])).status == 200


@in_virtual_time
async def test_who_may_watch_the_recording_of_a_stream_is_for_whoever_says_it_of_the_stream(
    tmp_path: Path,
) -> None:
    """The site cannot be reached here, and so lets nobody."""
    asked = CallbackConfig(url="https://site.example/may-watch")
    async with desk(tmp_path, on_play=asked) as it:
        recording = await it.recorded()
        for target in (recording["file"], recording["playlist"]):
            assert problem(await it.ask("other", "GET", target)) == "site-silent"
            assert (await it.ask("owner", "GET", target)).status == 200


@in_virtual_time
async def test_pages_of_what_is_listed_have_no_holes(tmp_path: Path) -> None:
    async with desk(tmp_path) as it:
        for name in ("cat", "dog", "cat", "fox", "cat"):
            await it.recorded(name)
        hidden = Details(visibility=Visibility.UNLISTED)
        await it.here.services.catalog.change("live/dog", lambda _: hidden)
        found: list[str] = []
        below: int | None = 0
        while below is not None:
            page = json.loads((await it.ask("nobody", "GET", f"{ALL}?limit=2&below={below}")).body)
            found += [each["name"] for each in page["recordings"]]
            below = page["next"]
        assert found == ["cat", "fox", "cat", "cat"]
        of_cat = json.loads((await it.ask("nobody", "GET", f"{ALL}?stream=live/cat")).body)
        assert len(of_cat["recordings"]) == 3
        of_ann = json.loads((await it.ask("nobody", "GET", f"{ALL}?user=ann")).body)
        assert len(of_ann["recordings"]) == 3
        assert (await it.ask("nobody", "GET", f"{ALL}?limit=x")).status == 422


@pytest.mark.parametrize(
    ("target", "value", "status", "name"),
    [
        ("clips", {"last": "soon"}, 422, "clip-not-possible"),
        ("clips", {"last": ""}, 422, "clip-not-possible"),
        ("clips", {"last": 30}, 422, "clip-not-possible"),
        ("clips", {}, 422, "clip-not-possible"),
        ("clips", {"last": "10m1s"}, 422, "clip-not-possible"),
        ("clips", {"last": "0s"}, 422, "clip-not-possible"),
        ("clips", [], 400, "not-json"),
    ],
)
@in_virtual_time
async def test_a_clip_that_cannot_be_is_refused(
    target: str, value: Any, status: int, name: str, tmp_path: Path
) -> None:
    async with desk(tmp_path) as it:
        await it.live()
        answer = await it.ask("owner", "POST", f"{STREAM}/{target}", value)
        assert (answer.status, problem(answer)) == (status, name)


@in_virtual_time
async def test_a_clip_of_a_time_that_was_not_recorded_leaves_nothing(tmp_path: Path) -> None:
    async with desk(tmp_path) as it:
        recording = await it.recorded()
        files = set(it.disk.files)
        target = f"{ALL}/{recording['id']}/clips"
        for asked, name in (
            ({"from_ms": 5, "to_ms": 5}, "clip-not-possible"),
            ({"from_ms": -1, "to_ms": 5}, "clip-not-possible"),
            ({"from_ms": 0, "to_ms": 700_000}, "clip-not-possible"),
            ({"from_ms": True, "to_ms": 5}, "clip-not-possible"),
        ):
            assert problem(await it.ask("owner", "POST", target, asked)) == name
        it.disk.is_broken = True
        answer = await it.ask("owner", "POST", target, {"from_ms": 0, "to_ms": 1000})
        assert problem(answer) == "recording-unreadable"
        it.disk.is_broken = False
        assert set(it.disk.files) == files
        assert (
            await it.ask("owner", "POST", "/api/v1/streams/live/cat/clips", {"last": "5s"})
        ).status == 404


@in_virtual_time
async def test_a_full_disk_is_told_by_the_api_and_the_metrics_and_costs_no_broadcast(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path) as it:
        it.disk.capacity = 1000
        await it.live()
        status = json.loads((await it.ask("owner", "GET", f"{STREAM}/recording")).body)
        assert (status["refusal"], status["refusal_text"]) == ("disk_full", "the disk is full")
        peer = await it.here.connect("admin")
        metrics = (await peer.ask(request_bytes("GET", "/metrics"))).body.decode()
        assert 'relay_recordings_refused{reason="disk_full"} 1.0' in metrics
        assert it.disk.refused
        assert it.here.services.stage.broadcast("live/cat") is not None
        statistics = it.here.server.statistics()
        assert statistics.broadcasts[0].packets > 20
        assert statistics.recordings.threads


@in_virtual_time
async def test_a_finished_recording_is_told_of_once(tmp_path: Path) -> None:
    async with desk(tmp_path) as it:
        recording = await it.recorded()
        channel = await it.here.services.hub.open("stream:live/cat")
        published = await it.here.services.hub.read_after(channel, 0, 100)
        events = [json.loads(each.data) for each in published]
        (event,) = (each for each in events if each["type"] == "recording.finished")
        data = event["data"]
        assert (data["recording"], data["page"]) == (recording["id"], recording["page"])
        assert data["ending"] == "broadcast_ended"
        assert data["user"] == "ann"
        kinds = [each["type"] for each in events]
        assert kinds.count("stream.online") == 1
