"""From what an encoder was told to type to what it wants to publish.

Encoders cut `rtmp://HOST/live/cat?key=sk_...` into `app` and `tcUrl` of `connect` and the name of
`publish`, each in its own way: at the first slash or the last, with the query on either side, on
both, or in the middle (`live?key=sk_.../cat`), with quotes around it, doubled slashes, or no name
at all.  So the parts are put together again, taken apart once, and sorted by what they look like:

    a segment or value that starts with `sk_`   the key: OBS's whole "stream key", or, from devices
                                                that cannot type `?`, a path segment
    `key=` or `token=`                          the key, where nothing starts with `sk_`
    the first segment                           the application
    the others, without FMS's `_definst_`       the name; none when the key alone says it
"""

import re
from urllib.parse import unquote

import attrs

from relay.errors import FormatError

DEFAULT_APP = "live"
KEY_PREFIX = "sk_"

_KEY_PARAMETERS = ("key", "token")
_DEFAULT_INSTANCE = "_definst_"
_QUOTES = "'\" \t\r\n"
_SEGMENT = re.compile(r"[A-Za-z0-9_.~-]{1,128}")
_KEY = re.compile(r"[!-~]{1,2048}")
"""Or a player's token, which is the longer one."""
_MAX_SEGMENTS = 8
_MAX_LENGTH = 4096


@attrs.frozen
class StreamAddress:
    """What is to be published, or played."""

    app: str
    name: str | None
    """None when the key has to say it."""
    key: str | None
    parameters: tuple[tuple[str, str], ...] = ()
    """What else the query says; names in small letters."""


def parse_address(app: str, tc_url: str, name: str) -> StreamAddress:
    """Make sense of `connect`'s `app` and `tcUrl` and of `publish`'s (or `play`'s) name.

    Raises:
        FormatError: a segment has characters outside `A-Z a-z 0-9 _ - . ~`, or is too long, or the
            key cannot be one.
    """
    if len(app) + len(tc_url) + len(name) > _MAX_LENGTH:
        raise FormatError("the stream's address is too long")
    app, tc_url, name = (text.strip(_QUOTES) for text in (app, tc_url, name))
    of_url = _Parts.of(_path(tc_url))
    of_app = _Parts.of(app) if app.strip("/") else of_url
    of_name = _Parts.of(name)
    segments = of_app.segments + of_name.segments
    parameters = of_url.parameters | of_app.parameters | of_name.parameters
    keys = [segment for segment in segments if segment.startswith(KEY_PREFIX)]
    path = [segment for segment in segments if not segment.startswith(KEY_PREFIX)]
    key = keys[-1] if keys else _key_parameter(parameters)
    if key is not None and not _KEY.fullmatch(key):
        raise FormatError("the stream key has characters that no key has")
    address = _address(path if of_app.segments else [DEFAULT_APP, *path], key)
    return attrs.evolve(address, parameters=_without_keys(parameters, key))


@attrs.frozen
class _Parts:
    """Path segments and query parameters of one piece of an address, decoded."""

    segments: list[str]
    parameters: dict[str, str]

    @classmethod
    def of(cls, text: str) -> "_Parts":
        segments, parameters = [], {}
        # Slashes first: a query in the middle (`live?key=val/cat`) ends where the next segment is.
        for piece in text.split("/"):
            segment, *queries = piece.split("?")
            if segment:
                segments.append(unquote(segment))
            for pair in "&".join(queries).split("&"):
                field, _, value = pair.partition("=")
                parameters[field.lower()] = unquote(value)
        return cls(segments, parameters)


def _address(path: list[str], key: str | None) -> StreamAddress:
    path = [segment for segment in path if segment != _DEFAULT_INSTANCE]
    if len(path) > _MAX_SEGMENTS:
        raise FormatError("the stream's address has too many segments")
    for segment in path:
        _check(segment)
    app, *rest = path or [DEFAULT_APP]
    return StreamAddress(app, "/".join(rest) or None, key)


def _without_keys(parameters: dict[str, str], key: str | None) -> tuple[tuple[str, str], ...]:
    return tuple(
        (name, value)
        for name, value in parameters.items()
        if name and name not in _KEY_PARAMETERS and value != key
    )


def _check(segment: str) -> None:
    if not _SEGMENT.fullmatch(segment) or ".." in segment or segment == ".":
        raise FormatError("a stream's name has letters, digits and _ - . ~, at most 128 in a part")


def _path(url: str) -> str:
    """Everything behind the host."""
    _, scheme, rest = url.partition("://")
    return rest.partition("/")[2] if scheme else ""


def _key_parameter(parameters: dict[str, str]) -> str | None:
    for value in parameters.values():
        if value.startswith(KEY_PREFIX):
            return value
    for field in _KEY_PARAMETERS:
        if parameters.get(field):
            return parameters[field]
    return None
