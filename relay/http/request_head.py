"""Heads of requests: found in the stream, bounded at every byte, and given one meaning.

h11 reads the grammar.  This stands in front of it, because h11 looks at its one limit only when it
wants more, and because it is friendlier than a server behind a proxy may be (RFC 9112, 11.2).
"""

import re

import attrs
import h11

from relay.http.errors import HttpError
from relay.http.request import Request, decode_path, parse_query, split_target

METHODS = frozenset(("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "QUERY", "TRACE"))
"""Those whose meaning we know, and which a path is said to allow or not.  No route has TRACE, which
gives a request's secrets back to whoever made it (RFC 9110, 9.3.8).
"""
FIELDS = 128
"""Header fields in one request; 16 KB could hold 4,000, each of which costs microseconds."""

_LINE_OVERHEAD = 64
"""Room on a request line for the longest method and the version."""
_AMBIGUOUS_LINE = re.compile(rb"(?<!\r)\n|\r\n[ \t]")
"""A bare line feed, or a folded line (RFC 9112, 2.2 and 5.2)."""
_HOST = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:\[\]%-]*")
_VERSIONS = ("1.0", "1.1")


@attrs.frozen(kw_only=True)
class HttpLimits:
    """Bytes of one request's parts."""

    header_bytes: int = 16 * 1024
    """All header fields together, without the request line."""
    target_bytes: int = 8 * 1024
    body_bytes: int = 1024 * 1024


@attrs.define(eq=False)
class HeadBuffer:
    """Bytes of which no whole head was taken yet."""

    limits: HttpLimits
    data: bytearray = attrs.Factory(bytearray)
    _searched: int = 0
    _may_skip_line: bool = True

    def take(self) -> bytes | None:
        """The next head with its empty line, or None before it is whole.

        Raises:
            HttpError: 400, 414 or 431, as soon as the bytes show it.
        """
        self._skip_empty_line()
        if not self.data:
            return None
        end = self.data.find(b"\r\n\r\n", max(0, self._searched - 3))
        self._check(end)
        if end < 0:
            self._searched = len(self.data)
            return None
        head = bytes(self.data[: end + 4])
        del self.data[: end + 4]
        self._searched = 0
        self._may_skip_line = True
        return head

    def take_all(self) -> bytes:
        """Everything that is here, which is not the beginning of a head."""
        data = bytes(self.data)
        self.data.clear()
        self._searched = 0
        return data

    def _skip_empty_line(self) -> None:
        # Old clients send one line end too many after a body (RFC 9112, 2.2).
        if self._may_skip_line and self.data[:2] == b"\r\n":
            del self.data[:2]
            self._searched = 0
            self._may_skip_line = False

    def _check(self, end: int) -> None:
        # TLS, RTMP and other binary protocols show themselves in their first byte.
        if self.data[0] <= 0x20 and not (self._may_skip_line and self.data == b"\r"):
            raise HttpError(400, "this is not HTTP")
        # Before the head is whole, up to three bytes of its end may be here already.
        partial = end < 0
        stop = len(self.data) if partial else end
        line = self.data.find(b"\r\n", 0, stop)
        line_bytes = line if line >= 0 else stop
        if line_bytes > self.limits.target_bytes + _LINE_OVERHEAD:
            raise HttpError(414)
        if stop - line_bytes > self.limits.header_bytes + 3 * partial:
            raise HttpError(431)
        if _AMBIGUOUS_LINE.search(self.data, max(0, self._searched - 2), stop):
            raise HttpError(400, "a line of the head is malformed")
        if self.data.count(b"\r\n", 0, stop) > FIELDS + partial:
            raise HttpError(431)


def request_of(event: h11.Request, limits: HttpLimits) -> Request:
    """The request that h11 read, without its body.

    Raises:
        HttpError: what h11 lets pass and we do not.
    """
    method = event.method.decode("ascii")
    target = event.target.decode("ascii")
    version = event.http_version.decode("ascii")
    if len(target) > limits.target_bytes:
        raise HttpError(414)
    if version not in _VERSIONS:
        raise HttpError(505)
    if method not in METHODS:
        raise HttpError(501, "this method is not known here")
    raw_path, query = split_target(method, target)
    request = Request(
        method=method,
        target=target,
        raw_path=raw_path,
        path=decode_path(raw_path),
        query=parse_query(query),
        headers=tuple((name.decode(), value.decode("latin-1")) for name, value in event.headers),
        version=version,
    )
    _check_framing(request, limits.body_bytes)
    return request


def _check_framing(request: Request, body_bytes: int) -> None:
    length = request.header("content-length")
    coding = request.header("transfer-encoding")
    # A proxy may believe the length, or not know codings at all (RFC 9112, 6.1 and 6.3).
    if coding is not None and (length is not None or request.version == "1.0"):
        raise HttpError(400, "the length of the body is ambiguous")
    if length is not None and int(length) > body_bytes:
        raise HttpError(413)
    if not _HOST.fullmatch(request.header("host") or ""):
        raise HttpError(400, "the Host header is malformed")
