"""Which changes may go on, by what the client says that it has seen."""

import pytest
from support.http_client import make_request

from relay.http.conditional import may_change

ETAG = '"8"'
CASES: list[tuple[list[tuple[str, str]], bool, bool]] = [
    # headers, whether where something is, whether where nothing is
    ([], True, True),
    ([("If-Match", "*")], True, False),
    ([("If-Match", ETAG)], True, True),
    ([("If-Match", '"7"')], False, False),
    ([("If-Match", '"7", "8"')], True, True),
    ([("If-Match", f"W/{ETAG}")], False, False),
    ([("If-Match", "")], False, False),
    ([("If-None-Match", "*")], False, True),
    ([("If-None-Match", '"7"')], True, True),
    ([("If-None-Match", f"W/{ETAG}")], False, False),
    ([("If-Match", ETAG), ("If-None-Match", "*")], False, True),
    ([("If-Match", '"7"'), ("If-None-Match", "*")], False, False),
]


@pytest.mark.parametrize(("headers", "there", "not_there"), CASES, ids=lambda it: str(it))
def test_a_change_goes_on_only_where_the_client_has_seen_what_is_there(
    headers: list[tuple[str, str]], there: bool, not_there: bool
) -> None:
    request = make_request("PUT", "/a", *headers)
    assert may_change(request, ETAG, is_there=True) is there
    assert may_change(request, ETAG, is_there=False) is not_there
