"""How many connections this process may hold.

Debian gives a process 1,024 descriptors and lets it take more by itself: the low default protects
programs that use `select`, which Relay does not.
"""

import resource

RESERVE = 64
"""Kept for listeners, logs, key files and refusals: a server that has none left cannot even say
so, and spins on EMFILE.
"""


def raise_limit() -> int:
    """Raise the soft descriptor limit to the hard one; return how many connections fit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (ValueError, OSError):
        return max(0, soft - RESERVE)  # a hard limit above what the kernel allows at all
    return max(0, hard - RESERVE)
