"""Ids of messages: UUIDs of version 7, which sort by time."""

from uuid import RFC_4122, UUID

from hypothesis import given
from hypothesis import strategies as st

from relay.chat.ids import RANDOM_BYTES, message_id, read_id

times = st.integers(0, (1 << 48) - 1)
randoms = st.binary(min_size=RANDOM_BYTES, max_size=RANDOM_BYTES)


def test_the_example_of_the_rfc() -> None:
    # RFC 9562, A.6.
    random = bytes.fromhex("0CC318C4DC0C0C07398F")
    assert message_id(0x017F22E279B0, random) == "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"


@given(times, randoms)
def test_an_id_says_its_version_and_its_time(at_ms: int, random: bytes) -> None:
    made = UUID(message_id(at_ms, random))
    assert (made.version, made.variant) == (7, RFC_4122)
    assert made.int >> 80 == at_ms
    assert read_id(str(made)) == str(made)


@given(times, times, randoms, randoms)
def test_ids_sort_by_time(one: int, other: int, first: bytes, second: bytes) -> None:
    if one < other:
        assert message_id(one, first) < message_id(other, second)


@given(st.text())
def test_what_is_no_id_is_none(text: str) -> None:
    assert read_id(text) is None
    for odd in (
        "{017f22e2-79b0-7cc3-98c4-dc0c0c07398f}",
        "017f22e279b07cc398c4dc0c0c07398f",
        "' --",
    ):
        assert read_id(odd) is None


def test_an_id_in_capitals_is_the_same() -> None:
    known = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"
    assert read_id(known.upper()) == known
