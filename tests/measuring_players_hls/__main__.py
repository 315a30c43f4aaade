"""Other people's HLS players on one broadcast of a real server: do they play, and how late?

    PYTHONPATH=tests python -m measuring_players_hls [SECONDS]

One encoder sends a stamped picture and a tone in real time, a keyframe each second.  hls.js plays
it in Chromium with low latency; ffplay, mpv, VLC and GStreamer play it as ordinary HLS.  Printed
is, of each: how long until its first picture, how old pictures are when it shows them, and what it
complained about.  What hls.js shows is dated by EXT-X-PROGRAM-DATE-TIME, that is, by when the
server got it; the others are dated by when the encoder sent it.

Needed beside what tests need is what `measuring_players` needs.
"""

import functools
import json
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import trio
from measuring_players.pictures import stamped_film
from measuring_players.players import PLAYERS, Player
from measuring_players.watching import Result, Sent, send, watch
from support import media
from support.browser import another_site, browsing, chromium
from support.npm import package_file
from support.publishing import publish
from support.server import ServerProcess, serving
from support.viewers import wait_live

from relay.packet import Kind

HOLD_S = 2.0
LEAVE_S = 25.0
"""How long a player may take to see that it is over: it is some seconds behind."""
KEPT = ("ffplay", "mpv", "VLC")
GSTREAMER = Player(
    "GStreamer hlsdemux2",
    "gst-launch-1.0 -v uridecodebin3 uri=URL name=d "
    "d.video_0 ! queue ! fakesink name=v silent=false sync=true "
    "d.audio_0 ! queue ! fakesink sync=true",
    re.compile(rb"chain .*v:sink.* pts: (\d+):(\d+):(\d+\.\d+)"),
    r"Redistribute latency",
)

PLAY = """(url => {
  const video = document.body.appendChild(document.createElement("video"));
  video.muted = true;
  const seen = window.seen = { errors: [], ages: [], startup: null, stalls: 0 };
  const player = window.player = new Hls({ lowLatencyMode: true });
  player.on(Hls.Events.ERROR, (_, error) => seen.errors.push(`${error.type} ${error.details}`));
  video.addEventListener("waiting", () => { seen.stalls += seen.startup === null ? 0 : 1; });
  const began = performance.now();
  video.requestVideoFrameCallback(() => { seen.startup = performance.now() - began; });
  setInterval(() => {
    if (seen.startup !== null && player.playingDate && !seen.over)
      seen.ages.push(Date.now() - player.playingDate.getTime());
  }, 100);
  player.loadSource(url);
  player.attachMedia(video);
  video.play();
})"""


async def watch_in_chromium(devtools: str, url: str, seconds: float) -> dict[str, Any]:
    """What hls.js has seen after so long."""
    script = await trio.to_thread.run_sync(package_file, "hls.js", "dist/hls.js")
    async with browsing(devtools) as browser, trio.open_nursery() as nursery:
        page = await browser.open_page(await another_site(nursery))
        await page.evaluate(script)
        await page.evaluate(f"{PLAY}({json.dumps(url)})")
        await trio.sleep(seconds)
        seen = await page.evaluate("(seen.over = true, seen)")
        facts = await page.facts()
        nursery.cancel_scope.cancel()
    return {**seen, "frames": facts["frames"], "dropped": facts["dropped"]}


def told(seen: dict[str, Any]) -> str:
    """A line about hls.js, without the seconds in which it came to its pace."""
    ages = sorted(seen["ages"][50:])
    p50, p95 = ages[len(ages) // 2], ages[len(ages) * 95 // 100]
    return (
        f"{'hls.js, low latency':22} first picture after {seen['startup'] / 1000:.2f} s; "
        f"latency p50 {p50:.0f} ms, p95 {p95:.0f} ms ({len(ages)} looks); {seen['stalls']} stalls; "
        f"{seen['frames']} frames, {seen['dropped']} dropped; errors {seen['errors']}"
    )


async def measure(seconds: float, folder: Path, devtools: str) -> list[str]:
    """hls.js by itself, then all the others at once; a line about each."""
    tags = [tag for tag in media.tags(stamped_film(2 * seconds)) if tag.kind is not Kind.DATA]
    players = [player for player in PLAYERS if player.name in KEPT]
    results = {player.name: Result() for player in (*players, GSTREAMER)}
    sent = Sent()
    async with serving(folder, {"media.hold_s": HOLD_S}) as server, trio.open_nursery() as push:
        encoder = await publish(server.addresses["rtmp"], "cat")
        push.start_soon(send, encoder, tags, sent)
        await wait_live(server.addresses["http"], "cat")
        # Until the first playlist: three GOPs.  Who starts then starts as everybody later does.
        await trio.sleep(5)
        seen = await watch_in_chromium(devtools, url_of(server), seconds - 7)
        with trio.move_on_after(seconds + HOLD_S + LEAVE_S):
            async with trio.open_nursery() as nursery:
                for player in (*players, GSTREAMER):
                    one = functools.partial(watch, player, url_of(server), sent)
                    nursery.start_soon(one, results[player.name])
    return [told(seen), *(result.line(name) for name, result in results.items())]


def url_of(server: ServerProcess) -> str:
    host, port = server.addresses["http"]
    return f"http://{host}:{port}/live/cat.m3u8"


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    with tempfile.TemporaryDirectory() as folder, chromium() as devtools:
        for line in trio.run(measure, seconds, Path(folder), devtools):
            print(line)


main()
