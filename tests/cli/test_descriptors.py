"""The descriptor limit, raised as far as it goes."""

import resource
from collections.abc import Iterator

import pytest

from relay.cli.descriptors import RESERVE, raise_limit


@pytest.fixture
def limits() -> Iterator[tuple[int, int]]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield before
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_the_soft_limit_becomes_the_hard_one(limits: tuple[int, int]) -> None:
    _, hard = limits
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))

    assert raise_limit() == hard - RESERVE
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)


def test_a_limit_that_cannot_be_raised_is_counted_as_it_is(
    limits: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, limits[1]))

    def refuse(_what: int, _limits: tuple[int, int]) -> None:
        raise ValueError("not allowed to raise maximum limit")

    with monkeypatch.context() as patched:
        patched.setattr("resource.setrlimit", refuse)
        assert raise_limit() == 256 - RESERVE
