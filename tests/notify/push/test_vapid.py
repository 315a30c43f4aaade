"""RFC 8292's own example, signatures that its rules accept, and the key on the disk."""

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jws, jwt
from joserfc.jwk import ECKey

from relay.config.schema import Config, HttpConfig, PushConfig
from relay.errors import ConfigError, FormatError
from relay.notify.push.base64url import decoded
from relay.notify.push.encryption import SCALAR_ENTROPY_BYTES, private_key
from relay.notify.push.key_file import load_key
from relay.notify.push.vapid import RENEWED_S, TOKEN_S, Signatures, VapidKey, key_text, stored_key
from relay.notify.push.web_push import contact_of

# RFC 8292, 2.4.
TOKEN = (
    "eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9.eyJhdWQiOiJodHRwczovL3B1c2guZXhhbXBsZS5uZXQiLCJleHAiOjE0"
    "NTM1MjM3NjgsInN1YiI6Im1haWx0bzpwdXNoQGV4YW1wbGUuY29tIn0.i3CYb7t4xfxCDquptFOepC9GAu_HLGkMlMuCG"
    "SK2rpiUfnK9ojFwDXb1JrErtmysazNjjvW2L9OkSSHzvoD1oA"
)
PUBLIC = "BA1Hxzyi1RUM1b5wjxsn7nGxAszw2u61m164i3MrAIxHF6YK5h4SDYic-dRuU_RCPCfA5aq9ojSwk5Y2EmClBPs"
SERVICE, UNTIL, CONTACT = "https://push.example.net", 1453523768, "mailto:push@example.com"

KEY = VapidKey.of(private_key(b"\x07" * SCALAR_ENTROPY_BYTES))


def verifier(public: str) -> ECKey:
    """The key as a push service reads it from `k`."""
    point = decoded(public)
    return ECKey.import_key(ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point))


def parts(field: str) -> tuple[str, str]:
    """Token and key of the field `Authorization` (RFC 8292, 3)."""
    scheme, _, rest = field.partition(" ")
    given = dict(part.strip().split("=", 1) for part in rest.split(","))
    assert scheme == "vapid"
    return given["t"], given["k"]


def test_the_example_of_rfc_8292_is_verified_by_what_verifies_ours() -> None:
    claims = jwt.decode(TOKEN, verifier(PUBLIC), algorithms=["ES256"]).claims
    assert claims == {"aud": SERVICE, "exp": UNTIL, "sub": CONTACT}


def test_what_we_sign_for_the_example_is_the_example() -> None:
    # An ES256 signature is another one each time; what is signed is the same to the last byte.
    token, public = parts(KEY.authorization(SERVICE, until=UNTIL, contact=CONTACT))
    assert token.rpartition(".")[0] == TOKEN.rpartition(".")[0]
    assert public == KEY.public
    jws.deserialize_compact(token, verifier(public), algorithms=["ES256"])


def test_without_a_contact_nothing_is_said_of_one() -> None:
    token, public = parts(KEY.authorization(SERVICE, until=UNTIL, contact=""))
    claims = jwt.decode(token, verifier(public), algorithms=["ES256"]).claims
    assert claims == {"aud": SERVICE, "exp": UNTIL}


def test_a_signature_is_used_again_until_it_grows_old() -> None:
    signatures = Signatures(KEY, CONTACT)
    first = signatures.for_service(SERVICE, 1000.0)
    assert signatures.for_service(SERVICE, 1000.0 + RENEWED_S - 1) == first
    assert signatures.for_service("https://other.example", 1000.0) != first
    later = signatures.for_service(SERVICE, 1000.0 + RENEWED_S)
    token, _ = parts(later)
    until = json.loads(decoded(token.split(".")[1]))["exp"]
    assert until == 1000 + RENEWED_S + TOKEN_S
    assert TOKEN_S + RENEWED_S < 24 * 3600


@pytest.mark.parametrize(
    ("contact", "site", "said"),
    [
        ("", "", ""),
        ("", "https://example.org", "https://example.org"),
        ("", "http://example.org", ""),
        (CONTACT, "https://example.org", CONTACT),
    ],
)
def test_a_site_that_is_known_is_a_contact(contact: str, site: str, said: str) -> None:
    config = Config(http=HttpConfig(public_url=site), push=PushConfig(contact=contact))
    assert contact_of(config) == said


def test_as_many_services_as_there_are_do_not_fill_the_memory() -> None:
    signatures = Signatures(KEY, "")
    for number in range(1100):
        signatures._kept[f"https://{number}.example"] = 0.0, ""
    signatures.for_service(SERVICE, 0.0)
    assert len(signatures._kept) == 1


def test_a_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "data" / "vapid-key"
    made = load_key(path, lambda count: b"\x09" * count)
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_key(path, lambda count: b"\x0a" * count).public == made.public
    assert made.public not in repr(path.read_bytes())
    assert path.read_text().strip() not in repr(made)
    assert len(decoded(made.public)) == 65


def test_a_key_that_was_stored_is_the_same_key() -> None:
    key = private_key(b"\x05" * SCALAR_ENTROPY_BYTES)
    assert stored_key(key_text(key) + b"\n").public == VapidKey.of(key).public


@pytest.mark.parametrize("text", [b"", b"abc", b"\xff" * 43, b"A" * 43, b"_" * 43, b"A" * 44])
def test_a_file_that_is_no_key_is_an_error_of_the_operator(text: bytes, tmp_path: Path) -> None:
    with pytest.raises(FormatError):
        stored_key(text)
    path = tmp_path / "vapid-key"
    path.write_bytes(text)
    with pytest.raises(ConfigError, match="vapid-key"):
        load_key(path, bytes)
