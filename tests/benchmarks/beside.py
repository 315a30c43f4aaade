"""What else happens to a server while it is measured."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from enum import Enum, auto
from typing import Protocol

import attrs
from benchmarks.doubts import reasons
from benchmarks.load import generating


class When(Enum):
    """From when on."""

    WARM = auto()
    """When all viewers are there, and long before the window."""
    WINDOW = auto()


@attrs.frozen
class Scene:
    """What is going on."""

    pid: int
    """Of the server."""
    url: str
    """What viewers watch."""
    core: int
    """Where there is room for more load."""


@attrs.define
class Seen:
    """What came of it: figures, and reasons not to count them."""

    figures: dict[str, float] = attrs.field(factory=dict)
    doubts: list[str] = attrs.field(factory=list)


class Beside(Protocol):
    """Something that happens beside the viewers, from `when` to the end of the window."""

    @property
    def when(self) -> When: ...

    def happen(self, scene: Scene) -> AbstractAsyncContextManager[Seen]:
        """Begin it; what it has shown is there when the context has been left."""


@attrs.frozen
class Arrivals:
    """Others join while the first ones play."""

    viewers: int
    ramp_s: float
    when: When = When.WINDOW

    @asynccontextmanager
    async def happen(self, scene: Scene) -> AsyncIterator[Seen]:
        seen = Seen()
        flags = ("--viewers", self.viewers, "--ramp", self.ramp_s, "--warm", 5, "--seconds", 1)
        async with generating(scene.core, "view", scene.url, *map(str, flags)) as generator:
            yield seen
            report = await generator.report()
        seen.figures["newcomers"] = report["playing"]
        if found := report["keyframe_ms"]:
            seen.figures["newcomers_keyframe_p99_ms"] = found["p99"]
        if report["playing"] < self.viewers:
            seen.doubts.append(
                f"{report['playing']} of {self.viewers} newcomers got in: {reasons(report)}"
            )
