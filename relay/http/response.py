"""Responses whose body is whole before the first byte leaves."""

import json
import re
from typing import Any

import attrs

from relay.errors import ConfigError

Headers = tuple[tuple[str, str], ...]

_BASELINE: Headers = (
    # Nobody guesses a type: a stream name in an error must never become a script.
    ("X-Content-Type-Options", "nosniff"),
    # Addresses of watch pages may be private; other sites need not learn them.
    ("Referrer-Policy", "no-referrer"),
    # Other sites may not load this as a subresource, unless the response says so itself.
    ("Cross-Origin-Resource-Policy", "same-origin"),
)

_WITHOUT_BODY = (204, 304)


@attrs.frozen
class Response:
    """One answer.  `headers` leaves out what `fields` adds."""

    status: int
    headers: Headers = ()
    body: bytes = attrs.field(default=b"", repr=False)

    @property
    def fields(self) -> list[tuple[str, str]]:
        """All header fields: security baseline, own headers, Content-Length.

        An own header replaces the baseline's.  204 and 304 have no Content-Length: the first may
        not (RFC 9110, 8.6), and with the second it would have to be that of the 200.
        """
        own = {name.lower() for name, _ in self.headers}
        fields = [field for field in _BASELINE if field[0].lower() not in own]
        fields += self.headers
        if self.status not in _WITHOUT_BODY:
            fields.append(("Content-Length", str(len(self.body))))
        return fields

    def header(self, name: str) -> str | None:
        """The first own header of that name, in any case."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)

    def with_headers(self, *headers: tuple[str, str]) -> "Response":
        """The same answer with more headers."""
        return attrs.evolve(self, headers=self.headers + headers)


def json_response(value: Any, status: int = 200) -> Response:
    """`value` as JSON that no cache keeps: everything here is about now."""
    return _fresh("application/json", _json(value), status)


def problem(status: int, title: str, detail: str | None = None, **extra: Any) -> Response:
    """A problem document (RFC 9457, 3); `extra` are extension members."""
    members: dict[str, Any] = {"type": "about:blank", "title": title, "status": status}
    if detail is not None:
        members["detail"] = detail
    return _fresh("application/problem+json", _json(members | extra), status)


def text(body: str, status: int = 200) -> Response:
    """Plain text in UTF-8."""
    return _fresh("text/plain; charset=utf-8", body.encode(), status)


def html(body: bytes, *, frame_ancestors: tuple[str, ...] = ("'none'",)) -> Response:
    """A page of ours, with the policy that lets it load our own things only."""
    policy = ("Content-Security-Policy", content_security_policy(frame_ancestors))
    # A page that others may frame must also load where the framing page asks for COEP.
    embeddable = frame_ancestors not in (("'none'",), ("'self'",))
    sharing = ("Cross-Origin-Resource-Policy", "cross-origin" if embeddable else "same-origin")
    headers = (("Content-Type", "text/html; charset=utf-8"), ("Cache-Control", "no-cache"))
    return Response(200, (*headers, policy, sharing), body)


def static(data: bytes, content_type: str, etag: str) -> Response:
    """A file of ours: browsers ask every time, and `conditional` answers most with 304."""
    headers = (("Content-Type", content_type), ("Cache-Control", "no-cache"), ("ETag", etag))
    return Response(200, headers, data)


_CSP_SOURCE = re.compile(r"[!-+\--:<-~]+")
"""One source expression: visible ASCII without `,` and `;`, which end a policy or directive."""


def content_security_policy(frame_ancestors: tuple[str, ...]) -> str:
    """The policy of every page (CSP3): our own scripts, styles and sockets, and nothing else.

    Raises:
        ConfigError: an entry of `frame_ancestors` is not one source expression.
    """
    for source in frame_ancestors:
        if not _CSP_SOURCE.fullmatch(source):
            raise ConfigError(f"http.frame_ancestors: {source!r} is not a CSP source")
    directives = (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        # `'self'` does not cover WebSockets in every browser (CSP3, 6.7.2.8, came late).
        "connect-src 'self' ws: wss:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors " + (" ".join(frame_ancestors) or "'none'"),
    )
    return "; ".join(directives)


def _fresh(content_type: str, body: bytes, status: int) -> Response:
    headers = (("Content-Type", content_type), ("Cache-Control", "no-store"))
    return Response(status, headers, body)


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
