"""Tokens, cursors and texts that are meant to be more than they are: refused, or a text."""

from pathlib import Path
from urllib.parse import quote

import pytest
import trio
from support.centrifugo_client import foreign_token
from support.chatting import MESSAGES, ROOM, People, path
from support.going_on import room
from support.memory import in_virtual_time
from support.tokens import NOW, compact, token

SQL = (
    "'; DROP TABLE publications; --",
    '" OR 1=1 --',
    "x' UNION SELECT value FROM orders--",
    "Robert'); DELETE FROM order_log;--",
    "%' OR offset > 0 OR '%'='",
    "\\'; SELECT pg_sleep(10); --",
)


@in_virtual_time
async def test_stale_and_forged_tokens_are_told_apart_and_speak_nowhere(tmp_path: Path) -> None:
    async with room(tmp_path) as it:
        good = it.it.shown["ann"]
        header, payload, signature = good.split(".")
        olga = token(tmp_path, sub="olga").split(".")[1]
        tokens = {
            "expired": token(tmp_path, sub="ann", exp=NOW - 60),
            "not yet": token(tmp_path, sub="ann", nbf=NOW + 3600),
            "foreign": foreign_token("ann"),
            "no algorithm": compact({"alg": "none"}, {"sub": "ann"}),
            "another's": f"{header}.{olga}.{signature}",
            "cut": f"{header}.{payload}.{signature[:-4]}",
            "unsigned": f"{header}.{payload}.",
            "SQL": "' OR 1=1 --",
            "long": good + "A" * 5000,
        }
        those = People(it.it.here, {**it.it.shown, **tokens})
        for who in tokens:
            answer = await those.ask(who, "POST", MESSAGES, {"text": "hello"})
            assert answer.status in (400, 401, 431), who
            assert 400 <= await those.status(who, "PUT", path(ROOM, "bans", "ann"), {}) < 500
            assert 400 <= await those.status(who, "POST", f"/v1/stream/{ROOM}", []) < 500
        assert await those.refusal("expired", "POST", MESSAGES, {}) == "token-expired"
        assert await those.refusal("foreign", "POST", MESSAGES, {}) == "token-invalid"
        assert await it.it.texts() == []
        await it.goes_on()


@in_virtual_time
async def test_a_cursor_that_was_tampered_with_leads_nowhere(tmp_path: Path) -> None:
    async with room(tmp_path) as it:
        for number in range(3):
            await it.it.say("ann", str(number))
        page = await it.it.page("bob", "?limit=1")
        older = page["older"]
        bad = [older[:-1], older + "A", older.swapcase(), older[::-1], "", "AAAA", "=" * 8, *SQL]
        for cursor in bad:
            target = f"{MESSAGES}?cursor={quote(cursor)}"
            assert await it.it.refusal("bob", "GET", target) == "page-not-possible", cursor
        for query in ("before=-1", "after=1e9", "limit=999999", "before_time=now", "limit=1;"):
            assert await it.it.refusal("bob", "GET", f"{MESSAGES}?{query}") == "page-not-possible"
        elsewhere = path("chat:live/dog", "messages") + f"?cursor={quote(older)}"
        assert await it.it.refusal("bob", "GET", elsewhere) == "page-not-possible"
        for cursor in ("AA", "YQ==", "\u00e4", *SQL):
            for listed in ("bans", "audit"):
                target = path(ROOM, listed) + f"?cursor={quote(cursor)}"
                assert await it.it.refusal("mod", "GET", target) == "page-not-possible"
            await trio.sleep(1)
        await it.goes_on()


@pytest.mark.parametrize("sql", SQL)
@in_virtual_time
async def test_sql_is_a_text_in_every_field(sql: str, tmp_path: Path) -> None:
    async with room(tmp_path) as it:
        shown = {**it.it.shown, "eve": token(tmp_path, sub=sql[:40], name=sql)}
        those = People(it.it.here, shown)
        said = await those.say("eve", sql, mentions=[sql])
        assert (said["text"], said["mentions"]) == (sql, [sql])
        target = f"{MESSAGES}?search={quote(sql)}&author={quote(sql[:40])}"
        assert [one["id"] for one in (await those.get("bob", target))["messages"]] == [said["id"]]
        value = {"for_s": 60, "reason": sql}
        assert await those.status("mod", "PUT", path(ROOM, "bans", quote_once(sql)), value) == 200
        assert (await those.get("mod", path(ROOM, "audit")))["entries"][0]["reason"] == sql
        assert await those.refusal("mod", "PUT", path(ROOM, "modes"), {}) == "about:blank"
        assert await those.refusal("mod", "PATCH", path(ROOM, "modes"), {sql: 1}) == (
            "modes-not-possible"
        )
        keyed = await those.ask("eve", "POST", MESSAGES, {"text": sql}, idempotency_key=sql)
        assert keyed.status in (201, 400)
        answer = await those.ask("mod", "POST", path(ROOM, "words"), {"pattern": sql})
        assert answer.status in (201, 422)
        assert await those.status("mod", "DELETE", path(ROOM, "messages", said["id"])) == 204
        for segments in (("messages", sql), ("words", sql), ("moderators", sql)):
            assert await those.status("olga", "DELETE", path(ROOM, *segments)) in (400, 404)
        await it.goes_on()


def quote_once(sql: str) -> str:
    """Without what no address holds."""
    return sql.replace("/", "").replace("%", "").replace("\\", "")
