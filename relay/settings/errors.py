"""Why settings are not changed.

SettingsRefused              what would be there may not be
+-- TooLarge                 it would take too much room
+-- TooManyNamespaces        there would be too many documents
PatchRefused                 this cannot be a patch
PatchDoesNotFit              it is one, and of something else
NothingToUndo                there is no version before
"""

from relay.errors import RelayError


class SettingsRefused(RelayError):
    """What would be there may not be.  The message says what, and where."""


class TooLarge(SettingsRefused):
    """It would take too much room."""


class TooManyNamespaces(SettingsRefused):
    """There would be too many documents."""


class PatchRefused(RelayError):
    """This cannot be a patch."""


class PatchDoesNotFit(RelayError):
    """A patch takes something for granted that is not so."""


class NothingToUndo(RelayError):
    """There is no version before this one, or it is not kept any more."""
