"""`relay token`, as a shell sees it."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from joserfc.jwk import ECKey
from support.tokens import keyring

from relay.cli import main
from relay.identity.caller import Caller, Kind
from relay.identity.claims import caller_of, subscription_of
from relay.identity.tokens import TokenExpired


def made(capsys: pytest.CaptureFixture[str], data: Path, *arguments: str) -> str:
    assert main(["token", *arguments, "--data", str(data)]) == 0
    return capsys.readouterr().out.removesuffix("\n")


def test_the_token_stands_alone_on_standard_output(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "relay", "token", "--sub", "ann", "--data", str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        cwd=Path(__file__).parents[2],
    )
    (line,) = done.stdout.splitlines()
    claims = keyring(tmp_path).read(line, time.time())
    assert claims["sub"] == "ann"
    assert done.stderr == ""


def test_everything_that_is_said_is_in_the_token(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = ["--role", "moderator", "--name", "Ann O.", "--room", "live/a", "--room", "live/b"]
    said += ["--channel", "news", "--info", '{"x":1}', "--ttl", "60"]
    token = made(capsys, tmp_path, "--sub", "ann", *said)
    caller = caller_of(keyring(tmp_path).read(token, time.time()))
    assert caller.expires_at is not None
    assert 50 < caller.expires_at - time.time() <= 60
    assert caller == Caller(
        kind=Kind.USER,
        sub="ann",
        role="moderator",
        name="Ann O.",
        rooms=("live/a", "live/b"),
        channels=("news",),
        info=b'{"x":1}',
        expires_at=caller.expires_at,
    )


def test_a_token_is_good_for_an_hour(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    token = made(capsys, tmp_path, "--sub", "ann")
    keyring(tmp_path).read(token, time.time() + 3500)
    with pytest.raises(TokenExpired):
        keyring(tmp_path).read(token, time.time() + 3600)


def test_a_subscription_token_is_for_one_channel(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    token = made(capsys, tmp_path, "--sub", "ann", "--subscribe", "vip", "--ttl", "0")
    subscription = subscription_of(keyring(tmp_path).read(token, time.time()))
    assert (subscription.sub, subscription.channel) == ("ann", "vip")
    assert subscription.expires_at is None


def test_check_says_whose_word_on_users_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    secret, jwks = tmp_path / "secret", tmp_path / "jwks.json"
    secret.write_text("s" * 32)
    keys = [{**ECKey.generate_key("P-256").as_dict(private=False), "kid": kid} for kid in "ab"]
    jwks.write_text(json.dumps({"keys": keys}))
    monkeypatch.setenv("RELAY_DATA", str(tmp_path / "data"))
    assert main(["check"]) == 0
    assert "the server's own secret" in capsys.readouterr().out
    monkeypatch.setenv("RELAY_AUTH_TOKEN_SECRET_FILE", str(secret))
    monkeypatch.setenv("RELAY_AUTH_JWKS_FILE", str(jwks))
    assert main(["check"]) == 0
    printed = capsys.readouterr().out
    assert "2 public keys" in printed
    assert "s" * 32 not in printed
    assert not (tmp_path / "data").exists()
    secret.write_text("short")
    assert main(["check"]) == 1
    assert "32 bytes at least" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "--sub"),
        (["--sub", "a\nb"], "`sub` must be printable"),
        (["--sub", "ann", "--info", "{"], "--info must be JSON"),
        (["--sub", "ann", "--info", "NaN"], "--info must be JSON"),
        (["--sub", "ann", "--info", "1e999"], "`info` cannot be written"),
        (["--sub", "ann", "--ttl", "-1"], "--ttl"),
        (["--sub", "ann", "--ttl", "nan"], "--ttl"),
        (["--sub", "ann", "--subscribe", "vip", "--role", "guest"], "--subscribe goes with"),
        (["--sub", "ann", "--subscribe", ""], "needs a `channel`"),
        (["--sub", "ann", "--info", f'"{"a" * 9000}"'], "8192 are allowed"),
    ],
)
def test_a_token_that_the_server_would_refuse_is_not_made(
    arguments: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["token", *arguments, "--data", str(tmp_path)]) == 2
    printed = capsys.readouterr()
    assert said in printed.err
    assert printed.out == ""
