"""JSON Web Tokens: whose word is taken, for what, and for how long (RFC 7519, RFC 8725).

A token is a claim by whoever wrote it until its signature has been checked, and that includes the
line in it that says how to check it.  So a token never chooses: its `alg` and `kid` only look up a
key in a table that we have made, in which each key stands under the algorithms that it is meant
for.  `none` is not in that table, and a public key is not to be found under HS256, whose verifier
would take it for the secret that everybody knows.

There are three kinds of keys.  *Our own* secret signs guests and what `relay token` prints; those
tokens carry its `kid`.  *The site's* secret, if it has one here, is for its own tokens; without
one, a site may sign with ours.  The site's *public keys*, if its tokens come from an identity
provider, are found by the provider's `kid`.  A site's secret never signs what we mint: its other
services would take our guests for users of theirs.

Everything is bounded before it is decoded, and every fault is one of two errors: `TokenExpired`,
upon which a client fetches another token and comes back, and `TokenInvalid`, upon which it must
not.  Neither says anything of the token or the key.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, NoReturn

import attrs
from joserfc import jws, jwt
from joserfc.errors import JoseError, UnsupportedAlgorithmError
from joserfc.jwk import GuestProtocol, Key, OctKey

from relay.errors import RelayError

Claims = Mapping[str, Any]

MAX_BYTES = 8192
"""Of one token.  Identity providers write three thousand; half of an HTTP head is the bound."""
SKEW_S = 10.0
"""How far the clock of whoever writes tokens may be ahead of ours."""
OWN_KID = "relay"
HMAC = "HS256"

_SHAPE = re.compile(r"ey[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
"""`ey` is how a JSON object begins; a header that were a text or a list is none of ours."""


class TokenError(RelayError):
    """A token is not good.  Only its two subclasses are ever raised."""


class TokenInvalid(TokenError):
    """It never was, or not for us.  The message is for whoever made it, and repeats nothing."""


class TokenExpired(TokenError):
    """It was good once; another one is wanted."""

    def __init__(self) -> None:
        super().__init__("the token has expired")


class _Registry(jws.JWSRegistry):
    """Five algorithms, and no warning with every token that calls Ed25519 by its old name."""

    def get_alg(self, name: str) -> Any:
        if name not in ALGORITHMS:
            raise UnsupportedAlgorithmError
        return self.algorithms[name]


ALGORITHMS = (HMAC, "RS256", "ES256", "EdDSA", "Ed25519")
# Not strict: header parameters that nobody understands must be ignored (RFC 7515, 4).
_REGISTRY = _Registry(strict_check_header=False)

PublicKeys = Mapping[tuple[str, str | None], Key]
"""Keys of a site by algorithm and `kid`; None for tokens that name none."""


@attrs.frozen(kw_only=True)
class Keyring:
    """All keys whose signatures count.  Nothing here is in its `repr`."""

    own: OctKey = attrs.field(repr=False)
    site: OctKey | None = attrs.field(default=None, repr=False)
    public: PublicKeys = attrs.field(factory=dict, repr=False)
    issuer: str = ""
    """What `iss` of a site's tokens must be; empty for anything."""
    audience: str = ""
    """What `aud` of a site's tokens must name; empty for anything."""

    def read(self, token: str, now: float) -> Claims:
        """What a token claims, once that is worth believing.  `now` is the wall clock, seconds.

        Raises:
            TokenExpired: it was good until lately.
            TokenInvalid: anything else.
        """
        if len(token) > MAX_BYTES or not _SHAPE.fullmatch(token):
            raise TokenInvalid("the token is malformed")
        header, claims = self._verified(token)
        if not _is_ours(header):
            self._check_origin(claims)
        _check_times(claims, now)
        return claims

    def mint(self, claims: Claims) -> str:
        """A token with these claims, by our own key."""
        header = {"alg": HMAC, "kid": OWN_KID}
        return jwt.encode(header, dict(claims), self.own, registry=_REGISTRY)

    def _verified(self, token: str) -> tuple[Claims, Claims]:
        try:
            signed = jws.deserialize_compact(token, self._key_for, registry=_REGISTRY)
            claims = json.loads(signed.payload, parse_constant=_refuse_constant)
        except (JoseError, ValueError, TypeError, RecursionError):
            raise TokenInvalid("the token is not signed by anybody we know") from None
        if not isinstance(claims, dict):
            raise TokenInvalid("the token's claims are no object")
        return signed.headers(), claims

    def _key_for(self, token: GuestProtocol) -> Key:
        header = token.headers()
        if _is_ours(header):
            return self.own
        if header["alg"] == HMAC:
            return self.own if self.site is None else self.site
        try:
            return self.public[header["alg"], header.get("kid")]
        except KeyError:
            raise UnsupportedAlgorithmError from None

    def _check_origin(self, claims: Claims) -> None:
        if self.issuer and claims.get("iss") != self.issuer:
            raise TokenInvalid("the token is by another issuer")
        if self.audience and not _is_for(claims.get("aud"), self.audience):
            raise TokenInvalid("the token is for another audience")


def _is_ours(header: Claims) -> bool:
    return header["alg"] == HMAC and header.get("kid") == OWN_KID


def moment(claims: Claims, name: str) -> float | None:
    """A claim that is a time (RFC 7519, 2, "NumericDate"); None where there is none.

    Raises:
        TokenInvalid: it is something else.
    """
    value = claims.get(name)
    if value is None:
        return None
    # Beyond 2^53 an integer is no float any more; NaN is less than nothing.
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1 << 53:
        return float(value)
    raise TokenInvalid(f"`{name}` must be seconds since 1970")


def _check_times(claims: Claims, now: float) -> None:
    expires, begins = moment(claims, "exp"), moment(claims, "nbf")
    moment(claims, "iat")
    if begins is not None and now + SKEW_S < begins:
        raise TokenInvalid("the token is not valid yet")
    if expires is not None and expires <= now:
        raise TokenExpired


def _is_for(audience: object, us: str) -> bool:
    """One name, or a list of them (RFC 7519, 4.1.3)."""
    return us in audience if isinstance(audience, list) else audience == us


def _refuse_constant(name: str) -> NoReturn:
    """NaN and the infinities are Python's, and no JSON (RFC 8259, 6)."""
    raise ValueError(name)
