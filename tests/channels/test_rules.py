"""Who may: nobody, a guest, a user, the owner and the operator, for every rule."""

import pytest

from relay.channels.names import parse_name
from relay.channels.rules import Action, may
from relay.config.schema import NamespaceConfig
from relay.identity.caller import NOBODY, OPERATOR, Caller, Kind

GUEST = Caller(kind=Kind.GUEST, sub="g-1")
USER = Caller(kind=Kind.USER, sub="u-1")
OWNER = Caller(kind=Kind.USER, sub="cat")
CALLERS = {"nobody": NOBODY, "guest": GUEST, "user": USER, "owner": OWNER, "operator": OPERATOR}
NAME = parse_name("user:cat")

ALLOWED = {
    "anyone": {"nobody", "guest", "user", "owner", "operator"},
    "guest": {"guest", "user", "owner", "operator"},
    "user": {"user", "owner", "operator"},
    "owner": {"owner", "operator"},
    "operator": {"operator"},
    "nobody": set[str](),
}


@pytest.mark.parametrize("rule", ALLOWED)
@pytest.mark.parametrize("who", CALLERS)
def test_every_rule_lets_in_whom_it_names(rule: str, who: str) -> None:
    caller, allowed = CALLERS[who], who in ALLOWED[rule]
    reads = NamespaceConfig(name="user", subscribe=rule, publish="nobody")
    writes = NamespaceConfig(name="user", subscribe="nobody", publish=rule)
    assert may(Action.SUBSCRIBE, caller, NAME, reads) is allowed
    assert may(Action.PUBLISH, caller, NAME, writes) is allowed
    assert not may(Action.PUBLISH, caller, NAME, reads)


def test_a_token_that_names_a_channel_may_read_it_and_no_more() -> None:
    named = Caller(kind=Kind.USER, sub="u-1", channels=("user:cat",))
    namespace = NamespaceConfig(name="user", subscribe="owner", publish="owner")
    assert may(Action.SUBSCRIBE, named, NAME, namespace)
    assert not may(Action.PUBLISH, named, NAME, namespace)
    assert not may(Action.SUBSCRIBE, named, parse_name("user:dog"), namespace)


def test_nobody_owns_a_channel_without_a_name_of_their_own() -> None:
    namespace = NamespaceConfig(name="", subscribe="owner")
    assert not may(Action.SUBSCRIBE, NOBODY, parse_name("x"), namespace)


def test_in_a_laboratory_anyone_may_but_what_nobody_may() -> None:
    closed = NamespaceConfig(name="user", subscribe="operator", publish="nobody")
    assert may(Action.SUBSCRIBE, NOBODY, NAME, closed, is_open=True)
    assert not may(Action.PUBLISH, OPERATOR, NAME, closed, is_open=True)


@pytest.mark.parametrize("rule", ALLOWED)
@pytest.mark.parametrize("who", CALLERS)
def test_what_many_may_write_is_for_the_operator_to_end(rule: str, who: str) -> None:
    namespace = NamespaceConfig(name="user", subscribe="anyone", publish=rule)
    enders = ALLOWED[rule] if rule in ("owner", "nobody") else {"operator"}
    assert may(Action.CONTROL, CALLERS[who], NAME, namespace) is (who in enders)
    in_laboratory = may(Action.CONTROL, CALLERS[who], NAME, namespace, is_open=True)
    assert in_laboratory is (rule != "nobody")
