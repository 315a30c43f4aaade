"""What answers say beside their body."""

import json

import h11
import pytest
from support.http_client import make_request

from relay.errors import ConfigError
from relay.http.conditional import etag_of, if_none_match
from relay.http.errors import STATUS_TITLES, HttpError
from relay.http.response import (
    Response,
    content_security_policy,
    html,
    json_response,
    problem,
    static,
    text,
)
from relay.http.response_head import final_head, media_head


def test_every_answer_has_a_length_and_the_baseline() -> None:
    for response in (json_response([]), text("ä"), html(b"x"), static(b"", "text/css", '"1"')):
        fields = dict(response.fields)
        assert len(fields) == len(response.fields)
        assert fields["Content-Length"] == str(len(response.body))
        assert fields["X-Content-Type-Options"] == "nosniff"
        assert fields["Referrer-Policy"] == "no-referrer"
        assert fields["Cross-Origin-Resource-Policy"] == "same-origin"


def test_an_own_header_replaces_the_baseline_in_any_case() -> None:
    response = text("x").with_headers(("cross-origin-resource-policy", "cross-origin"))
    values = [value for name, value in response.fields if name.lower().startswith("cross-")]
    assert values == ["cross-origin"]


def test_json_is_compact_utf_8_and_not_kept() -> None:
    response = json_response({"name": "ä", "n": [1]}, 201)
    assert response.body == '{"name":"ä","n":[1]}\n'.encode()
    assert (response.status, response.header("Cache-Control")) == (201, "no-store")


def test_a_problem_document_has_the_members_of_rfc_9457() -> None:
    response = problem(409, "Conflict", "taken", app="live")
    assert response.header("Content-Type") == "application/problem+json"
    assert json.loads(response.body) == {
        "type": "about:blank",
        "title": "Conflict",
        "status": 409,
        "detail": "taken",
        "app": "live",
    }


def test_an_http_error_is_a_problem_with_its_headers() -> None:
    error = HttpError(503, "the server is full", headers=[("Retry-After", "5")])
    response = error.response()
    assert (response.status, response.header("retry-after")) == (503, "5")
    assert json.loads(response.body)["title"] == "Service Unavailable"
    assert str(error) == "503 Service Unavailable: the server is full"


@pytest.mark.parametrize("status", sorted(STATUS_TITLES))
def test_every_status_with_a_name_can_be_sent(status: int) -> None:
    if status >= 200:
        assert final_head(status, ()).startswith(f"HTTP/1.1 {status} ".encode())


def test_pages_load_only_our_own_things() -> None:
    assert content_security_policy(("'self'", "https://site.example:*")) == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
        "media-src 'self' blob:; connect-src 'self' ws: wss:; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'self' https://site.example:*"
    )
    assert content_security_policy(()).endswith("frame-ancestors 'none'")


@pytest.mark.parametrize("source", ["", "a b", "a;script-src *", "a,b", "a\r\nX: y", "ä"])
def test_a_frame_ancestor_cannot_change_the_policy(source: str) -> None:
    with pytest.raises(ConfigError):
        content_security_policy((source,))


@pytest.mark.parametrize(
    ("ancestors", "policy"),
    [(("'none'",), "same-origin"), (("'self'",), "same-origin"), (("*",), "cross-origin")],
)
def test_a_page_that_others_may_frame_loads_there(ancestors: tuple[str, ...], policy: str) -> None:
    page = html(b"", frame_ancestors=ancestors)
    assert dict(page.fields)["Cross-Origin-Resource-Policy"] == policy


def test_a_media_response_ends_with_its_connection() -> None:
    client = h11.Connection(h11.CLIENT)
    client.send(h11.Request(method="GET", target="/", headers=[("Host", "a")]))
    client.send(h11.EndOfMessage())
    client.receive_data(media_head("video/x-flv", extra=[("X-Extra", "1")]) + b"FLV")
    response = client.next_event()
    assert isinstance(response, h11.Response)
    headers = dict(response.headers)
    assert (response.status_code, headers[b"content-type"]) == (200, b"video/x-flv")
    assert headers[b"connection"] == b"close"
    assert headers[b"access-control-allow-origin"] == b"*"
    assert headers[b"x-extra"] == b"1"
    assert not {b"content-length", b"transfer-encoding"} & headers.keys()
    data = client.next_event()
    assert isinstance(data, h11.Data)
    assert data.data == b"FLV"
    client.receive_data(b"")
    assert isinstance(client.next_event(), h11.EndOfMessage)


def test_a_media_head_cannot_carry_a_second_line() -> None:
    with pytest.raises(h11.LocalProtocolError):
        media_head("video/x-flv\r\nX: y")


FILE = static(b"body", "text/css", '"tag"')


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        ('"tag"', 304),
        ('W/"tag"', 304),
        ('"a", "tag" , "b"', 304),
        ('"a","tag"', 304),
        ("*", 304),
        ('"other"', 200),
        ("tag", 200),
        ('"tag', 200),
        ("", 200),
        ('"a,"tag"b"', 200),
    ],
)
def test_a_client_is_told_that_it_has_the_file(condition: str, status: int) -> None:
    for method in ("GET", "HEAD"):
        request = make_request(method, "/a.css", ("If-None-Match", condition))
        answer = if_none_match(request, FILE)
        assert answer.status == status
        assert answer.header("ETag") == '"tag"'
        assert answer.body == (b"" if status == 304 else b"body")


def test_only_reads_of_what_is_there_are_conditional() -> None:
    condition = ("If-None-Match", "*")
    assert if_none_match(make_request("GET", "/"), FILE) is FILE
    assert if_none_match(make_request("POST", "/", condition), FILE) is FILE
    missing = Response(404, (("ETag", '"tag"'),))
    assert if_none_match(make_request("GET", "/", condition), missing) is missing
    untagged = text("x")
    assert if_none_match(make_request("GET", "/", condition), untagged) is untagged


def test_an_entity_tag_changes_with_every_byte() -> None:
    assert etag_of(b"a") == etag_of(b"a")
    assert etag_of(b"a") != etag_of(b"b")
    assert etag_of(b"")[0] == etag_of(b"")[-1] == '"'
