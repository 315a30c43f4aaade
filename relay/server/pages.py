"""Our own pages, and the scripts, styles and icons they load."""

from functools import cache
from importlib.resources import files

from relay.config.address import parse_address
from relay.http.conditional import etag_of, if_none_match
from relay.http.errors import HttpError
from relay.http.response import Response, html, static
from relay.server.exchange import Exchange

_TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
_RTMP_PORT = b'data-port="1935"'
_PICTURES = b'data-pictures="none"'


def home(exchange: Exchange) -> Response:
    """`/`: what is live now, and for who wants to be: where encoders connect."""
    services = exchange.services
    _, port = parse_address(services.config.rtmp.listen)
    page = _file("index.html").replace(_RTMP_PORT, b'data-port="%d"' % port)
    if services.pictures.are_possible:
        page = page.replace(_PICTURES, b'data-pictures="made"')
    return html(page)


def watch(exchange: Exchange) -> Response:
    """`/watch/APP/NAME`: the player; it reads what to play from its own address."""
    return html(_file("watch.html"))


def recording(exchange: Exchange) -> Response:
    """`/recordings/ID`: what was recorded, on a page that reads which from its own address."""
    return html(_file("recording.html"))


def recordings(exchange: Exchange) -> Response:
    """`/recordings`: what there is, of one stream with `?stream=APP/NAME`."""
    return html(_file("recordings.html"))


def embed(exchange: Exchange) -> Response:
    """`/embed/APP/NAME`: the player alone, for frames on sites that the operator lists."""
    ancestors = exchange.services.config.http.frame_ancestors
    return html(_file("embed.html"), frame_ancestors=ancestors)


def service_worker(exchange: Exchange) -> Response:
    """`/sw.js`: it stands at the root because its place says what it may serve (Service Workers,
    "path restriction"); it loads nothing.
    """
    data = _file("sw.js")
    policy = ("Content-Security-Policy", "default-src 'none'")
    response = static(data, _TYPES["js"], etag_of(data)).with_headers(policy)
    return if_none_match(exchange.request, response)


def asset(exchange: Exchange) -> Response:
    """`/static/FILE`."""
    name = exchange.params["name"]
    content_type = _TYPES.get(name.rpartition(".")[2])
    if content_type is None or name not in _names():
        raise HttpError(404)
    data = _file(name)
    return if_none_match(exchange.request, static(data, content_type, etag_of(data)))


@cache
def _names() -> frozenset[str]:
    return frozenset(entry.name for entry in files("relay.static").iterdir())


@cache
def _file(name: str) -> bytes:
    return files("relay.static").joinpath(name).read_bytes()
