"""Finished recordings and clips, for whoever may watch them.

    /recordings/ID.mp4        one plain MP4 file; `?stretch=N` one of its stretches alone,
                              `?download` to be saved
    /recordings/ID.m3u8       HLS playlist
    /recordings/ID/KEY/N.m4s  what it leads to: a stretch's file, of which players ask for ranges

Whoever may watch a stream may watch what was recorded of it: where the site says who may, it is
asked here, too.  For the playlist it is asked once; what lies below has a key that cannot be
guessed.  Nothing of a recording changes once it is finished, so every answer has an entity tag.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import attrs

from relay.http.causes_of_recordings import NO_SUCH_RECORDING
from relay.http.conditional import etag_of, if_none_match
from relay.http.cors import ANY_ORIGIN
from relay.http.errors import HttpError, refused
from relay.http.response import Headers, Response
from relay.ports import Disk
from relay.reasons import Reason
from relay.recordings import index
from relay.recordings.recording import Recording
from relay.server.exchange import Exchange
from relay.server.recording_access import found, refusals, watched
from relay.server.sending import send

PLAYLIST_TYPE = "application/vnd.apple.mpegurl"

_CHECKED = ("Cache-Control", "private, no-cache")
"""It may be deleted, and the site may come to think otherwise of who may watch."""
_NUMBER = re.compile("[0-9]{1,5}")
_NO_FILE_NAME = re.compile(r"[^A-Za-z0-9._-]+")


async def file(exchange: Exchange) -> Response | Reason:
    """`/recordings/ID.mp4`.

    Raises:
        HttpError: 404, there is none; 409, it goes on; 503; or as watching is refused.
    """
    with _shared_refusals():
        recording = await watched(exchange)
        only = _stretch(exchange, recording)
        with refusals():
            plain = await exchange.services.recordings.kept.plain(recording, only)
    etag = f'"{recording.id}-{"all" if only is None else only}-{plain.size}"'
    fields = (("ETag", etag), *_saved(exchange, recording))
    return await send(exchange, plain, (*_MP4, *fields))


async def playlist(exchange: Exchange) -> Response:
    """`/recordings/ID.m3u8`.

    Raises:
        HttpError: as `file`.
    """
    with _shared_refusals():
        recording = await watched(exchange)
        with refusals():
            text = await exchange.services.recordings.kept.playlist(recording)
    body = text.encode()
    fields = (("Content-Type", PLAYLIST_TYPE), ("ETag", etag_of(body)), _CHECKED, *ANY_ORIGIN)
    return if_none_match(exchange.request, Response(200, fields, body))


async def stretch(exchange: Exchange) -> Response | Reason:
    """`/recordings/ID/KEY/N.m4s`.

    Raises:
        HttpError: 404 or 503.
    """
    exchange.connection.facts["path"] = f"/recordings/{exchange.params['id']}/..."
    with _shared_refusals():
        recording = await found(exchange)
        kept, name = exchange.services.recordings.kept, exchange.params["file"]
        if not recording.is_finished or exchange.params["key"] != kept.key(recording):
            raise refused(NO_SUCH_RECORDING)
        if not _NUMBER.fullmatch(name):
            raise refused(NO_SUCH_RECORDING)
        with refusals():
            file_name = index.media_name(int(name))
            size = (await kept.disk.sizes(recording.id)).get(file_name)
        if size is None:
            raise refused(NO_SUCH_RECORDING)
    etag = ("ETag", f'"{recording.id}-{name}-{size}"')
    return await send(exchange, _File(kept.disk, recording.id, file_name, size), (*_MP4, etag))


_MP4: Headers = (("Content-Type", "video/mp4"), _CHECKED, *ANY_ORIGIN)


@attrs.frozen
class _File:
    """One file of a recording, as `sending.Body`."""

    _disk: Disk
    _folder: str
    _name: str
    size: int

    async def read(self, offset: int, size: int, /) -> bytes:
        return await self._disk.read(self._folder, self._name, offset, size)


def _stretch(exchange: Exchange, recording: Recording) -> int | None:
    number = exchange.request.query.get("stretch")
    if number is None:
        return None
    if not _NUMBER.fullmatch(number) or int(number) >= len(recording.stretches):
        raise refused(NO_SUCH_RECORDING)
    return int(number)


def _saved(exchange: Exchange, recording: Recording) -> Headers:
    """Under which name a browser is to save it, where it is asked to."""
    if "download" not in exchange.request.query:
        return ()
    began = datetime.fromtimestamp(recording.began_ms / 1000, UTC)
    title = _NO_FILE_NAME.sub("-", recording.stream)
    name = f"{title}-{began:%Y-%m-%d-%H%M%S}.mp4"
    return (("Content-Disposition", f'attachment; filename="{name}"'),)


@contextmanager
def _shared_refusals() -> Iterator[None]:
    """A player of another site says why it plays nothing."""
    try:
        yield
    except HttpError as error:
        error.headers += ANY_ORIGIN
        raise
