"""What the claims of a token say, read strictly: a wrong type is a wrong token.

The names are those of Centrifugo's tokens, so that a site's back end makes them with what it has;
`role`, `rooms` and `name` are ours.
"""

import json
from typing import Any, TypeVar

import attrs

from relay.identity.caller import Caller, Kind, ServerSubscription
from relay.identity.names import clean
from relay.identity.tokens import Claims, TokenInvalid, moment

GUEST = "guest"
"""The one `role` that changes what somebody is; every other is for rooms to read."""
TEXT_CHARACTERS = 255
LIST_ITEMS = 256

T = TypeVar("T")


@attrs.frozen(kw_only=True)
class SubscriptionToken:
    """Lets one user follow one channel that its namespace would not let it follow."""

    sub: str
    """Whose connection it is for; empty for nobody's in particular."""
    channel: str
    info: bytes = b""
    """A JSON value for presence in this channel; empty for none."""
    expires_at: float | None = None
    """When the subscription ends, wall clock, seconds; None for never."""


def caller_of(claims: Claims) -> Caller:
    """Who shows these claims.

    Raises:
        TokenInvalid: a claim has a type or a size that it cannot have.
    """
    if "channel" in claims:
        raise TokenInvalid("a subscription token does not say who asks")
    sub, role = _text(claims, "sub"), _text(claims, "role")
    return Caller(
        kind=_kind(sub, role),
        sub=sub,
        name=_name(claims),
        role=role,
        rooms=_texts(claims, "rooms"),
        channels=_channels(claims),
        subs=_subs(claims),
        info=_json(claims, "info"),
        expires_at=_ends(claims),
    )


def subscription_of(claims: Claims) -> SubscriptionToken:
    """What these claims let somebody follow.

    Raises:
        TokenInvalid: they are no subscription token's.
    """
    channel = _text(claims, "channel")
    if not channel:
        raise TokenInvalid("a subscription token needs a `channel`")
    return SubscriptionToken(
        sub=_text(claims, "sub"),
        channel=channel,
        info=_json(claims, "info"),
        expires_at=_ends(claims),
    )


def _name(claims: Claims) -> str:
    name = clean(_claim(claims, "name", str, ""))
    if len(name) > TEXT_CHARACTERS:
        raise TokenInvalid(f"`name` has more than {TEXT_CHARACTERS} characters")
    return name


def _kind(sub: str, role: str) -> Kind:
    if not sub:
        # Centrifugo's way to let somebody in without knowing who it is.
        return Kind.NOBODY
    return Kind.GUEST if role == GUEST else Kind.USER


def _ends(claims: Claims) -> float | None:
    """`expire_at` ends what the token began, 0 for never; `exp` does where there is none."""
    expire_at = moment(claims, "expire_at")
    if expire_at is None:
        return moment(claims, "exp")
    return expire_at or None


def _channels(claims: Claims) -> tuple[str, ...]:
    """`channels` and the keys of `subs`, each once."""
    return tuple(dict.fromkeys((*_texts(claims, "channels"), *_subs_claim(claims))))


def _subs(claims: Claims) -> tuple[ServerSubscription, ...]:
    return tuple(
        ServerSubscription(channel=channel, info=_json(said, "info"), data=_json(said, "data"))
        for channel, said in _subs_claim(claims).items()
    )


def _subs_claim(claims: Claims) -> dict[str, Claims]:
    subs = _claim(claims, "subs", dict, {})
    if len(subs) > LIST_ITEMS or not all(isinstance(said, dict) for said in subs.values()):
        raise TokenInvalid(f"`subs` must be up to {LIST_ITEMS} objects by channel")
    return {_checked("subs", channel): said for channel, said in subs.items()}


def _texts(claims: Claims, name: str) -> tuple[str, ...]:
    values = _claim(claims, name, list, [])
    if len(values) > LIST_ITEMS:
        raise TokenInvalid(f"`{name}` has more than {LIST_ITEMS} items")
    return tuple(_checked(name, value) for value in values)


def _text(claims: Claims, name: str) -> str:
    return _checked(name, _claim(claims, name, str, ""))


def _checked(name: str, value: object) -> str:
    """Names end up in logs, answers and other people's pages."""
    if not isinstance(value, str) or len(value) > TEXT_CHARACTERS or not value.isprintable():
        raise TokenInvalid(f"`{name}` must be printable, and {TEXT_CHARACTERS} characters at most")
    return value


def _claim(claims: Claims, name: str, kind: type[T], absent: T) -> T:
    value = claims.get(name)
    if value is None:
        return absent
    if not isinstance(value, kind):
        raise TokenInvalid(f"`{name}` has the wrong type")
    return value


def _json(claims: Claims, name: str) -> bytes:
    value: Any = claims.get(name)
    if value is None:
        return b""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return text.encode()
    except (ValueError, RecursionError):
        # Half of a surrogate pair is no text that could be sent to anybody, and 1e999 no number.
        raise TokenInvalid(f"`{name}` cannot be written as JSON") from None
