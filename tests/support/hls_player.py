"""A player of HLS that believes nothing: it fetches every address at once, and measures."""

from functools import cache
from urllib.parse import urljoin

import attrs
import m3u8
from support.fragments import by_track
from support.hostile import Peer, Site
from support.http_client import Answer, request_bytes

from relay.hls.cutter import PART_TARGET_MS

FRAME_S = 0.0335
PART_TARGET_S = PART_TARGET_MS / 1000
ROUNDING_S = 0.0021


def fragments(data: bytes) -> list[bytes]:
    """Each `moof` with its `mdat`."""
    found = []
    while data:
        moof = int.from_bytes(data[:4], "big")
        size = moof + int.from_bytes(data[moof : moof + 4], "big")
        found.append(data[:size])
        data = data[size:]
    return found


@cache
def measured_s(data: bytes) -> float:
    """How long the samples in whole fragments declare to be, the picture's if there is one."""
    tracks = by_track(fragments(data))
    runs = tracks.get(1) or tracks[2]
    return (runs[-1].end - runs[0].start) / (1000 if 1 in tracks else 48000)


@attrs.define(eq=False)
class HlsPlayer:
    """One player on one connection."""

    peer: Peer
    url: str = "/live/cat.m3u8"
    files: dict[str, bytes] = attrs.field(factory=dict)
    """Everything fetched, by address."""
    breaks: dict[str, int] = attrs.field(factory=dict)
    """How many discontinuities there were up to each segment, since the broadcast began."""
    numbers: dict[str, int] = attrs.field(factory=dict)
    """The media sequence number of each segment."""

    @classmethod
    async def come(cls, here: Site) -> "HlsPlayer":
        return cls(await here.connect())

    async def get(self, url: str, *headers: tuple[str, str]) -> Answer:
        return await self.peer.ask(request_bytes("GET", url, *headers))

    async def open(self) -> m3u8.M3U8:
        """Follow the multivariant playlist; what that says."""
        answer = await self.get(self.url)
        assert answer.status == 200, answer.body
        found = m3u8.loads(answer.body.decode())
        self.url = urljoin(self.url, found.playlists[0].uri)
        return found

    async def reload(self, directives: str = "") -> m3u8.M3U8:
        answer = await self.get(self.url + (f"&{directives}" if directives else ""))
        assert answer.status == 200, answer.body
        return m3u8.loads(answer.body.decode())

    async def next_part(self, known: m3u8.M3U8) -> m3u8.M3U8:
        """The playlist with the part behind the last of `known`."""
        number, index, _ = known.preload_hint.uri.split(".")
        return await self.reload(f"_HLS_msn={number}&_HLS_part={index}")

    async def fetch(self, uri: str) -> bytes:
        """The whole of it, at once; what is fetched again must be the same."""
        answer = await self.get(urljoin(self.url, uri))
        assert answer.status == 200, (uri, answer.body)
        assert self.files.setdefault(uri, answer.body) == answer.body
        return answer.body

    async def check(self, found: m3u8.M3U8) -> None:
        """Everything that the playlist promises."""
        breaks = found.discontinuity_sequence or 0
        segments = [segment for segment in found.segments if segment.uri]
        for number, segment in enumerate(segments, found.media_sequence):
            breaks += bool(segment.discontinuity)
            assert self.numbers.setdefault(segment.uri, number) == number
            assert self.breaks.setdefault(segment.uri, breaks) == breaks
            assert round(segment.duration) <= found.target_duration
            await self._check_segment(segment)
        for part in found.segments[-1].parts if not found.segments[-1].uri else ():
            await self._check_part(part, is_last=False)

    async def _check_segment(self, segment: m3u8.Segment) -> None:
        data = await self.fetch(segment.uri)
        assert (await self.fetch(segment.init_section.uri))[4:8] == b"ftyp"
        assert abs(measured_s(data) - segment.duration) <= FRAME_S
        if not segment.parts:
            return
        whole = b"".join([await self.fetch(part.uri) for part in segment.parts])
        assert whole == data
        for part in segment.parts:
            await self._check_part(part, is_last=part is segment.parts[-1])

    async def _check_part(self, part: m3u8.PartialSegment, *, is_last: bool) -> None:
        data = await self.fetch(part.uri)
        assert abs(measured_s(data) - part.duration) <= FRAME_S
        assert part.duration <= PART_TARGET_S or len(fragments(data)) == 1
        assert is_last or part.duration >= 0.85 * PART_TARGET_S
