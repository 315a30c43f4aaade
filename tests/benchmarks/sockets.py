"""What the kernel holds for a server's connections, as `ss` shows it.

Of `skmem:(r,rb,t,tb,f,w,o,bl,d)` the bytes of memory that a socket really has are those received
and unread (`r`), written and not yet acknowledged (`w`), kept in advance (`f`) and for options
(`o`); `rb` and `tb` are bounds, and `t` is a part of `w`.
"""

import re
from collections.abc import Iterator

import trio

_MEMORY = re.compile(r"skmem:\(r(\d+),rb\d+,t\d+,tb\d+,f(\d+),w(\d+),o(\d+)")
_PORT = re.compile(r":(\d+)$")


async def kernel_bytes(ports: set[int]) -> list[int]:
    """What each of a server's sockets holds for peers on these ports of the loopback.

    0 stands for a socket with nothing to send: whoever has stalled is none of those.
    """
    shown = await trio.run_process(["ss", "--tcp", "--memory", "--numeric"], capture_stdout=True)
    return list(_held(shown.stdout.decode(), ports))


def _held(shown: str, ports: set[int]) -> Iterator[int]:
    """Each connection has a line, and behind it one that is indented, with its memory."""
    peer = None
    for line in shown.splitlines():
        if not line[:1].isspace():
            peer = _peer(line)
        elif peer in ports and (found := _MEMORY.search(line)):
            unread, ahead, unsent, options = map(int, found.groups())
            yield unread + ahead + unsent + options if unsent else 0


def _peer(line: str) -> int | None:
    """State, Recv-Q, Send-Q, our address, the peer's address."""
    words = line.split()
    found = _PORT.search(words[4]) if len(words) > 4 else None
    return int(found[1]) if found else None
