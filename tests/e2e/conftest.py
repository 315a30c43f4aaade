"""One browser for everything that is shown in one."""

from collections.abc import Iterator

import pytest
from support.browser import chromium as running_chromium


@pytest.fixture(scope="session")
def chromium() -> Iterator[str]:
    with running_chromium() as devtools_address:
        yield devtools_address
