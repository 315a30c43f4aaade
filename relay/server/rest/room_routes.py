"""The routes of rooms and of messages, and whom each answers.

`anyone` means: the rules of the room say who (`channels.rules`), as they do for its channel.  What
is a user's own is for whoever shows that user's token; the handler compares.
"""

from relay.http.routing import Route, Who
from relay.server.exchange import Answers, Handler, Waits
from relay.server.rest import (
    export,
    message_pages,
    messages,
    openapi_history,
    openapi_rooms,
    room_statistics,
    rooms,
)

_ROOM = "/api/v1/rooms/{room}"
_MESSAGES = f"{_ROOM}/messages"
_MESSAGE = f"{_MESSAGES}/{{message}}"
_REACTION = f"{_MESSAGE}/reactions/{{reaction}}"
_STATISTICS = f"{_ROOM}/statistics"
_MINE = "/api/v1/users/{user}/rooms"

PUBLIC: tuple[Route[Handler], ...] = tuple(
    Route(methods={method}, pattern=pattern, handler=Waits(answer), who=who, about=about)
    for method, pattern, answer, who, about in (
        ("GET", _ROOM, rooms.read, Who.ANYONE, openapi_rooms.DESCRIBE),
        ("GET", _MESSAGES, message_pages.page, Who.ANYONE, openapi_history.PAGE_OF),
        ("POST", _MESSAGES, messages.send, Who.ANYONE, openapi_rooms.SEND),
        ("GET", _MESSAGE, messages.read, Who.ANYONE, openapi_rooms.READ),
        ("PATCH", _MESSAGE, messages.edit, Who.GUEST, openapi_rooms.EDIT),
        ("DELETE", _MESSAGE, messages.remove, Who.GUEST, openapi_rooms.REMOVE),
        ("PUT", _REACTION, messages.react, Who.GUEST, openapi_rooms.REACT),
        ("DELETE", _REACTION, messages.take_back, Who.GUEST, openapi_rooms.TAKE_BACK),
        ("POST", f"{_ROOM}/typing", messages.typing, Who.GUEST, openapi_rooms.TYPING),
        ("PUT", f"{_ROOM}/read", rooms.mark, Who.GUEST, openapi_rooms.MARK),
        ("DELETE", f"{_ROOM}/read", rooms.unmark, Who.GUEST, openapi_rooms.UNMARK),
        ("GET", _STATISTICS, room_statistics.read, Who.ANYONE, openapi_history.STATISTICS),
        ("GET", _MINE, rooms.mine, Who.GUEST, openapi_rooms.MINE),
        ("POST", _MINE, rooms.open_direct, Who.GUEST, openapi_rooms.OPEN_DIRECT),
    )
)

_ALL = Answers(rooms.every)
OPERATORS: tuple[Route[Handler], ...] = tuple(
    Route(methods={method}, pattern=pattern, handler=handler, who=Who.OPERATOR, about=about)
    for method, pattern, handler, about in (
        ("GET", "/api/v1/rooms", _ALL, openapi_rooms.LIST),
        ("PUT", _ROOM, Waits(rooms.put), openapi_rooms.PUT),
        ("DELETE", _ROOM, Waits(rooms.remove), openapi_rooms.DROP),
        ("GET", f"{_ROOM}/export", Waits(export.export), openapi_history.EXPORT),
    )
)
