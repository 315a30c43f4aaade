"""Where the store is, and what may be shown of that."""

import pytest

from relay.cli import main
from relay.config import StoreConfig
from relay.config.load import load_config
from relay.config.store_url import StoreKind, store_kind, without_secrets
from relay.errors import ConfigError

SECRET = "hunter2"
URL = f"postgresql://relay:{SECRET}@db.example.org:5433/live?sslpassword={SECRET}"


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("", StoreKind.SQLITE),
        ("sqlite:", StoreKind.SQLITE),
        ("memory:", StoreKind.MEMORY),
        (URL, StoreKind.POSTGRES),
        ("postgres://db/live", StoreKind.POSTGRES),
        ("postgresql:///live?host=/run/postgresql", StoreKind.POSTGRES),
    ],
)
def test_a_url_says_which_store(url: str, kind: StoreKind) -> None:
    assert store_kind(url) is kind
    assert load_config(overrides={"store.url": url}).store.url == url


@pytest.mark.parametrize(
    "url",
    [
        "memory",
        "sqlite:///tmp/a.db",
        f"mysql://relay:{SECRET}@db/live",
        f"postgresql://relay:{SECRET}@db",
        f"postgresql://relay:{SECRET}@db/",
        f"postgresql://relay:{SECRET}@db:port/live",
        f"postgresql://relay:{SECRET}@[::1/live",
        f"relay:{SECRET}@db/live",
    ],
)
def test_what_is_no_store_is_refused_without_being_quoted(url: str) -> None:
    with pytest.raises(ConfigError, match=r"`store\.url`: the store is ") as caught:
        load_config(overrides={"store.url": url})
    assert SECRET not in str(caught.value)
    assert SECRET not in without_secrets(url)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("", ""),
        ("memory:", "memory:"),
        (URL, "postgresql://db.example.org:5433/live"),
        ("postgresql:///live?host=/run/postgresql", "..."),
        (f"relay:{SECRET}", "..."),
    ],
)
def test_what_may_be_shown_of_a_url(url: str, shown: str) -> None:
    assert without_secrets(url) == shown


def test_check_shows_where_the_store_is_and_no_password(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RELAY_STORE_URL", URL)
    assert main(["check"]) == 0
    said = capsys.readouterr().out
    assert 'Not the default: store.url = "postgresql://db.example.org:5433/live"' in said
    assert SECRET not in said


def test_a_configuration_that_is_printed_holds_no_password() -> None:
    assert SECRET not in repr(StoreConfig(url=URL))
