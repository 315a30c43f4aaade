"""`relay serve`: the server as a process, with what the library leaves to its host.

The library installs no signal handlers, no logging and no limits; those are here.  The first
SIGINT or SIGTERM drains: listeners close, connections are told and get `limits.drain_s` to end.
A second one ends them at once.
"""

import functools
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path
from typing import Annotated, Literal, Protocol

import trio
from cyclopts import Parameter

from relay.cli.collecting import collect_when_quiet, spare_the_living
from relay.cli.descriptors import RESERVE, raise_limit
from relay.cli.logs import configure_logs
from relay.cli.welcome import first_key, instructions
from relay.config import Config
from relay.config.load import load_config
from relay.errors import ConfigError
from relay.identity.private_files import make_data_directory


class Statistics(Protocol):
    @property
    def connections(self) -> int: ...


class Server(Protocol):
    """What this module needs of a running server.  Leaving its context drains it."""

    @property
    def addresses(self) -> Mapping[str, str]: ...

    def statistics(self) -> Statistics: ...


def command(
    *,
    config: Path | None = None,
    rtmp: str | None = None,
    http: str | None = None,
    data: Path | None = None,
    admin: str | None = None,
    publish: Literal["key", "open"] | None = None,
    yes_open: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
) -> int:
    """Serve until SIGINT or SIGTERM.  ADDR is PORT, HOST:PORT or [IPV6]:PORT; port 0 is a free one.

    Args:
        config: a TOML file; flags and RELAY_... variables win over it.
        rtmp: where encoders connect, 1935 by default.
        http: where viewers connect, 8080 by default.
        data: where keys and other state are kept, relay-data by default.
        admin: where the operator connects, 127.0.0.1:8081 by default.
        publish: who may publish: holders of a key, or anyone (for laboratories and tests).
        yes_open: let anyone publish from other machines as well.
    """
    flags = {
        "rtmp.listen": rtmp,
        "http.listen": http,
        "data": None if data is None else str(data),
        "http.admin": admin,
        "auth.publish": publish,
        "auth.yes_open": yes_open or None,
    }
    given = {path: value for path, value in flags.items() if value is not None}
    return start(load_config(config, environ=os.environ, overrides=given), serve)


def start(config: Config, program: Callable[[Config], Awaitable[int]]) -> int:
    """Prepare the process and run `program` on Trio; return its exit code.

    Raises:
        ConfigError: what the configuration asks for cannot be had.
    """
    configure_logs()
    make_data_directory(config.data)
    room = raise_limit()
    print(f"room for {room} connections, {RESERVE} descriptors in reserve", flush=True)
    try:
        return trio.run(program, config, restrict_keyboard_interrupt_to_checkpoints=True)
    except BaseExceptionGroup as group:
        raise _for_operator(group, ConfigError) from None


async def serve(config: Config) -> int:
    """Serve until told to stop; the exit code."""
    from relay.app import open_relay  # noqa: PLC0415  # other commands start without a server

    return await serve_until_stopped(open_relay(config), config)


async def serve_until_stopped(opening: AbstractAsyncContextManager[Server], config: Config) -> int:
    """Open a server, say where it listens, and close it at the first signal."""
    stopping = trio.Event()
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with trio.open_nursery() as nursery, AsyncExitStack() as stack:
            nursery.start_soon(_heed, signals, stopping, nursery.cancel_scope)
            # Called last: what ends with the server is the wait for a second signal.
            stack.callback(nursery.cancel_scope.cancel)
            server = await _opened(opening, stack, config)
            spare_the_living()
            nursery.start_soon(collect_when_quiet, lambda: server.statistics().connections)
            announce(server, config)
            await stopping.wait()
    return 0


async def _opened(
    opening: AbstractAsyncContextManager[Server], stack: AsyncExitStack, config: Config
) -> Server:
    """The server, running.  An address that is taken is the operator's business, and no crash."""
    try:
        return await stack.enter_async_context(opening)
    except (OSError, BaseExceptionGroup) as error:
        say = functools.partial(_sentence, _listeners(config))
        raise _for_operator(error, ConfigError, OSError, say=say) from None


def _listeners(config: Config) -> dict[str, str]:
    """Addresses, and the flags that change them."""
    http = config.http
    return {config.rtmp.listen: "--rtmp", http.listen: "--http", http.admin: "--admin"}


def _sentence(listeners: Mapping[str, str], error: BaseException) -> str:
    if not isinstance(error, OSError) or error.filename not in listeners:
        return str(error)
    where = f"port {error.filename}" if error.filename.isdigit() else error.filename
    flag = listeners[error.filename]
    return f"cannot listen on {where}: {error.strerror}; choose another with {flag}"


async def _heed(
    signals: AsyncIterator[int], stopping: trio.Event, everything: trio.CancelScope
) -> None:
    await anext(signals)
    print("stopping; once more to stop at once", file=sys.stderr, flush=True)
    stopping.set()
    await anext(signals)
    everything.cancel()


def announce(server: Server, config: Config) -> None:
    """Say where the server listens, which is also how a supervisor learns that it does.

    The first key is made now, not before: a start that fails must not use up the one time that
    it is shown.  The server reads it within two seconds.
    """
    for name, address in server.addresses.items():
        print(f"listening {name} {address}", flush=True)
    key = first_key(config, terminal=sys.stdout.isatty())
    if key is not None:
        print("", *instructions(server.addresses, key), "", sep="\n", flush=True)


def _for_operator(
    error: BaseException, *kinds: type[Exception], say: Callable[[BaseException], str] = str
) -> BaseException:
    """One ConfigError for an error, or all in a group, if they are of these kinds and no other."""
    leaves = _leaves(error)
    if not all(isinstance(leaf, kinds) for leaf in leaves):
        return error
    return ConfigError("\n".join(dict.fromkeys(map(say, leaves))))


def _leaves(error: BaseException) -> list[BaseException]:
    if not isinstance(error, BaseExceptionGroup):
        return [error]
    return [leaf for inner in error.exceptions for leaf in _leaves(inner)]
