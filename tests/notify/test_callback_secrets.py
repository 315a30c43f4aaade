"""The file of secrets that questions are signed with."""

import os
from pathlib import Path

import pytest

from relay.errors import ConfigError
from relay.notify.callback_secrets import FILE_NAME, CallbackSecrets
from relay.notify.signing import key_of, make_secret

ONE, TWO = make_secret(b"1" * 32), make_secret(b"2" * 32)


def named(text: str, data: Path) -> CallbackSecrets:
    return CallbackSecrets.named(text, data, lambda size: b"\x07" * size)


def test_one_is_made_on_the_first_run_for_its_owner_alone_and_kept(tmp_path: Path) -> None:
    data = tmp_path / "data"
    first, second = named("", data), CallbackSecrets.named("", data, os.urandom)
    first.load()
    second.load()
    assert first.secrets == second.secrets
    assert [key_of(secret) for secret in first.secrets] == [b"\x07" * 32]
    assert (data / FILE_NAME).stat().st_mode & 0o777 == 0o600
    assert first.secrets[0] not in repr(first)


def test_all_that_stand_in_a_file_sign_in_their_order(tmp_path: Path) -> None:
    file = tmp_path / "mine"
    file.write_text(f"{TWO}\n\n {ONE} \n")
    secrets = named(str(file), tmp_path)
    secrets.load()
    assert list(secrets.secrets) == [TWO, ONE]
    assert not secrets.changed()
    file.write_text(TWO)
    assert secrets.changed()
    secrets.load()
    assert list(secrets.secrets) == [TWO]
    assert not (tmp_path / FILE_NAME).exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "one to 3 secrets"),
        (f"{ONE}\n{TWO}\n{ONE}\n{TWO}".encode(), "one to 3 secrets"),
        (b"swordfish", "begins with whsec_"),
        (b"whsec_c3dvcmRmaXNo", "24 to 64 bytes"),
        ("whsec_\u00e9".encode(), "ASCII"),
        (None, "No such file"),
    ],
)
def test_what_is_no_secret_is_said_without_showing_it(
    content: bytes | None, said: str, tmp_path: Path
) -> None:
    file = tmp_path / "mine"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError, match=said) as caught:
        named(str(file), tmp_path).load()
    assert "c3dvcmRm" not in str(caught.value)
    assert "swordfish" not in str(caught.value)


def test_a_file_that_is_broken_meanwhile_leaves_the_secrets_of_before(tmp_path: Path) -> None:
    file = tmp_path / "mine"
    file.write_text(ONE)
    secrets = named(str(file), tmp_path)
    secrets.load()
    file.write_text("half a")
    with pytest.raises(ConfigError):
        secrets.load()
    assert list(secrets.secrets) == [ONE]
    assert not secrets.changed()
