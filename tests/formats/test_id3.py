"""ID3 tags, byte by byte."""

from relay.formats.id3 import user_text


def test_a_tag_holds_one_text_under_a_name() -> None:
    assert (
        user_text("onTextData", '{"a":"ä"}')
        == (
            b"ID3\x04\x00\x00" + b"\x00\x00\x00\x20"  # 2.4.0, and how long the frame is
            b"TXXX" + b"\x00\x00\x00\x16" + b"\x00\x00" + b"\x03"  # UTF-8
            b'onTextData\x00{"a":"\xc3\xa4"}'
        )
    )


def test_sizes_have_seven_bits_in_a_byte() -> None:
    tag = user_text("n", "x" * 300)
    assert tag[6:10] == bytes((0, 0, (303 + 10) >> 7, (303 + 10) & 0x7F))
    assert tag[14:18] == bytes((0, 0, 303 >> 7, 303 & 0x7F))
    assert len(tag) == 10 + 10 + 303
