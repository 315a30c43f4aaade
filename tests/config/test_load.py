"""Files, environment and flags become one configuration; whatever is wrong is said at once."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from relay.config import Config
from relay.config.environment import VARIABLES, variable
from relay.config.load import load_config
from relay.config.tree import SETTINGS, value_at
from relay.errors import ConfigError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "relay.toml"


def complaint(file: Path, text: str, **sources: Any) -> list[str]:
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config(file, **sources)
    return [line.removeprefix(f"{file}: ") for line in str(caught.value).splitlines()]


def test_no_source_at_all_gives_the_defaults() -> None:
    assert load_config() == Config()


def test_a_file_sets_what_it_names_and_leaves_the_rest(file: Path) -> None:
    file.write_text('data = "/srv/relay"\n[limits]\nlag_s = 5\n')

    config = load_config(file)

    assert config.data == Path("/srv/relay")
    assert config.limits.lag_s == 5.0
    assert config.http == Config().http


def test_environment_wins_over_the_file_and_flags_win_over_both(file: Path) -> None:
    file.write_text('[rtmp]\nlisten = "1"\n[http]\nlisten = "1"\nadmin = "1"\n')
    environ = {"RELAY_HTTP_LISTEN": "2", "RELAY_HTTP_ADMIN": "2"}

    config = load_config(file, environ=environ, overrides={"http.admin": "3"})

    assert (config.rtmp.listen, config.http.listen, config.http.admin) == ("1", "2", "3")


@pytest.mark.parametrize(
    ("name", "text", "path", "value"),
    [
        ("RELAY_DATA", "/srv/x", "data", Path("/srv/x")),
        ("RELAY_RTMP_TLS_LISTEN", "", "rtmp.tls_listen", ""),
        ("RELAY_AUTH_YES_OPEN", "True", "auth.yes_open", True),
        ("RELAY_AUTH_YES_OPEN", "false", "auth.yes_open", False),
        ("RELAY_LIMITS_LAG_S", "2.5", "limits.lag_s", 2.5),
        ("RELAY_LIMITS_LAG_BYTES", "1_000", "limits.lag_bytes", 1000),
        ("RELAY_HTTP_TRUSTED_PROXIES", "", "http.trusted_proxies", ()),
        ("RELAY_HTTP_TRUSTED_PROXIES", "::1, ::2", "http.trusted_proxies", ("::1", "::2")),
    ],
)
def test_a_variable_is_read_by_its_settings_type(
    name: str, text: str, path: str, value: object
) -> None:
    assert value_at(load_config(environ={name: text}), path) == value


def test_every_setting_has_a_variable_of_its_own() -> None:
    assert len({variable(path) for path in SETTINGS}) == len(SETTINGS)


def test_variables_of_other_programs_are_left_alone() -> None:
    foreign = ["HOME", "RELAYED", "RELAY_PORT", "RELAY_PORT_1935_TCP", "RELAY_PORT_1935_TCP_ADDR"]
    foreign += ["RELAY_SERVICE_HOST", "RELAY_SERVICE_PORT_RTMP", "RELAY_WEB_SERVICE_HOST"]
    assert load_config(environ=dict.fromkeys(foreign, "tcp://10.0.0.1:1935")) == Config()
    assert not set(foreign) & set(VARIABLES)


SUGGESTIONS = [
    ('[rtmp]\nlisen = "1"', "unknown key `rtmp.lisen`; did you mean `listen`?"),
    ("[htpp]\nlisten = 1", "unknown key `htpp`; did you mean `http`?"),
    ("[limits]\nlags_s = 1", "unknown key `limits.lags_s`; did you mean `lag_s`?"),
    ("[limits]\nLAG_S = 1", "unknown key `limits.LAG_S`; did you mean `lag_s`?"),
    ("xyzzy = 1", "unknown key `xyzzy`"),
    ('"a.b" = 1', "unknown key `a.b`"),
    ('[rtmp]\n"a.b" = 1', "unknown key `rtmp.a.b`"),
    (
        '[auth]\npublish = "opne"',
        '`auth.publish` must be "key" or "open", not "opne"; did you mean "open"?',
    ),
]


@pytest.mark.parametrize(("text", "line"), SUGGESTIONS)
def test_an_unknown_word_is_an_error_that_names_the_nearest(
    file: Path, text: str, line: str
) -> None:
    assert complaint(file, text) == [line]


def test_an_unknown_variable_is_an_error_that_names_the_nearest(file: Path) -> None:
    lines = complaint(file, "", environ={"RELAY_HTTP_LISEN": "1", "RELAY_QQQQ": "1"})
    assert lines == [
        "environment: unknown variable `RELAY_HTTP_LISEN`; did you mean `RELAY_HTTP_LISTEN`?",
        "environment: unknown variable `RELAY_QQQQ`",
    ]


WRONG_TYPES = [
    ("[rtmp]\nlisten = 1935", "`rtmp.listen` must be text in quotes, not 1935"),
    ("data = true", "`data` must be a path in quotes, not true"),
    ('data = ""', '`data` must be a path in quotes, not ""'),
    ("[limits]\nlag_s = true", "`limits.lag_s` must be a number, not true"),
    ('[limits]\nlag_s = "4"', '`limits.lag_s` must be a number, not "4"'),
    ("[limits]\nlag_bytes = 1.5", "`limits.lag_bytes` must be a whole number, not 1.5"),
    ("[limits]\nlag_bytes = true", "`limits.lag_bytes` must be a whole number, not true"),
    ("[limits]\nlag_bytes = []", "`limits.lag_bytes` must be a whole number, not a list"),
    ("[auth]\nyes_open = 1", "`auth.yes_open` must be true or false, not 1"),
    (
        '[http]\ntrusted_proxies = "::1"',
        '`http.trusted_proxies` must be a list in brackets, not "::1"',
    ),
    (
        "[http]\ntrusted_proxies = [[]]",
        "`http.trusted_proxies[0]` must be text in quotes, not a list",
    ),
    ("[rtmp.listen]", "`rtmp.listen` must be text in quotes, not a table"),
    ("rtmp = 1935", "`rtmp` must be a table, not 1935"),
]


@pytest.mark.parametrize(("text", "line"), WRONG_TYPES)
def test_nothing_is_converted_in_silence(file: Path, text: str, line: str) -> None:
    assert complaint(file, text) == [line]


def test_a_number_too_long_to_be_one_is_refused(file: Path) -> None:
    (line,) = complaint(file, f"[limits]\nlag_s = 1{'0' * 400}")
    assert line.startswith("`limits.lag_s` must be a number that can be reckoned with")


def test_a_value_from_the_environment_is_refused_by_its_variables_name(file: Path) -> None:
    lines = complaint(file, "", environ={"RELAY_LIMITS_LAG_S": "four"})
    assert lines == ['RELAY_LIMITS_LAG_S: `limits.lag_s` must be a number, not "four"']


def test_all_problems_of_all_sources_are_reported_together(file: Path) -> None:
    text = 'limits = 3\n[rtmp]\nlisen = "1"\n[http]\nlisten = "nowhere"\n[media]\ngop_s = 0\n'
    environ = {"RELAY_LIMITS_LAG_S": "four"}

    lines = complaint(file, text, environ=environ, overrides={"auth.publish": "none"})

    assert sorted(lines) == [
        'RELAY_LIMITS_LAG_S: `limits.lag_s` must be a number, not "four"',
        "`http.listen`: `nowhere` is no address; write PORT, HOST:PORT or [IPV6]:PORT",
        "`limits` must be a table, not 3",
        "`media.gop_s` must be more than 0, and finite, not 0.0",
        'command line: `auth.publish` must be "key" or "open", not "none"',
        "unknown key `rtmp.lisen`; did you mean `listen`?",
    ]


def test_a_file_that_is_no_toml_is_refused_with_the_line(file: Path) -> None:
    (line,) = complaint(file, "[rtmp]\nlisten 1935\n")
    assert "line 2" in line


def test_a_file_that_nests_without_end_is_refused(file: Path) -> None:
    complaint(file, f"a = {'[' * 100_000}")


def test_a_file_that_is_no_text_is_refused(file: Path) -> None:
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="UTF-8"):
        load_config(file)


def test_a_file_that_is_not_there_is_named(file: Path) -> None:
    with pytest.raises(ConfigError, match=r"relay\.toml: No such file"):
        load_config(file)


def test_a_configuration_is_read_without_a_runtime() -> None:
    code = "import sys, relay.config.load as _; sys.exit('trio' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
