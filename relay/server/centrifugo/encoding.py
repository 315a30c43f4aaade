"""A channel's events as frames: whole, and the same bytes for every subscriber."""

import attrs
from wsproto.frame_protocol import Opcode

from relay.http.frame import frame
from relay.messages.centrifugo import replies
from relay.publication import Author, Position, Publication


@attrs.define(eq=False)
class CentrifugoEncoding:
    """One push in each frame, so that a merged send is a join and nothing else."""

    name: str
    _tells_who: bool
    """Whether its followers are told who comes and goes."""

    def publication(self, channel: str, epoch: str, publication: Publication) -> bytes:
        return text(replies.publication(channel, publication))

    def signal(self, channel: str, publication: Publication) -> bytes:
        """Without an offset, a client's position stays where it is."""
        return text(replies.publication(channel, publication))

    def joined(self, channel: str, who: Author) -> bytes:
        return text(replies.joined(channel, who)) if self._tells_who else b""

    def left(self, channel: str, who: Author) -> bytes:
        return text(replies.left(channel, who)) if self._tells_who else b""

    def closed(self, channel: str, position: Position) -> bytes:
        """Each subscription ends with a push of its own."""
        return b""


PUBLICATIONS = CentrifugoEncoding("centrifugo", tells_who=False)
WITH_JOINS = CentrifugoEncoding("centrifugo-joins", tells_who=True)


def text(line: bytes) -> bytes:
    """A message of one line, or of several."""
    return frame(Opcode.TEXT, line)


PING = text(replies.PING)
