"""What somebody is in a room: by the token, by whose room it is, by who was appointed."""

import pytest

from relay.channels.names import parse_name
from relay.chat.moderation.roles import Role, role_of, user_role
from relay.identity.caller import NOBODY, OPERATOR, Caller, Kind

ROOM, OTHER = parse_name("chat:live/cat"), parse_name("chat:live/dog")
DIRECT = parse_name("direct:ann,bob")
OWNERS, MODERATORS = {"olga"}, {"mod", "guest_1"}


def user(sub: str, role: str = "", *rooms: str) -> Caller:
    return Caller(kind=Kind.USER, sub=sub, role=role, rooms=rooms)


@pytest.mark.parametrize(
    ("caller", "role"),
    [
        (NOBODY, Role.NOBODY),
        (Caller(kind=Kind.GUEST, sub="guest_1"), Role.GUEST),
        (user("ann"), Role.MEMBER),
        (user("mod"), Role.MODERATOR),
        (user("olga"), Role.OWNER),
        (OPERATOR, Role.SITE),
        (user("ann", "moderator", ROOM.text), Role.MODERATOR),
        (user("ann", "owner", ROOM.text), Role.OWNER),
        # A role holds in the rooms that the token names, and nowhere else.
        (user("ann", "moderator", OTHER.text), Role.MEMBER),
        (user("ann", "owner"), Role.MEMBER),
        (user("ann", "editor", ROOM.text), Role.MEMBER),
        # A token takes nothing away.
        (user("olga", "moderator", ROOM.text), Role.OWNER),
        # Who calls itself a moderator and is a guest is a guest.
        (Caller(kind=Kind.GUEST, sub="g", role="moderator", rooms=(ROOM.text,)), Role.GUEST),
    ],
)
def test_each_is_something_in_a_room(caller: Caller, role: Role) -> None:
    assert role_of(caller, ROOM, owners=OWNERS, moderators=MODERATORS) is role


def test_two_who_talk_stand_beside_each_other() -> None:
    ann = user("ann", "owner", DIRECT.text)
    assert role_of(ann, DIRECT, owners={"ann"}, moderators={"ann"}) is Role.MEMBER
    assert role_of(OPERATOR, DIRECT, owners=(), moderators=()) is Role.SITE


def test_who_is_not_here_is_what_the_room_knows() -> None:
    roles = [user_role(it, owners=OWNERS, moderators=MODERATORS) for it in ("olga", "mod", "x")]
    assert roles == [Role.OWNER, Role.MODERATOR, Role.MEMBER]
