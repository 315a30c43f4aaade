"""Content types of channels: which are JSON, which are text, and which are anybody's bytes."""

import re
from base64 import b64encode

JSON_TYPE = "application/json"
BYTES_TYPE = "application/octet-stream"
"""Of channels that were made without a type."""
MEDIA_TYPE_BYTES = 256

_MEDIA_TYPE = re.compile(r"[\w.+!#$&^-]+/[\w.+!#$&^-]+(?:[ \t]*;[\x20-\x7e]*)?", re.ASCII)


def media_type(value: str | None) -> str | None:
    """A Content-Type that names a type and is plain enough to be given back; else None."""
    if value is None or len(value) > MEDIA_TYPE_BYTES or not _MEDIA_TYPE.fullmatch(value):
        return None
    return value


def essence(content_type: str) -> str:
    """Type and subtype in lower case: what two Content-Types must share to be the same."""
    return content_type.partition(";")[0].strip().lower()


def is_json(content_type: str) -> bool:
    """Whether messages are JSON values."""
    return essence(content_type) == JSON_TYPE


def is_text(content_type: str) -> bool:
    """Whether server-sent events carry messages as they are."""
    return is_json(content_type) or essence(content_type).startswith("text/")


def as_text(data: bytes, content_type: str) -> bytes:
    """The data of a server-sent event, which is UTF-8."""
    if is_json(content_type):
        return data
    if is_text(content_type):
        # Whatever somebody has called text.
        return data.decode(errors="replace").encode()
    return b64encode(data)
