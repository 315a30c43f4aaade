"""Who may publish, and who asks.

Keys are read from their files again whenever those change, so that revoking one ends its broadcast
within two seconds, without a signal or a restart.
"""

from collections.abc import Callable

import attrs
import structlog
import trio

from relay.errors import ConfigError
from relay.http.bearer import insufficient, token_needed
from relay.http.routing import Who
from relay.identity.caller import OPERATOR, Caller, Kind
from relay.identity.claims import SubscriptionToken, caller_of, subscription_of
from relay.identity.keyfile import KeyFile, KeySet
from relay.identity.keys import API_KEY_PREFIX, Granted, Revoked, find
from relay.identity.throttle import Throttle
from relay.identity.token_files import TokenFiles
from relay.identity.tokens import Claims, Keyring, TokenInvalid
from relay.live.stage import Stage
from relay.reasons import Reason
from relay.rtmp.urls import StreamAddress

log = structlog.get_logger("relay.access")

REREAD_EVERY_S = 1.0

_LEAST = {
    Who.ANYONE: Kind.NOBODY,
    Who.GUEST: Kind.GUEST,
    Who.USER: Kind.USER,
    Who.OPERATOR: Kind.OPERATOR,
}
_NEEDED = {
    Who.GUEST: "a token is needed; POST /api/v1/guests gives one",
    Who.USER: "the token of a user is needed",
    Who.OPERATOR: "an API key is needed",
}


def refuse_unless(who: Who, caller: Caller) -> None:
    """Let a route answer only whom it says.

    Raises:
        HttpError: 401 for nobody, who may come back with a token; 403 for somebody.
    """
    if caller.kind >= _LEAST[who]:
        return
    # A token may be good and say of nobody in particular that it may connect.
    refusal = token_needed if caller.kind is Kind.NOBODY else insufficient
    raise refusal(_NEEDED[who])


@attrs.frozen(kw_only=True)
class Permit:
    """A publisher may publish `name`."""

    name: str
    key_id: str | None
    owner: str | None
    """The `sub` of whose key that is."""
    exclusive: bool


@attrs.define(eq=False)
class Access:
    """The rules for this server."""

    is_laboratory: bool
    """Whether anybody may publish, and do what they like with channels."""
    _key_file: KeyFile
    _token_files: TokenFiles
    _wrong_keys: Throttle
    _clock: Callable[[], float]
    """Steady."""
    _wall: Callable[[], float]
    _keys: KeySet = attrs.field(factory=KeySet, init=False)
    _keyring: Keyring = attrs.field(init=False)
    """There once `watch_keys` has started."""

    def may_publish(self, asked: StreamAddress, client: str) -> Permit | Reason:
        """Whether a client at this address may publish what it asks for."""
        if self.is_laboratory:
            return self._open_permit(asked)
        if not self._wrong_keys.allowed(client, self._clock()):
            return Reason.THROTTLED
        match find(self._keys.publish, asked.key or ""):
            case Granted(key) if asked.name in (None, key.name.partition("/")[2]):
                return Permit(
                    name=key.name, key_id=key.id, owner=key.owner, exclusive=key.exclusive
                )
            case Revoked():
                return Reason.KEY_REVOKED
        self._wrong_keys.count(client, self._clock())
        return Reason.WRONG_KEY

    def owners(self, stream: str) -> tuple[str, ...]:
        """The `sub` of everybody whose stream this is: who owns a good key for it."""
        return self._keys.owners.get(stream, ())

    def identify(self, token: str) -> Caller:
        """Who shows this API key or user's token.

        Raises:
            TokenExpired: it was good until lately.
            TokenInvalid: it is not.
        """
        if not token.startswith(API_KEY_PREFIX):
            return caller_of(self._keyring.read(token, self._wall()))
        if not isinstance(find(self._keys.api, token), Granted):
            raise TokenInvalid("this API key is not known here")
        return OPERATOR

    def subscription(self, token: str, user: str) -> SubscriptionToken:
        """What a token lets this user follow; `user` is the `sub` of its connection.

        Raises:
            TokenExpired: it was good until lately.
            TokenInvalid: it is not, or is somebody else's.
        """
        subscription = subscription_of(self._keyring.read(token, self._wall()))
        if subscription.sub != user:
            raise TokenInvalid("the subscription token is for another user")
        return subscription

    def mint(self, claims: Claims) -> str:
        """A token of our own with these claims."""
        return self._keyring.mint(claims)

    async def watch_keys(
        self, stage: Stage, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Keep the keys as they are in their files, and end broadcasts whose key is good no more.

        Raises:
            ConfigError: a file cannot be read at the start.
        """
        self._keys = self._key_file.load()
        self._keyring = self._token_files.load()
        task_status.started()
        while True:
            await trio.sleep(REREAD_EVERY_S)
            if self._key_file.changed():
                self._reread(stage)
            if self._token_files.changed():
                self._reread_tokens()

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

    def _reread_tokens(self) -> None:
        try:
            self._keyring = self._token_files.load()
        except ConfigError as error:
            log.warning("keys of tokens cannot be read", problem=str(error))

    def _open_permit(self, asked: StreamAddress) -> Permit | Reason:
        """Laboratory mode: the key is the name."""
        name = asked.name or asked.key
        if name is None or "/" in name:
            return Reason.INVALID_NAME
        return Permit(name=f"{asked.app}/{name}", key_id=None, owner=None, exclusive=False)
