"""Messages of a run, found in whatever a server puts around them."""

import json

import pytest

from relay.bench.messages_stamps import Reader, read_frames, stamped
from relay.bench.openings import NotServed
from relay.bench.stamps import Stamp
from relay.http.frame import close_frame, ping_frame, text_frame
from relay.messages.centrifugo import replies
from relay.publication import Publication
from relay.server.centrifugo.encoding import PING, text

MACHINE = "0123abcd"


def stamp(number: int) -> Stamp:
    return Stamp(MACHINE, 1_000_000 + number, number, is_keyframe=False)


def push(number: int) -> bytes:
    """As Relay sends a message."""
    data = stamped(stamp(number), 100)
    return text(replies.publication("bench", Publication(offset=number + 1, data=data, at_ms=5)))


MANY = b"".join(map(push, range(5)))


@pytest.mark.parametrize("size", [1, 100, 5000])
def test_a_message_is_json_of_the_size_that_was_asked_for(size: int) -> None:
    data = stamped(stamp(7), size)
    assert isinstance(json.loads(data), str)
    assert len(data) == max(size, len(stamped(stamp(7), 1)))


def test_all_messages_are_found_with_the_last_offset() -> None:
    frames = read_frames(MANY)
    assert frames.stamps == tuple(map(stamp, range(5)))
    assert (frames.is_gapless, frames.offset, frames.rest) == (True, 5, b"")
    assert (frames.first, frames.after) == (0, 5)


def test_what_is_missing_is_seen() -> None:
    assert not read_frames(push(1) + push(3)).is_gapless


def test_several_lines_in_one_frame_are_several_messages() -> None:
    lines = "\n".join(push(number)[4:].decode() for number in range(3))
    assert read_frames(text_frame(lines)).stamps == tuple(map(stamp, range(3)))


def test_a_frame_that_is_cut_anywhere_is_read_when_the_rest_has_come() -> None:
    for cut in range(len(MANY)):
        one = read_frames(MANY[:cut])
        two = read_frames(one.rest + MANY[cut:])
        assert one.stamps + two.stamps == tuple(map(stamp, range(5)))
        assert two.rest == b""


def test_pings_are_answered_each() -> None:
    answer = b"\x81\x82\0\0\0\0{}"
    assert read_frames(push(1) + PING + push(2)).answer == answer
    assert read_frames(ping_frame() + PING).answer == b"\x8a\x80\0\0\0\0" + answer


def test_a_close_is_the_end_and_says_why() -> None:
    with pytest.raises(NotServed, match="closed: 3008 slow"):
        read_frames(MANY + close_frame(3008, "slow"))


def test_what_many_get_is_read_once() -> None:
    reader = Reader()
    assert reader.read(MANY) is reader.read(bytes(bytearray(MANY)))
    for number in range(2000):
        assert reader.read(push(number)).first == number
    assert reader.read(MANY) == read_frames(MANY)


def test_what_belongs_to_one_alone_is_not_kept_for_others() -> None:
    reader = Reader()
    for data in (push(1)[:-1], text_frame('{"id":1,"connect":{}}')):
        assert reader.read(data) is not reader.read(data)
