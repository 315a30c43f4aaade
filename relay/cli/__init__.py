"""The command line: `relay serve`, `demo`, `key`, `token`, `webhook`, `bench` and `check`."""

import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

import cyclopts

from relay.errors import ConfigError

# Named, not imported: a command loads only what it needs, and `--help` next to nothing.
COMMANDS = {
    "serve": ("relay.cli.serve:command", "Serve until SIGINT or SIGTERM."),
    "demo": ("relay.cli.demo:command", "Serve, and publish a test picture to it."),
    "key": ("relay.cli.key:app", "Make, list and revoke stream keys and API keys."),
    "token": ("relay.cli.token:command", "Make a token that says who a user is."),
    "webhook": (
        "relay.cli.webhook:app",
        "Make, list, remove and replay webhooks of a running server.",
    ),
    "bench": ("relay.cli.bench:app", "Make load for a live server, and measure it."),
    "check": ("relay.cli.check:command", "Say what the configuration means, or what is wrong."),
}

USAGE_ERROR = 2
INTERRUPTED = 130
"""What a shell expects of a command that Ctrl-C ended (128 + SIGINT)."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; `arguments` are those of the process if None."""
    try:
        return _app()(arguments, exit_on_error=False, print_error=False) or 0
    except (ConfigError, cyclopts.CycloptsError) as error:
        complain(str(error))
        return USAGE_ERROR
    except KeyboardInterrupt:
        return INTERRUPTED


def complain(message: str) -> None:
    """Say on stderr what the operator has to change, without colours and frames."""
    for line in message.splitlines():
        print(f"relay: {line}", file=sys.stderr)


def _app() -> cyclopts.App:
    app = cyclopts.App(
        name="relay",
        help="The live back end of a streaming site: RTMP in, browsers out.",
        version=_version,
        help_format="plaintext",
        result_action="return_value",
        suppress_keyboard_interrupt=False,
    )
    for name, (where, purpose) in COMMANDS.items():
        app.command(where, name=name, help=purpose)
    return app


def _version() -> str:
    try:
        return f"relay {version('trio-relay')}"
    except PackageNotFoundError:
        return "relay (from a source tree that is not installed)"
