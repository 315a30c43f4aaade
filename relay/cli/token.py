"""`relay token`: make a token by hand, with the server's own secret.

The token stands alone on standard output, so that a script can take it.
"""

import json
import os
import secrets
import time
from pathlib import Path
from typing import Annotated, Any, NoReturn

from cyclopts import Parameter

from relay.config.load import load_config
from relay.errors import ConfigError
from relay.identity.claims import caller_of, subscription_of
from relay.identity.token_files import TokenFiles
from relay.identity.tokens import MAX_BYTES, Claims, TokenInvalid

HOUR_S = 3600

Several = Annotated[tuple[str, ...], Parameter(negative=(), show_default=False)]


def command(
    *,
    sub: str,
    role: str | None = None,
    name: str | None = None,
    room: Several = (),
    channel: Several = (),
    subscribe: str | None = None,
    info: str | None = None,
    ttl: float = HOUR_S,
    data: Path | None = None,
) -> int:
    """Make a token for a user, or with --subscribe for one channel that the user may follow.

    Args:
        sub: who it is; `--sub ""` for nobody in particular.
        role: `guest`, or a role for the rooms; a user without one is a user.
        name: what others see of the user.
        room: a room in which the role holds; may be repeated.
        channel: a channel that the user's connections follow from the start; may be repeated.
        subscribe: make a token that lets the user follow this channel.
        info: a JSON value that others see in presence.
        ttl: seconds until it expires; 0 for never.
        data: the server's data directory.
    """
    claims = {"sub": sub, "iat": int(time.time()), "info": _json(info)}
    if subscribe is not None:
        if role or name or room or channel:
            raise ConfigError("--subscribe goes with --sub, --info and --ttl alone")
        claims |= {"channel": subscribe}
    else:
        claims |= {"role": role, "name": name, "rooms": [*room], "channels": [*channel]}
    claims |= {"exp": _expires(ttl)}
    print(_mint({key: value for key, value in claims.items() if value not in (None, [])}, data))
    return 0


def _mint(claims: Claims, data: Path | None) -> str:
    """Raises ConfigError for claims that the server would refuse."""
    try:
        (subscription_of if "channel" in claims else caller_of)(claims)
    except TokenInvalid as error:
        raise ConfigError(str(error)) from None
    overrides: dict[str, Any] = {"data": str(data)} if data else {}
    config = load_config(environ=os.environ, overrides=overrides)
    token = TokenFiles.configured(config, secrets.token_bytes).load().mint(claims)
    if len(token) > MAX_BYTES:
        raise ConfigError(f"the token would have {len(token)} bytes; {MAX_BYTES} are allowed")
    return token


def _expires(ttl: float) -> int | None:
    if not 0 <= ttl < 1e10:
        raise ConfigError("--ttl is seconds from now, or 0 for a token that never expires")
    return int(time.time() + ttl) if ttl else None


def _json(text: str | None) -> Any:
    if text is None:
        return None
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise ConfigError("--info must be JSON") from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)
