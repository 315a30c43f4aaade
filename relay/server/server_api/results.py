"""What is answered.  Structs leave out what is as the SDKs have it by default."""

from typing import Any

import msgspec

from relay.messages.centrifugo.codes import ErrorCode
from relay.messages.centrifugo.replies import ClientInfo, Message


class Result(msgspec.Struct, frozen=True):
    """The answer to one method; of some, that it was done."""


class PublishResult(Result, frozen=True):
    offset: int
    epoch: str


class BroadcastResult(Result, frozen=True):
    responses: list[dict[str, Any]]
    """For each channel, in order, as if it were published to alone."""


class PresenceResult(Result, frozen=True):
    presence: dict[str, ClientInfo]


class PresenceStatsResult(Result, frozen=True):
    num_clients: int
    num_users: int


class HistoryResult(Result, frozen=True):
    publications: list[Message]
    offset: int
    epoch: str


class ChannelInfo(msgspec.Struct, frozen=True):
    num_clients: int


class ChannelsResult(Result, frozen=True):
    channels: dict[str, ChannelInfo]


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """One server."""

    uid: str
    name: str
    version: str
    num_clients: int
    num_users: int
    num_channels: int
    num_subs: int
    uptime: int
    """Seconds."""


class InfoResult(Result, frozen=True):
    nodes: list[Node]


DONE = Result()


def error(code: ErrorCode) -> dict[str, Any]:
    """Why something was not done."""
    return {"error": {"code": code.value.code, "message": code.value.message}}
