"""Flags of `relay bench`: each with its default, its range and its line of help.

A crowd is told the same things whatever it follows; what one command alone needs stands with it.
"""

import math
from collections.abc import Callable
from typing import Annotated, Any

import attrs
from cyclopts import Parameter

from relay.errors import ConfigError

ARRIVALS_PER_S = 1000

Flag = Annotated[bool, Parameter(negative=(), show_default=False)]


def above_0(_: Any, attribute: "attrs.Attribute[Any]", value: float) -> None:
    """Raises ConfigError for a flag that is not above 0."""
    _require(attribute.name, "above 0", holds=0 < value < math.inf)


def not_below_0(_: Any, attribute: "attrs.Attribute[Any]", value: float | None) -> None:
    """Raises ConfigError for a flag that is below 0."""
    _require(attribute.name, "0 or more", holds=0 <= (value or 0) < math.inf)


def _require(name: str, what: str, *, holds: bool) -> None:
    if not holds:
        raise ConfigError(f"--{name.replace('_', '-')} must be {what}")


def number(default: Any, within: Callable[[Any, Any, Any], None] = above_0) -> Any:
    """A flag that is a number of this range."""
    return attrs.field(default=default, validator=within)


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class CrowdFlags:
    """When they come, how they read, and for how long."""

    seconds: float = number(10)
    """how long to measure."""
    warm: float = number(3, not_below_0)
    """seconds between the last arrival and measuring."""
    ramp: float | None = number(None, not_below_0)
    """seconds within which they arrive; a thousand in each without it."""
    parsed: int = number(20, not_below_0)
    """how many of them are read at once, and their bytes timed."""
    sweep_ms: float = number(20, not_below_0)
    """how often the others are read; 0 for at once."""
    processes: int = number(1)
    """how many processes share them, each with a core of its own."""
    json: Flag = False
    """print the summary as one JSON object."""

    def plan(self, connections: int) -> dict[str, Any]:
        """What the plan of a crowd of so many says of this."""
        ramp = max(1.0, connections / ARRIVALS_PER_S) if self.ramp is None else self.ramp
        return {
            "seconds": self.seconds,
            "warm_s": self.warm,
            "ramp_s": ramp,
            "parsed": self.parsed,
            "sweep_ms": self.sweep_ms,
            "processes": min(self.processes, connections),
        }
