"""Who may publish and who may play, where the site is to be asked: its callbacks, and the questions
from what is known of whoever wants to.

All of that has been judged before: the stream key, the token, the address.  The site's word comes
on top and replaces none of it.
"""

from collections.abc import Iterator
from typing import Self

import attrs
import structlog
import trio

from relay.config import Config
from relay.errors import ConfigError
from relay.identity.caller import Caller
from relay.notify.callback import Callback, open_callback
from relay.notify.callback_secrets import CallbackSecrets
from relay.notify.question import Action, Parameters, Question, Verdict, concerns, without_secrets
from relay.ports import Ports
from relay.server.access import Permit

log = structlog.get_logger("relay.callbacks")

REREAD_EVERY_S = 1.0


@attrs.frozen
class Ask:
    """One question to be asked."""

    _callback: Callback
    _question: Question

    @property
    def is_under_way(self) -> bool:
        """Whether somebody asks just this already, so that asking costs nothing."""
        return self._callback.is_under_way(self._question)

    async def __call__(self) -> Verdict:
        """What the site says, or the configuration for it."""
        return await self._callback.ask(self._question)


@attrs.frozen
class Permissions:
    """One server's."""

    on_publish: Callback | None
    on_play: Callback | None

    @classmethod
    def configured(cls, config: Config, ports: Ports) -> Self:
        """As the operator wants it.

        Raises:
            ConfigError: a URL may not be asked.
        """

        def opened(action: Action) -> Callback | None:
            of_action = config.on_publish if action is Action.PUBLISH else config.on_play
            secrets = CallbackSecrets.named(
                of_action.secret_file, config.data, ports.random.randbytes
            )
            return open_callback(action, of_action, config.outbound, secrets, ports)

        return cls(opened(Action.PUBLISH), opened(Action.PLAY))

    def callbacks(self) -> Iterator[Callback]:
        """Those that there are."""
        yield from (callback for callback in (self.on_publish, self.on_play) if callback)

    def to_publish(self, permit: Permit, client: str, parameters: Parameters) -> Ask | None:
        """How to ask whether an encoder may use its permit; None where nobody is asked."""
        return _asking(
            self.on_publish,
            permit.name,
            parameters,
            address=client,
            kind="nobody" if permit.key_id is None else "key",
            user=permit.owner,
            key_id=permit.key_id,
        )

    def to_play(
        self, stream: str, caller: Caller, client: str, parameters: Parameters
    ) -> Ask | None:
        """How to ask whether this caller may watch; None where nobody is asked."""
        kind, user = caller.kind.name.lower(), caller.sub or None
        return _asking(self.on_play, stream, parameters, address=client, kind=kind, user=user)

    async def watch_secrets(
        self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Keep the callbacks' secrets as they are in their files.

        Raises:
            ConfigError: a file cannot be read at the start.
        """
        files = [callback.secrets for callback in self.callbacks()]
        for file in files:
            file.load()
        task_status.started()
        while files:
            await trio.sleep(REREAD_EVERY_S)
            for file in files:
                if file.changed():
                    _reload(file)


def _asking(
    callback: Callback | None,
    stream: str,
    parameters: Parameters,
    *,
    address: str,
    kind: str,
    user: str | None,
    key_id: str | None = None,
) -> Ask | None:
    if callback is None or not concerns(callback.config.streams, stream):
        return None
    question = Question(
        action=callback.action,
        stream=stream,
        address=address,
        kind=kind,
        user=user,
        key_id=key_id,
        query=without_secrets(parameters),
    )
    return Ask(callback, question)


def _reload(file: CallbackSecrets) -> None:
    try:
        file.load()
    except ConfigError as error:
        # Those of before still sign: a half-edited file must not refuse everybody.
        log.warning("secrets of callbacks cannot be read", problem=str(error))
