"""Chunks to messages: every header form, both conventions of extended timestamps, every bound."""

import random
from collections.abc import Callable

import pytest
from support.rtmp_bytes import basic, chunk, in_chunks

from relay.errors import RemoteProtocolError
from relay.packet import Kind
from relay.rtmp.chunk_reader import ChunkReader
from relay.rtmp.limits import RtmpLimits
from relay.rtmp.media_reader import MediaReader
from relay.rtmp.messages import Message

BODY = random.Random(2).randbytes(3000)


def new_reader(size: int = 128, **limits: int) -> MediaReader:
    reader = MediaReader(RtmpLimits(**limits))
    reader.chunk_size = size
    return reader


def all_of(reader: ChunkReader, data: bytes) -> list[Message]:
    reader.receive_data(data)
    found = []
    while (message := reader.next_message()) is not None:
        found.append(message)
    return found


def all_by_steps(reader: MediaReader, data: bytes) -> list[Message]:
    """The same, with media in one step each wherever that is possible."""
    reader.receive_data(data)
    found: list[Message] = []
    while True:
        media = reader.next_media()
        message = reader.next_message() if media is None else None
        if media is not None:
            type_id = 8 if media.kind is Kind.AUDIO else 9
            message = Message(type_id, media.stream_id, media.timestamp, media.payload)
        if message is None:
            return found
        found.append(message)


def read(data: bytes, make: Callable[[], MediaReader] = new_reader) -> list[Message]:
    """The messages in `data`: the same whole, in pieces, with bytes behind, and transplanted."""
    whole = all_of(make(), data)
    assert all_by_steps(make(), data) == whole
    for size in (1, 7, 1000):
        reader, quick = make(), make()
        pieces = [data[start : start + size] for start in range(0, len(data), size)]
        assert [found for piece in pieces for found in all_of(reader, piece)] == whole
        assert [found for piece in pieces for found in all_by_steps(quick, piece)] == whole
    assert all_of(make(), data + b"\x06") == whole
    reader, found = make(), []
    for start in range(0, len(data), 11):
        reader = MediaReader.restore(RtmpLimits(), reader.snapshot())
        found += all_of(reader, data[start : start + 11])
    assert found == whole
    return whole


def times(data: bytes) -> list[int]:
    return [message.timestamp for message in read(data)]


@pytest.mark.parametrize("cid", [2, 3, 63, 64, 319, 320, 321, 575, 576, 65_599])
def test_all_three_basic_headers_are_read(cid: int) -> None:
    """Ids from 320 on take three bytes, low byte first (SRS PR 4680)."""
    head = chunk(0, cid, length=300, time=5)
    data = in_chunks(128, head, BODY[:300], basic(3, cid)) + chunk(2, cid, BODY[:300][:128], time=3)
    data += basic(3, cid) + BODY[128:256] + basic(3, cid) + BODY[256:300]
    assert read(data) == [Message(9, 1, 5, BODY[:300]), Message(9, 1, 8, BODY[:300])]


def test_long_forms_of_short_ids_are_read() -> None:
    two = b"\x00\x05" + chunk(0, 6, b"a")[1:]
    three = b"\x01\x05\x00" + chunk(0, 6, b"b")[1:]
    assert [message.payload for message in read(two + three)] == [b"a", b"b"]


def test_a_chunk_stream_is_the_same_in_every_form_of_its_id() -> None:
    """The third byte is the high one: 01 06 00 is 70, like 00 06."""
    data = chunk(0, 70, b"a", time=10) + b"\x81\x06\x00\x00\x00\x05b"
    assert read(data) == [Message(9, 1, 10, b"a"), Message(9, 1, 15, b"b")]


def test_each_format_takes_what_it_lacks_from_the_chunk_before() -> None:
    data = (
        chunk(0, 6, b"one", time=1000, type_id=9, stream_id=5)
        + chunk(1, 6, b"four", time=40, type_id=8)
        + chunk(2, 6, b"five", time=20)
        + basic(3, 6)
        + b"six!"
    )
    assert read(data) == [
        Message(9, 5, 1000, b"one"),
        Message(8, 5, 1040, b"four"),
        Message(8, 5, 1060, b"five"),
        Message(8, 5, 1080, b"six!"),
    ]


def test_a_type_3_message_after_type_0_takes_its_timestamp_for_a_delta() -> None:
    data = chunk(0, 6, b"a", time=23) + basic(3, 6) + b"b" + basic(3, 6) + b"c"
    assert times(data) == [23, 46, 69]


def test_timestamps_wrap_at_32_bits() -> None:
    data = chunk(0, 6, b"a", time=0xFFFFFFF0) + chunk(2, 6, b"b", time=0x20)
    assert times(data) == [0xFFFFFFF0, 0x10]


def test_an_extended_timestamp_of_types_1_and_2_is_a_delta() -> None:
    data = (
        chunk(0, 6, b"a", time=5)
        + chunk(1, 6, b"b", time=0x01000000)
        + chunk(2, 6, b"c", time=0xFFFFFF)
    )
    assert times(data) == [5, 0x01000005, 0x02000004]


START = 20_000_000
"""5 h 33 min: past the 24 bits of a plain timestamp."""
REPEATED = START.to_bytes(4, "big")


@pytest.mark.parametrize("repeated", [REPEATED, b""], ids=["FMLE", "old librtmp"])
@pytest.mark.parametrize("cid", [6, 70, 400])
def test_a_type_3_chunk_may_repeat_the_extended_timestamp_or_not(repeated: bytes, cid: int) -> None:
    head = chunk(0, cid, length=300, time=START)
    data = in_chunks(128, head, BODY[:300], basic(3, cid) + repeated)
    following = chunk(1, cid, b"x", time=40) + basic(3, cid) + b"y"
    assert read(data + following) == [
        Message(9, 1, START, BODY[:300]),
        Message(9, 1, START + 40, b"x"),
        Message(9, 1, START + 80, b"y"),
    ]


@pytest.mark.parametrize("last", [1, 2, 3])
def test_a_last_chunk_shorter_than_a_timestamp_does_not_wait_for_one(last: int) -> None:
    payload = BODY[:128] + b"\x09" * last
    head = chunk(0, 6, length=len(payload), time=START)
    assert read(in_chunks(128, head, payload, basic(3, 6))) == [Message(9, 1, START, payload)]


def test_a_new_type_3_message_repeats_the_extended_delta() -> None:
    data = chunk(0, 6, b"a") + chunk(2, 6, b"b", time=START) + basic(3, 6) + REPEATED + b"c"
    assert times(data) == [0, START, 2 * START]


def test_a_shorter_timestamp_ends_the_extended_ones() -> None:
    data = chunk(0, 6, b"a", time=START) + chunk(2, 6, b"b", time=40) + basic(3, 6) + b"c"
    assert times(data) == [START, START + 40, START + 80]


def test_messages_of_different_chunk_streams_interleave() -> None:
    video, audio = BODY[:500], BODY[500:760]
    data = (
        chunk(0, 6, video[:128], length=500)
        + chunk(0, 4, audio[:128], length=260, type_id=8)
        + basic(3, 6)
        + video[128:256]
        + basic(3, 6)
        + video[256:384]
        + basic(3, 4)
        + audio[128:256]
        + basic(3, 4)
        + audio[256:]
        + basic(3, 6)
        + video[384:]
    )
    assert read(data) == [Message(8, 1, 0, audio), Message(9, 1, 0, video)]


def test_payload_that_looks_like_headers_stays_payload() -> None:
    payload = b"\xc6" * 1000
    data = in_chunks(128, chunk(0, 6, length=1000), payload, b"\xc6")
    assert read(data) == [Message(9, 1, 0, payload)]


@pytest.mark.parametrize("size", [1, 2, 64, 128, 1000, 2999, 3000, 3001, 0xFFFFFF])
def test_every_chunk_size_is_read(size: int) -> None:
    data = in_chunks(size, chunk(0, 6, length=3000), BODY, basic(3, 6))
    assert read(data * 2, lambda: new_reader(size)) == [Message(9, 1, 0, BODY)] * 2


def test_a_chunk_size_changes_in_the_middle_of_a_message() -> None:
    reader = new_reader()
    assert all_of(reader, chunk(0, 6, BODY[:128], length=400) + chunk(0, 2, b"size")) == [
        Message(9, 1, 0, b"size")
    ]
    reader.chunk_size = 200
    data = basic(3, 6) + BODY[128:328] + basic(3, 6) + BODY[328:400]
    assert all_of(reader, data) == [Message(9, 1, 0, BODY[:400])]


def test_an_empty_message_is_a_message() -> None:
    assert read(chunk(0, 4, type_id=8) + basic(3, 4)) == [Message(8, 1, 0, b"")] * 2


def test_an_aborted_message_is_forgotten() -> None:
    reader = new_reader()
    all_of(reader, chunk(0, 6, BODY[:128], length=400))
    reader.abort(6)
    reader.abort(99)
    assert all_of(reader, chunk(0, 6, b"new")) == [Message(9, 1, 0, b"new")]


REFUSED = [
    ("type 3 on a new chunk stream", basic(3, 6), "starts without a header"),
    ("type 2 on a new chunk stream", chunk(2, 6), "starts without a length"),
    ("a header inside a message", chunk(0, 6, BODY[:128], length=300) + chunk(0, 6), "inside"),
    ("16 MB of video", chunk(0, 6, length=0xFFFFFF), "type 9 with 16777215 bytes"),
    ("64 KB of command", chunk(0, 3, length=65_537, type_id=20), "type 20 with 65537"),
    ("a long control message", chunk(0, 2, length=65, type_id=3), "type 3 with 65"),
]


@pytest.mark.parametrize(
    ("data", "problem"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
def test_what_is_refused_is_refused_at_its_header(data: bytes, problem: str) -> None:
    with pytest.raises(RemoteProtocolError, match=problem):
        all_of(new_reader(), data)


def test_chunk_streams_are_counted() -> None:
    reader = new_reader(chunk_streams=3)
    all_of(reader, b"".join(chunk(0, cid) for cid in (3, 4, 5, 3)))
    with pytest.raises(RemoteProtocolError, match="more than 3 chunk streams"):
        all_of(reader, chunk(0, 6))


def test_unfinished_messages_are_bounded_in_sum() -> None:
    reader = new_reader(message_bytes=1000, buffered_bytes=2500)
    begun = [chunk(0, cid, BODY[:128], length=1000) for cid in (3, 4, 5)]
    all_of(reader, begun[0] + begun[1])
    with pytest.raises(RemoteProtocolError, match="3000 bytes of unfinished"):
        all_of(reader, begun[2])


def test_finished_messages_make_room() -> None:
    reader = new_reader(message_bytes=1000, buffered_bytes=1000)
    data = in_chunks(128, chunk(0, 6, length=1000), BODY[:1000], basic(3, 6))
    assert len(all_of(reader, data * 5)) == 5
    all_of(reader, chunk(0, 6, BODY[:128], length=1000))
    reader.abort(6)
    assert len(all_of(reader, data)) == 1


def test_a_restored_reader_still_knows_what_was_announced() -> None:
    limits = {"message_bytes": 1000, "buffered_bytes": 1500}
    reader = new_reader(**limits)
    all_of(reader, chunk(0, 3, BODY[:128], length=1000))
    reader = MediaReader.restore(RtmpLimits(**limits), reader.snapshot())
    with pytest.raises(RemoteProtocolError, match="2000 bytes of unfinished"):
        all_of(reader, chunk(0, 4, BODY[:128], length=1000))


def usual(size: int, count: int) -> tuple[bytes, list[Message]]:
    """Messages as encoders send them: one full header, then some without a stream id."""
    data, told = b"", []
    for i in range(count):
        payload = BODY[i : i + 300 + 7 * i]
        head = chunk(1 if i else 0, 6, length=len(payload), time=40, type_id=9 - i % 2, stream_id=1)
        data += in_chunks(size, head, payload, basic(3, 6))
        told.append(Message(9 - i % 2, 1, 40 + 40 * i, payload))
    return data, told


@pytest.mark.parametrize("size", [1, 100, 128, 4096])
def test_what_encoders_send_takes_one_step_a_message(size: int) -> None:
    data, told = usual(size, 20)
    assert read(data, lambda: new_reader(size)) == told
    reader = new_reader(size)
    first = len(usual(size, 1)[0])
    assert all_of(reader, data[:first]) == told[:1]
    reader.receive_data(data[first:])
    taken = [reader.next_media() for _ in told[1:]]
    assert [media and media.payload for media in taken] == [message.payload for message in told[1:]]
    assert reader.next_media() is None


@pytest.mark.parametrize(
    "unusual",
    [
        chunk(2, 6, BODY[:300], time=40),
        basic(3, 6) + BODY[:300],
        chunk(0, 6, BODY[:300], time=START),
        chunk(1, 6, BODY[:300], type_id=18),
        chunk(1, 70, BODY[:300]),
        chunk(1, 6, BODY[:300])[:-1],
        chunk(1, 6, length=301) + BODY[:300] + basic(3, 7) + BODY[:1],
        chunk(1, 6, length=1000),
    ],
)
def test_the_one_step_leaves_alone_what_is_not_usual(unusual: bytes) -> None:
    reader = new_reader(300, message_bytes=900)
    all_of(reader, chunk(0, 6, BODY[:300]) + chunk(0, 70, BODY[:300]))
    before = reader.snapshot()
    reader.receive_data(unusual)
    assert reader.next_media() is None
    after = reader.snapshot()
    assert after["streams"] == before["streams"]
    assert after["announced"] == 0


def test_the_one_step_is_for_those_of_whom_media_is_expected() -> None:
    reader = new_reader()
    all_of(reader, chunk(0, 6, b"first"))
    reader.expects_media = False
    reader.receive_data(chunk(1, 6, b"second"))
    assert reader.next_media() is None


@pytest.mark.parametrize("piece", [1448, 5000, 20_000])
def test_a_chunk_longer_than_many_reads_is_read(piece: int) -> None:
    payload = BODY * 40
    reader = new_reader(60_000)
    head = chunk(0, 6, length=len(payload))
    data = (in_chunks(60_000, head, payload, basic(3, 6)) + chunk(1, 6, b"end")) * 2
    found = []
    for start in range(0, len(data), piece):
        found += all_by_steps(reader, data[start : start + piece])
    assert found == [Message(9, 1, 0, payload), Message(9, 1, 0, b"end")] * 2
