"""A push service on a real port, with TLS: what it answers stands in the endpoint.

`https://localhost:PORT/410/NAME` is a subscription that is no more; `/429/NAME` answers so once for
each name, and 201 from then on.
"""

import ssl
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import attrs
import h11
import trio

CERTIFICATE = (
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
    "-subj /CN=localhost -addext subjectAltName=DNS:localhost"
)
BUSY = 429
RETRY_AFTER_S = "1"
_Stream = trio.SSLStream[trio.SocketStream]


@attrs.frozen
class Pushed:
    """One push that came."""

    at: float
    """Monotonic seconds."""
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]


@attrs.define(eq=False)
class PushService:
    """See the head of this module."""

    port: int
    ca_file: str
    pushes: list[Pushed] = attrs.field(factory=list)
    connections: int = 0
    on_push: Callable[[], None] = lambda: None
    """Called with each, before it is answered."""
    _news: trio.Event = attrs.field(factory=trio.Event)

    def endpoint(self, name: str, status: int = 201) -> str:
        return f"https://localhost:{self.port}/{status}/{name}"

    def names(self) -> list[str]:
        return [push.name for push in self.pushes]

    async def wait(self, done: Callable[["PushService"], bool], *, within_s: float = 20) -> None:
        """Until `done(self)`."""
        with trio.fail_after(within_s):
            while not done(self):
                await self._news.wait()

    async def serve(self, stream: _Stream) -> None:
        """One connection, and as many pushes as come on it."""
        self.connections += 1
        http = h11.Connection(h11.SERVER)
        try:
            while await self._answer(stream, http):
                http.start_next_cycle()
        except (trio.BrokenResourceError, h11.RemoteProtocolError):
            pass
        finally:
            await trio.aclose_forcefully(stream)

    async def _answer(
        self, stream: trio.SSLStream[trio.SocketStream], http: h11.Connection
    ) -> bool:
        """Whether another push may come on this connection."""
        path, headers, body = "", {}, bytearray()
        while not isinstance(event := http.next_event(), h11.EndOfMessage):
            match event:
                case h11.NEED_DATA:
                    http.receive_data(bytes(await stream.receive_some(64 * 1024)))
                case h11.Request():
                    path = event.target.decode()
                    headers = {name.decode(): value.decode() for name, value in event.headers}
                case h11.Data(data=data):
                    body += data
                case _:
                    return False
        status = self._status(path)
        self.pushes.append(Pushed(trio.current_time(), path, headers, bytes(body)))
        self.on_push()
        self._news.set()
        self._news = trio.Event()
        fields = [("Content-Length", "0")]
        if status == BUSY:
            fields.append(("Retry-After", RETRY_AFTER_S))
        for said in (h11.Response(status_code=status, headers=fields), h11.EndOfMessage()):
            if data := http.send(said):
                await stream.send_all(data)
        return http.our_state is h11.DONE and http.their_state is h11.DONE

    def _status(self, path: str) -> int:
        """What to answer; `path` has not come before now."""
        status = int(path.split("/")[1])
        is_again = any(push.path == path for push in self.pushes)
        return 201 if status == BUSY and is_again else status


@asynccontextmanager
async def push_service(folder: Path) -> AsyncIterator[PushService]:
    """One that listens on the loopback address, as `localhost`."""
    certificate, key = folder / "push-ca.pem", folder / "push-key.pem"
    command = [*CERTIFICATE.split(), "-keyout", str(key), "-out", str(certificate)]
    await trio.to_thread.run_sync(lambda: subprocess.run(command, check=True, capture_output=True))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    async with trio.open_nursery() as nursery:
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        service = PushService(listener.socket.getsockname()[1], str(certificate))
        secured = trio.SSLListener(listener, context, https_compatible=True)
        await nursery.start(trio.serve_listeners, service.serve, [secured])
        yield service
        nursery.cancel_scope.cancel()
