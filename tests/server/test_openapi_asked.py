"""The server does what its OpenAPI document says, whatever it is asked.

Schemathesis makes requests of the document, as it allows them and as it does not: the limits of
every schema, one by one, and some that chance finds.  The operator, a user, a guest and nobody ask
in turn.
"""

import time
from collections.abc import Iterator
from itertools import cycle
from typing import Any

import attrs
import pytest
import requests
import schemathesis
from schemathesis.core.result import Ok
from schemathesis.generation.feedback import FeedbackSources
from schemathesis.pytest._test_builder import build_operation_test
from support.server import ServerProcess
from support.server_beside import served
from support.tokens import token

from relay.identity.keyfile import FILE_NAME, KeyFile, KeySet
from relay.identity.keys import issue_api_key, issue_stream_key

Case = schemathesis.Case[Any]
WHEN = "2026-01-01T00:00:00Z"
DAY_S = 24 * 3600
MANY = 1_000_000
UNBOUNDED = {
    "limits.guests_per_minute": MANY,
    "limits.follow_changes_per_minute": MANY,
    "settings.changes_per_minute": MANY,
}
"""What one may do so often would hide the rest."""
TURNS = ("operator", "ann", "guest", "operator", "ann", "nobody")
"""`ann` owns `live/cat`."""
WHERE = {
    "path.app": "live",
    "path.name": "cat",
    "path.user": "ann",
    "path.room": "chat:live/cat",
    "path.namespace": "player",
}
"""What is there, for what chance would never find."""
CHECKS = {
    # What no schema can say has a problem of its own; but 400 and 415 are for what nobody can read.
    "positive_data_acceptance": {
        "expected-statuses": ["2xx", "304", "401", "403", "404", "409", "410", "412", "422", "429"]
    },
    # Whoever asks shows a token in the one header, and schemathesis a wrong one in the other.
    "ignored_auth": {"enabled": False},
    # Who may is not all of what is asked here: a user's DELETE is refused for somebody else's.
    "use_after_free": {"enabled": False},
    "ensure_resource_availability": {"enabled": False},
}
CONFIG = {
    "generation": {"deterministic": True, "max-examples": 2, "no-shrink": True, "database": "none"},
    "phases": {
        "examples": {"enabled": False},
        "coverage": {
            "unexpected-methods": ["query", "trace"],
            "extra-data-sources": {"responses": False},
        },
        "fuzzing": {
            "extra-data-sources": {"responses": False},
            "error-feedback": {"enabled": False},
        },
        "stateful": {"enabled": False},
    },
    "checks": CHECKS,
}
GENERIC = frozenset({400, 404, 405, 413, 414, 431})
"""Refusals that are no more than their status, and no route's own."""
REFUSED = {
    ("guest", "nobody"): 401,
    ("operator", "nobody"): 401,
    ("operator", "guest"): 403,
    ("operator", "ann"): 403,
}
"""What whom a route is not for is told, by the least who is."""


@attrs.define(eq=False)
class Asked:
    """A server, and what everybody shows to it."""

    url: str
    _shown: dict[str, dict[str, str]]
    _session: requests.Session
    where: dict[str, str] = attrs.field(factory=lambda: {**WHERE})
    requests: int = 0
    _turns: Iterator[str] = attrs.field(factory=lambda: cycle(TURNS), init=False)

    def made(self, who: str, path: str, value: dict[str, str]) -> str:
        """Make something, and say what its id is."""
        url = f"{self.url}/api/v1{path}"
        answer = self._session.post(url, json=value, headers=self._shown[who])
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def ask(self, case: Case) -> None:
        """Have the next caller ask this, and look at the answer."""
        who = next(self._turns)
        shown = self._shown[who]
        answer = case.call(self.url, session=self._session, headers=shown)
        self.requests += 1
        case.validate_response(answer, headers=shown, additional_checks=[refused_with_a_reason])
        if case.method.lower() == case.operation.method.lower():
            check_who(case, who, answer.status_code)


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    data = tmp_path_factory.mktemp("asked")
    operator, api_key = issue_api_key(b"3" * 32, "ci", created=WHEN)
    _, cat = issue_stream_key(b"1" * 32, "live/cat", created=WHEN, owner="ann")
    KeyFile(data / FILE_NAME).change(lambda _: KeySet(publish=(cat,), api=(api_key,)))
    exp = int(time.time()) + DAY_S
    tokens = {
        "ann": token(data, sub="ann", exp=exp),
        "guest": token(data, sub="guest_1", role="guest", name="Gast", exp=exp),
        "operator": operator,
    }
    shown = {who: {"Authorization": f"Bearer {text}"} for who, text in tokens.items()}
    with served(data, UNBOUNDED, publish="key") as server, requests.Session() as session:
        asked = Asked(_admin(server), {"nobody": {}, **shown}, session)
        message = {"text": "hello"}
        asked.where["path.message"] = asked.made("ann", "/rooms/chat:live/cat/messages", message)
        webhook = {"url": "https://hooks.example/in"}
        asked.where["path.id"] = asked.made("operator", "/webhooks", webhook)
        yield asked
        assert not server.log("request failed")


def _admin(server: ServerProcess) -> str:
    host, port = server.addresses["admin"]
    return f"http://{host}:{port}"


def test_what_is_answered_is_what_the_document_says(
    asked: Asked, subtests: pytest.Subtests
) -> None:
    config = schemathesis.Config.from_dict({**CONFIG, "parameters": asked.where})
    everything = schemathesis.openapi.from_url(f"{asked.url}/api/v1/openapi.json", config=config)
    operations = []
    for found in everything.get_all_operations():
        assert isinstance(found, Ok), found
        operations.append(found.ok())
    # What is there is asked about before it is removed.
    for operation in sorted(operations, key=lambda one: one.method == "delete"):
        # As its plugin for pytest does while tests are collected, which everybody would wait for.
        ask = build_operation_test(
            config=everything.config,
            operation=operation,
            test_func=asked.ask,
            given_kwargs={},
            feedback=FeedbackSources(),
        )
        with subtests.test(operation.label):
            ask()
    assert len(operations) > 70
    assert asked.requests > 1000


def refused_with_a_reason(
    _: schemathesis.CheckContext, response: schemathesis.Response, case: Case
) -> None:
    """Every refusal has a type that the document has for this operation and status."""
    status = response.status_code
    if status < 400 or response.request.method == "HEAD":
        return
    assert response.headers["content-type"] == ["application/problem+json"]
    said = response.json()
    if said["type"] == "about:blank":
        assert status in GENERIC, f"{status} needs a cause"
        return
    told = case.operation.definition.raw["responses"][str(status)]["description"]
    assert f"`{said['type']}`" in told, f"{said['type']} is not described"


def check_who(case: Case, who: str, status: int) -> None:
    """Nobody is answered who may not be."""
    least = case.operation.definition.raw["x-relay-who"]["operator's"]
    wanted = REFUSED.get((least, who))
    assert wanted is None or status in (wanted, *GENERIC)
