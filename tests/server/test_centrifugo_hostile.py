"""Whatever a client says, it is answered or sent away; nothing of it is a fault of ours."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
import trio
from support.centrifugo_client import connected, dial, token_of
from support.hostile import site
from support.http_client import masked_frame
from support.memory import in_virtual_time
from support.rooms import ROOMS

COMMANDS = (
    "connect",
    "subscribe",
    "unsubscribe",
    "publish",
    "presence",
    "presence_stats",
    "history",
    "ping",
    "send",
    "rpc",
    "refresh",
    "sub_refresh",
)
FIELDS = (
    "channel",
    "token",
    "data",
    "limit",
    "since",
    "reverse",
    "method",
    "offset",
    "epoch",
    "recover",
    "flag",
    "join_leave",
    "idempotency_key",
    "subs",
)
VALUES: tuple[Any, ...] = (
    "",
    "room:a",
    "kept:a",
    "private:a",
    "view:live",
    "no such:thing",
    "x" * 300,
    "\u0000",
    "\u2028",
    -1,
    0,
    1,
    2**31,
    2**63,
    1.5,
    True,
    None,
    [],
    {},
    {"offset": 1, "epoch": "e"},
    {"room:a": {"recover": True}},
    [[[[[]]]]],
    "relay.me",
    "relay.view",
)


def anything(chance: random.Random) -> str:
    """A message of up to six commands, most of which could be right."""
    lines = []
    for number in range(chance.randint(1, 6)):
        request = {
            chance.choice(FIELDS): chance.choice(VALUES) for _ in range(chance.randint(0, 4))
        }
        line = {"id": chance.choice((number + 2, number + 2, 0)), chance.choice(COMMANDS): request}
        lines.append(json.dumps(line, ensure_ascii=chance.random() < 0.5))
    return "\n".join(lines)


@pytest.mark.parametrize("seed", range(8))
@in_virtual_time
async def test_commands_of_any_kind_are_answered_or_end_it(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    async with site(tmp_path, publish="key", channels=ROOMS) as here:
        ends = 0
        for _ in range(40):
            client = await connected(here, token_of(here, "ann"))
            for _ in range(5):
                await client.say(anything(chance))
                await trio.sleep(0.01)
            with trio.move_on_after(1):
                await client.read_to_end()
            ends += client.closed is not None
            assert client.closed is None or client.closed[0] >= 3000
            client.peer.close()
        assert 0 < ends <= 40


@pytest.mark.parametrize("seed", range(4))
@in_virtual_time
async def test_bytes_of_any_kind_end_it(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    async with site(tmp_path, channels=ROOMS) as here:
        for _ in range(25):
            client = await dial(here)
            good = masked_frame(1, b'{"id":1,"connect":{}}\n{"id":2,"subscribe":{"channel":"a"}}')
            spoilt = bytearray(good)
            for _ in range(chance.randint(1, 4)):
                spoilt[chance.randrange(len(spoilt))] = chance.randrange(256)
            await client.peer.say(bytes(spoilt) + chance.randbytes(chance.randint(0, 300)))
            with trio.move_on_after(60):
                while await client.peer.hear():
                    pass
            client.peer.close()
