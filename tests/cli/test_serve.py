"""The process around the server: signals, exit codes, and errors in the operator's words."""

import errno
import os
import resource
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import attrs
import pytest
import structlog
import trio

from relay.cli.serve import announce, serve_until_stopped, start
from relay.config import AuthConfig, Config
from relay.errors import ConfigError


@attrs.define
class Draining:
    """A server that takes `takes_s` to drain when its context is left."""

    takes_s: float = 0
    addresses: Mapping[str, str] = {"rtmp": "[::]:1935", "http": "127.0.0.1:80"}
    open: trio.Event = attrs.field(factory=trio.Event)
    leaving: trio.Event = attrs.field(factory=trio.Event)
    drained: bool = False
    connections: int = 0

    def statistics(self) -> "Draining":
        return self


@asynccontextmanager
async def opened(server: Draining) -> AsyncIterator[Draining]:
    await trio.lowlevel.checkpoint()
    server.open.set()
    yield server
    server.leaving.set()
    await trio.sleep(server.takes_s)
    server.drained = True


@asynccontextmanager
async def unopened(error: Exception) -> AsyncIterator[Draining]:
    """A server that fails to start, inside nurseries as the real one does."""
    async with trio.open_nursery(), trio.open_nursery():
        raise error
    yield Draining()


@pytest.fixture
def config(tmp_path: Path) -> Iterator[Config]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield Config(data=tmp_path / "data")
    resource.setrlimit(resource.RLIMIT_NOFILE, before)
    structlog.reset_defaults()


async def stop(server: Draining, config: Config, *, again: bool = False) -> float:
    """Send one signal, or two, and return how long stopping took."""
    began = trio.current_time()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve_until_stopped, opened(server), config)
        await server.open.wait()
        os.kill(os.getpid(), signal.SIGTERM)
        await server.leaving.wait()
        if again:
            os.kill(os.getpid(), signal.SIGINT)
    return trio.current_time() - began


async def test_the_first_signal_closes_the_server_in_order(
    config: Config,
    autojump_clock: trio.testing.MockClock,  # noqa: ARG001  # the time it runs on
) -> None:
    server = Draining(takes_s=5)
    assert await stop(server, config) == pytest.approx(5)
    assert server.drained


async def test_a_second_signal_ends_at_once(
    config: Config,
    mock_clock: trio.testing.MockClock,  # noqa: ARG001  # time stands still
) -> None:
    server = Draining(takes_s=1000)
    await stop(server, config, again=True)
    assert not server.drained


TAKEN = OSError(errno.EADDRINUSE, "Address already in use")


@pytest.mark.parametrize("error", [TAKEN, ConfigError("Address already in use")])
def test_a_server_that_cannot_start_says_why(config: Config, error: Exception) -> None:
    async def program(given: Config) -> int:
        return await serve_until_stopped(unopened(error), given)

    with pytest.raises(ConfigError, match="Address already in use"):
        start(config, program)


def test_a_server_that_fails_to_start_by_a_mistake_of_ours_shows_it(config: Config) -> None:
    async def program(given: Config) -> int:
        return await serve_until_stopped(unopened(ZeroDivisionError()), given)

    with pytest.RaisesGroup(pytest.RaisesGroup(pytest.RaisesGroup(ZeroDivisionError))):
        start(config, program)


def test_the_real_server_serves_and_stops(tmp_path: Path) -> None:
    flags = ["--rtmp", "127.0.0.1:0", "--http", "127.0.0.1:0", "--admin", "127.0.0.1:0"]
    process = subprocess.Popen(
        [sys.executable, "-m", "relay", "serve", *flags, "--data", str(tmp_path / "data")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    with process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(4)]
        process.send_signal(signal.SIGTERM)
        rest, errors = process.communicate(timeout=60)
    assert [line.split()[:2] for line in lines[1:]] == [
        ["listening", "rtmp"],
        ["listening", "http"],
        ["listening", "admin"],
    ]
    assert (process.returncode, rest) == (0, "")
    assert "relay key create demo" in errors
    assert "Traceback" not in errors


def test_a_program_runs_with_its_data_directory_and_its_exit_code(config: Config) -> None:
    async def program(given: Config) -> int:
        await trio.lowlevel.checkpoint()
        assert given.data.stat().st_mode & 0o777 == 0o700
        return 7

    assert start(config, program) == 7


def test_the_room_for_connections_is_said(
    config: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    async def program(_: Config) -> int:
        await trio.lowlevel.checkpoint()
        return 0

    start(config, program)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert f"room for {hard - 64} connections" in capsys.readouterr().out


def test_a_config_error_comes_out_of_its_nurseries(config: Config) -> None:
    async def program(_: Config) -> int:
        async with trio.open_nursery(), trio.open_nursery():
            raise ConfigError("rtmp.listen: the address is in use")

    with pytest.raises(ConfigError, match="the address is in use"):
        start(config, program)


def test_a_crash_stays_a_crash(config: Config) -> None:
    async def program(_: Config) -> int:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep_forever)
            raise ExceptionGroup("both", [ConfigError("x"), ZeroDivisionError()])

    with pytest.RaisesGroup(pytest.RaisesGroup(ConfigError, ZeroDivisionError)):
        start(config, program)


def test_listeners_are_announced_one_to_a_line(
    config: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    announce(Draining(), attrs.evolve(config, auth=AuthConfig(publish="open")))
    assert capsys.readouterr().out.splitlines() == [
        "listening rtmp [::]:1935",
        "listening http 127.0.0.1:80",
    ]


def test_no_key_is_printed_but_to_a_terminal(
    config: Config, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    announce(Draining(), config)
    assert "sk_" not in capsys.readouterr().out
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    announce(Draining(), config)
    assert "  Stream Key  sk_" in capsys.readouterr().out
