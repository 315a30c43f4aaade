"""Event messages: the fields in their order, and media without them."""

from support.fragments import boxes

from relay.fmp4.boxes import box
from relay.fmp4.emsg import event_message, without_event_messages


def test_a_box_says_when_and_which_and_holds_a_tag() -> None:
    (found,) = boxes(event_message(90_000_000_000, 7, b"ID3..."))
    assert found.name == b"emsg"
    assert found.body == (
        b"\x01\x00\x00\x00"
        + (1000).to_bytes(4, "big")
        + (90_000_000_000).to_bytes(8, "big")
        + b"\xff\xff\xff\xff"
        + (7).to_bytes(4, "big")
        + b"https://aomedia.org/emsg/ID3\x00\x00ID3..."
    )


def test_media_is_what_remains_without_them() -> None:
    media = box(b"moof", b"1") + box(b"mdat", b"emsg") + box(b"moof", b"2") + box(b"mdat", b"")
    assert without_event_messages(media) == media
    event = event_message(1, 1, b"x")
    mixed = event + event + media[:9] + event + media[9:] + event
    assert without_event_messages(mixed) == media
    assert without_event_messages(b"") == b""
