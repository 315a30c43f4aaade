"""Where the keys of tokens come from, and what is no key."""

import json
import os
import stat
import threading
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey
from support.tokens import NOW, signed

from relay.config import AuthConfig, Config
from relay.errors import ConfigError
from relay.identity.token_files import FILE_NAME, TokenFiles
from relay.identity.tokens import Keyring, TokenInvalid

SECRET = "a secret of the site, long enough"
RSA = RSAKey.generate_key(2048)
HS = {"alg": "HS256"}


def entropy(size: int) -> bytes:
    return os.urandom(size)


def files(data: Path, *, secret: Path | None = None, jwks: Path | None = None) -> TokenFiles:
    auth = AuthConfig(
        token_secret_file=str(secret or ""), jwks_file=str(jwks or ""), token_issuer="us"
    )
    return TokenFiles.configured(Config(data=data, auth=auth), entropy)


def load(data: Path, **given: Path) -> Keyring:
    return files(data, **given).load()


def jwk_set(path: Path, *keys: Any) -> Path:
    path.write_text(json.dumps({"keys": [*keys]}))
    return path


def public(key: Key, **more: str) -> dict[str, Any]:
    return {**key.as_dict(private=False), **more}


def test_our_own_secret_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        keyring = load(tmp_path / "data")
    finally:
        os.umask(before)
    path = tmp_path / "data" / FILE_NAME
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(path.read_text()) == 44
    assert load(tmp_path / "data").read(keyring.mint({}), NOW) == {}


def test_processes_that_come_together_make_one_secret(tmp_path: Path) -> None:
    rings: list[Keyring] = []
    threads = [threading.Thread(target=lambda: rings.append(load(tmp_path))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    token = rings[0].mint({"sub": "ann"})
    assert [ring.read(token, NOW)["sub"] for ring in rings] == ["ann"] * 8


def test_a_site_may_sign_with_the_text_of_our_secret(tmp_path: Path) -> None:
    keyring = load(tmp_path)
    text = (tmp_path / FILE_NAME).read_bytes()
    assert keyring.read(signed(HS, {"iss": "us"}, text), NOW) == {"iss": "us"}


def test_a_sites_secret_is_the_text_of_its_file(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text(f"{SECRET}\n")
    keyring = load(tmp_path, secret=path)
    assert keyring.read(signed(HS, {"iss": "us"}, SECRET.encode()), NOW) == {"iss": "us"}
    assert keyring.read(keyring.mint({}), NOW) == {}


@pytest.mark.parametrize(
    "content",
    [b"", b"short", b"x" * 31, b" " * 40, RSA.as_pem(private=False), RSA.as_der(private=False)],
)
def test_what_is_no_secret_is_the_operators_error(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match="secret"):
        load(tmp_path, secret=path)


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    for given in ("secret", "jwks"):
        with pytest.raises(ConfigError, match="nowhere"):
            load(tmp_path, **{given: tmp_path / "nowhere"})


def test_each_public_key_stands_under_what_it_is_for(tmp_path: Path) -> None:
    ec, ed = ECKey.generate_key("P-256"), OKPKey.generate_key("Ed25519")
    path = jwk_set(
        tmp_path / "jwks.json",
        public(RSA, kid="r1", use="sig"),
        public(RSAKey.generate_key(2048), kid="r2", alg="RS256"),
        public(RSAKey.generate_key(2048), kid="r3", alg="RS512"),
        public(RSAKey.generate_key(2048), kid="r4", use="enc"),
        public(ec, kid="e", alg="ES256"),
        public(ECKey.generate_key("P-384"), kid="e384"),
        public(ed, kid="d"),
        {"kty": "AKP", "alg": "ML-DSA-44", "kid": "new", "pub": "AAAA"},
        "a key of the future",
    )
    assert set(load(tmp_path, jwks=path).public) == {
        ("RS256", "r1"),
        ("RS256", "r2"),
        ("ES256", "e"),
        ("ES256", None),
        ("EdDSA", "d"),
        ("EdDSA", None),
        ("Ed25519", "d"),
        ("Ed25519", None),
    }


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "no JWK Set"),
        (b"[]", "no JWK Set"),
        (b'{"keys":7}', "no JWK Set"),
        (b'{"keys":' + b"[" * 9000, "no JWK Set"),
        (b'{"keys":[]}', "no RSA, P-256"),
        (b'{"keys":[{"kty":"EC"}]}', "no JWK Set"),
        (b'{"keys":[{"kty":"RSA","n":1,"e":2}]}', "no JWK Set"),
        (json.dumps({"keys": [OctKey.import_key("x" * 32).as_dict()]}).encode(), "secret key"),
        (json.dumps({"keys": [RSA.as_dict(private=True)]}).encode(), "secret key"),
        (RSA.as_pem(private=False), "no JWK Set"),
    ],
)
def test_what_is_no_set_of_public_keys_is_the_operators_error(
    content: bytes, complaint: str, tmp_path: Path
) -> None:
    path = tmp_path / "jwks.json"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=complaint):
        load(tmp_path, jwks=path)


def test_a_weak_key_is_the_operators_error(tmp_path: Path) -> None:
    with pytest.warns(match="2048"):
        weak = RSAKey.generate_key(1024)
    path = jwk_set(tmp_path / "jwks.json", public(weak))
    with pytest.raises(ConfigError, match="2048 bits"), pytest.warns():
        load(tmp_path, jwks=path)


def test_keys_are_rotated_without_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text(SECRET)
    there = files(tmp_path, secret=path)
    there.load()
    assert not there.changed()
    path.write_text(f"another {SECRET}")
    assert there.changed()
    with pytest.raises(TokenInvalid):
        there.load().read(signed(HS, {"iss": "us"}, SECRET.encode()), NOW)
    assert not there.changed()
