"""Which route answers which path, and what OPTIONS and CORS say of it."""

import pytest
from support.http_client import make_request

from relay.http.cors import ANY_ORIGIN, answer_options, listed_origin, shared_with
from relay.http.errors import HttpError
from relay.http.request import decode_path
from relay.http.response import Response
from relay.http.routing import Allowed, Match, Route, RouteTable, Who

TABLE = RouteTable(
    (
        Route(methods={"GET"}, pattern="/", handler="index", who=Who.ANYONE),
        Route(methods={"GET"}, pattern="/watch/{app}/{name}", handler="watch", who=Who.ANYONE),
        Route(methods={"GET"}, pattern="/{app}/{name}.flv", handler="flv", who=Who.ANYONE),
        Route(methods={"GET"}, pattern="/api/v1/streams", handler="list", who=Who.ANYONE),
        Route(methods={"POST"}, pattern="/api/v1/streams", handler="make", who=Who.OPERATOR),
        Route(
            methods={"DELETE"},
            pattern="/api/v1/streams/{app}/{name}/publisher",
            handler="kick",
            who=Who.OPERATOR,
        ),
        Route(methods={"GET"}, pattern="/v1/stream/{channel:path}", handler="read", who=Who.ANYONE),
    )
)


@pytest.mark.parametrize(
    ("method", "path", "handler", "params"),
    [
        ("GET", "/", "index", {}),
        ("HEAD", "/", "index", {}),
        ("GET", "/watch/live/a", "watch", {"app": "live", "name": "a"}),
        ("GET", "/live/a.flv", "flv", {"app": "live", "name": "a"}),
        ("GET", "/live/a.flv.flv", "flv", {"app": "live", "name": "a.flv"}),
        ("GET", "/live/..a.flv", "flv", {"app": "live", "name": "..a"}),
        ("GET", "/live/...flv", None, {}),
        ("GET", "/live/....flv", "flv", {"app": "live", "name": "..."}),
        ("GET", "/A-z_0.9~/" + "n" * 128 + ".flv", "flv", {"app": "A-z_0.9~", "name": "n" * 128}),
        ("GET", "/api/v1/streams", "list", {}),
        ("POST", "/api/v1/streams", "make", {}),
        ("DELETE", "/api/v1/streams/a/b/publisher", "kick", {"app": "a", "name": "b"}),
        ("GET", "/live/" + "n" * 129 + ".flv", None, {}),
        ("GET", "/live/.flv", None, {}),
        ("GET", "/live/a.flvx", None, {}),
        ("GET", "/live/aXflv", None, {}),
        ("GET", "/live/ä.flv", None, {}),
        ("GET", "/live/a b.flv", None, {}),
        ("GET", "/live/a\n.flv", None, {}),
        ("GET", "/live/a.flv\n", None, {}),
        ("GET", "/live/a.flv/", None, {}),
        ("GET", "/watch/../a", None, {}),
        ("GET", "/watch/./a", None, {}),
        ("GET", "/watch/live/..", None, {}),
        ("GET", "//a.flv", None, {}),
        ("GET", "", None, {}),
    ],
)
def test_a_path_leads_to_one_handler_or_to_404(
    method: str, path: str, handler: str | None, params: dict[str, str]
) -> None:
    if handler is None:
        with pytest.raises(HttpError) as caught:
            TABLE.match(method, path, path)
        assert caught.value.status == 404
        return
    match = TABLE.match(method, path, path)
    assert isinstance(match, Match)
    assert (match.route.handler, match.params) == (handler, params)


@pytest.mark.parametrize(
    ("raw_path", "channel"),
    [
        ("/v1/stream/a", "a"),
        ("/v1/stream/chat:live/cat", "chat:live/cat"),
        ("/v1/stream/chat%3Alive%2Fcat", "chat:live/cat"),
        ("/v1/stream/chat:live%2fcat", "chat:live/cat"),
        ("/v1/stream/a/b%2Fc/d", "a/b/c/d"),
        ("/v1/stream/%C3%A4%20b", "ä b"),
        ("/v1/stre%61m/a/b", "a/b"),
        # Decoded once.
        ("/v1/stream/a%252Fb", "a%2Fb"),
        ("/v1/stream/a/", 404),
        ("/v1/stream//a", 404),
        ("/v1/stream/a//b", 404),
        ("/v1/stream/", 404),
        ("/v1/stream", 404),
        ("/v1/stream/a%2F", 400),
        ("/v1/stream/%2Fa", 400),
        ("/v1/stream/a%2F%2Fb", 400),
        ("/v1/stream/a/%2Fb", 400),
        # What a proxy in front has taken for another address.
        ("/v1%2Fstream/a", 400),
        ("/v1/stream%2Fa", 400),
        ("/v1/stre%61m/a%2Fb", 400),
        ("/v1/x%2F..%2Fstream/a", 400),
        ("/v1/stream/..%2Fa", 400),
        ("/v1/stream/a%2F..%2F..%2Fb", 400),
        ("/v1/stream/a%5Cb", 400),
        # Everywhere else.
        ("/api/v1%2Fstreams", 400),
        ("/watch/live%2Fa", 400),
        ("/watch/live/a%2Fb", 400),
        ("/nowhere%2F", 400),
    ],
)
def test_only_a_name_that_may_hold_slashes_holds_an_escaped_one(
    raw_path: str, channel: str | int
) -> None:
    if isinstance(channel, int):
        with pytest.raises(HttpError) as caught:
            TABLE.match("GET", decode_path(raw_path), raw_path)
        assert caught.value.status == channel
        return
    match = TABLE.match("GET", decode_path(raw_path), raw_path)
    assert isinstance(match, Match)
    assert (match.route.handler, match.params) == ("read", {"channel": channel})


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("POST", "/", "GET, HEAD, OPTIONS"),
        ("DELETE", "/api/v1/streams", "GET, HEAD, OPTIONS, POST"),
        ("GET", "/api/v1/streams/a/b/publisher", "DELETE, OPTIONS"),
        ("TRACE", "/", "GET, HEAD, OPTIONS"),
    ],
)
def test_a_wrong_method_is_told_the_right_ones(method: str, path: str, allow: str) -> None:
    with pytest.raises(HttpError) as caught:
        TABLE.match(method, path, path)
    assert (caught.value.status, caught.value.headers) == (405, (("Allow", allow),))


def test_every_route_says_whom_it_answers() -> None:
    match = TABLE.match("POST", "/api/v1/streams", "")
    assert isinstance(match, Match)
    assert match.route.who is Who.OPERATOR


def test_options_tells_methods_of_everyone_and_of_anyone() -> None:
    assert TABLE.match("OPTIONS", "/api/v1/streams", "") == Allowed(
        ("GET", "HEAD", "OPTIONS", "POST"), ("GET", "HEAD")
    )
    assert TABLE.match("OPTIONS", "*", "*") == Allowed(
        ("DELETE", "GET", "HEAD", "OPTIONS", "POST"), ("GET", "HEAD")
    )
    with pytest.raises(HttpError):
        TABLE.match("OPTIONS", "/nowhere", "/nowhere")


def test_pages_of_other_sites_may_read_what_anyone_may_read() -> None:
    response = answer_options(Allowed(("GET", "HEAD", "OPTIONS", "POST"), ("GET", "HEAD", "PUT")))
    assert response.status == 204
    assert response.header("Allow") == "GET, HEAD, OPTIONS, POST"
    assert response.header("Access-Control-Allow-Origin") == "*"
    assert response.header("Access-Control-Allow-Methods") == "GET, HEAD"


def test_pages_of_other_sites_learn_nothing_of_what_operators_do() -> None:
    response = answer_options(Allowed(("DELETE", "OPTIONS"), ()))
    assert response.headers == (("Allow", "DELETE, OPTIONS"),)


LISTED = "https://www.example.org"
ORIGINS = (LISTED, "http://127.0.0.1:3000")


@pytest.mark.parametrize(
    ("origin", "is_listed"),
    [
        (LISTED, True),
        ("http://127.0.0.1:3000", True),
        ("https://www.example.org:443", False),
        ("http://www.example.org", False),
        ("https://www.example.org.evil.example", False),
        ("https://evil.example", False),
        ("https://WWW.example.org", False),
        ("null", False),
        ("*", False),
        ("", False),
        (f"{LISTED}, https://evil.example", False),
    ],
)
def test_an_origin_is_listed_letter_by_letter(origin: str, is_listed: bool) -> None:
    request = make_request("GET", "/", ("Origin", origin))
    assert listed_origin(request, ORIGINS) == (origin if is_listed else None)
    assert listed_origin(make_request(), ORIGINS) is None


def test_a_page_of_a_listed_site_may_do_everything_with_a_token() -> None:
    response = answer_options(
        Allowed(("DELETE", "GET", "HEAD", "OPTIONS"), ("GET", "HEAD")), LISTED
    )
    assert response.status == 204
    assert response.header("Access-Control-Allow-Origin") == LISTED
    assert response.header("Access-Control-Allow-Methods") == "DELETE, GET, HEAD, OPTIONS"
    fields = response.header("Access-Control-Allow-Headers")
    assert fields is not None
    assert "Authorization" in fields.split(", ")
    assert response.header("Vary") == "Origin"
    assert response.header("Access-Control-Allow-Credentials") is None


def test_a_page_of_any_other_site_may_show_no_token() -> None:
    response = answer_options(Allowed(("GET", "HEAD", "OPTIONS"), ("GET", "HEAD")))
    assert response.header("Access-Control-Allow-Headers") == "Content-Type, Range, If-None-Match"


def test_an_answer_is_shared_with_the_listed_site_that_asked() -> None:
    response = shared_with(LISTED, Response(404))
    assert response.header("Access-Control-Allow-Origin") == LISTED
    assert response.header("Vary") == "Origin"
    assert shared_with(None, Response(404)) == Response(404)


def test_what_everybody_may_read_stays_so() -> None:
    response = Response(200, ANY_ORIGIN)
    assert shared_with(LISTED, response) == response
