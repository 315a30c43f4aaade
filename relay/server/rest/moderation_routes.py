"""The routes of moderation, and whom each answers.

Who is a moderator of a room is for the room to say: what is for moderators alone is open to whoever
shows a token, and the handler asks.
"""

from relay.http.routing import Route, Who
from relay.server.exchange import Handler, Waits
from relay.server.rest import bans, moderation, openapi_moderation, word_lists

_ROOM = "/api/v1/rooms/{room}"
_MODERATOR = f"{_ROOM}/moderators/{{user}}"
_BAN = f"{_ROOM}/bans/{{user}}"

PUBLIC: tuple[Route[Handler], ...] = tuple(
    Route(methods={method}, pattern=pattern, handler=Waits(answer), who=who, about=about)
    for method, pattern, answer, who, about in (
        ("GET", f"{_ROOM}/me", moderation.me, Who.ANYONE, openapi_moderation.ME),
        ("GET", f"{_ROOM}/modes", moderation.modes, Who.ANYONE, openapi_moderation.MODES),
        (
            "PATCH",
            f"{_ROOM}/modes",
            moderation.change_modes,
            Who.GUEST,
            openapi_moderation.CHANGE_MODES,
        ),
        (
            "GET",
            f"{_ROOM}/moderators",
            moderation.moderators,
            Who.ANYONE,
            openapi_moderation.MODERATORS,
        ),
        ("PUT", _MODERATOR, moderation.appoint, Who.GUEST, openapi_moderation.APPOINT),
        ("DELETE", _MODERATOR, moderation.dismiss, Who.GUEST, openapi_moderation.DISMISS),
        ("GET", f"{_ROOM}/bans", bans.every, Who.GUEST, openapi_moderation.BANS),
        ("GET", _BAN, bans.read, Who.GUEST, openapi_moderation.READ_BAN),
        ("PUT", _BAN, bans.put, Who.GUEST, openapi_moderation.PUT_BAN),
        ("DELETE", _BAN, bans.remove, Who.GUEST, openapi_moderation.REMOVE_BAN),
        (
            "DELETE",
            f"{_ROOM}/users/{{user}}/messages",
            bans.purge,
            Who.GUEST,
            openapi_moderation.PURGE,
        ),
        ("GET", f"{_ROOM}/words", word_lists.every, Who.GUEST, openapi_moderation.WORDS),
        ("POST", f"{_ROOM}/words", word_lists.add, Who.GUEST, openapi_moderation.ADD_WORD),
        (
            "DELETE",
            f"{_ROOM}/words/{{word}}",
            word_lists.remove,
            Who.GUEST,
            openapi_moderation.REMOVE_WORD,
        ),
        ("GET", f"{_ROOM}/audit", word_lists.audit, Who.GUEST, openapi_moderation.AUDIT),
    )
)
