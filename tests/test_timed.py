"""What is said at a moment of the picture: AMF0 in, JSON out, and the other way round."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.errors import FormatError
from relay.formats import amf0
from relay.timed import DEPTH, MOST_BYTES, Timed, is_name, is_ours, read_script, script_of

TOLD = [
    (("onTextData", {"text": "goal", "minute": 12.0}), {"text": "goal", "minute": 12}),
    (("onCuePoint", amf0.EcmaArray(name="ad", time=1.5)), {"name": "ad", "time": 1.5}),
    (("onFI", {"sd": amf0.Date(86400000.0)}), {"sd": 86400000}),
    (("onTextData", [float("nan"), float("inf"), 2.0**60]), [None, None, 2.0**60]),
    (("onTextData", amf0.TypedObject("Cue", {"at": True})), {"at": True}),
    (("onTextData", amf0.XmlDocument("<a/>")), "<a/>"),
    (("onTextData", amf0.Special.UNDEFINED), None),
    (("onTextData",), None),
]
UNTOLD = [
    ("onMetaData", {"width": 1.0}),
    ("onRelay", {}),
    ("onXMPData", {}),
    ("@setDataFrame", "onTextData"),
    ("ontextdata", {}),
    ("on", {}),
    ("onText Data", {}),
    ("on" + "T" * 63, {}),
    (1.0, {}),
    ("onTextData", "x" * MOST_BYTES),
]


@pytest.mark.parametrize(("values", "value"), TOLD)
def test_what_a_publisher_says_is_told_as_json(values: tuple[Any, ...], value: Any) -> None:
    timed = read_script(amf0.encode(*values))
    assert timed == Timed(values[0], value)
    assert json.loads(timed.text) == value


@pytest.mark.parametrize("values", UNTOLD)
def test_what_is_about_the_stream_or_too_much_is_not_told(values: tuple[Any, ...]) -> None:
    assert read_script(amf0.encode(*values)) is None


@pytest.mark.parametrize("data", [b"", b"\xff", amf0.encode("onTextData")[:-1], b"\x02\0"])
def test_what_cannot_be_read_is_not_told(data: bytes) -> None:
    assert read_script(data) is None


def test_only_this_server_says_on_relay() -> None:
    assert is_ours(amf0.encode("onRelay", {}))
    assert is_ours(b"\x0c\0\0\0\x07onRelay" + amf0.encode({}))
    assert not is_ours(amf0.encode("onRelayed", {}))
    assert not is_name("onRelay")


def _nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("onMetaData", {}),
        ("score", {}),
        ("onTextData", {"": 1}),
        ("onTextData", {"a": "\ud800"}),
        ("onTextData", {"\udfff": 1}),
        ("onTextData", _nested(DEPTH + 1)),
        ("onTextData", _nested(900)),
        ("onTextData", 10**400),
        ("onTextData", "x" * MOST_BYTES),
    ],
)
def test_what_cannot_be_said_is_refused(name: str, value: Any) -> None:
    with pytest.raises(FormatError):
        script_of(name, value)


def test_what_is_just_small_enough_is_said() -> None:
    assert read_script(script_of("onTextData", _nested(DEPTH))) is not None
    assert read_script(script_of("onTextData", "x" * (MOST_BYTES - 2))) is not None


_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_values = st.recursive(
    st.none()
    | st.booleans()
    | _texts
    | st.integers(-(1 << 52), 1 << 52)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(_texts.filter(bool), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(value=_values)
def test_what_a_site_says_arrives_as_it_was(value: Any) -> None:
    try:
        script = script_of("onTextData", value)
    except FormatError as error:
        assert "within each other" in str(error)  # noqa: PT017  # the only one here
        return
    timed = read_script(script)
    assert timed is not None
    assert json.loads(timed.text) == value
