"""What all commands have in common: help, version, exit codes, and no traceback."""

from pathlib import Path

import pytest

from relay.cli import COMMANDS, main


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["key", "--help"]])
def test_help_and_version_are_no_errors(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 0
    assert "relay" in capsys.readouterr().out


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_can_be_loaded_and_explains_itself(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([name, "--help"]) == 0
    assert f"relay {name}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nope"], 'Unknown command "nope"'),
        (["serve", "--rtmpp", "1"], "Did you mean --rtmp?"),
        (["serve", "--publish", "opne"], 'Did you mean "open"?'),
        (["serve", "--rtmp", "nowhere"], "command line: `rtmp.listen`: `nowhere` is no address"),
        (["serve", "--config", "none.toml"], "none.toml: No such file"),
        (["serve", "--publish", "open"], "insist with --yes-open"),
    ],
)
def test_what_cannot_be_done_is_said_and_exits_with_2(
    arguments: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    heard = capsys.readouterr()
    assert said in heard.err
    assert all(line.startswith("relay: ") for line in heard.err.splitlines())
    assert heard.out == ""
    assert list(tmp_path.iterdir()) == []


def test_check_says_what_the_configuration_means(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    main(["key", "create", "cat"])
    file = tmp_path / "my.toml"
    file.write_text('[rtmp]\nlisten = "127.0.0.1:0"\n[http]\nadmin = "10.0.0.1:9"\n')
    monkeypatch.setenv("RELAY_LIMITS_LAG_S", "5")
    monkeypatch.setenv("RELAY_HTTP_TRUSTED_PROXIES", "10.0.0.0/8,::1")
    capsys.readouterr()

    assert main(["check", "--config", str(file)]) == 0

    assert capsys.readouterr().out.splitlines() == [
        "The configuration is right.",
        "Encoders connect (RTMP) to a free port on 127.0.0.1, from this machine only.",
        "Viewers connect (HTTP) to port 8080 on every address of this machine.",
        "The operator connects (HTTP) to port 9 on 10.0.0.1.",
        "Who has a stream key may publish; relay-data/keys.toml has 1 of them, and 0 revoked.",
        "Users are who their tokens say, by the server's own secret (relay-data/token-secret).",
        'Not the default: rtmp.listen = "127.0.0.1:0"',
        'Not the default: http.admin = "10.0.0.1:9"',
        'Not the default: http.trusted_proxies = ["10.0.0.0/8", "::1"]',
        "Not the default: limits.lag_s = 5.0",
    ]


def test_check_shows_tables_as_they_are_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "my.toml"
    file.write_text('[[settings.schemas]]\nnamespace = "player"\ninline = "{}"\n')
    assert main(["check", "--config", str(file)]) == 0
    shown = '[{namespace = "player", file = "", inline = "{}"}]'
    assert f"Not the default: settings.schemas = {shown}" in capsys.readouterr().out


def test_check_says_that_a_laboratory_is_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RELAY_AUTH_PUBLISH", "open")
    monkeypatch.setenv("RELAY_AUTH_YES_OPEN", "true")
    assert main(["check"]) == 0
    assert "Anyone may publish" in capsys.readouterr().out


def test_check_says_what_the_site_is_asked_and_shows_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RELAY_ON_PLAY_URL", "https://site.example/may?s3cr3t")
    monkeypatch.setenv("RELAY_ON_PLAY_STREAMS", "live/*,events/one")
    monkeypatch.setenv("RELAY_ON_PLAY_FAIL_OPEN", "true")
    assert main(["check"]) == 0
    printed = capsys.readouterr().out
    assert (
        "Who may watch live/* or events/one is asked of https://site.example/may; "
        "without an answer they may."
    ) in printed.splitlines()
    assert "s3cr3t" not in printed
    secret = tmp_path / "secret"
    secret.write_text("swordfish")
    monkeypatch.setenv("RELAY_ON_PLAY_SECRET_FILE", str(secret))
    assert main(["check"]) == 1
    assert capsys.readouterr().err == f"relay: {secret}: a secret begins with whsec_\n"


def test_check_reports_every_error_and_exits_with_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "my.toml"
    file.write_text('[rtmp]\nlisen = "1"\n[media]\nhold_s = -1\n')
    assert main(["check", "--config", str(file)]) == 1
    assert capsys.readouterr().err.splitlines() == [
        f"relay: {file}: unknown key `rtmp.lisen`; did you mean `listen`?",
        f"relay: {file}: `media.hold_s` must be 0 or more, and finite, not -1.0",
    ]
