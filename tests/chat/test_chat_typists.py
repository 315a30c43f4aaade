"""How often a room hears that somebody is writing."""

from relay.chat.typists import REMEMBERED, ROOM_PER_S, USER_EVERY_S, Typists


def test_of_one_user_a_room_hears_every_few_seconds() -> None:
    typists = Typists()
    times = [0.0, 0.1, USER_EVERY_S - 0.01, USER_EVERY_S, USER_EVERY_S + 0.01]
    assert [typists.may_tell("a", "ann", now) for now in times] == [True, False, False, True, False]


def test_rooms_are_apart() -> None:
    typists = Typists()
    assert typists.may_tell("a", "ann", 0.0)
    assert typists.may_tell("b", "ann", 0.0)


def test_of_many_users_a_room_hears_a_few_in_a_second() -> None:
    typists = Typists()
    told = [typists.may_tell("a", str(number), 0.5) for number in range(3 * ROOM_PER_S)]
    assert told == [True] * ROOM_PER_S + [False] * 2 * ROOM_PER_S
    # Who was not told of is not made to wait for that.
    assert typists.may_tell("a", str(ROOM_PER_S), 1.5)


def test_no_more_are_remembered_than_there_is_room_for() -> None:
    typists = Typists()
    for number in range(REMEMBERED + 10):
        typists.may_tell(str(number), "ann", float(number))
    assert len(typists._users) == len(typists._rooms) == REMEMBERED
