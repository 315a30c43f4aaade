"""One OpenAPI 3.1 document of what stands beside the routes.

It is made of the tables that requests are answered by, so it cannot speak of a route that is not
there.  A path that answers on both listeners, to different callers, is one operation with the union
of what they say.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from relay.http.causes import NOT_ALLOWED, TOKEN_EXPIRED, TOKEN_INVALID, TOKEN_NEEDED, Cause
from relay.http.described import Answered, Operation, Schema, record, text, whole
from relay.http.errors import STATUS_TITLES
from relay.http.routing import Route, Who, parameters_of, pattern_of

VERSION = "3.1.0"

USER, KEY, KEY_AS_BEARER = "userToken", "apiKey", "apiKeyAsBearer"
_OPERATORS: tuple[dict[str, list[str]], ...] = ({KEY: []}, {KEY_AS_BEARER: []})
SECURITY: dict[Who, tuple[dict[str, list[str]], ...]] = {
    Who.ANYONE: ({},),
    Who.GUEST: ({USER: []}, *_OPERATORS),
    Who.USER: ({USER: []}, *_OPERATORS),
    Who.OPERATOR: _OPERATORS,
}
"""What a caller must show, by whom a route answers: any one of these."""

_SCHEMES = {
    USER: {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A user's token, or a guest's (`POST /api/v1/guests`).",
    },
    KEY: {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-Key",
        "description": "Made by `relay key create NAME --api`; acts as the operator.",
    },
    KEY_AS_BEARER: {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "rk_",
        "description": "The same key in the other header.",
    },
}

PROBLEM = record(
    {
        "type": text("Why, for programs: a path that explains it, or `about:blank`"),
        "title": text("The same for people"),
        "status": whole("As in the status line"),
        "detail": text("What was wrong this time"),
    },
    "detail",
)


def document(
    public: Sequence[Route[Any]], operators: Sequence[Route[Any]], *, version: str
) -> dict[str, Any]:
    """The document of two listeners' routes; those that nobody has described are left out."""
    paths: dict[str, dict[str, Any]] = {}
    for listener, routes in (("public", public), ("operator's", operators)):
        for route in routes:
            if route.about is not None:
                _add(paths.setdefault(route.pattern, {}), route, route.about, listener)
    return {
        "openapi": VERSION,
        "info": {
            "title": "Relay",
            "version": version,
            "summary": "The live back end of a streaming site",
            "description": "What the operator alone may do answers on the operator's listener; "
            "everything else answers on both.  Refusals are problem documents (RFC 9457).",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "paths": paths,
        "components": {
            "securitySchemes": _SCHEMES,
            "schemas": {"Problem": PROBLEM},
            "responses": {"Problem": _PROBLEM_RESPONSE},
            "headers": _LIMITS,
        },
    }


_PROBLEM_RESPONSE = {
    "description": "A refusal",
    "content": {
        "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}},
    },
}


_LIMITS: dict[str, Any] = {
    "RateLimit": {
        "description": "How many are left (`r`), and in how many seconds there will be all of "
        "them (`t`), where the caller is bounded at all",
        "schema": {"type": "string"},
        "example": '"chat";r=29;t=10',
    },
    "RateLimit-Policy": {
        "description": "How many there are (`q`) in how many seconds (`w`): "
        "draft-ietf-httpapi-ratelimit-headers",
        "schema": {"type": "string"},
        "example": '"chat";q=30;w=10',
    },
}
_LIMITS_TOLD = {name: {"$ref": f"#/components/headers/{name}"} for name in _LIMITS}


def _add(path: dict[str, Any], route: Route[Any], about: Operation, listener: str) -> None:
    for method in sorted(method.lower() for method in route.methods):
        known = path.get(method)
        if known is None:
            path[method] = _operation(route, about, listener)
        else:
            _merge(known, _operation(route, about, listener))


def _operation(route: Route[Any], about: Operation, listener: str) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": about.name,
        "summary": about.summary,
        "tags": [about.tag],
        "security": [*SECURITY[route.who]],
        "x-relay-who": {listener: route.who.value},
        "parameters": [*_parameters(route, about)],
        "responses": _responses(about, route),
    }
    if content := _bodies(about):
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _bodies(about: Operation) -> dict[str, Any]:
    plain = {} if about.body is None else _json(about.body)
    return plain | {kind: {"schema": schema} for kind, schema in about.bodies.items()}


def _parameters(route: Route[Any], about: Operation) -> Iterable[dict[str, Any]]:
    for name in parameters_of(route.pattern):
        looks = {"type": "string", "pattern": pattern_of(name)}
        yield {"name": name, "in": "path", "required": True, "schema": looks}
    for name, schema in about.query.items():
        yield {"name": name, "in": "query", "schema": schema}


def _responses(about: Operation, route: Route[Any]) -> dict[str, Any]:
    responses = {str(status): _answer(answer) for status, answer in about.answers.items()}
    causes = (*about.fails, *_refusals(route))
    for code in sorted({cause.status for cause in causes}):
        responses[str(code)] = _refusal(code, [cause for cause in causes if cause.status == code])
    if "429" in responses:
        for status in (*map(str, about.answers), "429"):
            responses[status] = responses[status] | {"headers": _LIMITS_TOLD}
    return responses | {"default": {"$ref": "#/components/responses/Problem"}}


def _refusals(route: Route[Any]) -> tuple[Cause, ...]:
    """A wrong token is one everywhere; asking without is a fault only where one is needed, which
    the rules of a room may say as well.
    """
    wrong = (TOKEN_EXPIRED, TOKEN_INVALID)
    is_for_anyone = route.who is Who.ANYONE and "{room}" not in route.pattern
    return wrong if is_for_anyone else (TOKEN_NEEDED, *wrong, NOT_ALLOWED)


def _answer(answer: Answered) -> dict[str, Any]:
    said: dict[str, Any] = {"description": answer.meaning}
    return said if answer.schema is None else said | {"content": _json(answer.schema)}


def _refusal(status: int, causes: list[Cause]) -> dict[str, Any]:
    lines = [STATUS_TITLES[status], "", *(f"- `{cause.type}`: {cause.title}" for cause in causes)]
    return {**_PROBLEM_RESPONSE, "description": "\n".join(lines)}


def _json(schema: Schema) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _merge(known: dict[str, Any], other: dict[str, Any]) -> None:
    """One operation of two listeners: each may ask for something else, and answer more."""
    known["x-relay-who"] |= other["x-relay-who"]
    known["security"] += [way for way in other["security"] if way not in known["security"]]
    for status, response in other["responses"].items():
        mine = known["responses"].setdefault(status, response)
        if mine != response and "content" in response and "content" in mine:
            known["responses"][status] = _either(mine, response)


def _either(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    schemas = [
        media["schema"] for response in (one, other) for media in response["content"].values()
    ]
    if schemas[0] == schemas[1]:
        # The listener that refuses more says more about it.
        return max(one, other, key=lambda response: len(response["description"]))
    description = f"{one['description']}; or, to the operator: {other['description']}"
    media_type = next(iter(one["content"]))
    return {"description": description, "content": {media_type: {"schema": {"anyOf": schemas}}}}
