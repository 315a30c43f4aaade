"""A strict reader of MP4 boxes and of our fragments, written apart from the writer."""

import struct
from collections.abc import Iterable, Iterator

import attrs

CONTAINERS = {b"moov", b"trak", b"mdia", b"minf", b"dinf", b"stbl", b"mvex", b"moof", b"traf"}


@attrs.frozen
class Box:
    name: bytes
    body: bytes
    children: tuple["Box", ...] = ()

    def find(self, path: str) -> "Box":
        """The first box at `path`, as in `trak/mdia/mdhd`."""
        first, _, rest = path.partition("/")
        child = next(child for child in self.children if child.name == first.encode())
        return child.find(rest) if rest else child

    def all(self, name: str) -> list["Box"]:
        return [child for child in self.children if child.name == name.encode()]


@attrs.frozen
class Run:
    """One track's part of a fragment; times in the track's units."""

    track: int
    start: int
    durations: tuple[int, ...]
    payloads: tuple[bytes, ...]
    flags: int | None
    """Of a video sample."""
    offset: int
    """From decode to presentation time, of a video sample."""

    @property
    def end(self) -> int:
        return self.start + sum(self.durations)


def boxes(data: bytes) -> tuple[Box, ...]:
    """The boxes that `data` consists of, to its last byte."""
    found = []
    while data:
        size, name = struct.unpack_from(">I4s", data)
        assert 8 <= size <= len(data)
        body, data = data[8:size], data[size:]
        found.append(Box(name, body, boxes(body) if name in CONTAINERS else ()))
    return tuple(found)


def runs(fragment: bytes) -> list[Run]:
    """The tracks of a fragment, which must be one `moof` and one `mdat` without a spare byte."""
    moof, mdat = boxes(fragment)
    assert (moof.name, mdat.name) == (b"moof", b"mdat")
    found, used = [], 0
    for traf in moof.all("traf"):
        run, offset = _run(traf, fragment)
        assert offset == len(fragment) - len(mdat.body) + used
        used += sum(map(len, run.payloads))
        found.append(run)
    assert used == len(mdat.body)
    return found


def sequence_number(fragment: bytes) -> int:
    (number,) = struct.unpack(">4xI", boxes(fragment)[0].find("mfhd").body)
    return int(number)


def by_track(fragments: Iterable[bytes]) -> dict[int, list[Run]]:
    """Every track's runs in order."""
    found: dict[int, list[Run]] = {}
    for fragment in fragments:
        for run in runs(fragment):
            found.setdefault(run.track, []).append(run)
    return found


def _run(traf: Box, fragment: bytes) -> tuple[Run, int]:
    flags, track = struct.unpack(">II", traf.find("tfhd").body)
    assert flags == 0x020000
    version, start = struct.unpack(">IQ", traf.find("tfdt").body)
    assert version == 0x01000000
    body = traf.find("trun").body
    shape, count, offset = struct.unpack_from(">III", body)
    entry = {0x01000F01: ">IIIi", 0x00000301: ">II"}[shape]
    entries = list(struct.iter_unpack(entry, body[12:]))
    assert len(entries) == count
    payloads = tuple(_slices(fragment[offset:], [size for _, size, *_ in entries]))
    is_video = len(entries[0]) == 4
    run = Run(
        track,
        start,
        tuple(duration for duration, *_ in entries),
        payloads,
        entries[0][2] if is_video else None,
        entries[0][3] if is_video else 0,
    )
    return run, offset


def _slices(data: bytes, sizes: list[int]) -> Iterator[bytes]:
    for size in sizes:
        assert size <= len(data)
        yield data[:size]
        data = data[size:]
