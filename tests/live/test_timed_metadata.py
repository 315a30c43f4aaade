"""What is said at a moment of the picture, in every format, and to whom it is not told."""

import json
from typing import Any

import pytest
from support import media
from support.fragments import boxes
from support.memory import in_virtual_time
from support.on_air import Viewer, send, settle, studio
from wsproto import ConnectionType
from wsproto.connection import Connection
from wsproto.events import BytesMessage, TextMessage

from relay.formats import amf0
from relay.hls.cutter import MOST_SAID, Cutter
from relay.live.encodings import Format
from relay.packet import Codec, Kind, Packet
from relay.timed import script_of

GOAL: dict[str, Any] = {"text": "goal", "minute": 12}
HEADER = b"FLV\1\5\0\0\0\x09\0\0\0\0"
REEL = media.packets(media.flv_file(3, video="-c:v libx264 -bf 2 -g 30"))


def script(name: str = "onTextData", value: Any = None, *, dts: int = 0) -> Packet:
    payload = amf0.encode(name, GOAL if value is None else value)
    return Packet(Kind.DATA, Codec.SCRIPT, dts, dts, False, False, payload)


def scripts(flv: bytes) -> list[tuple[int, list[Any]]]:
    """Every script but the server's own, with its time."""
    found = media.tags(flv if flv[:3] == b"FLV" else HEADER + flv)
    told = [(it.timestamp, amf0.decode_all(it.body)) for it in found if it.kind is Kind.DATA]
    return [one for one in told if one[1][0] not in ("onMetaData", "onRelay")]


def pages(data: bytes) -> tuple[list[dict[str, Any]], list[bytes]]:
    """What a page is told, and the media."""
    client = Connection(ConnectionType.CLIENT)
    client.receive_data(data)
    told, pieces = list[dict[str, Any]](), list[bytes]()
    for event in client.events():
        match event:
            case TextMessage(data=text):
                told.append(json.loads(text))
            case BytesMessage(data=piece):
                pieces.append(bytes(piece))
    return [one for one in told if one["type"] == "metadata"], pieces


def shown_ms(packets: list[Packet]) -> int:
    return max(packet.pts for packet in packets if not packet.is_config)


@in_virtual_time
async def test_players_and_pages_are_told_at_its_media_time() -> None:
    async with studio() as made:
        with made.publishing() as run:
            await send(run, *REEL[:100])
            flv, page = made.watch(Format.FLV), made.watch(Format.MP4_WS)
            await settle()
            await send(run, script(dts=123_456), *REEL[100:])
            decoded = max(packet.dts for packet in REEL[:100])
            assert scripts(flv.take()) == [(decoded, ["onTextData", GOAL])]
            told, _ = pages(page.take())
            assert told == [
                {
                    "type": "metadata",
                    "name": "onTextData",
                    "media_ms": shown_ms(REEL[:100]),
                    "value": GOAL,
                }
            ]


@in_virtual_time
async def test_what_a_site_says_stands_where_the_picture_is() -> None:
    async with studio() as made:
        with made.publishing() as run:
            await send(run, *REEL[:2])
            assert made.broadcast.insert(script_of("onCuePoint", GOAL)) is None
            await send(run, *REEL[2:100])
            flv, page = made.watch(Format.FLV_WS), made.watch(Format.MP4_WS)
            await settle()
            flv.take()
            assert made.broadcast.insert(script_of("onCuePoint", GOAL)) == shown_ms(REEL[:100])
            await send(run, *REEL[100:])
            (told,) = pages(page.take())[0]
            assert (told["name"], told["media_ms"]) == ("onCuePoint", shown_ms(REEL[:100]))
            client = Connection(ConnectionType.CLIENT)
            client.receive_data(flv.take())
            tags = b"".join(event.data for event in client.events())  # type: ignore[attr-defined]  # all are messages
            assert [values for _, values in scripts(tags)] == [["onCuePoint", GOAL]]
        await settle()
        assert made.broadcast.insert(script_of("onCuePoint", GOAL)) is None


@in_virtual_time
async def test_a_newcomer_hears_nothing_from_before_its_picture_begins() -> None:
    async with studio() as made:
        with made.publishing() as run:
            first_keyframe_behind = next(
                n for n, packet in enumerate(REEL) if packet.is_keyframe and packet.dts > 0
            )
            made.watch(Format.MP4_WS)
            await send(run, *REEL[:50], script(), *REEL[50 : first_keyframe_behind + 10])
            for output_format in (Format.MP4_WS, Format.FLV):
                newcomer = made.watch(output_format)
                await settle()
                data = newcomer.take()
                assert data
                told = pages(data)[0] if output_format is Format.MP4_WS else scripts(data)
                assert told == []


async def _watched(*, is_told: bool) -> tuple[list[bytes], Viewer]:
    async with studio() as made:
        with made.publishing() as run:
            await send(run, *REEL[:100])
            viewer = made.watch(Format.MP4_WS)
            await settle()
            for packet in REEL[100:]:
                said = [script(value={"n": packet.dts})] if is_told else []
                await send(run, *said, packet)
            told, pieces = pages(viewer.take())
            assert bool(told) is is_told
            return pieces, viewer


@in_virtual_time
async def test_the_picture_is_the_same_whatever_is_said() -> None:
    with_words, viewer = await _watched(is_told=True)
    assert with_words == (await _watched(is_told=False))[0]
    assert viewer.follower.statistics().skipped_packets == 0


@pytest.mark.parametrize("is_told", [True, False])
def test_hls_players_get_an_id3_tag_in_front_of_the_fragment_it_belongs_to(is_told: bool) -> None:
    packets = [packet for packet in REEL if not packet.is_config]
    cutter = Cutter(lambda media_ms: media_ms)
    parts = list(cutter.begin(media.tracks_of(REEL), changed=True))
    for packet in packets[:100]:
        parts += cutter.add(packet)
    at_ms = shown_ms(packets[:100])
    if is_told:
        said = script()
        said.dts, said.pts = packets[99].dts, at_ms
        parts += cutter.add(said)
        parts += cutter.add(script("onXMPData"))
    for packet in packets[100:]:
        parts += cutter.add(packet)
    parts += cutter.pause()
    found = [part for part in parts if b"emsg" in part.data]
    assert len(found) == (1 if is_told else 0)
    if not found:
        return
    (with_event,) = found
    names = [box.name for box in boxes(with_event.data)]
    assert names[names.index(b"emsg") :][:3] == [b"emsg", b"moof", b"mdat"]
    event = next(box.body for box in boxes(with_event.data) if box.name == b"emsg")
    assert at_ms <= int.from_bytes(event[8:16], "big") <= at_ms + 40
    assert event.endswith(b'onTextData\x00{"text":"goal","minute":12}')


def test_a_flood_of_words_is_cut_off_and_the_media_is_not() -> None:
    cutter = Cutter(lambda media_ms: media_ms)
    parts = list(cutter.begin(media.tracks_of(REEL), changed=True))
    for packet in REEL:
        parts += cutter.add(packet)
        for _ in range(100 if packet.is_config else 0):
            parts += cutter.add(script())
    parts += cutter.pause()
    assert sum(part.data.count(b"emsg/ID3") for part in parts) == MOST_SAID
    assert sum(part.frames for part in parts) == sum(it.kind is Kind.VIDEO for it in REEL) - 1


@in_virtual_time
async def test_rtmp_players_get_it_as_it_came() -> None:
    async with studio() as made:
        with made.publishing() as run:
            await send(run, *REEL[:100])
            viewer = made.watch(Format.RTMP)
            await settle()
            await send(run, script("onCuePoint"), *REEL[100:120])
            assert amf0.encode("onCuePoint", GOAL) in viewer.take()
