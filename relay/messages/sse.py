"""Server-sent events, written (HTML Living Standard, 9.2).

Everything is lines, and three sequences end one: CR LF, LF, and CR alone.  Data that holds any of
them becomes one `data` line for each of its own, or whoever publishes could write events of ours.
"""

import re

CONTENT_TYPE = "text/event-stream"

_LINE_END = re.compile(rb"\r\n|\r|\n")


def event(data: bytes, *, name: str = "", event_id: str = "") -> bytes:
    """One event.  Name and id are ours, and have no line ends.

    Args:
        data: UTF-8; a reader gets LF for each of its line ends.
        name: of the event; empty for `message`.
        event_id: what a reader comes back with in `Last-Event-ID`; empty for none.
    """
    lines = [b"id: " + event_id.encode()] if event_id else []
    if name:
        lines.append(b"event: " + name.encode())
    lines += [_data_line(line) for line in _LINE_END.split(data)]
    return b"\n".join(lines) + b"\n\n"


def retry(milliseconds: int) -> bytes:
    """How long a reader waits before it comes back."""
    return b"retry: %d\n\n" % milliseconds


def place(event_id: str) -> bytes:
    """No event, but an id to come back with."""
    return b"id: " + event_id.encode() + b"\n\n"


def comment(text: str = "") -> bytes:
    """What readers skip: it shows proxies that somebody is here."""
    return b":" + text.encode() + b"\n\n"


def _data_line(line: bytes) -> bytes:
    # A reader takes one space away, which must not be the line's own.
    return b"data: " + line if line.startswith(b" ") else b"data:" + line
