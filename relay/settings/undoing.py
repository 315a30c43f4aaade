"""Which version to go back to.

Undo is a change like any other: the next version, with the value of an earlier one.  It remembers
which, so that who undoes again goes further back and not to and fro.
"""

from collections.abc import Sequence

from relay.settings.errors import NothingToUndo
from relay.store.settings import Setting


def before(versions: Sequence[Setting]) -> Setting:
    """What was there before what is there now, of the versions that are kept, newest first.

    Raises:
        NothingToUndo: nothing was, or it is not kept any more.
    """
    if versions:
        here = original(versions[0])
        for setting in versions:
            if setting.version < here:
                return setting
    raise NothingToUndo("there is no version before this one, or it is not kept any more")


def original(setting: Setting) -> int:
    """The version that first had this value."""
    return setting.version if setting.restores is None else setting.restores
