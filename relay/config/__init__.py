"""What an operator can set: the tree of settings with its defaults, and how a file becomes one."""

from relay.config.schema import (
    AuthConfig,
    Config,
    HttpConfig,
    Limits,
    MediaConfig,
    RtmpConfig,
    TlsConfig,
)

__all__ = [
    "AuthConfig",
    "Config",
    "HttpConfig",
    "Limits",
    "MediaConfig",
    "RtmpConfig",
    "TlsConfig",
]
