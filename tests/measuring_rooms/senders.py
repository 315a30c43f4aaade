"""Some users who say something in turn, at an even pace.

    python -m measuring_rooms.senders HOST PORT MESSAGES_PER_S SECONDS TOKEN...

Each message says when it was sent, by the clock that all processes of a machine share.
"""

import json
import re
import selectors
import sys
import time

import attrs
from measuring_rooms.room import ROOM, Address, Guest

ANSWERED = re.compile(rb'\{"id":(\d+),"(publish|error)"')
PATIENCE_S = 5.0


@attrs.define(eq=False)
class Senders:
    """All of them."""

    guests: list[Guest]
    acknowledged: list[int] = attrs.field(factory=list)
    lags: list[int] = attrs.field(factory=list)
    _sent: list[int] = attrs.field(factory=list)
    """When, by the number of the command, nanoseconds."""
    _selector: selectors.BaseSelector = attrs.field(factory=selectors.DefaultSelector)

    def __attrs_post_init__(self) -> None:
        for guest in self.guests:
            guest.sock.setblocking(False)
            self._selector.register(guest.sock, selectors.EVENT_READ)

    def send(self) -> None:
        """The next one says something."""
        guest = self.guests[len(self._sent) % len(self.guests)]
        now = time.monotonic_ns()
        self._sent.append(now)
        guest.say(id=len(self._sent) + 1, publish={"channel": ROOM, "data": {"text": str(now)}})

    def listen(self, until: float) -> None:
        """Take answers until then."""
        while (left := until - time.monotonic()) > 0:
            for key, _ in self._selector.select(left):
                data, now = key.fileobj.recv(1 << 20), time.monotonic_ns()  # type: ignore[union-attr]  # a socket
                for number, kind in ANSWERED.findall(data):
                    assert kind == b"publish", data
                    sent = self._sent[int(number) - 2]
                    self.acknowledged.append(sent)
                    self.lags.append(now - sent)

    @property
    def is_waiting(self) -> bool:
        return len(self.acknowledged) < len(self._sent)


def come(address: Address, tokens: list[str]) -> Senders:
    return Senders([Guest.come(address, token=token) for token in tokens])


def main() -> None:
    host, port, rate, seconds, *tokens = sys.argv[1:]
    senders = come((host, int(port)), tokens)
    senders.listen(time.monotonic() + 1)
    print(json.dumps("ready"), flush=True)
    sys.stdin.readline()
    began, count = time.monotonic(), round(float(rate) * float(seconds))
    for number in range(count):
        senders.listen(began + number / float(rate))
        senders.send()
    late = time.monotonic() + PATIENCE_S
    while senders.is_waiting and time.monotonic() < late:
        senders.listen(time.monotonic() + 0.1)
    assert not senders.is_waiting, "some were not answered"
    print(json.dumps({"acknowledged": senders.acknowledged, "lags": senders.lags}), flush=True)


if __name__ == "__main__":
    main()
