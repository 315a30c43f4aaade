"""Which handler answers which path, and who may ask it.

A table of routes, tried in order.  Each says beside its path whom it answers, so that no handler
is reachable before somebody has decided that.
"""

import enum
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Generic, TypeVar
from urllib.parse import unquote

import attrs

from relay.http.described import Operation
from relay.http.errors import HttpError

H = TypeVar("H")
"""A handler; this module never calls it."""


class Who(enum.Enum):
    """Whom a route answers.  Each of them includes those after it."""

    ANYONE = "anyone"
    GUEST = "guest"
    USER = "user"
    OPERATOR = "operator"


def _frozen(methods: Iterable[str]) -> frozenset[str]:
    return frozenset(methods)


@attrs.frozen(kw_only=True)
class Route(Generic[H]):
    """One path and the methods that one handler answers there.

    `pattern` is literal except for names in braces, as in `/{app}/{name}.flv`.  A last name may be
    `{channel:path}`, which holds slashes too, raw and escaped.  GET brings HEAD.
    """

    methods: frozenset[str] = attrs.field(converter=_frozen)
    pattern: str
    handler: H
    who: Who
    about: Operation | None = None
    """For the programs that use it; every route of `/api/v1` has one."""


@attrs.frozen
class Match(Generic[H]):
    """The route for a request, and the names that its path gave."""

    route: Route[H]
    params: dict[str, str]


@attrs.frozen
class Allowed:
    """The answer to OPTIONS: the methods of a path, sorted."""

    methods: tuple[str, ...]
    anyone: tuple[str, ...]
    """Those that answer anyone, and so pages of other sites (see `cors`)."""


class RouteTable(Generic[H]):
    """All routes of a listener; where two fit a request, the first is taken."""

    def __init__(self, routes: Sequence[Route[H]]) -> None:
        self.routes = tuple(routes)
        patterns = [(_compile(route.pattern), route) for route in routes]
        self._of_any_depth = [it for it in patterns if _MAY_BE_DEEP.search(it[1].pattern)]
        self._by_depth = {
            depth: [it for it in patterns if it in self._of_any_depth or depth == _depth(it[1])]
            for depth in {_depth(route) for route in routes}
        }
        """A request fits few of a hundred routes, and players ask thousands of times a second."""

    def match(self, method: str, path: str, raw_path: str) -> Match[H] | Allowed:
        """The route for a method and a path, decoded and as it came.

        Raises:
            HttpError: 400, 404, or 405 with Allow.
        """
        found = self._fitting(path, raw_path)
        for route, params in found:
            if method in _with_head(route.methods):
                return Match(route, params)
        allowed = _allowed([route for route, _ in found])
        if method == "OPTIONS":
            return allowed
        raise HttpError(405, headers=(("Allow", ", ".join(allowed.methods)),))

    def _fitting(self, path: str, raw_path: str) -> list[tuple[Route[H], dict[str, str]]]:
        if path == "*":
            return [(route, {}) for route in self.routes]
        escaped = _ESCAPED_SLASH.search(raw_path)
        found = [
            (route, match.groupdict())
            for pattern, route in self._by_depth.get(path.count("/"), self._of_any_depth)
            if (match := pattern.fullmatch(path))
            and not _DOT_SEGMENTS & {*match.groups()}
            and (escaped is None or _may_hold_slashes(route.pattern, raw_path, match.groupdict()))
        ]
        if not found and escaped:
            raise HttpError(400, "the path has an escape that is not allowed")
        if not found:
            raise HttpError(404)
        return found


_NAME = "[A-Za-z0-9_.~-]{1,128}"
"""What an application or a stream may be called: nothing that an address would have to escape."""
_NEVER = r"\x00-\x1f\x7f\\"
"""What `decode_path` lets nobody write into a path; it is said here for who reads the patterns."""
_SEGMENT = f"[^/{_NEVER}]"
_OTHERS = {
    "user": rf"{_SEGMENT}{{1,255}}",
    "room": rf"chat:{_SEGMENT}+/{_SEGMENT}+|(?!chat:)[^/:{_NEVER}]+:{_SEGMENT}+",
    "reaction": rf"{_SEGMENT}{{1,64}}",
}
"""By parameter, what may be called otherwise: a user's id is whatever a site's tokens say, and a
room has a slash in its name where it is a stream's, and nowhere else.
"""
_PATH = "[^/]+(?:/[^/]+)*"
"""A name with slashes.  Empty segments are none: proxies make one slash of two."""
_DOT_SEGMENTS = {".", ".."}
_PARAMETER = re.compile(r"\{(\w+(?::path)?)\}")
_ESCAPED_SLASH = re.compile("%2f", re.IGNORECASE)


_MAY_BE_DEEP = re.compile(r"\{(?:\w+:path|room)\}")
"""Parameters that may hold slashes."""


def _depth(route: Route[H]) -> int:
    return route.pattern.count("/")


def _compile(pattern: str) -> re.Pattern[str]:
    pieces = _PARAMETER.split(pattern)
    literals = [re.escape(piece) for piece in pieces[::2]]
    names = [_group(*parameter.split(":")) for parameter in pieces[1::2]]
    return re.compile("".join(a + b for a, b in zip(literals, [*names, ""], strict=True)))


def _group(name: str, kind: str = "") -> str:
    return f"(?P<{name}>{_PATH if kind else _OTHERS.get(name, _NAME)})"


def _may_hold_slashes(pattern: str, raw_path: str, params: Mapping[str, str]) -> bool:
    """Whether every escaped slash of the path stands in a name that may hold slashes.

    What stands before that name is compared as it came: `/v1%2Fstream` must not be `/v1/stream`
    here while it is something else for the proxy in front, which guards addresses.
    """
    literal, _, first = pattern.partition("{")
    if not raw_path.startswith(literal):
        return False
    if first.endswith(":path}"):
        return True
    # A room's name is one segment when its slash is escaped.
    name, _, rest = raw_path.removeprefix(literal).partition("/")
    is_whole = first.startswith("room}") and unquote(name) == params["room"]
    return is_whole and not _ESCAPED_SLASH.search(rest)


def parameters_of(pattern: str) -> list[str]:
    """The names in a pattern."""
    return [parameter.partition(":")[0] for parameter in _PARAMETER.findall(pattern)]


def pattern_of(name: str) -> str:
    """What the value of a parameter looks like, as a regular expression."""
    return f"^(?:{_OTHERS.get(name, _NAME)})$"


def _with_head(methods: frozenset[str]) -> frozenset[str]:
    return methods | {"HEAD"} if "GET" in methods else methods


def _allowed(routes: Sequence[Route[H]]) -> Allowed:
    everyone = [route for route in routes if route.who is Who.ANYONE]
    return Allowed(_methods(routes, {"OPTIONS"}), _methods(everyone, set()))


def _methods(routes: Sequence[Route[H]], more: set[str]) -> tuple[str, ...]:
    return tuple(sorted(more.union(*(_with_head(route.methods) for route in routes))))
