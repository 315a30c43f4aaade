"""A configuration from its sources: the defaults, a TOML file, the environment, flags.

A later source wins, setting by setting.  Whatever is wrong, in whichever source, is reported
together, each line naming the source that has to be repaired.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import attrs

from relay.config.check import check
from relay.config.environment import read_environment, variable
from relay.config.schema import Config
from relay.config.strict import Problem, structure
from relay.config.tree import flatten, unflatten
from relay.errors import ConfigError

NOTHING: Mapping[str, Any] = MappingProxyType({})


@attrs.frozen
class Setting:
    """A value, and where it came from, in words."""

    value: Any
    source: str


def load_config(
    path: Path | None = None,
    *,
    environ: Mapping[str, str] = NOTHING,
    overrides: Mapping[str, Any] = NOTHING,
) -> Config:
    """Load and check a configuration.

    Args:
        path: a TOML file, if there is one.
        environ: the environment; only names that begin with `RELAY_` matter.
        overrides: settings by path (`rtmp.listen`), from flags.

    Raises:
        ConfigError: one line for each problem.
    """
    from_environment, strangers = read_environment(environ)
    settings = _from_file(path) if path else {}
    settings |= {key: Setting(value, variable(key)) for key, value in from_environment.items()}
    settings |= {key: Setting(value, "command line") for key, value in overrides.items()}
    config, problems = _build(settings)
    lines = [f"environment: {problem.sentence}" for problem in strangers]
    lines += [_line(problem, settings) for problem in problems]
    if lines:
        raise ConfigError("\n".join(lines))
    return config


def _from_file(path: Path) -> dict[str, Setting]:
    try:
        text = path.read_bytes().decode()
        table = tomllib.loads(text)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: this is no text in UTF-8, which TOML must be") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"{path}: {error}") from None
    return {key: Setting(value, str(path)) for key, value in flatten(table).items()}


def _build(settings: Mapping[str, Setting]) -> tuple[Config, list[Problem]]:
    """A configuration of what is right in `settings`, and what is not."""
    flat = {key: setting.value for key, setting in settings.items()}
    config, problems = structure(unflatten(flat), Config)
    if config is not None:
        return config, check(config)
    # Again without the faulty ones, until only ranges and the like remain to be judged.
    wrong = {_setting_of(problem) for problem in problems}
    config, more = _build({key: it for key, it in settings.items() if key not in wrong})
    return config, problems + more


def _setting_of(problem: Problem) -> str:
    """`http.trusted_proxies[1]` is one item of the setting `http.trusted_proxies`."""
    return problem.path.partition("[")[0]


def _line(problem: Problem, settings: Mapping[str, Setting]) -> str:
    setting = settings.get(_setting_of(problem))
    return f"{setting.source if setting else 'defaults'}: {problem.sentence}"
