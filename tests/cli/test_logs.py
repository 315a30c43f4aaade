"""One line per event, and no key in any of them."""

import io
import json
from collections.abc import Iterator

import pytest
import structlog

from relay.cli.logs import configure_logs, without_keys

KEY = "sk_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
API_KEY = f"rk_{KEY[3:]}"


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    yield
    structlog.reset_defaults()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Holder:
    def __repr__(self) -> str:
        return f"<Holder of {KEY}>"


def test_a_machine_reads_json() -> None:
    out = io.StringIO()
    configure_logs(out)
    structlog.get_logger().info("published", name="live/cat", bytes=3)

    line = json.loads(out.getvalue())
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "published", "level": "info", "name": "live/cat", "bytes": 3}


def test_a_person_reads_columns() -> None:
    out = Terminal()
    configure_logs(out)
    structlog.get_logger().info("published", name="live/cat")
    assert "published" in out.getvalue()
    assert not out.getvalue().startswith("{")


@pytest.mark.parametrize(
    "value",
    [
        KEY,
        API_KEY,
        f"rtmp://host/live/{KEY}?x=1",
        {"key": KEY},
        {KEY: 1},
        [KEY, (KEY, {KEY})],
        KEY.encode(),
        Holder(),
        ValueError(f"bad name {KEY}"),
    ],
)
@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_no_value_gives_a_key_away(value: object, stream: type[io.StringIO]) -> None:
    out = stream()
    configure_logs(out)
    structlog.get_logger().warning(f"refused {KEY}", value=value)
    assert KEY[3:-4] not in out.getvalue()
    assert f"_...{KEY[-4:]}" in out.getvalue()


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_no_traceback_gives_a_key_away(stream: type[io.StringIO]) -> None:
    out = stream()
    configure_logs(out)
    local = KEY
    try:
        raise ValueError(f"cannot use {local}")
    except ValueError:
        structlog.get_logger().exception("failed")
    assert "Traceback" in out.getvalue()
    assert KEY[3:-4] not in out.getvalue()


def test_numbers_stay_numbers() -> None:
    event = {"bytes": 3, "seconds": 0.5, "live": True, "reason": None}
    assert without_keys(None, "info", dict(event)) == event
