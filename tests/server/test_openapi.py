"""The OpenAPI document says what the routes do, no more and no less."""

import json
from pathlib import Path
from typing import Any

import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator, validate
from support.hostile import site
from support.http_client import request_bytes
from support.memory import in_virtual_time

from relay.http.described import Answered, Operation
from relay.http.errors import refused
from relay.http.every_cause import EVERY_CAUSE
from relay.http.routing import Route, Who
from relay.server.rest.openapi_document import document
from relay.server.routes import OPERATOR, PUBLIC

DOCUMENT = document(PUBLIC.routes, OPERATOR.routes, version="1")
LISTENERS = {"public": PUBLIC, "operator's": OPERATOR}
OURS = [
    (listener, route)
    for listener, table in LISTENERS.items()
    for route in table.routes
    if route.pattern.startswith("/api/v1/")
]
OF_MEDIA = {"refused-by-site", "site-silent", "no-pictures-here", "no-picture-now"}
"""Causes of routes that are not described here."""
KEYS: list[dict[str, list[str]]] = [{"apiKey": []}, {"apiKeyAsBearer": []}]
SHOWN: dict[Who, list[dict[str, list[str]]]] = {
    Who.ANYONE: [{}],
    Who.GUEST: [{"userToken": []}, *KEYS],
    Who.USER: [{"userToken": []}, *KEYS],
    Who.OPERATOR: KEYS,
}


def operations() -> list[tuple[str, str, Any]]:
    return [
        (path, method, operation)
        for path, methods in DOCUMENT["paths"].items()
        for method, operation in methods.items()
    ]


def test_the_document_is_openapi() -> None:
    validate(DOCUMENT, cls=OpenAPIV31SpecValidator)
    assert DOCUMENT["openapi"].startswith("3.1")


def test_there_is_a_route_to_describe() -> None:
    assert len(OURS) >= 6


@pytest.mark.parametrize(
    ("listener", "route"), OURS, ids=lambda value: getattr(value, "pattern", value)
)
def test_every_route_of_ours_is_described_with_whom_it_answers(
    listener: str, route: Route[Any]
) -> None:
    assert route.about is not None, f"{route.pattern} needs a description (`about`)"
    for method in route.methods:
        operation = DOCUMENT["paths"][route.pattern][method.lower()]
        assert operation["x-relay-who"][listener] == route.who.value
        assert all(way in operation["security"] for way in SHOWN[route.who])


def test_nothing_is_described_that_does_not_exist() -> None:
    for path, method, operation in operations():
        found = {
            listener
            for listener, table in LISTENERS.items()
            for route in table.routes
            if route.pattern == path and method.upper() in route.methods
        }
        assert found == set(operation["x-relay-who"])


def test_an_operators_route_asks_for_a_key_and_nothing_else() -> None:
    operation = DOCUMENT["paths"]["/api/v1/streams/{app}/{name}/publisher"]["delete"]
    assert operation["security"] == KEYS
    assert operation["x-relay-who"] == {"operator's": "operator"}


def test_two_answers_of_one_path_are_one_operation() -> None:
    operation = DOCUMENT["paths"]["/api/v1/streams"]["get"]
    assert operation["x-relay-who"] == {"public": "anyone", "operator's": "operator"}
    assert operation["security"] == [{}, *KEYS]
    schemas = operation["responses"]["200"]["content"]["application/json"]["schema"]["anyOf"]
    shown = [set(s["properties"]["streams"]["items"]["required"]) for s in schemas]
    assert "publisher" in shown[1] - shown[0]


def test_what_one_may_do_so_often_says_in_every_answer_how_often() -> None:
    bounded = [op for _, _, op in operations() if "429" in op["responses"]]
    assert len(bounded) >= 10
    for operation in bounded:
        told = {status for status, it in operation["responses"].items() if "headers" in it}
        assert told >= {status for status in operation["responses"] if status[0] == "2"} | {"429"}


def test_a_route_that_nobody_describes_is_left_out() -> None:
    about = Operation(name="x", summary="x", tag="x", answers={200: Answered("x")})
    bare: Route[Any] = Route(methods={"GET"}, pattern="/a", handler=None, who=Who.ANYONE)
    told: Route[Any] = Route(
        methods={"GET", "POST"}, pattern="/b/{c}", handler=None, who=Who.USER, about=about
    )
    paths = document([bare, told], [], version="1")["paths"]
    assert set(paths) == {"/b/{c}"}
    assert set(paths["/b/{c}"]) == {"get", "post"}
    assert paths["/b/{c}"]["get"]["parameters"][0]["name"] == "c"


def test_every_refusal_that_is_described_has_a_cause_that_is_explained() -> None:
    told = [
        line.partition("`")[2].partition("`")[0].removeprefix("/problems/")
        for _, _, operation in operations()
        for response in operation["responses"].values()
        for line in response.get("description", "").splitlines()
        if line.startswith("- ")
    ]
    assert set(told) == set(EVERY_CAUSE) - OF_MEDIA


@in_virtual_time
async def test_it_is_on_both_listeners_for_anybody(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        answers = [
            await (await here.connect(door)).ask(request_bytes("GET", "/api/v1/openapi.json"))
            for door in ("http", "admin")
        ]
        assert [answer.status for answer in answers] == [200, 200]
        assert answers[0].body == answers[1].body
        assert json.loads(answers[0].body)["paths"] == json.loads(json.dumps(DOCUMENT["paths"]))
        assert answers[0].headers["access-control-allow-origin"] == "*"
        known = ("If-None-Match", answers[0].headers["etag"])
        again = await (await here.connect()).ask(
            request_bytes("GET", "/api/v1/openapi.json", known)
        )
        assert again.status == 304


@in_virtual_time
async def test_the_type_of_a_problem_is_a_page_that_explains_it(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        peer = await here.connect()
        for cause in EVERY_CAUSE.values():
            answer = await peer.ask(request_bytes("GET", cause.type))
            assert answer.status == 200
            assert cause.meaning in answer.body.decode()
        assert (await peer.ask(request_bytes("GET", "/problems/nothing"))).status == 404


@pytest.mark.parametrize("cause", EVERY_CAUSE.values(), ids=EVERY_CAUSE)
def test_a_refusal_says_its_cause(cause: Any) -> None:
    response = refused(cause, "this time").response()
    said = json.loads(response.body)
    assert response.status == said["status"] == cause.status
    assert (said["type"], said["title"]) == (cause.type, cause.title)
    OAS31Validator(DOCUMENT["components"]["schemas"]["Problem"]).validate(said)


@in_virtual_time
async def test_what_is_answered_is_what_the_schemas_say(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        await here.publish("cat")
        peer = await here.connect()
        for path in ("/api/v1/streams", "/api/v1/streams/{app}/{name}"):
            target = path.replace("{app}/{name}", "live/cat")
            answer = await peer.ask(request_bytes("GET", target))
            response = DOCUMENT["paths"][path]["get"]["responses"]["200"]
            schema = response["content"]["application/json"]["schema"]
            OAS31Validator(schema).validate(json.loads(answer.body))
