"""A viewer who is let in by the site, or told that it is not."""

from collections.abc import Callable

from relay.http.causes import REFUSED_BY_SITE, SITE_SILENT
from relay.http.errors import HttpError, refused
from relay.notify.question import Allowed, Failed, Refused, Verdict
from relay.reasons import Reason
from relay.server.connection import Connection, Next
from relay.server.exchange import RETRY_AFTER_S, Exchange
from relay.server.permissions import Ask


async def play_if_allowed(
    ask: Ask, take_over: Callable[[Exchange], Reason | Next], exchange: Exchange
) -> Reason | Next:
    """Ask, and let the handler take over if this viewer may.

    Raises:
        HttpError: 403, the site says no; 503, it says nothing; or whatever the handler raises.
    """
    connection = exchange.connection
    if ask.is_under_way:
        # It waits for an answer that comes anyway, and so costs what a viewer costs: a school that
        # comes to one stream has one address, and may be larger than a crowd of strangers.
        connection.stranger.leave()
    try:
        verdict = await ask()
        # Thousands may have waited for this answer.
        await connection.services.turns.wait()
        _raise_unless_allowed(connection, verdict)
        return take_over(exchange)
    except HttpError as error:
        # It counts for nobody now, so it is not kept for another request.
        error.headers += (("Connection", "close"),)
        raise


async def refuse_unless_allowed(exchange: Exchange) -> None:
    """Ask the site about what is answered at once: one picture, one playlist.

    Raises:
        HttpError: as `play_if_allowed`.
    """
    connection = exchange.connection
    ask = exchange.services.permissions.to_play(
        exchange.stream, exchange.caller, connection.client, exchange.request.query.parameters
    )
    if ask is not None:
        _raise_unless_allowed(connection, await ask())


def _raise_unless_allowed(connection: Connection, verdict: Verdict) -> None:
    fresh = ("Cache-Control", "no-store")  # The next answer may be another one.
    match verdict:
        case Refused(text):
            raise refused(REFUSED_BY_SITE, text or None, fresh)
        case Failed(why):
            connection.facts["unasked"] = why
            raise refused(SITE_SILENT, None, ("Retry-After", str(RETRY_AFTER_S)), fresh)
        case Allowed(despite) if despite:
            connection.facts["unasked"] = despite
