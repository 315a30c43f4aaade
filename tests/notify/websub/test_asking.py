"""What can be asked of the hub, and which answers of a callback are a yes: decisions by tables."""

from urllib.parse import parse_qsl, urlsplit

import pytest
from support.subscribing import CALLBACK, TOPIC, asked

from relay.notify.websub.asking import (
    HubRefused,
    Mode,
    confirms,
    denial_url,
    read_asked,
    verification_url,
)
from relay.outbound.exchange import Answer

DAYS_10 = 864_000


def test_a_request_says_who_is_to_be_told_of_what_and_for_how_long() -> None:
    it = asked(secret="s" * 199, lease_seconds="3600")
    assert (it.mode, it.topic.url, it.callback) == (Mode.SUBSCRIBE, TOPIC, CALLBACK)
    assert (it.secret, it.lease_s) == ("s" * 199, 3600)
    assert it.pair == (CALLBACK, TOPIC)


@pytest.mark.parametrize(
    ("text", "lease_s"),
    [("", DAYS_10), ("1", 1), ("864000", DAYS_10), ("864001", DAYS_10), ("9" * 18, DAYS_10)],
)
def test_a_lease_lasts_ten_days_at_most(text: str, lease_s: int) -> None:
    assert asked(lease_seconds=text).lease_s == lease_s


REFUSED = [
    ({"mode": ""}, "hub.mode"),
    ({"mode": "publish"}, "hub.mode"),
    ({"mode": "Subscribe"}, "hub.mode"),
    ({"topic": ""}, "hub.topic"),
    ({"topic": "https://relay.example/"}, "hub.topic"),
    ({"callback": ""}, "hub.callback"),
    ({"callback": f"{CALLBACK}#x"}, "hub.callback"),
    ({"secret": "s" * 200}, "hub.secret"),
    ({"secret": "\u00e4" * 100}, "hub.secret"),
    ({"lease_seconds": "0"}, "hub.lease_seconds"),
    ({"lease_seconds": "-1"}, "hub.lease_seconds"),
    ({"lease_seconds": "1.5"}, "hub.lease_seconds"),
    ({"lease_seconds": "1e9"}, "hub.lease_seconds"),
    ({"lease_seconds": "9" * 5000}, "hub.lease_seconds"),
    ({"lease_seconds": "\u0661"}, "hub.lease_seconds"),
]


@pytest.mark.parametrize(("parameters", "about"), REFUSED)
def test_what_is_not_what_it_must_be_is_refused(parameters: dict[str, str], about: str) -> None:
    with pytest.raises(HubRefused, match=f"`{about}`") as caught:
        asked(**parameters)
    assert caught.value.status == 400


@pytest.mark.parametrize("name", ["mode", "topic", "callback", "secret", "lease_seconds"])
def test_what_comes_twice_is_refused_and_what_is_not_ours_is_ignored(name: str) -> None:
    given = {"mode": "subscribe", "topic": TOPIC, "callback": CALLBACK, "secret": "s"}
    given["lease_seconds"] = "60"
    pairs = [(f"hub.{key}", value) for key, value in given.items()]
    strange = [("hub.verify", "sync"), ("hub.verify", "async"), ("", ""), (name, "")]
    assert read_asked([*pairs, *strange], longest_s=DAYS_10) == asked(
        secret="s", lease_seconds="60"
    )
    with pytest.raises(HubRefused, match="comes twice"):
        read_asked([*pairs, (f"hub.{name}", given[name])], longest_s=DAYS_10)


def test_neither_the_callback_nor_the_secret_is_shown() -> None:
    shown = repr(asked(secret="very-secret"))
    assert "very-secret" not in shown
    assert "k-1" not in shown


def parameters_of(url: str) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(url).query, keep_blank_values=True)


@pytest.mark.parametrize(
    ("callback", "own"),
    [
        ("https://reader.example/in", []),
        ("https://reader.example/in?", []),
        ("https://reader.example/in?key=k-1&hub.mode=x", [("key", "k-1"), ("hub.mode", "x")]),
    ],
)
def test_a_verification_keeps_what_the_callback_has_of_its_own(
    callback: str, own: list[tuple[str, str]]
) -> None:
    url = verification_url(asked(callback, lease_seconds="60"), "c0ffee")
    assert url.startswith(callback)
    assert parameters_of(url) == [
        *own,
        ("hub.mode", "subscribe"),
        ("hub.topic", TOPIC),
        ("hub.challenge", "c0ffee"),
        ("hub.lease_seconds", "60"),
    ]


def test_who_unsubscribes_is_told_no_lease_and_who_is_denied_why() -> None:
    it = asked(mode="unsubscribe", lease_seconds="60")
    assert "hub.lease_seconds" not in dict(parameters_of(verification_url(it, "c")))
    assert parameters_of(denial_url(it, "too many & more"))[1:] == [
        ("hub.mode", "denied"),
        ("hub.topic", TOPIC),
        ("hub.reason", "too many & more"),
    ]


ANSWERS = [
    (200, b"c0ffee", True, True),
    (204, b"c0ffee", True, True),
    (299, b"c0ffee", True, True),
    (200, b"c0ffee\n", True, False),
    (200, b"", True, False),
    (200, b"c0ffe", True, False),
    (200, b"C0FFEE", True, False),
    (200, b"\xff", True, False),
    # It went on, and was not read to its end.
    (200, b"c0ffee", False, False),
    (301, b"c0ffee", True, False),
    (302, b"c0ffee", True, False),
    (404, b"c0ffee", True, False),
    (500, b"c0ffee", True, False),
]


@pytest.mark.parametrize(("status", "body", "is_whole", "is_yes"), ANSWERS)
def test_only_the_challenge_and_nothing_else_is_a_yes(
    status: int, body: bytes, is_whole: bool, is_yes: bool
) -> None:
    assert confirms(Answer(status, {}, body, is_whole), "c0ffee") is is_yes
