"""`/api/v1/recordings`, and what is recorded of a stream."""

import re
from typing import Any

from relay.chat.paging import read_number
from relay.errors import FormatError
from relay.http.causes import NOT_PUBLISHED, PAGE_NOT_POSSIBLE
from relay.http.causes_of_recordings import CLIP_NOT_POSSIBLE, STILL_RECORDING
from relay.http.cors import ANY_ORIGIN
from relay.http.errors import refused
from relay.http.json_body import json_object
from relay.http.response import Response, json_response
from relay.recordings.recording import Recording
from relay.server.exchange import Exchange
from relay.server.recording_access import (
    found,
    is_listed,
    may_change,
    owns,
    refusals,
    refuse_unless,
)
from relay.server.rest.shown_recordings import shown

PAGE, LARGEST_PAGE = 50, 200
LOOKS = 10
"""Pages of the store that one answer may need, where most of what is there is not listed."""
_LAST = re.compile(r"(?:([0-9]{1,4})m)?(?:([0-9]{1,5})s)?")


async def every(exchange: Exchange) -> Response:
    """`GET /api/v1/recordings`: newest first.

    Raises:
        HttpError: 422, a parameter is not what it must be; 503.
    """
    query = exchange.request.query
    limit = max(1, min(LARGEST_PAGE, _number("limit", query.get("limit") or str(PAGE))))
    below = _number("below", query.get("below") or "0")
    stream, owner = query.get("stream") or "", query.get("user") or ""
    listed: list[Recording] = []
    following: int | None = below
    for _ in range(LOOKS):
        with refusals():
            page = await exchange.services.recordings.page(
                stream=stream, owner=owner, below=following or 0, limit=limit
            )
        following = page[-1][0] if len(page) == limit else None
        for number, recording in page:
            if is_listed(exchange, recording):
                listed.append(recording)
                if len(listed) == limit:
                    return _page(listed, number if number != page[-1][0] else following)
        if following is None:
            break
    return _page(listed, following)


async def read(exchange: Exchange) -> Response:
    """`GET /api/v1/recordings/ID`: for anyone who knows its address.

    Raises:
        HttpError: 404 or 503.
    """
    return json_response(shown(await found(exchange))).with_headers(*ANY_ORIGIN)


async def remove(exchange: Exchange) -> Response:
    """`DELETE /api/v1/recordings/ID`: its owner's, and the operator's.

    Raises:
        HttpError: 401, 403 or 404; 409, it goes on; 503, it may stay.
    """
    recording = await found(exchange)
    refuse_unless(may_change(exchange, recording), exchange)
    if not recording.is_finished:
        raise refused(STILL_RECORDING)
    with refusals():
        await exchange.services.recordings.kept.delete(recording)
    return Response(204)


async def clip_recording(exchange: Exchange) -> Response:
    """`POST /api/v1/recordings/ID/clips`, with `{"from_ms", "to_ms"}`.

    Raises:
        HttpError: 401, 403 or 404; 409, there is nothing of that time; 422; 503.
    """
    recording = await found(exchange)
    refuse_unless(may_change(exchange, recording), exchange)
    asked = json_object(exchange.request)
    from_ms, to_ms = _moment(asked, "from_ms"), _moment(asked, "to_ms")
    if not from_ms < to_ms:
        raise refused(CLIP_NOT_POSSIBLE, "`to_ms` is later than `from_ms`")
    _check_length(exchange, to_ms - from_ms)
    with refusals():
        clip = await exchange.services.clips.of_recording(recording, from_ms, to_ms)
    return _made(clip, clip.start_ms - recording.start_ms)


async def clip_stream(exchange: Exchange) -> Response:
    """`POST /api/v1/streams/APP/NAME/clips`, with `{"last": "30s"}`: of what is live.

    Raises:
        HttpError: 401, 403 or 404; 409, there is no picture yet; 422; 503.
    """
    refuse_unless(owns(exchange, exchange.stream), exchange)
    last_ms = _last_ms(json_object(exchange.request).get("last"))
    _check_length(exchange, last_ms)
    broadcast = exchange.services.stage.broadcast(exchange.stream)
    if broadcast is None:
        raise refused(NOT_PUBLISHED)
    with refusals():
        clip = await exchange.services.clips.of_broadcast(broadcast, last_ms)
    return _made(clip, clip.start_ms)


# What is recorded of a stream.


def status(exchange: Exchange) -> Response:
    """`GET /api/v1/streams/APP/NAME/recording`: for its owner and the operator.

    Raises:
        HttpError: 401 or 403.
    """
    refuse_unless(owns(exchange, exchange.stream), exchange)
    return json_response(_status(exchange))


async def start(exchange: Exchange) -> Response:
    """`PUT /api/v1/streams/APP/NAME/recording`: what is live now, and whatever comes.

    Raises:
        HttpError: 401, 403 or 503.
    """
    return await _wish(exchange, True)


async def stop(exchange: Exchange) -> Response:
    """`DELETE /api/v1/streams/APP/NAME/recording`: no more, whatever the rules say.

    Raises:
        HttpError: 401, 403 or 503.
    """
    return await _wish(exchange, False)


async def _wish(exchange: Exchange, is_wanted: bool) -> Response:
    refuse_unless(owns(exchange, exchange.stream), exchange)
    with refusals():
        await exchange.services.recordings.change_wish(exchange.stream, is_wanted)
    return json_response(_status(exchange))


def _status(exchange: Exchange) -> dict[str, Any]:
    recordings, stream = exchange.services.recordings, exchange.stream
    recording, refusal = recordings.under_way(stream), recordings.refusal(stream)
    return {
        "is_wanted": recordings.is_wanted(stream),
        "by_rule": recordings.wish(stream) is None,
        "recording": None if recording is None else shown(recording),
        "refusal": None if refusal is None else refusal.value,
        "refusal_text": None if refusal is None else refusal.sentence,
    }


def _page(listed: list[Recording], following: int | None) -> Response:
    value = {"recordings": [shown(recording) for recording in listed], "next": following}
    return json_response(value).with_headers(*ANY_ORIGIN)


def _made(clip: Recording, from_ms: int) -> Response:
    """What was really cut; `from_ms` and `to_ms` as they were asked for."""
    cut = {"from_ms": from_ms, "to_ms": from_ms + clip.duration_ms}
    location = ("Location", f"/api/v1/recordings/{clip.id}")
    return json_response(shown(clip) | cut, 201).with_headers(location)


def _check_length(exchange: Exchange, length_ms: int) -> None:
    longest_s = exchange.services.config.recording.clip_s
    if length_ms > longest_s * 1000:
        raise refused(CLIP_NOT_POSSIBLE, f"a clip has at most {longest_s:g} seconds")


def _last_ms(text: object) -> int:
    found = _LAST.fullmatch(text) if isinstance(text, str) else None
    minutes, seconds = found.groups() if found else (None, None)
    last_ms = 60_000 * int(minutes or 0) + 1000 * int(seconds or 0)
    if not last_ms:
        raise refused(CLIP_NOT_POSSIBLE, '`last` is a time as in "30s" or "1m30s"')
    return last_ms


def _moment(asked: dict[str, Any], name: str) -> int:
    value = asked.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 40:
        raise refused(CLIP_NOT_POSSIBLE, f"`{name}` is a number of milliseconds, 0 or more")
    return value


def _number(name: str, text: str) -> int:
    try:
        return read_number(name, text)
    except FormatError as error:
        raise refused(PAGE_NOT_POSSIBLE, str(error)) from None
