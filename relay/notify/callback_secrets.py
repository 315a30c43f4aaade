"""The secrets that questions are signed with: a file, and not a setting, because settings are shown
in tickets and in lists of processes.

`DATA/callback-secret` is made on the first run, for its owner alone, unless the operator names
another file.  It has a secret on each line, the newest first, and all of them sign.  So a site
changes its secret without a moment in which the two sides disagree: add a line, let the site know,
remove the other.  The file is read again when it changes.
"""

from collections.abc import Callable
from pathlib import Path

import attrs

from relay.errors import ConfigError, FormatError
from relay.identity.private_files import Stamp, made_once, stamp
from relay.notify.endpoint import MOST_SECRETS
from relay.notify.signing import SECRET_BYTES, key_of, make_secret

FILE_NAME = "callback-secret"

Entropy = Callable[[int], bytes]


@attrs.define(eq=False)
class CallbackSecrets:
    """One such file."""

    path: Path
    _is_own: bool
    """Whether it is made where there is none."""
    _entropy: Entropy = attrs.field(repr=False)
    secrets: tuple[str, ...] = attrs.field(default=(), init=False, repr=False)
    """There once it was loaded."""
    _stamp: Stamp | None = attrs.field(default=None, init=False)

    @classmethod
    def named(cls, text: str, data: Path, entropy: Entropy) -> "CallbackSecrets":
        """As the operator wants it: a path, or nothing for the file of our own."""
        return cls(Path(text) if text else data / FILE_NAME, not text, entropy)

    def load(self) -> None:
        """Read the file.

        Raises:
            ConfigError: it cannot be read, or there is something else in it; what was read before
                still holds.
        """
        if self._is_own:
            made_once(self.path, lambda: make_secret(self._entropy(SECRET_BYTES)).encode() + b"\n")
        # Before the file: a change in between shows as one later.
        self._stamp = self._look()
        self.secrets = read_secrets(self.path)

    def changed(self) -> bool:
        """Whether it is another than `load` last read.  Cheap enough to poll."""
        return self._look() != self._stamp

    def _look(self) -> Stamp | None:
        try:
            return stamp(self.path.stat())
        except OSError:
            return None  # `load` says why


def read_secrets(path: Path) -> tuple[str, ...]:
    """The secrets in a file.

    Raises:
        ConfigError: it cannot be read, or there is something else in it.
    """
    try:
        secrets = tuple(path.read_text("ascii").split())
        for secret in secrets:
            key_of(secret)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None
    except (FormatError, ValueError) as error:
        what = error if isinstance(error, FormatError) else "a secret is ASCII"
        raise ConfigError(f"{path}: {what}") from None
    if not 1 <= len(secrets) <= MOST_SECRETS:
        raise ConfigError(f"{path}: one to {MOST_SECRETS} secrets, each on its line")
    return secrets
