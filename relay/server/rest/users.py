"""What is a user's own: for that user, or guest, and for the operator."""

from relay.http.bearer import insufficient
from relay.identity.caller import Kind
from relay.server.exchange import Exchange
from relay.server.rest.guests import GUEST_PREFIX, GUEST_S


def own_user(exchange: Exchange, what: str) -> str:
    """The user in the address, who asks, or for whom the operator does.

    Raises:
        HttpError: 403, whoever asks is somebody else; `what` is not theirs.
    """
    user, caller = exchange.params["user"], exchange.caller
    if caller.kind is not Kind.OPERATOR and caller.sub != user:
        raise insufficient(f"only this user and the operator may see and change {what}")
    return user


def until_ms(exchange: Exchange, user: str) -> int | None:
    """From when on nobody can be this user: a guest is one for as long as the token lasts."""
    caller, expires_at = exchange.caller, None
    if caller.kind is Kind.GUEST:
        expires_at = caller.expires_at
    elif caller.kind is Kind.OPERATOR and user.startswith(GUEST_PREFIX):
        # Whose token lasts no longer than one that is new.
        expires_at = exchange.services.ports.wall() + GUEST_S
    return None if expires_at is None else round(expires_at * 1000)
