"""Which tokens are believed, and that a token never chooses how it is judged."""

import json
import warnings
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey
from support.tokens import NOW, compact, signed

from relay.identity.tokens import (
    MAX_BYTES,
    OWN_KID,
    SKEW_S,
    Keyring,
    TokenError,
    TokenExpired,
    TokenInvalid,
)

OWN, SITE = b"o" * 32, b"s" * 32
RSA = RSAKey.generate_key(2048)
EC = ECKey.generate_key("P-256")
ED = OKPKey.generate_key("Ed25519")
HS = {"alg": "HS256"}
ANN = {"sub": "ann"}
BOTH = Keyring(own=OctKey.import_key(OWN), site=OctKey.import_key(SITE))
OWN_ONLY = Keyring(own=OctKey.import_key(OWN))


def public(key: Key) -> Key:
    return type(key).import_key(key.as_dict(private=False))


PROVIDER = Keyring(
    own=OctKey.import_key(OWN),
    public={
        ("RS256", "r"): public(RSA),
        ("ES256", "e"): public(EC),
        ("EdDSA", "d"): public(ED),
        ("Ed25519", "d"): public(ED),
        ("ES256", None): public(EC),
    },
)


def by(key: Key, algorithm: str, **header: str) -> str:
    with warnings.catch_warnings():
        # Of the name EdDSA, which providers go on using.
        warnings.simplefilter("ignore", SecurityWarning)
        return jwt.encode({"alg": algorithm, **header}, ANN, key, algorithms=[algorithm])


@pytest.mark.parametrize(
    ("keyring", "token"),
    [
        (OWN_ONLY, OWN_ONLY.mint(ANN)),
        (BOTH, BOTH.mint(ANN)),
        (OWN_ONLY, signed(HS, ANN, OWN)),
        (BOTH, signed(HS, ANN, SITE)),
        (BOTH, signed({**HS, "typ": "JWT", "kid": "2026", "x5t": "!", "new": [1]}, ANN, SITE)),
        (PROVIDER, by(RSA, "RS256", kid="r")),
        (PROVIDER, by(EC, "ES256", kid="e")),
        (PROVIDER, by(EC, "ES256")),
        (PROVIDER, by(ED, "EdDSA", kid="d")),
        (PROVIDER, by(ED, "Ed25519", kid="d")),
    ],
)
def test_a_token_by_a_key_we_know_is_believed(keyring: Keyring, token: str) -> None:
    assert keyring.read(token, NOW) == ANN


PEM = RSA.as_pem(private=False)

ATTACKS = {
    "no signature": compact({"alg": "none"}, ANN),
    "none, and something": signed({"alg": "none"}, ANN, OWN),
    "none, in capitals": signed({"alg": "NONE"}, ANN, OWN),
    "the signature cut off": signed(HS, ANN, OWN).rpartition(".")[0] + ".",
    "a byte of it wrong": signed(HS, ANN, OWN)[:-3] + "AAA",
    "another's secret": signed(HS, ANN, b"x" * 32),
    "an empty secret": signed(HS, ANN, b""),
    "the public key as a secret": signed({**HS, "kid": "r"}, ANN, PEM),
    "the same, stripped": signed({**HS, "kid": "r"}, ANN, PEM.strip()),
    "a public key under our kid": by(RSA, "RS256", kid=OWN_KID),
    "a private key nobody knows": by(RSAKey.generate_key(2048), "RS256", kid="r"),
    "another provider's kid": by(RSA, "RS256", kid="x"),
    "a key of another algorithm": by(RSA, "RS256", kid="e"),
    "no kid, where there are two": by(RSA, "RS256"),
    "an algorithm we do not take": by(RSA, "PS256", kid="r"),
    "its own key": signed({**HS, "jwk": {"kty": "oct", "k": "eHh4"}}, ANN, b"xxx"),
    "a path for a kid": signed({**HS, "kid": "../../dev/null"}, ANN, b""),
    "a critical extension": signed({**HS, "crit": ["exp"], "exp": 1}, ANN, OWN),
    "a payload that is not encoded": signed({**HS, "b64": False, "crit": ["b64"]}, ANN, OWN),
    "no algorithm": signed({}, ANN, OWN),
    "an algorithm that is a list": signed({"alg": ["HS256"]}, ANN, OWN),
    "a kid that is an object": signed({**HS, "kid": {}}, ANN, OWN),
    "a crit that is a number": signed({**HS, "crit": 1}, ANN, OWN),
    "a header that is a list": signed(["alg"], ANN, OWN),
    "a header that is a text": signed("alg", ANN, OWN),
    "a header that is not JSON": signed(b'{"alg"', ANN, OWN),
    "a deep header": signed(b'{"alg":"HS256","x":' + b"[" * 300, ANN, OWN),
    "claims that are a list": signed(HS, [ANN], OWN),
    "claims that are not JSON": signed(HS, b"{", OWN),
    "claims that are no text": signed(HS, b'{"sub":"\xff"}', OWN),
    "claims with NaN": signed(HS, b'{"info":NaN}', OWN),
    "claims with too long a number": signed(HS, b'{"x":' + b"9" * 5000 + b"}", OWN),
    "deep claims": signed(HS, b'{"x":' + b"[" * 5000, OWN),
    "deep claims that are whole": signed(HS, b"[" * 2900 + b"]" * 2900, OWN),
    "four parts": signed(HS, ANN, OWN) + ".x",
    "an encrypted one": compact({"alg": "dir", "enc": "A128GCM"}, b"") + ".x.x",
    "padding": signed(HS, ANN, OWN) + "=",
    "a line break": signed(HS, ANN, OWN) + "\n",
    "not ASCII": signed(HS, ANN, OWN) + "ä",
    "half a surrogate": "\ud800" + signed(HS, ANN, OWN),
    "nothing": "",
    "huge": signed(HS, {"sub": "a" * MAX_BYTES}, OWN),
}


@pytest.mark.parametrize("token", ATTACKS.values(), ids=ATTACKS)
@pytest.mark.parametrize("keyring", [OWN_ONLY, PROVIDER], ids=["own", "provider"])
def test_an_attack_is_refused_and_told_nothing(keyring: Keyring, token: str) -> None:
    with pytest.raises(TokenInvalid) as caught:
        keyring.read(token, NOW)
    said = str(caught.value)
    assert len(said) < 80
    assert OWN.decode() not in said
    assert '"' not in said


def test_a_token_as_long_as_allowed_is_believed() -> None:
    name = "a" * 5000
    while len(OWN_ONLY.mint({"sub": name})) < MAX_BYTES - 1:
        name += "a"
    assert OWN_ONLY.read(OWN_ONLY.mint({"sub": name}), NOW)["sub"] == name


def test_a_site_with_its_own_secret_may_not_sign_with_ours() -> None:
    with pytest.raises(TokenInvalid):
        BOTH.read(signed(HS, ANN, OWN), NOW)


def test_a_site_cannot_sign_what_counts_as_ours() -> None:
    with pytest.raises(TokenInvalid):
        BOTH.read(signed({**HS, "kid": OWN_KID}, ANN, SITE), NOW)


@pytest.mark.parametrize(
    ("claims", "error"),
    [
        ({"exp": NOW + 1}, None),
        ({"exp": NOW + 0.5}, None),
        ({"exp": NOW}, TokenExpired),
        ({"exp": NOW - 0.5}, TokenExpired),
        ({"exp": 0}, TokenExpired),
        ({"exp": -1}, TokenExpired),
        ({"exp": None}, None),
        ({"nbf": NOW + SKEW_S}, None),
        ({"nbf": NOW + SKEW_S + 1}, TokenInvalid),
        ({"nbf": NOW + 1000, "exp": NOW - 1000}, TokenInvalid),
        ({"iat": NOW + 1000}, None),
        ({"exp": str(NOW + 1)}, TokenInvalid),
        ({"exp": True}, TokenInvalid),
        ({"exp": [NOW + 1]}, TokenInvalid),
        ({"exp": 10**300}, TokenInvalid),
        ({"exp": 1e308}, TokenInvalid),
        ({"nbf": "soon"}, TokenInvalid),
        ({"iat": {}}, TokenInvalid),
    ],
)
def test_a_token_is_good_for_its_time(
    claims: dict[str, Any], error: type[TokenError] | None
) -> None:
    token = OWN_ONLY.mint(claims)
    if error is None:
        OWN_ONLY.read(token, NOW)
        return
    with pytest.raises(TokenError) as caught:
        OWN_ONLY.read(token, NOW)
    assert type(caught.value) is error


def test_what_python_calls_infinity_is_no_time() -> None:
    with pytest.raises(TokenInvalid):
        OWN_ONLY.read(signed(HS, b'{"exp":1e999}', OWN), NOW)


def test_a_forged_token_that_has_expired_is_forged() -> None:
    with pytest.raises(TokenInvalid):
        OWN_ONLY.read(signed(HS, {"exp": 1}, b"x" * 32), NOW)


FROM_SITE = Keyring(
    own=OctKey.import_key(OWN), site=OctKey.import_key(SITE), issuer="https://id", audience="relay"
)


@pytest.mark.parametrize(
    ("claims", "is_good"),
    [
        ({"iss": "https://id", "aud": "relay"}, True),
        ({"iss": "https://id", "aud": ["shop", "relay"]}, True),
        ({"iss": "https://id", "aud": "relays"}, False),
        ({"iss": "https://id", "aud": ["shop"]}, False),
        ({"iss": "https://id", "aud": {"relay": 1}}, False),
        ({"iss": "https://id"}, False),
        ({"iss": "https://id/", "aud": "relay"}, False),
        ({"iss": ["https://id"], "aud": "relay"}, False),
        ({"aud": "relay"}, False),
    ],
)
def test_a_sites_token_is_from_the_right_issuer_and_for_us(
    claims: dict[str, Any], is_good: bool
) -> None:
    token = signed(HS, claims, SITE)
    if is_good:
        assert FROM_SITE.read(token, NOW) == claims
        return
    with pytest.raises(TokenInvalid):
        FROM_SITE.read(token, NOW)


def test_a_providers_key_is_not_ours_whatever_it_is_called() -> None:
    token = by(RSA, "RS256", kid=OWN_KID)
    keys: dict[tuple[str, str | None], Key] = {("RS256", OWN_KID): public(RSA)}
    assert Keyring(own=OctKey.import_key(OWN), public=keys).read(token, NOW) == ANN
    strict = Keyring(own=OctKey.import_key(OWN), public=keys, issuer="https://id")
    with pytest.raises(TokenInvalid):
        strict.read(token, NOW)


def test_our_own_tokens_need_no_issuer() -> None:
    assert FROM_SITE.read(FROM_SITE.mint(ANN), NOW) == ANN


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_whatever_comes_is_a_token_error(header: bytes, payload: bytes) -> None:
    for token in (compact(header, payload), signed(header, payload, OWN)):
        with pytest.raises(TokenError):
            PROVIDER.read(token, NOW)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
NAMES = st.sampled_from(["alg", "kid", "crit", "b64", "typ", "jwk", "jku", "x5c"])


@given(st.dictionaries(NAMES, JSON, max_size=4))
def test_whatever_a_header_says_is_a_token_error_or_believed(header: dict[str, Any]) -> None:
    token = signed(header, json.dumps(ANN).encode(), OWN)
    try:
        assert PROVIDER.read(token, NOW) == ANN
    except TokenError:
        return
    assert header["alg"] == "HS256"


@given(st.text(max_size=80))
def test_any_text_is_a_token_error(text: str) -> None:
    with pytest.raises(TokenInvalid):
        PROVIDER.read(text, NOW)


def test_no_key_is_in_a_repr() -> None:
    assert SITE.decode() not in repr(FROM_SITE)
    assert "OctKey" not in repr(FROM_SITE)
