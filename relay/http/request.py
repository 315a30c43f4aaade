"""One whole HTTP request, and how its target is read.

A target is where request smuggling and path traversal begin, so the path is decoded exactly once
and whatever could mean two things to two readers is refused: broken escapes, dot segments,
backslashes, control characters, bytes that are not UTF-8.  Escaped slashes are `routing`'s to
refuse, everywhere but in names that may hold slashes.
"""

import re
from urllib.parse import parse_qsl

import attrs

from relay.http.errors import HttpError

QUERY_FIELDS = 64
"""More parameters than any route reads; each costs memory."""


@attrs.frozen
class Query:
    """The parameters after `?`, decoded."""

    parameters: tuple[tuple[str, str], ...] = ()

    def get(self, name: str) -> str | None:
        """The first value of that name; `""` for a name without a value."""
        return next((value for key, value in self.parameters if key == name), None)

    def __contains__(self, name: str) -> bool:
        return self.get(name) is not None


@attrs.frozen(kw_only=True)
class Request:
    """One request.  What may hold a key or a token stays out of its `repr`."""

    method: str
    target: str = attrs.field(repr=False)
    """As it was on the request line."""
    raw_path: str = attrs.field(repr=False)
    """The path of the target, not decoded."""
    path: str = attrs.field(repr=False)
    """Decoded once; starts with `/`, or is `*` for `OPTIONS *`."""
    query: Query = attrs.field(default=Query(), repr=False)
    headers: tuple[tuple[str, str], ...] = attrs.field(default=(), repr=False)
    """Names in lower case, values as Latin-1."""
    version: str = "1.1"
    body: bytes = attrs.field(default=b"", repr=False)

    def header(self, name: str) -> str | None:
        """The value of a field, its repetitions joined by commas (RFC 9110, 5.3)."""
        return header(self.headers, name)

    @property
    def wants_upgrade_to_websocket(self) -> bool:
        """Whether `Upgrade` names WebSocket.  `WebSocketConnection.accept` checks the rest."""
        return "websocket" in comma_list(self.header("upgrade"))


def header(headers: tuple[tuple[str, str], ...], name: str) -> str | None:
    """As `Request.header`, for bare headers."""
    wanted = name.lower()
    values = [value for key, value in headers if key == wanted]
    return ", ".join(values) if values else None


def comma_list(value: str | None) -> list[str]:
    """A header that is a list of case-insensitive tokens (RFC 9110, 5.6.1)."""
    return [token for item in (value or "").split(",") if (token := item.strip(" \t").lower())]


_ABSOLUTE = re.compile(r"https?://[^/?#]+(?=[/?]|$)", re.IGNORECASE)


def split_target(method: str, target: str) -> tuple[str, str]:
    """Path and query of a request target (RFC 9112, 3.2), still encoded.

    Raises:
        HttpError: 400 where the target has no form that a server is asked with.
    """
    if target == "*" and method == "OPTIONS":
        return "*", ""
    # Every server must accept the form that is meant for proxies (RFC 9112, 3.2.2).
    origin_form = target[found.end() :] if (found := _ABSOLUTE.match(target)) else target
    path, _, query = origin_form.partition("?")
    if found and not path:
        path = "/"
    if not path.startswith("/") or "#" in target:
        raise HttpError(400, "the request target is malformed")
    return path, query


_BROKEN_ESCAPE = re.compile("%(?![0-9A-Fa-f]{2})")
_ESCAPE = re.compile(b"%([0-9A-Fa-f]{2})")
_UNSAFE = re.compile(r"[\x00-\x1f\x7f\\]|(?:^|/)\.{1,2}(?:/|$)")


def decode_path(raw_path: str) -> str:
    """The path, percent-decoded once.

    Raises:
        HttpError: 400 where two readers could disagree about what it means.
    """
    if _BROKEN_ESCAPE.search(raw_path):
        raise HttpError(400, "the path has an escape that is not allowed")
    decoded = _ESCAPE.sub(lambda found: bytes((int(found[1], 16),)), raw_path.encode())
    try:
        path = decoded.decode()
    except UnicodeDecodeError:
        raise HttpError(400, "the path is not UTF-8") from None
    if _UNSAFE.search(path):
        raise HttpError(400, "the path is not allowed")
    return path


def parse_query(query: str) -> Query:
    """The parameters of an `application/x-www-form-urlencoded` query.

    Raises:
        HttpError: 400 for bytes that are not UTF-8, or more than 64 parameters.
    """
    try:
        pairs = parse_qsl(
            query, keep_blank_values=True, errors="strict", max_num_fields=QUERY_FIELDS
        )
    except ValueError:
        raise HttpError(400, "the query is malformed") from None
    return Query(tuple(pairs))
