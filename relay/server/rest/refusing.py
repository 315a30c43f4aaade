"""What moderation refuses, in the words of HTTP: the same for every protocol that speaks it."""

from relay.chat.moderation import errors
from relay.http import causes_of_moderation as causes
from relay.http.causes import Cause
from relay.http.errors import HttpError, refused

CAUSES: dict[type[errors.Refused | errors.OrderRefused], Cause] = {
    errors.Banned: causes.BANNED,
    errors.TimedOut: causes.TIMED_OUT,
    errors.SlowMode: causes.SLOW_MODE,
    errors.FollowersOnly: causes.FOLLOWERS_ONLY,
    errors.GuestsOff: causes.GUESTS_OFF,
    errors.LinksOff: causes.LINKS_OFF,
    errors.WordNotAllowed: causes.WORD_NOT_ALLOWED,
    errors.NotAModerator: causes.MODERATORS_ONLY,
    errors.NotTheOwner: causes.OWNER_ONLY,
    errors.StandsAsHigh: causes.STANDS_AS_HIGH,
    errors.TooManyBans: causes.TOO_MANY_BANS,
    errors.TooManyModerators: causes.TOO_MANY_MODERATORS,
    errors.TooManyWords: causes.TOO_MANY_WORDS,
    errors.NoSuchBan: causes.NO_SUCH_BAN,
    errors.NoSuchModerator: causes.NO_SUCH_MODERATOR,
    errors.NoSuchWord: causes.NO_SUCH_WORD,
}


def moderated(error: errors.Refused | errors.OrderRefused) -> HttpError:
    """The answer for it."""
    headers: tuple[tuple[str, str], ...] = ()
    if isinstance(error, errors.TimedOut | errors.SlowMode):
        headers = (("Retry-After", str(error.whole_s)),)
    return refused(CAUSES[type(error)], str(error), *headers)
