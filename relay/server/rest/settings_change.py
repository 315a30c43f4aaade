"""A request to change settings, from its conditions to its answer."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self

import attrs

from relay.errors import FormatError, RelayError
from relay.http.causes import (
    EDITED_MEANWHILE,
    NOT_JSON,
    NOTHING_TO_UNDO,
    PATCH_DOES_NOT_FIT,
    PATCH_NOT_POSSIBLE,
    SETTINGS_NOT_POSSIBLE,
    SETTINGS_TOO_LARGE,
    STORE_UNAVAILABLE,
    TOO_MANY_CHANGES,
    TOO_MANY_SETTINGS,
    Cause,
)
from relay.http.conditional import may_change
from relay.http.errors import refused
from relay.http.response import Response, json_response, problem
from relay.identity.caller import Kind
from relay.server.exchange import Exchange
from relay.server.rest.users import until_ms
from relay.settings.documents import read_value
from relay.settings.errors import (
    NothingToUndo,
    PatchDoesNotFit,
    PatchRefused,
    SettingsRefused,
    TooLarge,
    TooManyNamespaces,
)
from relay.settings.held import Held
from relay.settings.settings import Edit, Settings
from relay.store.contract import StoreUnavailable

AROUND = 4
"""How much deeper a body may be than a document: it may be all of them, or a patch."""

_REFUSALS: dict[type[RelayError], Cause] = {
    FormatError: NOT_JSON,
    NothingToUndo: NOTHING_TO_UNDO,
    PatchDoesNotFit: PATCH_DOES_NOT_FIT,
    PatchRefused: PATCH_NOT_POSSIBLE,
    SettingsRefused: SETTINGS_NOT_POSSIBLE,
    TooLarge: SETTINGS_TOO_LARGE,
    TooManyNamespaces: TOO_MANY_SETTINGS,
}


class _EditedMeanwhile(RelayError):
    """Something else is there than the client has seen."""

    def __init__(self, held: Held) -> None:
        super().__init__("something else is there")
        self.held = held


@attrs.define(eq=False)
class Change:
    """See the head of this module."""

    _exchange: Exchange
    _user: str
    _is_new: bool = attrs.field(default=False, init=False)
    """Whether nothing was set there."""

    @classmethod
    def asked(cls, exchange: Exchange, user: str) -> Self:
        """A change of this user's settings, by somebody who may make it.

        Raises:
            HttpError: 429, there were too many.
        """
        services = exchange.services
        if exchange.caller.kind is not Kind.OPERATOR:
            spent = services.settings_changes.spend(user, services.ports.monotonic())
            exchange.spend(spent, TOO_MANY_CHANGES)
        return cls(exchange, user)

    @property
    def namespace(self) -> str | None:
        """Where; None for everywhere."""
        return self._exchange.params.get("namespace")

    @property
    def most_bytes(self) -> int:
        """That there may be in the end."""
        bounds = self._settings.bounds
        return bounds.user_bytes if self.namespace is None else bounds.document_bytes

    def body(self) -> Any:
        """The JSON in the request, before anybody goes through it.

        Raises:
            HttpError: 400, it is none; 413, it is larger than what may come of it; 422, deeper.
        """
        body = self._exchange.request.body
        with refusals():
            if len(body) > self.most_bytes:
                raise TooLarge(f"a body has at most {self.most_bytes} bytes here")
            return read_value(body, self._settings.bounds.depth + AROUND)

    async def make(self, edit: Callable[[Held], Any]) -> Response:
        """Put the document that `edit` makes of what is there in its place."""

        def edited(held: Held) -> dict[str, Any]:
            self._check(held)
            document = edit(held)
            if not isinstance(document, dict):
                raise SettingsRefused("settings are a JSON object")
            if self.namespace is not None:
                return {self.namespace: document}
            return dict.fromkeys(held.namespaces()) | document

        return await self._change(edited)

    async def remove(self) -> Response:
        """Let nothing be set in the namespace."""
        assert self.namespace is not None
        gone = {self.namespace: None}

        def edited(held: Held) -> dict[str, Any]:
            self._check(held)
            return gone

        return await self._change(edited)

    async def _change(self, edited: Edit) -> Response:
        changing = self._settings.change(self._user, edited, until_ms=self._until_ms)
        return await self._answer(changing)

    async def undo(self) -> Response:
        """Go back to what was there before."""
        assert self.namespace is not None
        undoing = self._settings.undo(
            self._user, self.namespace, self._check, until_ms=self._until_ms
        )
        return await self._answer(undoing)

    async def erase(self) -> Response:
        """Keep nothing, and no version of it."""
        return await self._answer(self._settings.erase(self._user, self._check))

    async def _answer(self, changing: Awaitable[Held | None]) -> Response:
        try:
            with refusals():
                held = await changing
        except _EditedMeanwhile as error:
            return self._edited_meanwhile(error.held)
        if held is None or held.shown(self.namespace) is None:
            return Response(204)
        is_made = self._is_new and self._exchange.request.method == "PUT"
        return shown(held, self.namespace, 201 if is_made else 200)

    def _check(self, held: Held) -> None:
        """See to it that what is there is what the client has seen, where it says so."""
        is_set = held.is_set(self.namespace)
        self._is_new = not is_set
        if not may_change(self._exchange.request, held.etag(self.namespace), is_there=is_set):
            raise _EditedMeanwhile(held)

    def _edited_meanwhile(self, held: Held) -> Response:
        """412 with all that is needed to try again."""
        found = problem(
            EDITED_MEANWHILE.status,
            EDITED_MEANWHILE.title,
            type=EDITED_MEANWHILE.type,
            version=held.version_of(self.namespace),
            value=held.shown(self.namespace),
        )
        return found.with_headers(("ETag", held.etag(self.namespace)))

    @property
    def _settings(self) -> Settings:
        return self._exchange.services.settings

    @property
    def _until_ms(self) -> int | None:
        return until_ms(self._exchange, self._user)


def shown(held: Held, namespace: str | None, status: int = 200) -> Response:
    """A document with its entity tag."""
    document = json_response(held.shown(namespace), status)
    return document.with_headers(("ETag", held.etag(namespace)))


@contextmanager
def refusals() -> Iterator[None]:
    """What the parts below raise, in the words of HTTP."""
    try:
        yield
    except StoreUnavailable:
        raise refused(STORE_UNAVAILABLE, None, ("Retry-After", "5")) from None
    except tuple(_REFUSALS) as error:
        raise refused(_REFUSALS[type(error)], str(error)) from None
