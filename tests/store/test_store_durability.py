"""Acknowledged means committed: what `kill -9`, a crash of the database and strace say to that."""

import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path

import pytest
from store.committing import CHANNEL, payload
from support.postgres import PostgresServer
from support.server import ROOT

from relay.store.contract import Loaded
from relay.store.open import open_store

MANY = 2_000
FEW = 40


@contextmanager
def committing(
    url: str, data: Path, *, at_once: int, under: tuple[str, ...] = ()
) -> Iterator[subprocess.Popen[bytes]]:
    """The program that commits and says so, running."""
    program = [sys.executable, str(Path(__file__).with_name("committing.py"))]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [*under, *program, url, str(data), str(at_once)],
        stdout=-1,
        env=environment,
        start_new_session=True,
    )
    with process:
        try:
            yield process
        finally:
            # Without strace, what it traces would go on.
            os.killpg(process.pid, signal.SIGKILL)


def acknowledged(process: subprocess.Popen[bytes], count: int) -> list[int]:
    """Read so many acknowledgements."""
    assert process.stdout is not None
    return [int(process.stdout.readline().split()[1]) for _ in range(count)]


def kill(process: subprocess.Popen[bytes]) -> list[int]:
    """End it on the spot; what it had acknowledged meanwhile."""
    assert process.stdout is not None
    process.send_signal(signal.SIGKILL)
    whole_lines = re.findall(rb"ack (\d+)\n", process.stdout.read())
    return [int(offset) for offset in whole_lines]


async def check_everything_is_there(url: str, data: Path, told: list[int]) -> None:
    """Every acknowledged publication, in order, once, with its key; and no hole after them."""
    assert told == list(range(1, len(told) + 1))
    async with aclosing(await open_store(url, data)) as store:
        found = await store.read(CHANNEL, after=0, limit=10 * MANY)
        loaded = await store.load(CHANNEL, keys_since_ms=0, latest=0)
    assert [it.offset for it in found] == list(range(1, len(found) + 1))
    assert all(it.data == payload(it.offset) for it in found)
    assert len(found) >= len(told)
    assert isinstance(loaded, Loaded)
    assert loaded.record.last_offset == len(found)
    assert loaded.keys == tuple((str(it.offset), it.offset) for it in found)


async def test_what_was_acknowledged_is_there_after_kill_9(disk_url: str, tmp_path: Path) -> None:
    with committing(disk_url, tmp_path, at_once=50) as process:
        told = acknowledged(process, MANY)
        told += kill(process)
    await check_everything_is_there(disk_url, tmp_path, told)


async def test_what_was_acknowledged_is_there_after_a_crash_of_postgresql(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    url = postgres.empty_database()
    with committing(url, tmp_path, at_once=50) as process:
        told = acknowledged(process, MANY)
        postgres.crash()
        told += kill(process)
    postgres.start()
    await check_everything_is_there(url, tmp_path, told)


def test_sqlite_syncs_its_log_before_every_acknowledgement(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    under = ("strace", "-f", "-y", "-s", "16", "-o", str(trace), "-e", "trace=" + ",".join(TRACED))
    with committing("sqlite:", tmp_path, at_once=1, under=under) as process:
        acknowledged(process, FEW)
    check_syncs(trace.read_text(), log="relay.db-wal", says=r'write\(1<.*"ack ')


def test_postgresql_syncs_its_log_before_it_answers_a_commit(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    url = postgres.empty_database()
    trace = postgres.directory / "trace"
    postgres.stop()
    postgres.start(
        "strace", "-f", "-y", "-s", "64", "-o", str(trace), "-e", "trace=" + ",".join(TRACED)
    )
    try:
        with committing(url, tmp_path, at_once=1) as process:
            acknowledged(process, FEW)
    finally:
        postgres.stop()
        postgres.start()
    answer = r'sendto\(.*"C\\0\\0\\0\\vCOMMIT'
    check_syncs(of_one_process(trace.read_text(), answer), log="/pg_wal/", says=answer)


TRACED = ("write", "pwrite64", "pwritev", "fsync", "fdatasync", "sendto")

_CALL = re.compile(r"^(?P<pid>\d+) +(?P<call>.*)$")
_UNFINISHED = re.compile(r"^(.*) <unfinished \.\.\.>$")
_RESUMED = re.compile(r"^<\.\.\. \w+ resumed>(.*)$")


def of_one_process(trace: str, says: str) -> str:
    """The calls of that process which says most, from the first acknowledgement after a write on.

    Before that its transactions only asked what server this is.
    """
    spoke = Counter(
        line.split()[0] for line in trace.splitlines() if re.match(rf"\d+ +{says}", line)
    )
    ((pid, _),) = spoke.most_common(1)
    calls = [line for line in trace.splitlines() if line.split()[0] == pid]
    first_write = next(number for number, line in enumerate(calls) if "/pg_wal/" in line)
    return "\n".join(calls[first_write:])


def finished_calls(trace: str, says: str) -> Iterator[str]:
    """System calls in the order in which they returned; what speaks, in the order of its calls."""
    begun: dict[str, str] = {}
    for line in trace.splitlines():
        match = _CALL.match(line)
        assert match is not None, line
        pid, call = match["pid"], match["call"]
        if unfinished := _UNFINISHED.match(call):
            begun[pid] = unfinished[1]
            if re.match(says, call):
                yield unfinished[1]
        elif resumed := _RESUMED.match(call):
            start = begun.pop(pid)
            if not re.match(says, start):
                yield start + resumed[1]
        else:
            yield call


def check_syncs(trace: str, *, log: str, says: str) -> None:
    """Between two acknowledgements the log was written, and synced after its last write."""
    told, written, synced = 0, 0, False
    for call in finished_calls(trace, says):
        name = call.partition("(")[0]
        if re.match(says, call):
            assert written, f"acknowledgement {told + 1} came without a write: {call}"
            assert synced, f"acknowledgement {told + 1} came before the sync: {call}"
            told, written, synced = told + 1, 0, False
        elif log in call and "sync" in name:
            assert call.endswith("= 0"), call
            synced = True
        elif log in call:
            written, synced = written + 1, False
    assert told >= FEW


@pytest.mark.parametrize(
    ("calls", "fault"),
    [
        (["pwrite64(5</a/log>, 1) = 1", "write(1<pipe>, ack) = 3"], "before the sync"),
        (["fsync(5</a/log>) = 0", "write(1<pipe>, ack) = 3"], "without a write"),
        (["pwrite64(5</a/log>, 1) = 1", "fsync(5</a/log>) = -1 EIO"], "EIO"),
    ],
)
def test_this_check_finds_what_it_looks_for(calls: list[str], fault: str) -> None:
    trace = "\n".join(f"7 {call}" for call in calls)
    with pytest.raises(AssertionError, match=fault):
        check_syncs(trace, log="/log", says=r"write\(1<.*ack")
