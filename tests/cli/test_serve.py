"""The process around the server: signals, exit codes, and errors in the operator's words."""

import os
import resource
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path

import attrs
import pytest
import structlog
import trio

from relay.cli.serve import announce, start, until_stopped
from relay.config import AuthConfig, Config
from relay.errors import ConfigError


@attrs.define
class Draining:
    """A server that takes `takes_s` to drain."""

    takes_s: float
    addresses: Mapping[str, str] = {"rtmp": "[::]:1935", "http": "127.0.0.1:80"}
    begun: trio.Event = attrs.field(factory=trio.Event)
    done: bool = False

    async def drain(self) -> None:
        self.begun.set()
        await trio.sleep(self.takes_s)
        self.done = True


@pytest.fixture
def config(tmp_path: Path) -> Iterator[Config]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield Config(data=tmp_path / "data")
    resource.setrlimit(resource.RLIMIT_NOFILE, before)
    structlog.reset_defaults()


async def stop(server: Draining, *, drain_s: float, again: bool = False) -> float:
    """Send one signal, or two, and return how long stopping took."""
    began = trio.current_time()
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(until_stopped, server, signals, drain_s)
            os.kill(os.getpid(), signal.SIGTERM)
            if again:
                await server.begun.wait()
                os.kill(os.getpid(), signal.SIGINT)
    return trio.current_time() - began


async def test_the_first_signal_drains_to_the_end(
    autojump_clock: trio.testing.MockClock,  # noqa: ARG001  # the time it runs on
) -> None:
    server = Draining(takes_s=5)
    assert await stop(server, drain_s=8) == pytest.approx(5)
    assert server.done


async def test_a_drain_ends_at_its_deadline(
    autojump_clock: trio.testing.MockClock,  # noqa: ARG001  # the time it runs on
) -> None:
    server = Draining(takes_s=1000)
    assert await stop(server, drain_s=8) == pytest.approx(8)
    assert not server.done


async def test_a_second_signal_ends_at_once(
    mock_clock: trio.testing.MockClock,  # noqa: ARG001  # the time it runs on
) -> None:
    server = Draining(takes_s=1000)
    assert await stop(server, drain_s=8, again=True) == 0
    assert not server.done


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
    announce(Draining(0), attrs.evolve(config, auth=AuthConfig(publish="open")))
    assert capsys.readouterr().out.splitlines() == [
        "listening rtmp [::]:1935",
        "listening http 127.0.0.1:80",
    ]


def test_no_key_is_printed_but_to_a_terminal(
    config: Config, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    announce(Draining(0), config)
    assert "sk_" not in capsys.readouterr().out
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    announce(Draining(0), config)
    assert "  Stream Key  sk_" in capsys.readouterr().out
