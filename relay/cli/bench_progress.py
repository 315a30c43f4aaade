"""What `relay bench` shows while it runs: a bar on the terminal, and landmarks for scripts."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

import attrs
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn


@attrs.frozen
class Display:
    """Says what goes on.  The bar is redrawn only when told: the machine has other things to do."""

    landmarks: TextIO
    progress: Progress

    def landmark(self, line: str) -> None:
        """A line that a script may wait for."""
        # In one write: a script may read whatever is there.
        self.landmarks.write(f"{line}\n")
        self.landmarks.flush()

    def show(self, doing: str, done: float, total: float, detail: str) -> None:
        if not self.progress.disable:
            task = self.progress.task_ids[0]
            self.progress.update(
                task, description=doing, completed=done, total=total, detail=detail, refresh=True
            )


@contextmanager
def display(*, json: bool) -> Iterator[Display]:
    """Landmarks go to standard output, unless that is for JSON alone."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[detail]}"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        auto_refresh=False,
        transient=True,
        disable=not sys.stderr.isatty(),
    )
    with bar:
        bar.add_task("", detail="")
        yield Display(sys.stderr if json else sys.stdout, bar)
