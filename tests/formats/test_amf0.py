"""AMF0: one table of values and bytes drives the reader and the writer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.errors import FormatError
from relay.formats import amf0
from relay.formats.amf0 import AmfValue, Date, EcmaArray, Special, TypedObject, XmlDocument

CASES: list[tuple[str, AmfValue, str]] = [
    ("number", 1.5, "00 3ff8000000000000"),
    ("true", True, "01 01"),
    ("false", False, "01 00"),
    ("string", "live", "02 0004 6c697665"),
    ("empty string", "", "02 0000"),
    ("text beyond ASCII", "é", "02 0002 c3a9"),
    ("object", {"a": None}, "03 0001 61 05 000009"),
    ("empty object", {}, "03 000009"),
    ("nested object", {"a": {"b": True}}, "03 0001 61 03 0001 62 01 01 000009 000009"),
    ("empty key", {"": None}, "03 0000 05 000009"),
    ("null", None, "05"),
    ("undefined", Special.UNDEFINED, "06"),
    ("ECMA array", EcmaArray(a=1.5), "08 00000001 0001 61 003ff8000000000000 000009"),
    ("strict array", [None, "x"], "0a 00000002 05 02 0001 78"),
    ("empty strict array", [], "0a 00000000"),
    ("date", Date(0.0, -60), "0b 0000000000000000 ffc4"),
    ("long string", "x" * 65536, "0c 00010000" + "78" * 65536),
    ("unsupported", Special.UNSUPPORTED, "0d"),
    ("XML document", XmlDocument("<a/>"), "0f 00000004 3c612f3e"),
    ("typed object", TypedObject("C", {"a": None}), "10 0001 43 0001 61 05 000009"),
]
IDS = [name for name, _, _ in CASES]


@pytest.mark.parametrize(("value", "wire"), [case[1:] for case in CASES], ids=IDS)
def test_each_type_reads_as_it_is_written(value: AmfValue, wire: str) -> None:
    data = bytes.fromhex(wire)
    read = amf0.decode_all(data, max_bytes=len(data))
    assert read == [value]
    assert type(read[0]) is type(value)
    assert amf0.encode(value) == data


@pytest.mark.parametrize(("value", "wire"), [case[1:] for case in CASES], ids=IDS)
def test_each_type_leaves_what_follows_it_alone(value: AmfValue, wire: str) -> None:
    data = bytes.fromhex(wire) + b"\x01\x01"
    assert amf0.decode_all(data, max_bytes=len(data)) == [value, True]


CUT_CASES = [case for case in CASES if len(case[2]) < 1000]


@pytest.mark.parametrize("wire", [case[2] for case in CUT_CASES], ids=[c[0] for c in CUT_CASES])
def test_a_cut_value_is_an_error_or_ends_at_a_member(wire: str) -> None:
    data = bytes.fromhex(wire)
    for end in range(1, len(data)):
        try:
            (value,) = amf0.decode_all(data[:end])
        except FormatError:
            continue
        assert isinstance(value, dict | TypedObject)


REFUSED = [
    ("movie clip", "04", "movie clip"),
    ("object end", "09", "object end"),
    ("record set", "0e", "record set"),
    ("AVM+", "11 01", "AMF3"),
    ("AVM+ inside", "03 0001 61 11 01 000009", "AMF3"),
    ("unknown type", "12", "unknown type 0x12"),
    ("reference to nothing", "07 0000", "reference to value 0 of 0"),
    ("reference to itself", "0a 00000001 07 0000", "contains it"),
    ("string longer than the data", "02 ffff 61", "ends after 1 of 65535"),
    ("array longer than the data", "0a ffffffff", "array elements in fewer bytes"),
]


@pytest.mark.parametrize(
    ("wire", "problem"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
def test_what_is_not_amf0_is_refused_with_a_reason(wire: str, problem: str) -> None:
    with pytest.raises(FormatError, match=problem):
        amf0.decode_all(bytes.fromhex(wire))


def test_a_wrong_count_of_an_ecma_array_is_ignored() -> None:
    for count in ("00000000", "00000007", "ffffffff"):
        data = bytes.fromhex(f"08 {count} 0001 61 05 0001 62 05 000009")
        assert amf0.decode_all(data) == [{"a": None, "b": None}]


@pytest.mark.parametrize("end", ["", "00", "0000"])
def test_an_object_may_lack_its_end_at_the_end_of_the_data(end: str) -> None:
    assert amf0.decode_all(bytes.fromhex("03 0001 61 05" + end)) == [{"a": None}]


def test_text_that_is_not_utf8_is_replaced() -> None:
    assert amf0.decode_all(bytes.fromhex("02 0003 61ff62")) == ["a�b"]


def test_a_reference_is_the_value_it_points_at() -> None:
    values = amf0.decode_all(bytes.fromhex("0a 00000002 03 0001 61 05 000009 07 0001"))
    assert values == [[{"a": None}, {"a": None}]]


def test_references_cannot_multiply_values() -> None:
    """Each array holds the one before it twice: 2**n values in 11 n bytes."""
    doubling = b"".join(
        b"\x0a\x00\x00\x00\x02\x07" + n.to_bytes(2, "big") + b"\x07" + n.to_bytes(2, "big")
        for n in range(64)
    )
    data = b"\x0a\x00\x00\x00\x00" + doubling
    with pytest.raises(FormatError, match="too many bytes"):
        amf0.decode_all(data)
    with pytest.raises(FormatError, match="too many values"):
        amf0.decode_all(data, max_bytes=2**80)


def test_references_cannot_multiply_bytes() -> None:
    data = amf0.encode({"a": "x" * 30_000}) + b"\x07\x00\x00" * 3
    with pytest.raises(FormatError, match="too many bytes"):
        amf0.decode_all(data)
    assert len(amf0.decode_all(data, max_bytes=200_000)) == 4


def test_nesting_is_bounded_both_ways() -> None:
    value: AmfValue = []
    for _ in range(15):
        value = [value]
    data = amf0.encode(value)
    assert amf0.decode_all(data) == [value]
    with pytest.raises(FormatError, match="deeper than 15"):
        amf0.decode_all(data, max_depth=15)
    with pytest.raises(FormatError, match="too deep"):
        amf0.encode([value])


def test_a_million_open_objects_do_not_overflow_the_stack() -> None:
    with pytest.raises(FormatError, match="deeper than 16"):
        amf0.decode_all(b"\x03\x00\x01a" * 15_000)


def test_size_and_count_are_bounded() -> None:
    with pytest.raises(FormatError, match="11 bytes, 10 allowed"):
        amf0.decode_all(b"\x05" * 11, max_bytes=10)
    with pytest.raises(FormatError, match="too many values"):
        amf0.decode_all(b"\x05" * 11, max_items=10)


@pytest.mark.parametrize(
    "value",
    [
        object(),
        b"bytes",
        "\ud800",
        {"\ud800": None},
        {"k" * 65536: None},
        10**400,
        Date(0.0, 40_000),
    ],
    ids=["object", "bytes", "lone surrogate", "in a key", "long key", "huge number", "zone"],
)
def test_what_has_no_amf0_form_is_not_written(value: AmfValue) -> None:
    with pytest.raises(FormatError):
        amf0.encode(value)


TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.floats(allow_nan=False)
    | TEXT
    | st.sampled_from(Special)
    | st.builds(Date, st.floats(allow_nan=False), st.integers(-32768, 32767))
    | st.builds(XmlDocument, TEXT),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(TEXT, inner, max_size=4)
        | st.dictionaries(TEXT, inner, max_size=4).map(EcmaArray)
        | st.builds(TypedObject, TEXT, st.dictionaries(TEXT, inner, max_size=4))
    ),
    max_leaves=20,
)


@given(st.lists(VALUES, max_size=4))
def test_anything_written_reads_back(values: list[AmfValue]) -> None:
    assert amf0.decode_all(amf0.encode(*values)) == values


@given(st.binary(max_size=200))
def test_garbage_gives_values_or_a_format_error(data: bytes) -> None:
    try:
        values = amf0.decode_all(data)
    except FormatError:
        return
    assert isinstance(values, list)
