"""Settings from the environment: `RELAY_` and the path in capitals, as `RELAY_LIMITS_LAG_S`.

Lists are separated by commas, truth is `true` or `false`, numbers are written as in TOML.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from relay.config.strict import Problem, nearest
from relay.config.tree import SETTINGS

PREFIX = "RELAY_"
API_KEY = "RELAY_API_KEY"
"""No setting: what commands show that ask a running server."""

# A Kubernetes service called "relay" puts RELAY_SERVICE_HOST, RELAY_PORT_1935_TCP and their like
# into every pod, and Docker's links do the same.  Nobody wrote those for us.
_FOREIGN = re.compile(
    r"RELAY_(\w+_)?(SERVICE_(HOST|PORT(_\w+)?)|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)"
)


def variable(path: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + path.replace(".", "_").upper()


VARIABLES: Mapping[str, str] = {variable(path): path for path in SETTINGS}


def read_environment(environ: Mapping[str, str]) -> tuple[dict[str, Any], list[Problem]]:
    """Settings by path, and the variables that look like ours and are not."""
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, text in environ.items():
        if name in VARIABLES:
            path = VARIABLES[name]
            values[path] = _READERS.get(SETTINGS[path], str)(text)
        elif name.startswith(PREFIX) and name != API_KEY and not _FOREIGN.fullmatch(name):
            problems.append(_unknown(name))
    return values, problems


def _unknown(name: str) -> Problem:
    # Compared without the prefix, which would make every name look like every other.
    near = nearest(name.removeprefix(PREFIX), [known.removeprefix(PREFIX) for known in VARIABLES])
    hint = f"; did you mean `{PREFIX}{near}`?" if near else ""
    return Problem(name, f"unknown variable `{name}`{hint}")


def _or_text(read: Callable[[str], Any], text: str) -> Any:
    """What cannot be read stays text, which the schema then refuses by the setting's name."""
    try:
        return read(text)
    except ValueError:
        return text


def _truth(text: str) -> bool | str:
    return {"true": True, "false": False}.get(text.strip().lower(), text)


def _several(text: str) -> list[str]:
    return [item.strip() for item in text.split(",") if item.strip()]


_READERS: dict[Any, Callable[[str], Any]] = {
    bool: _truth,
    int: lambda text: _or_text(int, text),
    float: lambda text: _or_text(float, text),
    tuple[str, ...]: _several,
}
