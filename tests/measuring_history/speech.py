"""What people say: words as often as in real speech, where the second is half as frequent as the
first (Zipf), from thousands of users, ten times a second.
"""

import random
from datetime import UTC, datetime
from itertools import accumulate
from uuid import UUID

import attrs

from relay.chat.ids import message_id
from relay.chat.message import Message, Sender, encode
from relay.publication import Author, Moment, Publication

WORDS = 30_000
USERS = 5_000
EVERY_MS = 100
COMMON, RARE = 20, 20_000
"""The most frequent are looked for as common ones; what is behind that place is rare."""


@attrs.define(eq=False)
class Speech:
    """The same for each seed."""

    _random: random.Random
    began_ms: int = 1_700_000_000_000
    session: str = "0123456789abcdef0123456789abcdef"
    _words: list[str] = attrs.field(init=False)
    _weights: list[float] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        letters = "etaoinshrdlu"
        self._words = [
            "".join(self._random.choices(letters, k=self._random.randint(2, 10))) + str(n % 10)
            for n in range(WORDS)
        ]
        self._weights = list(accumulate(1 / n for n in range(1, WORDS + 1)))

    def publication(self, offset: int) -> Publication:
        """The message at this offset."""
        at_ms = self.began_ms + offset * EVERY_MS
        user = self.user(offset)
        words = self._random.choices(
            self._words, cum_weights=self._weights, k=self._random.randint(3, 15)
        )
        name = message_id(at_ms, self._random.randbytes(10))
        message = Message(
            id=name, author=Sender(user=user, name=user.title(), kind="user"), text=" ".join(words)
        )
        return Publication(
            offset=offset,
            data=encode(message),
            at_ms=at_ms,
            author=Author(user, ""),
            moment=Moment(self.session, self.media_ms(offset)),
            message=str(UUID(name)),
        )

    def user(self, offset: int) -> str:
        return f"user-{offset * 7919 % USERS}"

    def media_ms(self, offset: int) -> int:
        return offset * EVERY_MS

    def sent_at(self, offset: int) -> str:
        return datetime.fromtimestamp((self.began_ms + offset * EVERY_MS) / 1000, UTC).isoformat()

    def common(self) -> str:
        return self._words[self._random.randrange(COMMON)]

    def rare(self) -> str:
        return self._words[self._random.randrange(RARE, WORDS)]
