"""The routes of moderation, and whom each answers.

Who is a moderator of a room is for the room to say: what is for moderators alone is open to whoever
shows a token, and the handler asks.
"""

from relay.http.routing import Route, Who
from relay.server.exchange import Answers, Handler, Waits
from relay.server.rest import bans, moderation, word_lists
from relay.server.rest import openapi_moderation as about

_ROOM = "/api/v1/rooms/{room}"
_MODERATOR = "/moderators/{user}"
_BAN = "/bans/{user}"

PUBLIC: tuple[Route[Handler], ...] = tuple(
    Route(methods={method}, pattern=_ROOM + path, handler=handler, who=who, about=told)
    for method, path, handler, who, told in (
        ("GET", "/me", Waits(moderation.me), Who.ANYONE, about.ME),
        ("GET", "/modes", Answers(moderation.modes), Who.ANYONE, about.MODES),
        ("PATCH", "/modes", Waits(moderation.change_modes), Who.GUEST, about.CHANGE_MODES),
        ("GET", "/moderators", Answers(moderation.moderators), Who.ANYONE, about.MODERATORS),
        ("PUT", _MODERATOR, Waits(moderation.appoint), Who.GUEST, about.APPOINT),
        ("DELETE", _MODERATOR, Waits(moderation.dismiss), Who.GUEST, about.DISMISS),
        ("GET", "/bans", Waits(bans.every), Who.GUEST, about.BANS),
        ("GET", _BAN, Waits(bans.read), Who.GUEST, about.READ_BAN),
        ("PUT", _BAN, Waits(bans.put), Who.GUEST, about.PUT_BAN),
        ("DELETE", _BAN, Waits(bans.remove), Who.GUEST, about.REMOVE_BAN),
        ("DELETE", "/users/{user}/messages", Waits(bans.purge), Who.GUEST, about.PURGE),
        ("GET", "/words", Waits(word_lists.every), Who.GUEST, about.WORDS),
        ("POST", "/words", Waits(word_lists.add), Who.GUEST, about.ADD_WORD),
        ("DELETE", "/words/{word}", Waits(word_lists.remove), Who.GUEST, about.REMOVE_WORD),
        ("GET", "/audit", Waits(word_lists.audit), Who.GUEST, about.AUDIT),
    )
)
