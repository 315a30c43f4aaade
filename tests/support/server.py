"""A real `relay serve` in a process of its own, on ports of its own."""

import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import trio
from support.http_client import Answer, read_answers, request_bytes

from relay.config.environment import variable

ROOT = Path(__file__).parents[2]
LISTENERS = ("rtmp", "http", "admin")
START_S = 20
STOP_S = 20


@attrs.define(eq=False)
class ServerProcess:
    """A running server."""

    process: trio.Process
    data: Path
    addresses: dict[str, tuple[str, int]] = attrs.field(factory=dict)
    printed: bytearray = attrs.field(factory=bytearray)
    """Standard output."""
    _log: Path = attrs.field(kw_only=True)

    def url(self, name: str) -> str:
        """Where encoders push `name`."""
        host, port = self.addresses["rtmp"]
        return f"rtmp://{host}:{port}/live/{name}"

    def output(self) -> str:
        """Everything that it has printed or logged."""
        return self.printed.decode() + self._log.read_text()

    def log(self, event: str, **facts: Any) -> list[dict[str, Any]]:
        """Log lines with this event and these facts, oldest first."""
        lines = [json.loads(line) for line in self._log.read_text().splitlines() if line[:1] == "{"]
        wanted = {"event": event, **facts}
        return [line for line in lines if wanted.items() <= line.items()]

    async def wait_log(self, event: str, **facts: Any) -> dict[str, Any]:
        """The first such line, as soon as there is one."""
        with trio.fail_after(30):
            while not (found := self.log(event, **facts)):  # noqa: ASYNC110  # another process
                await trio.sleep(0.02)
        return found[0]

    async def ask(self, method: str, target: str, *headers: tuple[str, str]) -> Answer:
        """One request to the public listener."""
        return await ask(self.addresses["http"], method, target, *headers)

    async def ask_admin(self, method: str, target: str, *headers: tuple[str, str]) -> Answer:
        """One request to the operator's listener."""
        return await ask(self.addresses["admin"], method, target, *headers)

    async def metrics(self) -> dict[str, float]:
        """Samples of `/metrics` by name, with labels as they are printed."""
        answer = await self.ask_admin("GET", "/metrics")
        lines = [line for line in answer.body.decode().splitlines() if line[:1] != "#"]
        pairs = (line.rpartition(" ") for line in lines)
        return {name: float(value) for name, _, value in pairs}

    async def wait_metric(self, name: str, at_least: float) -> None:
        """Wait until a sample has reached a value."""
        with trio.fail_after(30):
            while (await self.metrics()).get(name, 0) < at_least:  # noqa: ASYNC110  # another process
                await trio.sleep(0.02)

    async def stop(self) -> int:
        """SIGTERM; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return await self.process.wait()

    async def _read_output(
        self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        assert self.process.stdout is not None
        async with self.process.stdout:
            async for data in self.process.stdout:
                self.printed += data
                if not self.addresses and self._learn():
                    task_status.started()

    def _learn(self) -> bool:
        """Whether it has said of every listener where that is."""
        lines = self.printed.decode().splitlines()
        said = [line.split() for line in lines if line.startswith("listening ")]
        if len(said) < len(LISTENERS):
            return False
        for _, name, address in said:
            host, _, port = address.rpartition(":")
            self.addresses[name] = host, int(port)
        return True


@asynccontextmanager
async def serving(
    data: Path,
    settings: Mapping[str, object] | None = None,
    *,
    publish: str = "open",
    config: str = "",
    under: Sequence[str] = (),
) -> AsyncIterator[ServerProcess]:
    """Run a server with `settings` (by path, as in `limits.stalled_s`) on free ports.

    `config` is TOML, for what no variable can say; `under` is a command that becomes it.

    It keeps its state and its log under `data`, and is stopped when the context is left.
    """
    log = _prepare(data)
    command = [*under, sys.executable, "-m", "relay", "serve", "--data", str(data)]
    command += ["--publish", publish]
    for listener in LISTENERS:
        command += [f"--{listener}", "127.0.0.1:0"]
    if config:
        file = data / "relay.toml"
        file.write_text(config)
        command += ["--config", str(file)]
    given = {variable(path): str(value) for path, value in (settings or {}).items()}
    with log.open("ab") as stderr:
        process = await trio.lowlevel.open_process(
            command, stdout=-1, stderr=stderr, cwd=ROOT, env={**os.environ, **given}
        )
    server = ServerProcess(process, data, log=log)
    try:
        async with trio.open_nursery() as nursery:
            with trio.fail_after(START_S):
                await nursery.start(server._read_output)
            yield server
            with trio.fail_after(STOP_S):
                await server.stop()
    except BaseException as error:
        error.add_note(f"the server said at last: {server.output()[-2000:]}")
        raise
    finally:
        if process.returncode is None:
            process.kill()
            with trio.CancelScope(shield=True, deadline=trio.current_time() + 5):
                await process.wait()


def _prepare(data: Path) -> Path:
    """Make the data directory, and a place for the log in it."""
    data.mkdir(parents=True, exist_ok=True)
    log = data / "stderr.log"
    log.touch()
    return log


async def ask(
    address: tuple[str, int], method: str, target: str, *headers: tuple[str, str]
) -> Answer:
    """One request on a connection of its own, and its answer."""
    stream = await trio.open_tcp_stream(*address)
    async with stream:
        await stream.send_all(request_bytes(method, target, ("Connection", "close"), *headers))
        (answer,) = read_answers(await read_to_end(stream), method)
    return answer


async def read_to_end(stream: trio.SocketStream, *, within_s: float = 20) -> bytes:
    """Everything up to the end of the connection."""
    data = bytearray()
    with trio.fail_after(within_s):
        while more := await stream.receive_some():
            data += more
    return bytes(data)
