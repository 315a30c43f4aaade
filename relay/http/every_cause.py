"""All causes of refusals, by name: those that anything may have, and those of one part alone."""

from relay.http.causes import CAUSES
from relay.http.causes_of_moderation import CAUSES_OF_MODERATION
from relay.http.causes_of_recordings import CAUSES_OF_RECORDINGS

EVERY_CAUSE = CAUSES | CAUSES_OF_MODERATION | CAUSES_OF_RECORDINGS
