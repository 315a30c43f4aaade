"""A channel as it is when it comes into memory: new, or as the store says."""

from relay.channels.channel import Channel
from relay.channels.history import History
from relay.channels.names import ChannelName
from relay.config.schema import NamespaceConfig
from relay.fanout.feed import Wake
from relay.store.contract import Loaded

LATEST_IN_MEMORY = 1000
"""Of a durable channel; what is older is read from the store."""


def kept_in_memory(namespace: NamespaceConfig) -> int:
    """How many publications."""
    return min(namespace.history, LATEST_IN_MEMORY) if namespace.durable else namespace.history


def new_channel(name: ChannelName, namespace: NamespaceConfig, epoch: str, wake: Wake) -> Channel:
    """One that has nothing yet."""
    age_ms = round(namespace.history_s * 1000)
    history = History(kept_in_memory(namespace), namespace.history_bytes, age_ms)
    return Channel(name, namespace, epoch, history, wake)


def restore(channel: Channel, loaded: Loaded) -> None:
    """Go on where the store says that the channel stands."""
    record = loaded.record
    channel.adopt(record)
    channel.is_closed = record.is_closed
    channel.first_stored = record.first_offset
    channel.stream_seq = loaded.stream_seq
    channel.producers.update((mark.producer, mark) for mark in loaded.producers)
    channel.history.last_offset = record.last_offset - len(loaded.latest)
    for publication in loaded.latest:
        channel.history.append(publication)
    channel.displace()
