"""What to view: a URL, taken apart."""

from urllib.parse import urlsplit

import attrs

from relay.errors import ConfigError

PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443, "rtmp": 1935}
TLS = frozenset({"https", "wss"})

_EXAMPLE = "http(s) or ws(s)://HOST/PATH, or rtmp://HOST/APP/NAME"


@attrs.frozen
class Target:
    """One stream of one server."""

    scheme: str
    host: str
    port: int
    path: str
    """With the query, and the slash in front."""

    @classmethod
    def parse(cls, text: str) -> "Target":
        """Take a URL apart.

        Raises:
            ConfigError: it is none that can be viewed.
        """
        try:
            url = urlsplit(text)
            port = url.port
        except ValueError:
            raise _no_url() from None
        if url.scheme not in PORTS or not url.hostname or len(url.path) < 2:
            raise _no_url()
        query = f"?{url.query}" if url.query else ""
        return cls(url.scheme, url.hostname, port or PORTS[url.scheme], url.path + query)

    @property
    def authority(self) -> str:
        """`HOST:PORT`, as `Host` and `tcUrl` want it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def app_and_name(self) -> tuple[str, str]:
        """How RTMP says the path: the last segment is the stream.

        Raises:
            ConfigError: it has only one segment.
        """
        path, mark, query = self.path.partition("?")
        app, _, name = path.strip("/").rpartition("/")
        if not (app and name):
            raise _no_url()
        return app, name + mark + query


def _no_url() -> ConfigError:
    return ConfigError(f"a viewer needs a URL like {_EXAMPLE}")
