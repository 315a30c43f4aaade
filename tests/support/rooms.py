"""Kinds of channels for tests of whatever speaks of channels."""

from relay.config import ChannelsConfig
from relay.config.schema import NamespaceConfig

ROOMS = ChannelsConfig(
    namespaces=(
        NamespaceConfig(
            name="room", subscribe="anyone", publish="anyone", presence=True, join_leave=True
        ),
        NamespaceConfig(name="kept", durable=True, subscribe="anyone", publish="anyone"),
        NamespaceConfig(name="short", history=3, subscribe="anyone", publish="anyone"),
        NamespaceConfig(name="bare", history=0, subscribe="anyone", publish="anyone"),
        NamespaceConfig(name="guests", subscribe="guest", publish="guest"),
        NamespaceConfig(name="users", subscribe="user", publish="user"),
        NamespaceConfig(name="ours", subscribe="operator", publish="operator"),
        NamespaceConfig(name="private", subscribe="nobody", publish="nobody"),
        NamespaceConfig(name="rare", subscribe="anyone", publish="anyone", publishes_per_s=0.5),
        NamespaceConfig(name="brief", subscribe="anyone", publish="anyone", message_bytes=64),
    )
)
"""`room` may do everything, the others lack something each."""
