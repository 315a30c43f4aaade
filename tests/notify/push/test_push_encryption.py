"""RFC 8291's own example, and `http-ece` as the browser that reads what we write."""

import http_ece
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from relay.errors import FormatError
from relay.notify.push.base64url import decoded, encoded
from relay.notify.push.encryption import (
    MOST_BYTES,
    SCALAR_ENTROPY_BYTES,
    check_point,
    encrypt,
    private_key,
)

# RFC 8291, appendix A.
PLAINTEXT = b"When I grow up, I want to be a watermelon"
AS_PRIVATE = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
UA_PRIVATE = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"
UA_PUBLIC = (
    "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
)
SALT = "DGv6ra1nlYgDCS1FRnbzlw"
AUTH = "BTBZMqHH6r4Tts7J_aSIgg"
MESSAGE = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6"
    "TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qul"
    "cy4a-fN"
)


def key_of(scalar: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(decoded(scalar)), ec.SECP256R1())


def test_the_example_of_rfc_8291_comes_out_byte_for_byte() -> None:
    body = encrypt(
        PLAINTEXT,
        p256dh=decoded(UA_PUBLIC),
        auth=decoded(AUTH),
        key=key_of(AS_PRIVATE),
        salt=decoded(SALT),
    )
    assert encoded(body) == MESSAGE


@given(
    text=st.binary(max_size=300) | st.just(b"x" * MOST_BYTES),
    entropy=st.binary(min_size=SCALAR_ENTROPY_BYTES, max_size=SCALAR_ENTROPY_BYTES),
    salt=st.binary(min_size=16, max_size=16),
)
def test_a_browser_reads_what_was_written(text: bytes, entropy: bytes, salt: bytes) -> None:
    body = encrypt(
        text, p256dh=decoded(UA_PUBLIC), auth=decoded(AUTH), key=private_key(entropy), salt=salt
    )
    read = http_ece.decrypt(body, private_key=key_of(UA_PRIVATE), auth_secret=decoded(AUTH))
    assert read == text
    assert len(body) <= 4096


def test_the_largest_text_fills_what_a_push_service_takes() -> None:
    text = b"x" * MOST_BYTES
    key = private_key(b"\x01" * SCALAR_ENTROPY_BYTES)
    body = encrypt(text, p256dh=decoded(UA_PUBLIC), auth=decoded(AUTH), key=key, salt=bytes(16))
    assert len(body) == 4096


@pytest.mark.parametrize("entropy", [b"\0", b"\xff", b"\x80"])
def test_every_entropy_makes_a_key(entropy: bytes) -> None:
    assert private_key(entropy * SCALAR_ENTROPY_BYTES).private_numbers().private_value > 0


@pytest.mark.parametrize(
    "point",
    [
        b"",
        b"\x04" * 64,
        b"\x04" + bytes(64),
        b"\x02" + decoded(UA_PUBLIC)[1:],
        decoded(UA_PUBLIC)[:-1],
        decoded(UA_PUBLIC) + b"\0",
        decoded(UA_PUBLIC)[:-1] + b"\0",
    ],
)
def test_what_is_no_point_is_refused(point: bytes) -> None:
    check_point(decoded(UA_PUBLIC))
    with pytest.raises(FormatError):
        check_point(point)
