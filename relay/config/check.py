"""What types cannot say: ranges, addresses, networks, and settings that need each other."""

import ipaddress
import math
import re
from collections.abc import Callable, Iterator

from relay.config.address import is_loopback, parse_address
from relay.config.schema import Config
from relay.config.store_url import store_kind
from relay.config.strict import Problem, nearest
from relay.config.tree import SETTINGS, value_at
from relay.errors import ConfigError

PUBLISH_MODES = ("key", "open")

ROOM_NAMESPACES = ("chat", "group", "direct")

MAY_BE_ZERO = frozenset(
    {
        "media.hold_s",
        "media.rewind_s",
        "limits.drain_s",
        "notify.stable_s",
        "notify.grace_s",
        "recording.keep_s",
        "recording.keep_bytes",
        "recording.free_bytes",
    }
)
"""Times for which "not at all" is a sensible wish; elsewhere 0 would refuse everybody."""

LONGEST_LEASE_S = 864_000
"""Who is subscribed and does not say so any more is not sent anything for ever (WebSub, 8.2)."""

# A source with a blank, a comma or a semicolon in it would become another directive, or another
# policy, in the header (CSP3, 2.2).
_CSP_SOURCE = re.compile(r"[!-+\--:<-~]+")

# As browsers write it (RFC 6454, 6.2); what is compared letter by letter must not differ in one.
_ORIGIN = re.compile(r"https?://(?:[a-z0-9._-]+|\[[0-9a-f:]+\])(?::[0-9]{1,5})?")

_STREAMS = re.compile(r"[A-Za-z0-9_.~-]{1,128}/(?:\*|[A-Za-z0-9_.~-]{1,128})")

_NAMESPACE = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9_.~-]{1,128}")

# What may stand in `sub` of a VAPID token (RFC 8292, 2.1).
_CONTACT = re.compile(r"(?:mailto:[^@\s]+@[^@\s]+|https://[^\s]+)")


def check(config: Config) -> list[Problem]:
    """Everything that is wrong with a configuration whose types are right."""
    return [problem for rule in _RULES for problem in rule(config)]


def _numbers(config: Config) -> Iterator[Problem]:
    for path, kind in SETTINGS.items():
        if kind not in (int, float):
            continue
        value = value_at(config, path)
        if path in MAY_BE_ZERO and value == 0:
            continue
        if not math.isfinite(value) or value <= 0:
            least = "0 or more" if path in MAY_BE_ZERO else "more than 0"
            yield Problem(path, f"`{path}` must be {least}, and finite, not {value}")


def _addresses(config: Config) -> Iterator[Problem]:
    for path in ("rtmp.listen", "http.listen", "http.admin"):
        yield from _address(path, value_at(config, path))
    for path in ("rtmp.tls_listen", "http.tls_listen"):
        if text := value_at(config, path):
            yield from _address(path, text)


def _address(path: str, text: str) -> Iterator[Problem]:
    try:
        parse_address(text)
    except ConfigError as error:
        yield Problem(path, f"`{path}`: {error}")


def _networks(config: Config) -> Iterator[Problem]:
    for path in ("http.trusted_proxies", "outbound.allow"):
        for text in value_at(config, path):
            try:
                ipaddress.ip_network(text)
            except ValueError as error:
                yield Problem(path, f"`{path}`: {error}; write 10.0.0.0/8, fd00::/8 or one address")


def _frames(config: Config) -> Iterator[Problem]:
    for source in config.http.frame_ancestors:
        if not _CSP_SOURCE.fullmatch(source):
            yield Problem(
                "http.frame_ancestors",
                f"`http.frame_ancestors`: `{source}` is no CSP source such as `'self'`, "
                "`'none'` or `https://example.org`",
            )


def _origins(config: Config) -> Iterator[Problem]:
    for origin in config.http.allowed_origins:
        if not _ORIGIN.fullmatch(origin):
            yield Problem(
                "http.allowed_origins",
                f"`http.allowed_origins`: `{origin}` is no origin; write https://HOST or "
                "https://HOST:PORT, in small letters and without a path",
            )


def _rooms(config: Config) -> Iterator[Problem]:
    """Whoever was told that a message was sent must find it there tomorrow."""
    for namespace in config.channels.namespaces:
        if namespace.name in ROOM_NAMESPACES and not namespace.durable:
            yield Problem(
                "channels.namespaces",
                f"`channels.namespaces`: rooms, such as those of `{namespace.name}`, need "
                "`durable = true`",
            )


def _public_url(config: Config) -> Iterator[Problem]:
    url = config.http.public_url
    if url and not _ORIGIN.fullmatch(url):
        yield Problem(
            "http.public_url",
            f"`http.public_url`: write https://HOST or https://HOST:PORT, not `{url}`",
        )


def _lease(config: Config) -> Iterator[Problem]:
    lease_s = config.websub.lease_s
    if lease_s > LONGEST_LEASE_S or 0 < lease_s < 1:
        yield Problem("websub.lease_s", "`websub.lease_s` is from a second to ten days (864000)")


def _store(config: Config) -> Iterator[Problem]:
    try:
        store_kind(config.store.url)
    except ConfigError as error:
        yield Problem("store.url", f"`store.url`: {error}")


def _callbacks(config: Config) -> Iterator[Problem]:
    for path in ("on_publish", "on_play"):
        callback = value_at(config, path)
        if callback.url and not callback.url.startswith(("https://", "http://")):
            yield Problem(f"{path}.url", f"`{path}.url` must begin with https://")
        for text in callback.streams:
            if not _STREAMS.fullmatch(text):
                yield Problem(
                    f"{path}.streams",
                    f"`{path}.streams`: `{text}` is neither APP/NAME nor APP/*",
                )


def _recording(config: Config) -> Iterator[Problem]:
    path = "recording.rules"
    for rule in config.recording.rules:
        if not rule.streams:
            yield Problem(path, f"`{path}`: a rule names the `streams` that it is for")
        for text in rule.streams:
            if not _STREAMS.fullmatch(text):
                yield Problem(path, f"`{path}`: `{text}` is neither APP/NAME nor APP/*")
        if not 0 <= rule.keep_s < math.inf or rule.keep_bytes < 0:
            yield Problem(path, f"`{path}`: `keep_s` and `keep_bytes` are 0 or more")


def _contact(config: Config) -> Iterator[Problem]:
    contact = config.push.contact
    if contact and not _CONTACT.fullmatch(contact):
        yield Problem(
            "push.contact", f"`push.contact`: `{contact}` is neither mailto:... nor https://..."
        )


def _schemas(config: Config) -> Iterator[Problem]:
    path, names = "settings.schemas", [each.namespace for each in config.settings.schemas]
    for each in config.settings.schemas:
        name = each.namespace
        if not _NAMESPACE.fullmatch(name):
            yield Problem(path, f"`{path}`: `{name}` cannot be the name of a namespace")
        if bool(each.file) == bool(each.inline):
            yield Problem(path, f"`{path}`: `{name}` needs a schema, in a `file` or `inline`")
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield Problem(path, f"`{path}`: `{name}` has one schema, and not several")


def _tls(config: Config) -> Iterator[Problem]:
    given = {name: getattr(config.tls, name) for name in ("certificate", "key")}
    for path in ("rtmp.tls_listen", "http.tls_listen"):
        if value_at(config, path) and not any(given.values()):
            yield Problem(path, f"`{path}` needs `tls.certificate` and `tls.key`")
    for name, other in (("certificate", "key"), ("key", "certificate")):
        if given[name] and not given[other]:
            yield Problem(f"tls.{name}", f"`tls.{name}` needs `tls.{other}`")


def _publish(config: Config) -> Iterator[Problem]:
    mode = config.auth.publish
    if mode not in PUBLISH_MODES:
        near = nearest(mode, PUBLISH_MODES)
        hint = f'; did you mean "{near}"?' if near else ""
        yield Problem("auth.publish", f'`auth.publish` must be "key" or "open", not "{mode}"{hint}')


def _laboratory(config: Config) -> Iterator[Problem]:
    """Open publishing on a public address is how such servers end up carrying strangers' video."""
    if config.auth.publish != "open" or config.auth.yes_open:
        return
    for path in ("rtmp.listen", "rtmp.tls_listen", "http.listen", "http.tls_listen"):
        text = value_at(config, path)
        if text and _reached_from_outside(text):
            yield Problem(
                path,
                f"`{path}` is `{text}`, which other machines reach, while `auth.publish` is "
                '"open": anyone could publish; listen on 127.0.0.1:PORT, '
                "or insist with --yes-open (`auth.yes_open = true`)",
            )


def _reached_from_outside(text: str) -> bool:
    try:
        host, _ = parse_address(text)
    except ConfigError:
        return False  # `_addresses` has said so
    return not is_loopback(host)


_RULES: tuple[Callable[[Config], Iterator[Problem]], ...] = (
    _numbers,
    _addresses,
    _networks,
    _frames,
    _origins,
    _rooms,
    _public_url,
    _lease,
    _store,
    _callbacks,
    _recording,
    _contact,
    _schemas,
    _tls,
    _publish,
    _laboratory,
)
