"""A thousand hostile connections beside a running broadcast, and its viewers notice nothing."""

import itertools
import json
import os
import statistics
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import trio
from support import attackers
from support.loops import loop
from support.publishing import Encoder, publish
from support.server import serving
from support.viewers import FORMATS, Viewer, open_viewer, wait_live

pytestmark = pytest.mark.alone

VIEWERS = 20
CONNECTIONS = 1000
QUIET_S = 5.0
TRIES = 3
RATIO = 1.5
SETTINGS = {"limits.handshake_s": 4, "limits.request_s": 4, "limits.ping_s": 100}
"""Short enough for slow peers to meet their limits within the test."""


async def send(encoder: Encoder) -> None:
    """An encoder with an even pace."""
    began = trio.current_time()
    for tag in loop("1M").tags():
        await trio.sleep_until(began + tag.timestamp / 1000)
        await encoder.send_tags([tag])


async def watch(viewer: Viewer) -> None:
    """However long it takes."""
    try:
        while not viewer.ended:
            await viewer.read_once()
    finally:
        viewer.stream.socket.close()


def largest_gaps(viewers: list[Viewer], since: float, until: float) -> list[float]:
    """For each second, the longest wait for its next bytes of the viewer in the middle; seconds."""
    return [
        statistics.median(largest_gap(viewer, start) for viewer in viewers)
        for start in (since + n for n in range(int(until - since)))
    ]


def largest_gap(viewer: Viewer, since: float) -> float:
    """The longest of the waits that began in this second."""
    times = [t for t in viewer.arrivals if t >= since]
    pairs = itertools.takewhile(lambda pair: pair[0] < since + 1, itertools.pairwise(times))
    return max((b - a for a, b in pairs), default=1.0)


async def attack(rtmp: int, http: int) -> Counter[str]:
    command = [sys.executable, attackers.__file__, str(rtmp), str(http), str(CONNECTIONS)]
    done = await trio.run_process(
        command, capture_stdout=True, preexec_fn=lambda: os.nice(19), stderr=subprocess.STDOUT
    )
    return Counter(json.loads(done.stdout))


async def test_its_viewers_largest_gap_stays_within_one_and_a_half_of_the_quiet_run(
    tmp_path: Path,
) -> None:
    accepted: Counter[str] = Counter()
    async with serving(tmp_path, SETTINGS) as server, trio.open_nursery() as nursery:
        encoder = await publish(server.addresses["rtmp"], "cat")
        nursery.start_soon(send, encoder)
        http = server.addresses["http"]
        await wait_live(http, "cat")
        viewers = []
        for number in range(VIEWERS):
            viewer = await open_viewer(http, "cat", FORMATS[number % 4], keeps=False)
            viewers.append(viewer)
            nursery.start_soon(watch, viewer)
        await trio.sleep(1)
        runs: list[tuple[list[float], list[float]]] = []
        while len(runs) < TRIES and not any(is_undisturbed(*run) for run in runs):
            began = trio.current_time()
            await trio.sleep(QUIET_S)
            quiet = largest_gaps(viewers, began, trio.current_time())
            began = trio.current_time()
            accepted += await attack(server.addresses["rtmp"][1], http[1])
            loud = largest_gaps(viewers, began, trio.current_time())
            runs.append((quiet, loud))
        counts = await server.metrics()
        faults = server.log("session failed") + server.log("request failed")
        nursery.cancel_scope.cancel()
    encoder.vanish()
    assert sum(accepted.values()) == CONNECTIONS * len(runs)
    assert sum_of(counts, "relay_connections_ended") >= CONNECTIONS * len(runs)
    assert sum_of(counts, "too_many_strangers") == 0
    for reason in ("protocol_error", "handshake_timeout", "request_timeout"):
        assert sum_of(counts, reason) > CONNECTIONS / 20
    assert faults == []
    assert any(is_undisturbed(*run) for run in runs), runs


def is_undisturbed(quiet: list[float], loud: list[float]) -> bool:
    """Whether an attack was not felt: its largest gap against that of the quiet time before it.

    A machine with other work has bad seconds of its own, so one run of a few must be clean; a
    server that is held up has them in every run.
    """
    return max(loud) <= RATIO * max(quiet)


def sum_of(counts: dict[str, float], word: str) -> float:
    """Of all samples with this word in their name or labels."""
    return sum(value for name, value in counts.items() if word in name)
