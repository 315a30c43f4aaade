"""What an operator can set: the tree of settings with its defaults, and how a file becomes one."""

from relay.config.schema import (
    AuthConfig,
    CallbackConfig,
    ChannelsConfig,
    Config,
    HttpConfig,
    Limits,
    MediaConfig,
    NamespaceConfig,
    RtmpConfig,
    StoreConfig,
    TlsConfig,
)

__all__ = [
    "AuthConfig",
    "CallbackConfig",
    "ChannelsConfig",
    "Config",
    "HttpConfig",
    "Limits",
    "MediaConfig",
    "NamespaceConfig",
    "RtmpConfig",
    "StoreConfig",
    "TlsConfig",
]
