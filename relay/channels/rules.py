"""Who may do what with a channel: one decision for every protocol that reaches it."""

import enum

from relay.channels.names import ChannelName
from relay.channels.rooms import pair_of
from relay.config.schema import NamespaceConfig
from relay.identity.caller import Caller, Kind


class Action(enum.Enum):
    """What can be asked of a channel."""

    SUBSCRIBE = "subscribe"
    """Follow it, read its history, see who is there."""
    PUBLISH = "publish"
    """Add to it, and so make it if it is not there."""
    CONTROL = "control"
    """Make it other than publishing does, close it, delete it."""


_LEAST = {
    "anyone": Kind.NOBODY,
    "guest": Kind.GUEST,
    "user": Kind.USER,
    "operator": Kind.OPERATOR,
}


def may(
    action: Action,
    caller: Caller,
    name: ChannelName,
    namespace: NamespaceConfig,
    *,
    is_open: bool = False,
) -> bool:
    """Whether this caller may.

    Args:
        action: what is asked.
        caller: who asks.
        name: of which channel.
        namespace: whose rules hold for it.
        is_open: whether this is a laboratory, where anyone may do what anyone could; but not with
            what is some users' own.
    """
    rule = namespace.subscribe if action is Action.SUBSCRIBE else namespace.publish
    is_private = namespace.subscribe in ("pair", "member")
    if rule == "nobody":
        return False
    if action is Action.CONTROL and rule not in ("owner", "operator"):
        # What many write is no one's of them to end.
        rule = "operator"
    if caller.kind is Kind.OPERATOR or (is_open and not is_private):
        return True
    if action is Action.SUBSCRIBE and name.text in caller.channels:
        return True
    if rule == "owner":
        return bool(caller.sub) and caller.sub == name.rest
    if rule == "pair":
        return caller.kind is Kind.USER and caller.sub in (pair_of(name.rest) or ())
    if rule == "member":
        return caller.kind is Kind.USER and name.text in caller.rooms
    return caller.kind >= _LEAST[rule]
