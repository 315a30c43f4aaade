"""Run Relay inside a Trio program of your own, beside a task that has nothing to do with it.

    python examples/embed_server.py            # then publish, and watch as it says

The server lives as long as the `async with`; leaving it drains every connection.  It installs no
signal handlers and configures no logging: both are yours.
"""

import signal
from pathlib import Path

import trio

from relay import Config, Server, open_relay
from relay.config import AuthConfig, HttpConfig, RtmpConfig

REPORT_EVERY_S = 2.0

CONFIG = Config(
    data=Path("relay-data"),
    # Port 0 takes a free one; `server.addresses` says which.
    rtmp=RtmpConfig(listen="127.0.0.1:0"),
    http=HttpConfig(listen="127.0.0.1:0", admin="127.0.0.1:0"),
    # Anyone on this machine may publish: the key is the name.
    auth=AuthConfig(publish="open"),
)


async def report(server: Server) -> None:
    """The program's own task: it asks the server how it does."""
    while True:
        now = server.statistics()
        live = ", ".join(broadcast.name for broadcast in now.broadcasts) or "nobody"
        print(f"live: {live}; connections: {now.connections}", flush=True)
        await trio.sleep(REPORT_EVERY_S)


async def main() -> None:
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with open_relay(CONFIG) as server, trio.open_nursery() as nursery:
            print(f"publish  rtmp://{server.addresses['rtmp']}/live/cat")
            print(f"watch    http://{server.addresses['http']}/watch/live/cat", flush=True)
            nursery.start_soon(report, server)
            await anext(signals)
            nursery.cancel_scope.cancel()
    print("stopped")


if __name__ == "__main__":
    trio.run(main)
