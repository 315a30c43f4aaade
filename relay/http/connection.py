"""One HTTP/1.1 connection of a server, without I/O.

h11 reads grammar, framing and the rules of keep-alive; `request_head` bounds what reaches it.  One
h11 connection serves one request: what arrives behind that request goes back to our buffer, so
pipelined requests and the first bytes after an upgrade need no special care.

A body is read whole, because every body that this server takes is a small document.

The caller's loop: `receive_data`, then `next_request` until it returns NEED_DATA, sending
`data_to_send` and one `send` per request on the way.  It must not read on while a request waits
for its answer: that is the back-pressure on clients that pipeline, and with it the buffer holds no
more than one request and one read.  `HttpError` out of `next_request` means: send
`refusal(error)`, and close.
"""

from typing import Literal

import attrs
import h11

from relay.errors import LocalProtocolError
from relay.http.errors import STATUS_TITLES, HttpError
from relay.http.request import Request
from relay.http.request_head import HeadBuffer, HttpLimits, request_of
from relay.http.response import Response
from relay.http.response_head import final_head, h11_response
from relay.http.signals import CLOSED, NEED_DATA, Signal


class HttpConnection:
    """One connection, whose requests are read and answered one after the other."""

    def __init__(self, limits: HttpLimits) -> None:
        self._limits = limits
        self._buffer = HeadBuffer(limits)
        self._cycle = _Cycle(limits)
        self._peer_finished = False
        self._must_close = False
        self._outgoing = b""

    def receive_data(self, data: bytes) -> None:
        """Keep what arrived; `b""` says that the peer will send no more."""
        if self._must_close or self._peer_finished:
            return
        self._buffer.data += data
        self._peer_finished = not data

    def next_request(self) -> Request | Literal[Signal.NEED_DATA, Signal.CLOSED]:
        """The next whole request.

        Raises:
            HttpError: the request cannot be read; `refusal` has the last words.
            LocalProtocolError: the request before has not been answered.
        """
        if self._cycle.answer_due:
            raise LocalProtocolError("answer the request before asking for the next one")
        if self._must_close:
            return CLOSED
        try:
            return self._read_request()
        except HttpError:
            self._give_up()
            raise
        except h11.RemoteProtocolError as error:
            self._give_up()
            raise _as_http_error(error) from error

    def data_to_send(self) -> bytes:
        """What must go out before the rest of the request can come: `100 Continue` or nothing."""
        data, self._outgoing = self._outgoing, b""
        return data

    def send(self, response: Response, *, close: bool = False) -> bytes:
        """The answer to the last request; with `close`, no other request will be read.

        HEAD, 204 and 304 get the head alone.
        """
        if not self._cycle.answer_due:
            raise LocalProtocolError("there is no request to answer")
        data = self._cycle.answer(response, close=close)
        if self._cycle.was_last:
            self._give_up()
        else:
            self._cycle = _Cycle(self._limits)
        return data

    def refusal(self, error: HttpError) -> bytes:
        """The last answer on this connection, whatever state it is in; `must_close` from here on.

        For a request that could not be read, and for one that took too long (408).
        """
        response = error.response()
        data = final_head(response.status, response.fields)
        if not self._cycle.is_head:
            data += response.body
        self._give_up()
        return data

    @property
    def must_close(self) -> bool:
        """Whether the connection is to be closed once everything sent has left."""
        return self._must_close

    @property
    def is_idle(self) -> bool:
        """Whether we wait for a request of which nothing has arrived."""
        return self._cycle.request is None and not self._buffer.data

    def trailing_data(self) -> bytes:
        """Take what arrived behind the last request: the first bytes of the next protocol."""
        return self._buffer.take_all()

    def _give_up(self) -> None:
        self._must_close = True
        self._cycle.answer_due = False
        self._buffer.take_all()

    def _read_request(self) -> Request | Literal[Signal.NEED_DATA, Signal.CLOSED]:
        cycle = self._cycle
        if cycle.request is None:
            head = self._buffer.take()
            if head is None:
                return self._out_of_heads()
            cycle.read_head(head)
        if cycle.read_body(self._buffer.take_all(), end_of_file=self._peer_finished):
            self._buffer.data += cycle.trailing_data()
            return cycle.whole_request()
        self._outgoing += cycle.invitation()
        return NEED_DATA

    def _out_of_heads(self) -> Literal[Signal.NEED_DATA, Signal.CLOSED]:
        if not self._peer_finished:
            return NEED_DATA
        if self._buffer.data:
            raise HttpError(400, "the request ends in its head")
        self._give_up()
        return CLOSED


class _Cycle:
    """One request and its answer."""

    def __init__(self, limits: HttpLimits) -> None:
        self._limits = limits
        # h11's limit is left for chunk headers and trailers; heads reach it whole.
        self._h11 = h11.Connection(h11.SERVER, limits.header_bytes)
        self._body = bytearray()
        self.request: Request | None = None
        self.is_head = False
        self.answer_due = False

    def read_head(self, head: bytes) -> None:
        self._h11.receive_data(head)
        event = self._h11.next_event()
        if not isinstance(event, h11.Request):
            raise HttpError(400, "the request is malformed")
        self.is_head = event.method == b"HEAD"
        self.request = request_of(event, self._limits)

    def read_body(self, data: bytes, *, end_of_file: bool) -> bool:
        """Whether the body is whole."""
        if data:
            self._h11.receive_data(data)
        if end_of_file:
            self._h11.receive_data(b"")
        while isinstance(event := self._h11.next_event(), h11.Data):
            self._body += event.data
            if len(self._body) > self._limits.body_bytes:
                raise HttpError(413)
        self.answer_due = isinstance(event, h11.EndOfMessage)
        return self.answer_due

    def invitation(self) -> bytes:
        if not self._h11.they_are_waiting_for_100_continue:
            return b""
        event = h11.InformationalResponse(status_code=100, headers=[], reason=b"Continue")
        return self._h11.send(event)

    def trailing_data(self) -> bytes:
        return self._h11.trailing_data[0]

    def whole_request(self) -> Request:
        if self.request is None:
            raise LocalProtocolError("the head has not been read")
        return attrs.evolve(self.request, body=bytes(self._body))

    def answer(self, response: Response, *, close: bool) -> bytes:
        fields = response.fields + ([("Connection", "close")] if close else [])
        data = self._h11.send(h11_response(response.status, fields))
        if response.body and not self.is_head:
            data += self._h11.send(h11.Data(data=response.body))
        return data + self._h11.send(h11.EndOfMessage())

    @property
    def was_last(self) -> bool:
        """Whether the answer ended the connection too, as HTTP/1.0 and `close` ask for."""
        return self._h11.our_state is h11.MUST_CLOSE


def _as_http_error(error: h11.RemoteProtocolError) -> HttpError:
    status = error.error_status_hint
    return HttpError(status if status in STATUS_TITLES else 400, "the request is malformed")
