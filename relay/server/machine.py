"""The real ports: this machine's clock, randomness and network."""

import random
import ssl
import time
from pathlib import Path

import trio

from relay.config import Config
from relay.errors import ConfigError
from relay.outbound.kernel import KernelOutside
from relay.pictures.decoder import ProcessDecoder, is_possible
from relay.ports import Ports
from relay.recordings.disk import KernelDisk
from relay.server.sockets import KernelNetwork


def real_ports(config: Config) -> Ports:
    """What the server knows of the world outside, when it is the real one.

    Raises:
        ConfigError: the certificate cannot be used.
    """
    return Ports(
        monotonic=trio.current_time,
        wall=time.time,
        cpu=time.thread_time,
        random=random.SystemRandom(),
        network=KernelNetwork(_tls_context(config)),
        outside=KernelOutside(config.outbound.ca_file),
        disk=KernelDisk(_recordings(config)),
        pictures=ProcessDecoder() if is_possible() else None,
    )


def _recordings(config: Config) -> Path:
    directory = config.recording.directory
    return Path(directory) if directory else config.data / "recordings"


def _tls_context(config: Config) -> ssl.SSLContext | None:
    if not config.tls.certificate:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(config.tls.certificate, config.tls.key or None)
    except OSError as error:
        # ssl.SSLError is one too, and neither says which file it was.
        files = " and ".join(filter(None, (config.tls.certificate, config.tls.key)))
        raise ConfigError(f"tls: {files} cannot be used: {error}") from error
    return context
