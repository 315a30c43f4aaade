"""One request and its answer, as bytes: HTTP/1.1 by h11, with an end to everything.

One exchange is one request; whether its connection may serve another is said when it is over.  Who
answers is not trusted: it may send a head without end,
a hundred "100 Continue", or a body that never stops.  A body is read up to a bound, and what there
is then is the answer: a receiver that says 200 and adds a large page has accepted.
"""

import attrs
import h11

from relay.outbound.failures import Failure, Unanswered
from relay.outbound.url import Target
from relay.release import RELEASE

HEAD_BYTES = 16 * 1024
MOST_INTERIM = 8
"""Answers of 1xx before the real one."""

Fields = tuple[tuple[str, str], ...]


@attrs.frozen
class Answer:
    """What came back.  Redirects are answers like any other: nobody follows them."""

    status: int
    headers: dict[str, str]
    """By their names in small letters; the last of each name."""
    body: bytes
    is_whole: bool
    """Whether the body ended within the bound."""


@attrs.define(eq=False)
class Exchange:
    """See the head of this module."""

    _target: Target
    _method: str
    _fields: Fields
    _body: bytes
    _answer_bytes: int
    _keeps: bool = False
    """Whether the connection is wanted for another request."""
    has_begun: bool = attrs.field(default=False, init=False)
    """Whether anything at all was answered."""
    _http: h11.Connection = attrs.field(init=False)
    _head: h11.Response | None = attrs.field(default=None, init=False)
    _interim: int = attrs.field(default=0, init=False)
    _received: bytearray = attrs.field(factory=bytearray, init=False)

    def __attrs_post_init__(self) -> None:
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEAD_BYTES)

    def request(self) -> bytes:
        """The bytes to send, once."""
        fields = [
            ("Host", self._target.authority),
            ("User-Agent", f"Relay/{RELEASE}"),
            *(() if self._keeps else (("Connection", "close"),)),
            ("Content-Length", str(len(self._body))),
            *self._fields,
        ]
        head = h11.Request(method=self._method, target=self._target.path, headers=fields)
        events = (head, h11.Data(data=self._body), h11.EndOfMessage())
        return b"".join(self._http.send(event) or b"" for event in events)

    def receive(self, data: bytes) -> Answer | None:
        """Take what came, `b""` at the end of the connection; the answer as soon as it is there.

        Raises:
            Unanswered: there will be none.
        """
        self.has_begun = self.has_begun or bool(data)
        try:
            self._http.receive_data(data)
            while (event := self._http.next_event()) is not h11.NEED_DATA:
                if (answer := self._take(event)) is not None:
                    return answer
        except h11.RemoteProtocolError as error:
            raise Unanswered(self._why(data, error), str(error)) from None
        return None

    @property
    def goes_on(self) -> bool:
        """Whether, after a whole answer, the connection is as good as new."""
        is_done = self._http.our_state is self._http.their_state is h11.DONE
        return self._keeps and is_done and self._http.trailing_data == (b"", False)

    def _take(self, event: object) -> Answer | None:
        match event:
            case h11.InformationalResponse():
                self._interim += 1
                if self._interim > MOST_INTERIM:
                    raise Unanswered(Failure.GARBAGE, "it goes on saying that it goes on")
            case h11.Response():
                self._head = event
            case h11.Data(data=data):
                self._received += data
                if len(self._received) > self._answer_bytes:
                    return self._answer(is_whole=False)
            case h11.EndOfMessage():
                return self._answer(is_whole=True)
            case _:
                raise Unanswered(Failure.BROKEN)
        return None

    def _answer(self, *, is_whole: bool) -> Answer:
        head = self._head
        assert head is not None
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in head.headers}
        body = bytes(self._received[: self._answer_bytes])
        return Answer(head.status_code, headers, body, is_whole)

    def _why(self, data: bytes, error: h11.RemoteProtocolError) -> Failure:
        if not data:
            return Failure.BROKEN
        is_too_large = error.error_status_hint == 431
        return Failure.HEAD_TOO_LARGE if is_too_large else Failure.GARBAGE
