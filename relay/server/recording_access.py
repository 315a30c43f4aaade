"""What requests about recordings have in common: which one, who may, and what is refused."""

from collections.abc import Iterator
from contextlib import contextmanager

import attrs

from relay.errors import FormatError
from relay.http.bearer import insufficient, token_needed
from relay.http.causes import STORE_UNAVAILABLE
from relay.http.causes_of_recordings import (
    NO_SUCH_RECORDING,
    NOTHING_TO_CLIP,
    RECORDING_UNREADABLE,
    STILL_RECORDING,
)
from relay.http.errors import refused
from relay.identity.caller import Kind
from relay.recordings.clipping import NothingToClip
from relay.recordings.recording import Recording
from relay.server.exchange import RETRY_AFTER_S, Exchange
from relay.server.playing import refuse_unless_allowed
from relay.store.contract import StoreUnavailable
from relay.views.details import Visibility

_LATER = ("Retry-After", str(RETRY_AFTER_S))


async def found(exchange: Exchange) -> Recording:
    """The recording that the path names.

    Raises:
        HttpError: 404, there is none; 503.
    """
    with refusals():
        recording = await exchange.services.recordings.find(exchange.params["id"])
    if recording is None:
        raise refused(NO_SUCH_RECORDING)
    return recording


async def watched(exchange: Exchange) -> Recording:
    """The same, finished, for somebody who may watch the stream that it is of.

    Raises:
        HttpError: 404 or 409; 403 or 503 where the site says so.
    """
    recording = await found(exchange)
    app, _, name = recording.stream.partition("/")
    # Whoever owns it need not ask the site; everybody else watches the stream.
    if not may_change(exchange, recording):
        await refuse_unless_allowed(attrs.evolve(exchange, params={"app": app, "name": name}))
    if not recording.is_finished:
        raise refused(STILL_RECORDING)
    return recording


def may_change(exchange: Exchange, recording: Recording) -> bool:
    """Whether the caller may delete it, or clip it: its owner, its stream's, or the operator."""
    return owns(exchange, recording.stream) or (
        bool(exchange.caller.sub) and exchange.caller.sub == recording.owner
    )


def owns(exchange: Exchange, stream: str) -> bool:
    """Whether a stream is the caller's, who is its owner or the operator."""
    caller = exchange.caller
    if caller.kind is Kind.OPERATOR:
        return True
    return bool(caller.sub) and caller.sub in exchange.services.access.owners(stream)


def refuse_unless(is_allowed: bool, exchange: Exchange) -> None:
    """Raises HttpError: 401 for nobody, 403 for somebody else."""
    if is_allowed:
        return
    if exchange.caller.kind is Kind.NOBODY:
        raise token_needed("a token of its owner is needed")
    raise insufficient("only its owner and the operator may do this")


def is_listed(exchange: Exchange, recording: Recording) -> bool:
    """Whether the caller finds it without knowing its address."""
    details = exchange.services.catalog[recording.stream]
    return details.visibility is Visibility.PUBLIC or may_change(exchange, recording)


@contextmanager
def refusals() -> Iterator[None]:
    """What the parts below raise, in the words of HTTP."""
    try:
        yield
    except NothingToClip as error:
        raise refused(NOTHING_TO_CLIP, str(error)) from None
    except FileNotFoundError:
        raise refused(NO_SUCH_RECORDING) from None
    except (OSError, FormatError):
        raise refused(RECORDING_UNREADABLE, None, _LATER) from None
    except StoreUnavailable:
        raise refused(STORE_UNAVAILABLE, None, _LATER) from None
