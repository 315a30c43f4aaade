"""All poll sessions: how many there may be, whose they are, and when they are over.

A session has no connection that could break, so it ends when nobody has polled it for a while.
"""

from collections import Counter

import attrs
import trio

from relay.config.schema import Limits
from relay.identity.caller import Caller
from relay.messages.jsonrpc import RpcError
from relay.ports import Ports
from relay.server.rpc.session import PollSession

UNKNOWN_SESSION = -32001
TOO_MANY_SESSIONS = -32002

ID_BYTES = 16
"""Nobody guesses one: whoever knows it may poll it."""
TIDY_EVERY_S = 5.0


@attrs.define(eq=False)
class PollSessions:
    """See the head of this module."""

    _limits: Limits
    _ports: Ports
    _sessions: dict[str, PollSession] = attrs.field(factory=dict, init=False)
    _by_address: Counter[str] = attrs.field(factory=Counter, init=False)

    def __len__(self) -> int:
        return len(self._sessions)

    @property
    def subscriptions(self) -> int:
        """How many one session may have."""
        return self._limits.poll_subscriptions

    @property
    def idle_s(self) -> float:
        return self._limits.poll_idle_s

    def create(self, client: str, caller: Caller) -> PollSession:
        """A session for whoever asks from this address.

        Raises:
            RpcError: that would be one too many.
        """
        limits = self._limits
        if len(self._sessions) >= limits.poll_sessions:
            raise RpcError(TOO_MANY_SESSIONS, "there are as many sessions as there may be")
        if self._by_address[client] >= limits.poll_sessions_per_address:
            raise RpcError(TOO_MANY_SESSIONS, "there are too many sessions from this address")
        session_id = self._ports.random.randbytes(ID_BYTES).hex()
        session = PollSession.of(session_id, client, caller, self._ports.monotonic())
        self._sessions[session_id] = session
        self._by_address[client] += 1
        return session

    def find(self, session_id: str, caller: Caller) -> PollSession:
        """The session of this id, for its owner.

        Raises:
            RpcError: there is none; somebody else's is none, either.
        """
        session = self._sessions.get(session_id)
        if session is None or not session.belongs_to(caller):
            raise RpcError(UNKNOWN_SESSION, "there is no such session; create another")
        self.touch(session)
        return session

    def touch(self, session: PollSession) -> None:
        """Somebody has just used it."""
        session.used_at = self._ports.monotonic()

    def destroy(self, session: PollSession) -> None:
        """End a session that has not ended."""
        del self._sessions[session.id]
        self._by_address[session.client] -= 1
        if not self._by_address[session.client]:
            del self._by_address[session.client]
        session.end()

    async def run(self) -> None:
        """End what nobody polls any more, until cancelled."""
        while True:
            await trio.sleep(TIDY_EVERY_S)
            latest = self._ports.monotonic() - self._limits.poll_idle_s
            for session in list(self._sessions.values()):
                if not session.polls and session.used_at < latest:
                    self.destroy(session)
