"""This machine, as far as a measurement depends on it."""

import time
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
NO_MACHINE = "0" * 8


def machine_id() -> str:
    """What tells this machine's monotonic clock from all others: where it ticks, since when."""
    try:
        return _BOOT_ID.read_text()[:8]
    except OSError:
        return NO_MACHINE


class CpuMeter:
    """How much of one core this process takes."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._used = time.process_time()

    def share(self) -> float:
        """Since this meter was made; 1.0 is a whole core."""
        return (time.process_time() - self._used) / (time.monotonic() - self._started)
