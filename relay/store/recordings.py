"""What a store keeps of recordings: which there are and whose, and which streams are recorded.

The pictures are files beside it.  A recording is in the store before its first byte is in a file,
so that no file is ever one that nobody knows of; and it is open there until all of it is said.
"""

from typing import Protocol

import attrs


@attrs.frozen(kw_only=True)
class StoredRecording:
    """One recording, or a clip of one."""

    id: str
    stream: str
    owner: str
    """Whose stream it was then; empty for nobody's."""
    is_open: bool
    """Whether more is to be said of it."""
    value: bytes
    """What else is said of it: a JSON object."""
    number: int = 0
    """Given by the store; a later one has a larger one."""


@attrs.frozen
class PutRecording:
    """There is such a recording, or something else is said of it."""

    recording: StoredRecording


@attrs.frozen
class DropRecording:
    """There is none of this id any more."""

    id: str


@attrs.frozen
class WishRecording:
    """Whether a stream is to be recorded; None to leave it to the rules."""

    stream: str
    is_wanted: bool | None


RecordingChange = PutRecording | DropRecording | WishRecording


class RecordingReader(Protocol):
    """What a store can be asked about recordings."""

    async def recording(self, name: str, /) -> StoredRecording | None:
        """The one of this id."""

    async def recordings(
        self, *, stream: str = "", owner: str = "", below: int = 0, limit: int
    ) -> list[StoredRecording]:
        """Those of a stream, of an owner, of both, or all; newest first.

        A page goes on with `below`, the `number` of the last one of the page before.
        """

    async def open_recordings(self) -> list[StoredRecording]:
        """Those of which more is to be said."""

    async def recording_wishes(self) -> dict[str, bool]:
        """Streams that are to be recorded, or not to be, whatever the rules say."""
