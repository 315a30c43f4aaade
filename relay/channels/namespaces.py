"""What the channels of one kind have in common, and the kinds that every server has."""

from collections.abc import Iterable, Mapping

from relay.channels.names import ChannelName
from relay.config.schema import NamespaceConfig

BUILT_IN = (
    # What a site has to say of one stream; everybody may know.
    NamespaceConfig(name="stream", subscribe="anyone", publish="operator"),
    # The same of all streams.
    NamespaceConfig(name="streams", subscribe="anyone", publish="operator", history=1000),
    NamespaceConfig(
        name="chat",
        durable=True,
        history=100_000,
        history_s=0,
        presence=True,
        subscribe="anyone",
        publish="guest",
        message_bytes=8 * 1024,
    ),
    # Rooms that the site makes, each with rules of its own.
    NamespaceConfig(
        name="group",
        durable=True,
        history=100_000,
        history_s=0,
        presence=True,
        subscribe="member",
        publish="member",
        message_bytes=8 * 1024,
    ),
    # The rooms of two users.
    NamespaceConfig(
        name="direct",
        durable=True,
        history=100_000,
        history_s=0,
        presence=True,
        subscribe="pair",
        publish="pair",
        message_bytes=8 * 1024,
    ),
    # One user's devices.
    NamespaceConfig(
        name="user", durable=True, history=1000, history_s=0, subscribe="owner", publish="operator"
    ),
    # Live views are written by the server itself.
    NamespaceConfig(
        name="view",
        subscribe="anyone",
        publish="nobody",
        history_s=60,
        # There may be many, and who has missed more gets the view as it is.
        history_bytes=256 * 1024,
    ),
    # Names without a namespace: a laboratory's, until a site says what they are for.
    NamespaceConfig(
        name="",
        history=100_000,
        history_s=0,
        history_bytes=64 * 1024 * 1024,
        presence=True,
        join_leave=True,
        subscribe="user",
        publish="operator",
        message_bytes=1024 * 1024,
    ),
)

ALWAYS_THERE = frozenset({"stream", "streams"})
"""What the server itself speaks on: each such channel is there before it has said anything."""

Namespaces = Mapping[str, NamespaceConfig]


def namespaces(configured: Iterable[NamespaceConfig]) -> Namespaces:
    """The built-in ones, those replaced that the site has one of the same name for, and its own."""
    return {namespace.name: namespace for namespace in (*BUILT_IN, *configured)}


def owned_names(user: str, known: Namespaces) -> list[str]:
    """What the channels of one user are called, in the namespaces where each is its owner's."""
    return [f"{it.name}:{user}" for it in known.values() if "owner" in (it.subscribe, it.publish)]


def namespace_of(name: ChannelName, known: Namespaces) -> NamespaceConfig | None:
    """Whose rules hold for this channel; None where nobody has made any."""
    if name.namespace:
        return known.get(name.namespace)
    return known.get(name.rest) or known[""]
