"""Changes and publications for tests of stores."""

from relay.publication import Author, Moment, Publication
from relay.store.contract import Append, ChannelRecord, CreateChannel

NOW_MS = 1_700_000_000_000


def created(name: str, *, epoch: str = "first", **more: object) -> CreateChannel:
    """A channel that begins."""
    return CreateChannel(ChannelRecord(name=name, epoch=epoch, created_ms=NOW_MS, **more))  # type: ignore[arg-type]  # whatever a record takes


def said(offset: int, data: bytes = b"{}") -> Publication:
    """A plain publication."""
    return Publication(offset=offset, data=data, at_ms=NOW_MS + offset)


def appended(channel: str, *offsets: int, **more: object) -> Append:
    """Plain publications with these offsets."""
    publications = tuple(said(offset, b"%d" % offset) for offset in offsets)
    return Append(channel=channel, publications=publications, **more)  # type: ignore[arg-type]  # whatever an append takes


EVERYTHING = (
    Publication(offset=1, data=b"", at_ms=0),
    Publication(offset=2, data=b'{"a":"\xc3\xa4"}', at_ms=2**53, author=Author("u1", "c1", b"{}")),
    Publication(offset=3, data=bytes(range(256)), at_ms=1, author=Author("", "", b"")),
    Publication(offset=4, data=b"1", at_ms=1, author=Author("nul\0", "lone\ud800", b"\0\xff")),
    Publication(
        offset=5, data=b"1", at_ms=1, tags=(("b", "2"), ("a", ""), ("b", "\0\udfff\u00e4"))
    ),
    Publication(offset=6, data=b"1", at_ms=1, moment=Moment("s-1", 0)),
    Publication(offset=7, data=b"1", at_ms=1, moment=Moment("", -(2**62))),
    Publication(
        offset=8,
        data=b"x" * 200_000,
        at_ms=1,
        author=Author("u", "", b"[1,2]"),
        tags=(("", ""),),
        moment=Moment("s", 2**31),
    ),
)
"""Publications with whatever a publication can have."""
