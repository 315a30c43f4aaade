"""What moderators do, in a word, for tests of what comes of it."""

import json
from typing import Any

from support.chatting import ROOM, People, check, path


def modes(**changed: Any) -> dict[str, Any]:
    """A room's modes, those of its own making but for these."""
    by_itself = {"slow_s": 0, "followers_only": False, "links": True, "guests": True}
    return by_itself | changed


async def banned(
    it: People,
    user: str,
    *,
    for_s: int | None = None,
    reason: str = "",
    room: str = ROOM,
    by: str = "mod",
) -> None:
    """Ban somebody, and see that the answer is what is documented."""
    value = {"for_s": for_s, "reason": reason}
    answer = await it.ask(by, "PUT", path(room, "bans", user), value)
    assert answer.status == 200, answer.body
    check("/bans/{user}", "put", "200", json.loads(answer.body))


async def ordered(it: People, **patch: Any) -> None:
    """Change the modes of the stream's room."""
    assert await it.status("mod", "PATCH", path(ROOM, "modes"), patch) == 200
