"""What browsers hand out, and what others might."""

import copy
from typing import Any

import pytest

from relay.errors import FormatError
from relay.notify.push.base64url import decoded
from relay.notify.push.subscribing import offer_of

P256DH = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
GOOD: dict[str, Any] = {
    "endpoint": "https://push.example/send/abc",
    "expirationTime": None,
    "keys": {"p256dh": P256DH, "auth": "BTBZMqHH6r4Tts7J_aSIgg"},
}


def test_what_a_browser_hands_out_is_taken() -> None:
    offer = offer_of(GOOD)
    assert offer.endpoint == GOOD["endpoint"]
    assert (offer.p256dh, offer.auth) == (decoded(P256DH), decoded("BTBZMqHH6r4Tts7J_aSIgg"))
    assert len(offer.id) == 22
    padded = copy.deepcopy(GOOD)
    padded["keys"] = {"p256dh": P256DH + "=", "auth": "BTBZMqHH6r4Tts7J_aSIgg=="}
    assert offer_of(padded) == offer


def test_its_id_and_its_repr_give_nothing_away() -> None:
    offer = offer_of(GOOD)
    assert "abc" not in offer.id
    assert "push.example" not in repr(offer)
    assert P256DH[:10] not in repr(offer)
    assert "0Y2" not in repr(offer)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("endpoint", None),
        ("endpoint", 7),
        ("keys", None),
        ("keys", []),
        ("keys", {}),
        ("keys", {"p256dh": P256DH}),
        ("keys", {"p256dh": P256DH, "auth": ""}),
        ("keys", {"p256dh": P256DH, "auth": "BTBZMqHH6r4Tts7J_aSIggAA"}),
        ("keys", {"p256dh": P256DH, "auth": 7}),
        ("keys", {"p256dh": P256DH, "auth": "\N{CAT FACE}" * 22}),
        ("keys", {"p256dh": P256DH, "auth": "+/" * 11}),
        ("keys", {"p256dh": P256DH * 100, "auth": "BTBZMqHH6r4Tts7J_aSIgg"}),
        ("keys", {"p256dh": P256DH[:-4] + "AAAA", "auth": "BTBZMqHH6r4Tts7J_aSIgg"}),
    ],
)
def test_anything_else_is_refused(member: str, value: Any) -> None:
    with pytest.raises(FormatError):
        offer_of({**GOOD, member: value})
