import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Conversation } from "../../../relay/static/chat-conversation.js";

const ANN = { user: "ann", name: "Ann", kind: "user" };
let room = null;

beforeEach(() => {
  room = new Conversation();
  room.user = "me";
  room.begin("e");
});

/** As the socket brings it. */
function hear(offset, more = {}) {
  return room.hear({ type: "message", id: `m${offset}`, author: ANN, text: `text ${offset}`, ...more }, { offset, time: 1000 });
}

/** As a page has it. */
function shown(offset, more = {}) {
  return {
    id: `m${offset}`, offset, author: ANN, text: `text ${offset}`, mentions: [], reply_to: null,
    sent_at: "2026-11-26T12:00:00Z", session: null, media_ms: null, edited_at: null, deleted: null,
    reactions: [], ...more,
  };
}

function page(offset, ...messages) {
  return { epoch: "e", offset, messages };
}

const texts = () => room.messages.map(({ text }) => text);
const offsets = () => room.messages.map(({ offset }) => offset);
const becomes = (type, of, offset, more) => room.hear({ type, id: `m${of}`, of, ...more }, { offset });

test("what comes by a page and live is there once, in the order of the log", () => {
  hear(5);
  hear(6);
  room.take(page(5, shown(3), shown(4), shown(5)));
  hear(7);
  room.take(page(2, shown(1), shown(2)));
  assert.deepEqual(offsets(), [1, 2, 3, 4, 5, 6, 7]);
  assert.equal(hear(7), null);
  assert.equal(offsets().length, 7);
});

test("a page that took long does not bring back what was deleted meanwhile", () => {
  becomes("delete", 3, 6, { by: "author" });
  room.take(page(5, shown(3), shown(4)));
  assert.deepEqual(texts(), ["", "text 4"]);
  assert.equal(room.find("m3").deleted, "author");
});

test("a page that was quicker than the socket is not undone by old news", () => {
  room.take(page(9, shown(3, { text: "third words", edited_at: "2026-11-26T12:01:00Z" })));
  becomes("edit", 3, 7, { text: "second words" });
  assert.deepEqual(texts(), ["third words"]);
  becomes("edit", 3, 10, { text: "fourth words" });
  assert.deepEqual(texts(), ["fourth words"]);
});

test("an edit whose words a later one has overtaken says nothing", () => {
  hear(3);
  becomes("edit", 3, 4, {});
  assert.deepEqual(texts(), ["text 3"]);
});

test("what is deleted stays so, and gets no hearts", () => {
  hear(3);
  becomes("delete", 3, 4, { by: "site" });
  becomes("edit", 3, 5, { text: "again" });
  becomes("reaction", 3, 6, { reaction: "❤️", user: "bob", on: true, count: 1 });
  const message = room.find("m3");
  assert.deepEqual([message.text, message.deleted, message.reactions], ["", "site", []]);
});

test("a change makes another message, so that a look tells", () => {
  const before = hear(3);
  becomes("edit", 3, 4, { text: "other" });
  assert.notEqual(room.find("m3"), before);
  assert.equal(room.messages[0], room.find("m3"));
  assert.equal(before.text, "text 3");
});

test("reactions are counted by the server, keep their places, and one's own are known", () => {
  hear(3);
  const react = (offset, reaction, user, on, count) => becomes("reaction", 3, offset, { reaction, user, on, count });
  react(4, "🔥", "bob", true, 1);
  react(5, "👏", "me", true, 1);
  react(6, "🔥", "me", true, 2);
  react(7, "🔥", "bob", false, 1);
  assert.deepEqual(room.find("m3").reactions, [
    { reaction: "🔥", count: 1, mine: true },
    { reaction: "👏", count: 1, mine: true },
  ]);
  react(8, "🔥", "me", false, 0);
  assert.deepEqual(room.find("m3").reactions.map(({ reaction }) => reaction), ["👏"]);
});

test("another channel by the same name is another conversation", () => {
  hear(3);
  room.take({ epoch: "other", offset: 1, messages: [shown(1)] });
  assert.deepEqual(offsets(), [1]);
  room.take({ epoch: "", offset: 0, messages: [] });
  assert.deepEqual(offsets(), [1]);
});

test("the oldest are let go of, and are not the beginning then", () => {
  for (const offset of [1, 2, 3, 4]) hear(offset);
  room.isWhole = true;
  room.forgetBefore(3);
  assert.deepEqual([offsets(), room.isWhole, room.find("m1")], [[3, 4], false, null]);
  assert.equal(room.indexOf(room.find("m4")), 1);
});

test("people are known by what they were called last", () => {
  hear(5, { author: { ...ANN, name: "Annie" } });
  room.take(page(5, shown(2)));
  assert.equal(room.people.get("ann").name, "Annie");
});

test("what is no message, and what a site says beside them, is passed over", () => {
  const message = hear(3);
  for (const data of [null, 5, "text", {}, { type: "goal", id: "m3" }, { type: "toString", id: "m3" }])
    assert.equal(room.hear(data, { offset: 9 }), null);
  assert.deepEqual(room.messages, [message]);
});

test("ten thousand in any order end up in order", () => {
  const order = Array.from({ length: 10_000 }, (_, index) => (index * 7919) % 10_000 + 1);
  for (const offset of order) hear(offset);
  assert.deepEqual(offsets(), order.toSorted((a, b) => a - b));
});
