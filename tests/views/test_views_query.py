"""Queries of live views: what they may say, and their one spelling."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.errors import FormatError
from relay.views.area import Area, Place
from relay.views.query import Filter, Query, Sort, canonical, parse_query, query_of

TABLE: list[tuple[str, Query]] = [
    ("sort=viewers&limit=20", Query()),
    ("sort=recent&limit=1", Query(sort=Sort.RECENT, limit=1)),
    ("sort=title&limit=100", Query(sort=Sort.TITLE, limit=100)),
    ("sort=viewers&limit=20&stream=live/cat", Query(filter=Filter(stream="live/cat"))),
    ("sort=viewers&limit=20&user=a%2Fb%20c", Query(filter=Filter(user="a/b c"))),
    ("sort=viewers&limit=20&user=%26%3D", Query(filter=Filter(user="&="))),
    (
        "sort=viewers&limit=20&user=a&followed_by=b%20c&category=x",
        Query(filter=Filter(user="a", followed_by="b c", category="x")),
    ),
    ("sort=viewers&limit=20&category=games", Query(filter=Filter(category="games"))),
    ("sort=viewers&limit=20&title=%D0%BA%D0%BE%D1%82", Query(filter=Filter(title="кот"))),
    (
        "sort=viewers&limit=20&near=59.9386,-30.3,50.5",
        Query(filter=Filter(near=Area(Place(59.9386, -30.3), 50.5))),
    ),
    (
        "sort=viewers&limit=20&user=me&unlisted=1",
        Query(filter=Filter(user="me", unlisted=True)),
    ),
]


@pytest.mark.parametrize(("text", "query"), TABLE)
def test_a_query_has_one_spelling(text: str, query: Query) -> None:
    assert query.text == text
    assert canonical(text) == query
    assert query.channel == f"view:{text}"


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("limit=20&sort=viewers", "view:sort=viewers&limit=20"),
        ("sort=recent", "view:sort=recent&limit=20"),
        ("sort=viewers&limit=020", "view:sort=viewers&limit=20"),
        ("sort=viewers&limit=20&title=CAT", "view:sort=viewers&limit=20&title=cat"),
        ("sort=viewers&limit=20&title=c%61t", "view:sort=viewers&limit=20&title=cat"),
        ("sort=viewers&limit=20&category=Ёлки", "&category=%D0%B5%D0%BB%D0%BA%D0%B8"),
        ("sort=viewers&limit=20&near=59.93861,30,5.04", "&near=59.9386,30,5"),
        ("sort=viewers&limit=20&near=-0.0,-0,5", "&near=0,0,5"),
    ],
)
def test_another_spelling_is_understood_and_refused_with_the_right_one(
    text: str, right: str
) -> None:
    parsed = parse_query(text)
    assert canonical(parsed.text) == parsed
    with pytest.raises(FormatError, match="write this view as") as refused:
        canonical(text)
    assert str(refused.value).endswith(right)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "NAME=VALUE"),
        ("limit", "NAME=VALUE"),
        ("limit=1&limit=2", "twice"),
        ("colour=red", "no field 'colour'"),
        ("sort=loud", "viewers, recent, title"),
        ("sort=", "viewers, recent, title"),
        ("limit=0", "from 1 to 100"),
        ("limit=101", "from 1 to 100"),
        ("limit=-1", "from 1 to 100"),
        ("limit=1.0", "from 1 to 100"),
        ("limit=٣", "from 1 to 100"),
        ("limit=99999999999999999999", "from 1 to 100"),
        ("stream=cat", "APP/NAME"),
        ("stream=live/a b", "APP/NAME"),
        ("title=", "1 to 100 characters"),
        ("followed_by=", "1 to 100 characters"),
        ("title=" + "x" * 101, "1 to 100 characters"),
        ("title=%00", "control characters"),
        ("title=%C2%85", "control characters"),
        ("title=%CC%81", "nothing in it"),
        ("title=%FF", "no text"),
        ("near=1,2", "LAT,LON,KM"),
        ("near=91,0,1", "latitude"),
        ("near=0,181,1", "latitude"),
        ("near=0,0,0", "distance"),
        ("near=0,0,30000", "distance"),
        ("near=nan,0,1", "numbers only"),
        ("near=1e2,0,1", "numbers only"),
        ("near=,0,1", "numbers only"),
        ("unlisted=0", "unlisted is 1"),
    ],
)
def test_what_is_no_query_is_refused_with_its_reason(text: str, problem: str) -> None:
    with pytest.raises(FormatError) as refused:
        parse_query(text)
    assert problem in str(refused.value)


@pytest.mark.parametrize(
    ("fields", "query"),
    [
        ({}, Query()),
        ({"sort": "recent", "limit": 5}, Query(sort=Sort.RECENT, limit=5)),
        ({"near": [1, 2.5, 3]}, Query(filter=Filter(near=Area(Place(1, 2.5), 3)))),
        ({"title": "Été"}, Query(filter=Filter(title="ete"))),
        ({"unlisted": True}, Query(filter=Filter(unlisted=True))),
    ],
)
def test_a_query_can_be_an_object(fields: dict[str, Any], query: Query) -> None:
    assert query_of(fields) == query


@pytest.mark.parametrize(
    "fields",
    [
        {"limit": True},
        {"limit": 2.0},
        {"limit": None},
        {"sort": 1},
        {"sort": ["viewers"]},
        {"title": 5},
        {"near": {"lat": 1}},
        {"near": [1, 2]},
        {"near": [1, True, 3]},
        {"near": [10**400, 0, 1]},
        {"near": [float("inf"), 0, 1]},
        {"unlisted": False},
        {"unlisted": 1},
    ],
)
def test_an_object_with_a_wrong_value_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(FormatError):
        query_of(fields)


@given(
    st.text(alphabet=st.sampled_from("sortlimitenaruy=&%,.-0129%зкé \x00\U0001f408"), max_size=60)
)
def test_any_text_is_a_query_or_is_refused(text: str) -> None:
    try:
        query = parse_query(text)
    except FormatError:
        return
    assert canonical(query.text) == query
