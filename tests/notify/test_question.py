"""What a site is asked, and what its answers mean."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.notify.question import (
    REASON_CHARACTERS,
    Action,
    Allowed,
    Failed,
    Question,
    Refused,
    Verdict,
    concerns,
    judge,
    without_secrets,
)
from relay.outbound.exchange import Answer

KEY = "sk_0123456789abcdefGHIJ"


def answer(status: int, body: bytes = b"") -> Answer:
    return Answer(status, {}, body, is_whole=True)


QUESTIONS: list[tuple[str, Question, dict[str, Any]]] = [
    (
        "a viewer of whom nothing is known",
        Question(action=Action.PLAY, stream="live/cat", address="203.0.113.7", kind="nobody"),
        {
            "action": "play",
            "stream": "live/cat",
            "address": "203.0.113.7",
            "caller": {"kind": "nobody", "user": None, "key_id": None},
            "query": {},
        },
    ),
    (
        "a user with a ticket, and the first of two words",
        Question(
            action=Action.PLAY,
            stream="live/cat",
            address="2001:db8::1",
            kind="user",
            user="u-1",
            query=(("ticket", "abc"), ("a", "1"), ("a", "2")),
        ),
        {
            "action": "play",
            "stream": "live/cat",
            "address": "2001:db8::1",
            "caller": {"kind": "user", "user": "u-1", "key_id": None},
            "query": {"ticket": "abc", "a": "1"},
        },
    ),
    (
        "an encoder with a key",
        Question(
            action=Action.PUBLISH,
            stream="live/cat",
            address="203.0.113.7",
            kind="key",
            user="u-1",
            key_id="k-1",
        ),
        {
            "action": "publish",
            "stream": "live/cat",
            "address": "203.0.113.7",
            "caller": {"kind": "key", "user": "u-1", "key_id": "k-1"},
            "query": {},
        },
    ),
]


@pytest.mark.parametrize(("question", "body"), [case[1:] for case in QUESTIONS])
def test_a_question_is_one_json_object(question: Question, body: dict[str, Any]) -> None:
    assert json.loads(question.body()) == body


ANSWERS: list[tuple[int, bytes, Verdict]] = [
    (200, b"", Allowed()),
    (204, b"", Allowed()),
    (299, b'{"reason": "welcome"}', Allowed()),
    (401, b'{"reason": "log in first"}', Refused("log in first")),
    (403, b'{"reason": "  members\\n only\\u001b[31m  "}', Refused("members only[31m")),
    (404, b'{"reason": "no such stream"}', Refused("no such stream")),
    (403, b"", Refused("")),
    (403, b"not JSON", Refused("")),
    (403, b"[" * 100_000, Refused("")),
    (403, b'["reason"]', Refused("")),
    (403, b'{"reason": 7}', Refused("")),
    (403, json.dumps({"reason": f"{KEY} is banned"}).encode(), Refused("sk_...GHIJ is banned")),
    (403, json.dumps({"reason": "x" * 10_000}).encode(), Refused("x" * REASON_CHARACTERS)),
    (100, b"", Failed("status")),
    (301, b"", Failed("status")),
    (400, b"", Failed("status")),
    (405, b"", Failed("status")),
    (429, b"", Failed("status")),
    (500, b'{"reason": "oops"}', Failed("status")),
]


@pytest.mark.parametrize(("status", "body", "verdict"), ANSWERS)
def test_an_answer_allows_refuses_or_is_none(status: int, body: bytes, verdict: Verdict) -> None:
    assert judge(answer(status, body)) == verdict


@given(st.binary(max_size=300) | st.text().map(lambda text: json.dumps({"reason": text}).encode()))
def test_whatever_a_site_says_is_one_short_line(body: bytes) -> None:
    verdict = judge(answer(403, body))
    assert isinstance(verdict, Refused)
    assert len(verdict.text) <= REASON_CHARACTERS
    assert verdict.text.isprintable()


PARAMETERS: list[tuple[str, str, bool]] = [
    ("ticket", "abc", True),
    ("sig", "0a1b", True),
    ("keyframe", "1", True),
    ("key", "abc", False),
    ("KEY", "abc", False),
    ("token", "", False),
    ("token", "'abc", False),
    ("pass", KEY, False),
    ("back", f"https://a.example/?{KEY}", False),
    ("api", "rk_0123456789abcdefGHIJ", False),
    ("jwt", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1In0.c2ln", False),
]


@pytest.mark.parametrize(("name", "value", "is_told"), PARAMETERS)
def test_what_lets_somebody_in_here_is_not_told(name: str, value: str, is_told: bool) -> None:
    others = (("a", "1"), ("b", ""))
    told = without_secrets([("a", "1"), (name, value), ("b", "")])
    assert told == ((("a", "1"), (name, value), ("b", "")) if is_told else others)


@pytest.mark.parametrize(
    ("patterns", "stream", "is_asked"),
    [
        ((), "live/cat", True),
        (("live/cat",), "live/cat", True),
        (("live/cat",), "live/cats", False),
        (("live/*",), "live/cat", True),
        (("live/*",), "lives/cat", False),
        (("events/*", "live/cat"), "live/cat", True),
        (("events/*", "live/dog"), "live/cat", False),
    ],
)
def test_it_is_asked_for_the_streams_that_are_named(
    patterns: tuple[str, ...], stream: str, is_asked: bool
) -> None:
    assert concerns(patterns, stream) is is_asked
