"""`relay webhook`: a running server's webhooks, by its API.

The server keeps its store to itself, so it is asked: on the operator's listener, with the API key
in `RELAY_API_KEY`.  A secret stands alone on standard output, so that a script can take it.
"""

import http.client
import json
import os
import sys
from typing import Annotated, Any
from urllib.parse import urlencode, urlsplit

from cyclopts import App, Parameter

from relay.config.address import parse_address
from relay.config.environment import API_KEY
from relay.config.load import load_config
from relay.errors import ConfigError
from relay.identity.redact import redact

app = App(name="webhook", help="Make, list, remove and replay webhooks of a running server.")

WEBHOOKS = "/api/v1/webhooks"
ANSWER_S = 30.0

Flag = Annotated[bool, Parameter(negative=(), show_default=False)]
Row = tuple[str, ...]


@app.command
def add(
    url: str,
    /,
    *,
    event: tuple[str, ...] = (),
    description: str = "",
    server: str | None = None,
) -> int:
    """Let an endpoint be told what happens, and show its secret this once.

    Args:
        url: where events are sent.
        event: a type that it wants; may be given several times.  Without any, it wants all.
        description: for people.
        server: the operator's listener, as http://HOST:PORT.
    """
    wanted = {"url": url, "events": list(event), "description": description}
    made = _ask(server, "POST", WEBHOOKS, wanted)
    print(made["secret"])
    print(f"Webhook {made['id']}.  Its secret is not shown again.", file=sys.stderr)
    return 0


@app.command(name="list")
def list_webhooks(*, server: str | None = None) -> int:
    """Show all webhooks.

    Args:
        server: the operator's listener, as http://HOST:PORT.
    """
    found = _ask(server, "GET", WEBHOOKS)["webhooks"]
    rows = [
        (
            it["id"],
            it["url"],
            ",".join(it["events"]) or "all",
            it["disabled_because"] or "enabled",
            it["description"],
        )
        for it in found
    ]
    _print_table([("ID", "URL", "EVENTS", "STATE", "DESCRIPTION"), *rows])
    return 0


@app.command
def remove(id: str, /, *, server: str | None = None) -> int:  # noqa: A002  # as it is shown
    """Tell an endpoint nothing more, nor what is queued for it.

    Args:
        id: as `relay webhook list` shows it.
        server: the operator's listener, as http://HOST:PORT.
    """
    _ask(server, "DELETE", f"{WEBHOOKS}/{id}")
    print(f"Removed {id}.", file=sys.stderr)
    return 0


@app.command
def rotate(id: str, /, *, server: str | None = None) -> int:  # noqa: A002  # as it is shown
    """Give an endpoint a new secret, and show it this once.  The former one signs on for a day.

    Args:
        id: as `relay webhook list` shows it.
        server: the operator's listener, as http://HOST:PORT.
    """
    print(_ask(server, "POST", f"{WEBHOOKS}/{id}/rotate")["secret"])
    return 0


@app.command
def deliveries(
    id: str,  # noqa: A002  # as it is shown
    /,
    *,
    dead: Flag = False,
    limit: int = 50,
    server: str | None = None,
) -> int:
    """Show what was, is and will be sent to an endpoint, newest first.

    Args:
        id: as `relay webhook list` shows it.
        dead: only those that nobody will try again.
        limit: how many at most.
        server: the operator's listener, as http://HOST:PORT.
    """
    query = {"limit": str(limit)} | ({"state": "dead"} if dead else {})
    found = _ask(server, "GET", f"{WEBHOOKS}/{id}/deliveries?{urlencode(query)}")["deliveries"]
    rows = [
        (
            str(it["id"]),
            it["happened"],
            it["type"],
            it["stream"],
            it["state"],
            str(it["attempts"]),
            it["answer"] or "-",
            it["due"] or "-",
        )
        for it in found
    ]
    head = ("DELIVERY", "HAPPENED", "TYPE", "STREAM", "STATE", "ATTEMPTS", "ANSWER", "DUE")
    _print_table([head, *rows])
    return 0


@app.command
def replay(
    id: str,  # noqa: A002  # as it is shown
    delivery: int | None = None,
    /,
    *,
    server: str | None = None,
) -> int:
    """Send an event once more, with the same id; without DELIVERY, all dead letters.

    Args:
        id: as `relay webhook list` shows it.
        delivery: as `relay webhook deliveries` shows it.
        server: the operator's listener, as http://HOST:PORT.
    """
    path = f"{WEBHOOKS}/{id}" if delivery is None else f"{WEBHOOKS}/{id}/deliveries/{delivery}"
    queued = _ask(server, "POST", f"{path}/replay")["queued"]
    print(f"Queued {queued}.", file=sys.stderr)
    return 0


def _ask(server: str | None, method: str, path: str, value: Any = None) -> Any:
    """The JSON of the answer.

    Raises:
        ConfigError: the server is not there, or it refuses.
    """
    fields = {"Authorization": f"Bearer {_key()}"}
    if value is not None:
        fields["Content-Type"] = "application/json"
    body = None if value is None else json.dumps(value)
    connection, address = _connection(server)
    try:
        connection.request(method, path, body, fields)
        answer = connection.getresponse()
        data = answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise ConfigError(f"no server answers at {address}: {error}") from None
    finally:
        connection.close()
    if answer.status >= 300:
        raise ConfigError(_refusal(answer.status, data))
    return json.loads(data) if data else None


def _connection(server: str | None) -> tuple[http.client.HTTPConnection, str]:
    address = server or _configured()
    split = urlsplit(address)
    try:
        host, port = split.hostname, split.port
    except ValueError:
        host = port = None
    if split.scheme not in ("http", "https") or host is None:
        raise ConfigError(f"--server is http://HOST:PORT, not {redact(address)}")
    kinds = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}
    return kinds[split.scheme](host, port, timeout=ANSWER_S), address


def _configured() -> str:
    config = load_config(environ=os.environ, overrides={})
    host, port = parse_address(config.http.admin)
    name = host or "127.0.0.1"
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"


def _key() -> str:
    key = os.environ.get(API_KEY, "")
    if not key:
        raise ConfigError(
            f"{API_KEY} must hold an API key; `relay key create NAME --api` makes one"
        )
    return key


def _refusal(status: int, data: bytes) -> str:
    try:
        problem = json.loads(data)
        title, detail = problem["title"], problem.get("detail")
    except (ValueError, TypeError, KeyError):
        return f"the server answers {status}"
    return f"{title}: {detail}" if detail else str(title)


def _print_table(rows: list[Row]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())
