"""The routes of recordings and clips, and whom each answers.

Whoever may watch a stream may watch what was recorded of it: the handlers ask.  What changes
something is for the owner and the operator: the handlers know who that is.
"""

from relay.http.routing import Route, Who
from relay.server import pages, recorded
from relay.server.exchange import Answers, Handler, Waits
from relay.server.rest import openapi_recordings, recordings

_ALL = "/api/v1/recordings"
_ONE = f"{_ALL}/{{id}}"
_STREAM = "/api/v1/streams/{app}/{name}"

MEDIA: tuple[Route[Handler], ...] = tuple(
    Route(methods={"GET"}, pattern=pattern, handler=handler, who=Who.ANYONE)
    for pattern, handler in (
        ("/recordings/{id}.mp4", Waits(recorded.file)),
        ("/recordings/{id}.m3u8", Waits(recorded.playlist)),
        ("/recordings/{id}/{key}/{file}.m4s", Waits(recorded.stretch)),
        ("/recordings/{id}", Answers(pages.recording)),
        ("/recordings", Answers(pages.recordings)),
    )
)
"""They come before those of streams: no application is called `recordings`."""

PUBLIC: tuple[Route[Handler], ...] = tuple(
    Route(methods={method}, pattern=pattern, handler=handler, who=who, about=about)
    for method, pattern, handler, who, about in (
        ("GET", _ALL, Waits(recordings.every), Who.ANYONE, openapi_recordings.LIST),
        ("GET", _ONE, Waits(recordings.read), Who.ANYONE, openapi_recordings.READ),
        ("DELETE", _ONE, Waits(recordings.remove), Who.GUEST, openapi_recordings.REMOVE),
        (
            "POST",
            f"{_ONE}/clips",
            Waits(recordings.clip_recording),
            Who.GUEST,
            openapi_recordings.CLIP_RECORDING,
        ),
        (
            "POST",
            f"{_STREAM}/clips",
            Waits(recordings.clip_stream),
            Who.GUEST,
            openapi_recordings.CLIP_STREAM,
        ),
        (
            "GET",
            f"{_STREAM}/recording",
            Answers(recordings.status),
            Who.GUEST,
            openapi_recordings.STATUS,
        ),
        (
            "PUT",
            f"{_STREAM}/recording",
            Waits(recordings.start),
            Who.GUEST,
            openapi_recordings.START,
        ),
        (
            "DELETE",
            f"{_STREAM}/recording",
            Waits(recordings.stop),
            Who.GUEST,
            openapi_recordings.STOP,
        ),
    )
)
