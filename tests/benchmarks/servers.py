"""Who is measured: Relay, and Debian's nginx with its RTMP module.

nginx-rtmp runs as its manual shows it: `live on`, and for all else its defaults (chunks of 4,096
bytes, Nagle's algorithm on, no GOP kept for newcomers), with room for enough connections and no
log in a folder that only root may write to.  `master_process off` makes it one process, with the
same event loop as a worker: so it needs no second user to become, which a user namespace does not
have.
"""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import attrs
import trio

HOST = "127.0.0.1"
START_S = 20
STOP_S = 20
_ASK_EVERY_S = 0.05
_CERTIFICATE = (
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
    f"-subj /CN={HOST} -addext subjectAltName=IP:{HOST} -keyout key.pem -out certificate.pem"
)
_NGINX = """\
load_module /usr/lib/nginx/modules/ngx_rtmp_module.so;
daemon off;
master_process off;
pid nginx.pid;
error_log stderr error;
worker_rlimit_nofile {descriptors};
events {{ worker_connections {descriptors}; }}
rtmp {{
    server {{
        listen {host}:1936;
        access_log off;
        application live {{ live on; }}
    }}
}}
"""


@attrs.frozen
class ServerUnderTest:
    """A server, where it listens, and how it is started in an empty folder of its own.

    The ports are fixed: the network namespace has nobody else in it.
    """

    name: str
    publish: str
    """Where publisher number `%` goes."""
    watch: Mapping[str, str]
    """Where viewer number `%` finds its stream, by the name of the format."""
    ports: tuple[int, ...]
    command: Callable[[Path], list[str]]


def _relay(_folder: Path) -> list[str]:
    listen = ("--rtmp", f"{HOST}:1935", "--http", f"{HOST}:8080", "--admin", f"{HOST}:8081")
    serve = ["-m", "relay", "serve", "--publish", "open", "--data", "data"]
    return [sys.executable, *serve, *listen]


def _relay_with_tls(folder: Path) -> list[str]:
    subprocess.run(_CERTIFICATE.split(), cwd=folder, check=True, capture_output=True)
    settings = (
        "RELAY_TLS_CERTIFICATE=certificate.pem",
        "RELAY_TLS_KEY=key.pem",
        f"RELAY_HTTP_TLS_LISTEN={HOST}:8443",
    )
    return ["env", *settings, *_relay(folder)]


def _nginx(folder: Path) -> list[str]:
    descriptors = os.sysconf("SC_OPEN_MAX") - 64
    (folder / "nginx.conf").write_text(_NGINX.format(host=HOST, descriptors=descriptors))
    return ["/usr/sbin/nginx", "-p", str(folder), "-c", "nginx.conf"]


RELAY = ServerUnderTest(
    "Relay",
    f"rtmp://{HOST}:1935/live/s%",
    {
        "WS-FLV": f"ws://{HOST}:8080/live/s%.flv",
        "HTTP-FLV": f"http://{HOST}:8080/live/s%.flv",
        "WS-fMP4": f"ws://{HOST}:8080/live/s%.mp4",
    },
    (1935, 8080, 8081),
    _relay,
)
RELAY_TLS = ServerUnderTest(
    "Relay TLS",
    RELAY.publish,
    {"WS-FLV": f"wss://{HOST}:8443/live/s%.flv"},
    (*RELAY.ports, 8443),
    _relay_with_tls,
)
NGINX = ServerUnderTest(
    "nginx-rtmp",
    f"rtmp://{HOST}:1936/live/s%",
    {"RTMP": f"rtmp://{HOST}:1936/live/s%"},
    (1936,),
    _nginx,
)


@asynccontextmanager
async def running(server: ServerUnderTest, core: int) -> AsyncIterator[int]:
    """The process id of a server that listens, and has one core."""
    with TemporaryDirectory(prefix="relay-benchmark-") as name:
        folder = Path(name)
        command = ["taskset", "--cpu-list", str(core), *server.command(folder)]
        with (folder / "log").open("wb") as log:
            process = await trio.lowlevel.open_process(
                command, cwd=folder, stdout=log.fileno(), stderr=log.fileno(), env=_environment()
            )
        try:
            with trio.fail_after(START_S):
                for port in server.ports:
                    await _wait_listening(process, port)
            yield process.pid
        except BaseException as error:
            error.add_note(f"{server.name} said at last: {(folder / 'log').read_text()[-2000:]}")
            raise
        finally:
            with trio.CancelScope(shield=True):
                await end(process)


def _environment() -> dict[str, str]:
    """Ours, without settings of Relay that are meant for another one."""
    return {name: value for name, value in os.environ.items() if not name.startswith("RELAY_")}


async def _wait_listening(process: trio.Process, port: int) -> None:
    while True:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode}")
        try:
            await (await trio.open_tcp_stream(HOST, port)).aclose()
        except OSError:
            await trio.sleep(_ASK_EVERY_S)
        else:
            return


async def end(process: trio.Process) -> None:
    """SIGTERM, and patience, and no more of it."""
    if process.poll() is None:
        process.terminate()
    with trio.move_on_after(STOP_S):
        await process.wait()
        return
    process.kill()
    await process.wait()
