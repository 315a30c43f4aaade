"""`relay key`, as a shell sees it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from relay.cli import main
from relay.identity.keyfile import KeyFile
from relay.identity.keys import Granted, find


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "data"


def relay(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "relay", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=Path(__file__).parents[2],
    )


def test_the_secret_stands_alone_on_standard_output(data: Path) -> None:
    done = relay("key", "create", "cat", "--data", str(data))

    assert done.returncode == 0
    assert re.fullmatch(r"sk_[A-Za-z0-9_-]{43}\n", done.stdout)
    assert "live/cat" in done.stderr
    assert done.stdout.strip() not in done.stderr


def test_the_key_that_was_shown_is_the_one_that_is_found(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["key", "create", "cat", "--owner", "u1", "--exclusive", "--data", str(data)]) == 0

    secret = capsys.readouterr().out.strip()
    text = (data / "keys.toml").read_text()
    match find(KeyFile(data / "keys.toml").load().publish, secret):
        case Granted(key):
            assert (key.name, key.owner, key.exclusive) == ("live/cat", "u1", True)
        case other:
            pytest.fail(f"{other}")
    assert secret not in text


def test_an_api_key_is_no_stream_key(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["key", "create", "site", "--api", "--data", str(data)]) == 0

    secret = capsys.readouterr().out.strip()
    keys = KeyFile(data / "keys.toml").load()
    assert secret.startswith("rk_")
    assert isinstance(find(keys.api, secret), Granted)
    assert keys.publish == ()


def test_the_data_directory_comes_from_the_environment_as_well(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RELAY_DATA", str(data))
    assert main(["key", "create", "cat"]) == 0
    assert KeyFile(data / "keys.toml").load().publish


def test_the_list_shows_every_key_and_no_secret(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["key", "create", "cat", "--exclusive", "--data", str(data)])
    main(["key", "create", "site", "--api", "--owner", "u1", "--data", str(data)])
    secrets = capsys.readouterr().out.split()

    assert main(["key", "list", "--data", str(data)]) == 0

    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split() == ["ID", "KIND", "NAME", "OWNER", "CREATED", "STATE"]
    assert [re.split(r"  +", row)[1:4] for row in rows] == [
        ["stream, exclusive", "live/cat", "-"],
        ["api", "site", "u1"],
    ]
    assert not any(secret in row for row in rows for secret in secrets)


def test_an_empty_list_says_where_it_looked(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["key", "list", "--data", str(data)]) == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert str(data / "keys.toml") in said.err


def test_a_revoked_key_stays_in_the_file_with_its_first_date(data: Path) -> None:
    main(["key", "create", "cat", "--data", str(data)])
    main(["key", "create", "dog", "--data", str(data)])
    file = KeyFile(data / "keys.toml")
    cat, dog = file.load().publish

    assert main(["key", "revoke", cat.id, "--data", str(data)]) == 0
    revoked = file.load().publish[0].revoked
    assert main(["key", "revoke", cat.id, "--data", str(data)]) == 0

    assert revoked is not None
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", revoked)
    assert [key.revoked for key in file.load().publish] == [revoked, None]
    assert file.load().publish[1] == dog


MISTAKES = [
    (["key", "revoke", "nope"], "there is no key `nope`"),
    (["key", "create", "live/cat"], "`live/cat` cannot be a name"),
    (["key", "create", "a b"], "`a b` cannot be a name"),
    (["key", "create", "x", "--owner", ""], "an owner is"),
    (["key", "create", "x", "--owner", "a\nb"], "an owner is"),
    (["key", "create", "x", "--owner", "\udcff"], "an owner is"),
    (["key", "create", "x", "--api", "--exclusive"], "--exclusive is for stream keys"),
    (["key", "create"], "NAME"),
    (["key", "creat", "x"], 'Did you mean "create"?'),
    (["key", "create", "x", "--onwer", "u"], "--owner"),
]


@pytest.mark.parametrize(("arguments", "said"), MISTAKES)
def test_a_mistake_is_one_line_on_standard_error(
    data: Path, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    known = data if arguments[1] == "creat" else None
    assert main([*arguments, *(() if known else ("--data", str(data)))]) == 2
    heard = capsys.readouterr()
    assert heard.out == ""
    assert said in heard.err
    assert len(heard.err.splitlines()) == 1
    assert not (data / "keys.toml").exists()


def test_a_broken_key_file_is_an_error_and_not_overwritten(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data.mkdir()
    (data / "keys.toml").write_text("broken")
    assert main(["key", "create", "cat", "--data", str(data)]) == 2
    assert "keys.toml: " in capsys.readouterr().err
    assert (data / "keys.toml").read_text() == "broken"
