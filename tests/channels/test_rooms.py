"""Which channels are rooms, and who may do what in one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.channels.names import parse_name
from relay.channels.namespaces import namespaces
from relay.channels.rooms import RoomKind, direct_room, pair_of, room_kind
from relay.channels.rules import Action, may
from relay.errors import FormatError
from relay.identity.caller import NOBODY, OPERATOR, Caller, Kind

users = st.text(min_size=1, max_size=12).filter(str.isprintable)
CALLERS = {
    "nobody": NOBODY,
    "guest": Caller(kind=Kind.GUEST, sub="guest_1"),
    "ann": Caller(kind=Kind.USER, sub="ann"),
    "bob": Caller(kind=Kind.USER, sub="bob"),
    "eve": Caller(kind=Kind.USER, sub="eve"),
    "member": Caller(kind=Kind.USER, sub="mia", rooms=("group:club",)),
    "a guest called ann": Caller(kind=Kind.GUEST, sub="ann"),
    "operator": OPERATOR,
}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("chat:live/cat", RoomKind.STREAM),
        ("group:club", RoomKind.GROUP),
        ("direct:ann,bob", RoomKind.DIRECT),
        ("direct:a:b,c@d", RoomKind.DIRECT),
        ("direct:a=2Cb,c", RoomKind.DIRECT),
        ("chat:cat", None),
        ("chat:live/cat/dog", None),
        ("chat:live/c,t", None),
        ("group:a/b", None),
        ("direct:ann", None),
        ("direct:bob,ann", None),
        ("direct:ann,ann", None),
        ("direct:ann,", None),
        ("direct:a,b,c", None),
        ("direct:a=2cb,c", None),
        ("direct:=61,b", None),
        ("user:ann", None),
        ("streams", None),
    ],
)
def test_a_room_is_known_by_its_name(text: str, kind: RoomKind | None) -> None:
    assert room_kind(parse_name(text)) is kind


@given(users, users)
def test_two_users_have_one_room_whoever_asks(one: str, other: str) -> None:
    if one == other:
        return
    room = direct_room(one, other)
    assert room == direct_room(other, one)
    name = parse_name(room)
    assert room_kind(name) is RoomKind.DIRECT
    assert pair_of(name.rest) == tuple(sorted((one, other)))


def test_who_cannot_have_a_room_of_two_is_told() -> None:
    for one, other in (("ann", "ann"), ("", "ann"), ("ann", "\u00e4" * 130)):
        with pytest.raises(FormatError):
            direct_room(one, other)


KNOWN = namespaces(())
# (channel, who may read, who may write)
RULES = [
    ("chat:live/cat", set(CALLERS), set(CALLERS) - {"nobody"}),
    ("direct:ann,bob", {"ann", "bob", "operator"}, {"ann", "bob", "operator"}),
    ("direct:ann,guest_1", {"ann", "operator"}, {"ann", "operator"}),
    ("group:club", {"member", "operator"}, {"member", "operator"}),
]


@pytest.mark.parametrize("who", CALLERS)
@pytest.mark.parametrize(("channel", "readers", "writers"), RULES)
def test_who_may_do_what(channel: str, readers: set[str], writers: set[str], who: str) -> None:
    name = parse_name(channel)
    namespace, caller = KNOWN[name.namespace], CALLERS[who]
    is_private = channel != "chat:live/cat"
    for action, them in ((Action.SUBSCRIBE, readers), (Action.PUBLISH, writers)):
        assert may(action, caller, name, namespace) is (who in them)
        # A laboratory opens what anyone could have; not what is some users' own.
        in_a_laboratory = who in them if is_private else True
        assert may(action, caller, name, namespace, is_open=True) is in_a_laboratory
    assert may(Action.CONTROL, caller, name, namespace) is (who == "operator")
    if is_private:
        may_control = may(Action.CONTROL, caller, name, namespace, is_open=True)
        assert may_control is (who == "operator")


@pytest.mark.parametrize("name", [kind.value for kind in RoomKind])
def test_every_kind_of_room_is_durable(name: str) -> None:
    assert KNOWN[name].durable
