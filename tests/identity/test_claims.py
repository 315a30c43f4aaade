"""What a token's claims make of its bearer."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.tokens import NOW

from relay.identity.caller import Caller, Kind, ServerSubscription
from relay.identity.claims import SubscriptionToken, caller_of, subscription_of
from relay.identity.tokens import TokenInvalid

CALLERS: list[tuple[dict[str, Any], Caller]] = [
    ({"sub": "ann"}, Caller(kind=Kind.USER, sub="ann")),
    ({"sub": "g", "role": "guest"}, Caller(kind=Kind.GUEST, sub="g", role="guest")),
    (
        {"sub": "ann", "role": "moderator", "rooms": ["live/cat"]},
        Caller(kind=Kind.USER, sub="ann", role="moderator", rooms=("live/cat",)),
    ),
    # A role is for rooms to read; no word in a token makes an operator.
    ({"sub": "ann", "role": "operator"}, Caller(kind=Kind.USER, sub="ann", role="operator")),
    ({"sub": "", "role": "admin"}, Caller(kind=Kind.NOBODY, role="admin")),
    ({}, Caller(kind=Kind.NOBODY)),
    ({"sub": None, "role": None, "rooms": None, "info": None}, Caller(kind=Kind.NOBODY)),
    (
        {"sub": "ann", "name": "  Ann\u202e \n O.\u200b "},
        Caller(kind=Kind.USER, sub="ann", name="Ann O."),
    ),
    (
        {"sub": "ann", "info": {"é": [1, None]}},
        Caller(kind=Kind.USER, sub="ann", info='{"é":[1,null]}'.encode()),
    ),
    ({"sub": "ann", "exp": NOW}, Caller(kind=Kind.USER, sub="ann", expires_at=NOW)),
    ({"sub": "ann", "exp": NOW, "expire_at": 0}, Caller(kind=Kind.USER, sub="ann")),
    (
        {"sub": "ann", "exp": NOW, "expire_at": NOW + 9},
        Caller(kind=Kind.USER, sub="ann", expires_at=NOW + 9),
    ),
    (
        {"sub": "ann", "channels": ["a", "b"], "subs": {"b": {"data": 1}, "c": {"info": {}}}},
        Caller(
            kind=Kind.USER,
            sub="ann",
            channels=("a", "b", "c"),
            subs=(
                ServerSubscription(channel="b", data=b"1"),
                ServerSubscription(channel="c", info=b"{}"),
            ),
        ),
    ),
    ({"sub": "ann", "meta": {"x": 1}, "jti": 4, "scope": "all"}, Caller(kind=Kind.USER, sub="ann")),
]


@pytest.mark.parametrize(("claims", "caller"), CALLERS)
def test_claims_say_who_it_is(claims: dict[str, Any], caller: Caller) -> None:
    assert caller_of(claims) == caller


WRONG = [
    {"sub": 1},
    {"sub": ["ann"]},
    {"sub": "a\nb"},
    {"sub": "a\u202eb"},
    {"sub": "\ud800"},
    {"sub": "a" * 256},
    {"sub": True},
    {"sub": "ann", "role": {"admin": True}},
    {"sub": "ann", "name": 7},
    {"sub": "ann", "name": "a" * 256},
    {"sub": "ann", "rooms": "live/cat"},
    {"sub": "ann", "rooms": [1]},
    {"sub": "ann", "rooms": ["a"] * 257},
    {"sub": "ann", "channels": {"a": 1}},
    {"sub": "ann", "channels": ["a\x00"]},
    {"sub": "ann", "subs": ["a"]},
    {"sub": "ann", "subs": {"a": []}},
    {"sub": "ann", "subs": {"a\x00": {}}},
    {"sub": "ann", "subs": {str(n): {} for n in range(257)}},
    {"sub": "ann", "info": "\ud800"},
    {"sub": "ann", "info": {"x": float("inf")}},
    {"sub": "ann", "expire_at": "never"},
    # A token for one channel is no token for everything else.
    {"sub": "ann", "channel": "chat:live/cat"},
    {"sub": "ann", "channel": None},
]


@pytest.mark.parametrize("claims", WRONG)
def test_a_claim_of_the_wrong_kind_is_a_wrong_token(claims: dict[str, Any]) -> None:
    with pytest.raises(TokenInvalid):
        caller_of(claims)


def test_a_subscription_token_is_for_one_channel_of_one_user() -> None:
    claims = {"sub": "ann", "channel": "vip", "info": 1, "exp": NOW}
    assert subscription_of(claims) == SubscriptionToken(
        sub="ann", channel="vip", info=b"1", expires_at=NOW
    )
    assert subscription_of({"channel": "vip", "exp": NOW, "expire_at": 0}) == SubscriptionToken(
        sub="", channel="vip"
    )


@pytest.mark.parametrize(
    "claims", [{"sub": "ann"}, {"channel": ""}, {"channel": 1}, {"channel": "a\n"}, {"channel": []}]
)
def test_a_subscription_token_without_a_channel_lets_nobody_follow_anything(
    claims: dict[str, Any],
) -> None:
    with pytest.raises(TokenInvalid):
        subscription_of(claims)


NAMES = st.sampled_from(
    ["sub", "role", "name", "rooms", "channels", "subs", "info", "exp", "expire_at", "channel"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)


@given(st.dictionaries(NAMES, JSON, max_size=5))
def test_any_claims_make_somebody_or_a_wrong_token(claims: dict[str, Any]) -> None:
    for read in (caller_of, subscription_of):
        try:
            read(claims)
        except TokenInvalid:
            continue
