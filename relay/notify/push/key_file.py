"""`DATA/vapid-key`: made at the first run, for its owner alone, and never again."""

from collections.abc import Callable
from pathlib import Path

from relay.errors import ConfigError, FormatError
from relay.identity.private_files import made_once
from relay.notify.push.encryption import SCALAR_ENTROPY_BYTES, private_key
from relay.notify.push.vapid import VapidKey, key_text, stored_key

FILE_NAME = "vapid-key"


def load_key(path: Path, entropy: Callable[[int], bytes]) -> VapidKey:
    """The key at `path`, made there if there is none; `entropy` gives so many random bytes.

    Raises:
        ConfigError: it cannot be read or made, or is none.
    """
    text = made_once(path, lambda: key_text(private_key(entropy(SCALAR_ENTROPY_BYTES))))
    try:
        return stored_key(text)
    except FormatError as error:
        raise ConfigError(f"{path}: {error}") from None
