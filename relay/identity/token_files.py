"""The keys of tokens on disk: our own secret, and what a site brings.

`DATA/token-secret` is made on the first run, for its owner alone.  It is text, so that a site may
paste it into any JWT library; whoever has it can be anybody.  All of them are read again when they
change: a site rotates its keys without a restart.
"""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import attrs
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, Key, OctKey, OKPKey, RSAKey

from relay.config.schema import Config
from relay.errors import ConfigError
from relay.identity.private_files import Stamp, made_once, stamp
from relay.identity.tokens import Keyring, PublicKeys

FILE_NAME = "token-secret"
SECRET_BYTES = 32
"""Of entropy in ours, and of text at least in a site's (RFC 7518, 3.2)."""
RSA_BITS = 2048
"""At least (RFC 7518, 3.3)."""

Entropy = Callable[[int], bytes]


@attrs.define(eq=False)
class TokenFiles:
    """Where the keys are."""

    own: Path
    """Usually `config.data / FILE_NAME`; made where there is none."""
    site: Path | None
    jwks: Path | None
    issuer: str
    audience: str
    _entropy: Entropy = attrs.field(repr=False)
    _stamps: tuple[Stamp | None, ...] = attrs.field(default=(), init=False)

    @classmethod
    def configured(cls, config: Config, entropy: Entropy) -> Self:
        """As the operator wants it; `entropy` gives so many random bytes."""
        auth = config.auth
        return cls(
            config.data / FILE_NAME,
            Path(auth.token_secret_file) if auth.token_secret_file else None,
            Path(auth.jwks_file) if auth.jwks_file else None,
            auth.token_issuer,
            auth.token_audience,
            entropy,
        )

    def load(self) -> Keyring:
        """Read them all.

        Raises:
            ConfigError: one cannot be read, or is no key.
        """
        # Before the files: a change in between shows as one later.
        self._stamps = self._look()
        return Keyring(
            own=self._own_secret(),
            site=None if self.site is None else read_secret(self.site),
            public={} if self.jwks is None else read_public_keys(self.jwks),
            issuer=self.issuer,
            audience=self.audience,
        )

    def changed(self) -> bool:
        """Whether one of them is another than `load` last read.  Cheap enough to poll."""
        return self._look() != self._stamps

    def _look(self) -> tuple[Stamp | None, ...]:
        return tuple(_stamp(path) for path in (self.own, self.site, self.jwks) if path)

    def _own_secret(self) -> OctKey:
        if not self.own.exists():
            made_once(self.own, lambda: base64.urlsafe_b64encode(self._entropy(SECRET_BYTES)))
            self._stamps = self._look()
        return read_secret(self.own)


def _stamp(path: Path) -> Stamp | None:
    try:
        return stamp(path.stat())
    except OSError:
        return None  # `load` says why


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None


def read_secret(path: Path) -> OctKey:
    """The text of a file, without the blanks around it, as a secret for HS256.

    Raises:
        ConfigError: it cannot be read, or is none.
    """
    secret = _read(path).strip()
    if len(secret) < SECRET_BYTES:
        raise ConfigError(f"{path}: a secret for tokens has {SECRET_BYTES} bytes at least")
    try:
        return OctKey.import_key(secret)
    except ValueError:
        # A public key, which everybody has: anybody could sign with it.
        raise ConfigError(f"{path}: this is no secret, but a public key") from None


def read_public_keys(path: Path) -> PublicKeys:
    """A JWK Set by algorithm and `kid` (RFC 7517, 5).

    Raises:
        ConfigError: it cannot be read, is none, or has no key that we could use.
    """
    content = _read(path)
    try:
        keys = [_public_key(jwk) for jwk in json.loads(content)["keys"] if _is_for_us(jwk)]
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None
    except (JoseError, ValueError, KeyError, TypeError, RecursionError):
        raise ConfigError(f"{path}: this is no JWK Set with public keys") from None
    if not keys:
        raise ConfigError(f"{path}: there is no RSA, P-256 or Ed25519 key for signatures in it")
    found = {(name, key.kid): key for key in keys for name in _algorithms(key)}
    return found | _without_kid(found)


def _is_for_us(jwk: Any) -> bool:
    """Providers publish keys for other uses, and of kinds to come, beside those for tokens."""
    return (
        isinstance(jwk, dict)
        and jwk.get("use", "sig") == "sig"
        and jwk.get("kty") in JWKRegistry.key_types
    )


def _public_key(jwk: Any) -> Key:
    key = JWKRegistry.import_key(jwk)
    if key.is_private:
        raise ConfigError("there is a secret key in it; only public ones belong here")
    if isinstance(key, RSAKey) and key.raw_value.key_size < RSA_BITS:
        raise ConfigError(f"an RSA key has {RSA_BITS} bits at least")
    return key


def _algorithms(key: Key) -> tuple[str, ...]:
    """What this key may be used with: never what a token says, and never more than its own word."""
    match key:
        case RSAKey():
            fitting: tuple[str, ...] = ("RS256",)
        case ECKey(curve_name="P-256"):
            fitting = ("ES256",)
        case OKPKey(curve_name="Ed25519"):
            fitting = ("EdDSA", "Ed25519")
        case _:
            fitting = ()
    said = key.get("alg")
    return tuple(name for name in fitting if said in (None, name))


def _without_kid(found: PublicKeys) -> dict[tuple[str, str | None], Key]:
    """For tokens that name no key: the one there is of that algorithm, if it is the only one."""
    names = [algorithm for algorithm, _ in found]
    return {(name, None): key for (name, _), key in found.items() if names.count(name) == 1}
