"""What the plans of all crowds have in common: who belongs to which process, and when they come."""

import abc

import attrs


@attrs.frozen(kw_only=True)
class CrowdPlan(abc.ABC):
    """A whole run of many connections; crosses a pipe as JSON."""

    url: str
    """Where they connect; `%` is a number."""
    seconds: float
    warm_s: float
    """Between the last arrival and the window; viewers must all play, too, or have been refused."""
    ramp_s: float
    """Within which they arrive."""
    parsed: int
    """How many of them are read at once."""
    sweep_ms: float
    """How often the others read; 0 is at once."""
    processes: int

    @property
    @abc.abstractmethod
    def connections(self) -> int:
        """All of them."""

    @property
    @abc.abstractmethod
    def receivers(self) -> int:
        """Those of them to whom something comes, who are the first."""

    def numbers(self, process: int) -> range:
        """Those of one process."""
        return range(process, self.connections, self.processes)

    def parsed_numbers(self) -> frozenset[int]:
        """Those that are parsed, evenly spread."""
        count = min(self.parsed, self.receivers)
        return frozenset(index * self.receivers // count for index in range(count))

    def arrives_s(self, number: int) -> float:
        """When one does, from the beginning."""
        return self.ramp_s * number / self.connections

    @property
    def window_s(self) -> float:
        """When the window begins, from the beginning."""
        return self.ramp_s + self.warm_s
