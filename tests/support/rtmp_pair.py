"""A client and a server that talk to each other in memory."""

from support.rtmp_bytes import ENTROPY

from relay.rtmp import (
    NEED_DATA,
    ConnectAccepted,
    Connection,
    ConnectionClosed,
    ConnectRequest,
    CreateStream,
    HandshakeCompleted,
    Publish,
    PublishStarted,
    Received,
    Role,
    Sendable,
    StreamCreated,
)


class ConnectionPair:
    """Whatever one side sends, the other receives at once.

    With `step`, bytes arrive in pieces of that size; with `transplant`, both sides are replaced by
    what their snapshots restore to after every piece.
    """

    def __init__(self, *, step: int = 1 << 20, transplant: bool = False) -> None:
        self.sides = {role: Connection(role, entropy=ENTROPY) for role in Role}
        self.wire: dict[Role, bytes] = dict.fromkeys(Role, b"")
        """All that each role has sent."""
        self._step = step
        self._transplant = transplant

    def shake_hands(self) -> None:
        """Move bytes until both sides have said that the handshake is done."""
        for role in (Role.CLIENT, Role.SERVER, Role.CLIENT):
            self._deliver(role, self.sides[role].data_to_send())

    def send(self, role: Role, event: Sendable) -> list[Received]:
        """Let `role` send; return what the other side makes of it."""
        return self._deliver(role, self.sides[role].send(event))

    def publish(self, name: str = "cat") -> None:
        """Everything up to the point where the client may send media."""
        self.shake_hands()
        client, server = Role.CLIENT, Role.SERVER
        self.send(client, ConnectRequest(1.0, "live", "rtmp://localhost/live"))
        self.send(server, ConnectAccepted(1.0))
        self.send(client, CreateStream(2.0))
        self.send(server, StreamCreated(2.0, 1))
        self.send(client, Publish(3.0, 1, name))
        self.send(server, PublishStarted(1, name))

    def _deliver(self, sender: Role, data: bytes) -> list[Received]:
        receiver = Role.CLIENT if sender is Role.SERVER else Role.SERVER
        self.wire[sender] += data
        found: list[Received] = []
        for start in range(0, len(data), self._step):
            if self._transplant:
                self._restore(receiver)
            self.sides[receiver].receive_data(data[start : start + self._step])
            if self._transplant:
                self._restore(receiver)
            found += self._events(receiver)
        return [event for event in found if not isinstance(event, HandshakeCompleted)]

    def _events(self, role: Role) -> list[Received]:
        found: list[Received] = []
        while (event := self.sides[role].next_event()) is not NEED_DATA:
            found.append(event)
            if isinstance(event, ConnectionClosed):
                break
        return found

    def _restore(self, role: Role) -> None:
        self.sides[role] = Connection.restore(self.sides[role].snapshot())
