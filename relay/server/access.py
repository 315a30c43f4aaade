"""Who may publish, and who is the operator.

Keys are read from the data directory again whenever the file changes, so that revoking one ends
its broadcast within two seconds, without a signal or a restart.
"""

from collections.abc import Callable

import attrs
import structlog
import trio

from relay.errors import ConfigError
from relay.identity.keyfile import KeyFile, KeySet
from relay.identity.keys import Granted, Revoked, find
from relay.identity.throttle import Throttle
from relay.live.stage import Stage
from relay.reasons import Reason
from relay.rtmp.urls import StreamAddress

log = structlog.get_logger("relay.access")

REREAD_EVERY_S = 1.0


@attrs.frozen(kw_only=True)
class Permit:
    """A publisher may publish `name`."""

    name: str
    key_id: str | None
    exclusive: bool


@attrs.define(eq=False)
class Access:
    """The rules for this server."""

    _is_open: bool
    _key_file: KeyFile
    _throttle: Throttle
    _clock: Callable[[], float]
    _keys: KeySet = attrs.field(factory=KeySet, init=False)

    def may_publish(self, asked: StreamAddress, client: str) -> Permit | Reason:
        """Whether a client at this address may publish what it asks for."""
        if self._is_open:
            return self._open_permit(asked)
        if not self._throttle.allowed(client, self._clock()):
            return Reason.THROTTLED
        match find(self._keys.publish, asked.key or ""):
            case Granted(key) if asked.name in (None, key.name.partition("/")[2]):
                return Permit(name=key.name, key_id=key.id, exclusive=key.exclusive)
            case Revoked():
                return Reason.KEY_REVOKED
        self._throttle.failed(client, self._clock())
        return Reason.WRONG_KEY

    def is_operator(self, token: str | None) -> bool:
        """Whether this is a good API key."""
        return token is not None and isinstance(find(self._keys.api, token), Granted)

    async def watch_keys(
        self, stage: Stage, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Keep the keys as they are in the file, and end broadcasts whose key is good no more.

        Raises:
            ConfigError: the file cannot be read at the start.
        """
        self._keys = self._key_file.load()
        task_status.started()
        while True:
            await trio.sleep(REREAD_EVERY_S)
            if self._key_file.changed():
                self._reread(stage)

    def _reread(self, stage: Stage) -> None:
        try:
            self._keys = self._key_file.load()
        except ConfigError as error:
            # The keys of before stay good: a half-edited file must not end every broadcast.
            log.warning("keys cannot be read", problem=str(error))
            return
        good = {key.id for key in self._keys.publish if key.revoked is None}
        for broadcast in stage.broadcasts():
            key_id = None if broadcast.run is None else broadcast.run.publisher.key_id
            if key_id is not None and key_id not in good:
                broadcast.end(Reason.KEY_REVOKED)

    def _open_permit(self, asked: StreamAddress) -> Permit | Reason:
        """Laboratory mode: the key is the name."""
        name = asked.name or asked.key
        if name is None or "/" in name:
            return Reason.INVALID_NAME
        return Permit(name=f"{asked.app}/{name}", key_id=None, exclusive=False)
