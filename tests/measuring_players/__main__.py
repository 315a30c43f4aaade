"""Other people's RTMP players on one broadcast of a real server: do they play, and how late?

    PYTHONPATH=tests python -m measuring_players [SECONDS]

One encoder sends a stamped picture and a tone in real time (keyframes each second, no B-frames).
Players come two seconds apart, show what they get with their usual settings, and end by themselves
when the broadcast does.  Printed is, of each: how long until its first picture, how old pictures
are when it shows them (from the encoder's own write to the socket), and what it complained about.

Needed beside what tests need: mpv, vlc-bin, vlc-plugin-base, gstreamer1.0-tools and -libav, and
gstreamer1.0-plugins-base, -good and -bad, as Debian 12 has them.
"""

import sys
import tempfile
from pathlib import Path

import trio
from measuring_players.pictures import stamped_film
from measuring_players.players import PLAYERS
from measuring_players.watching import Result, Sent, send, watch
from support import media
from support.publishing import publish
from support.server import serving
from support.viewers import wait_live

from relay.packet import Kind

APART_S = 2.0
HOLD_S = 2.0
LEAVE_S = 20.0
"""How long a player may take to see that it is over."""


async def measure(seconds: float, folder: Path) -> dict[str, Result]:
    """Everything at once; the figures."""
    tags = [tag for tag in media.tags(stamped_film(seconds)) if tag.kind is not Kind.DATA]
    results = {player.name: Result() for player in PLAYERS}
    sent = Sent()
    async with serving(folder, {"media.hold_s": HOLD_S}) as server, trio.open_nursery() as push:
        encoder = await publish(server.addresses["rtmp"], "cat")
        push.start_soon(send, encoder, tags, sent)
        await wait_live(server.addresses["http"], "cat")
        with trio.move_on_after(seconds + HOLD_S + LEAVE_S):
            async with trio.open_nursery() as nursery:
                for player in PLAYERS:
                    await trio.sleep(APART_S)
                    nursery.start_soon(watch, player, server.url("cat"), sent, results[player.name])
    return results


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    with tempfile.TemporaryDirectory() as folder:
        for name, result in trio.run(measure, seconds, Path(folder)).items():
            print(result.line(name))


main()
