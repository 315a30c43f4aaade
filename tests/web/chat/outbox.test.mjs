import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Outbox } from "../../../relay/static/chat-outbox.js";

let posted, answers, states, pauses, outbox;

/** Answers to posts: "ok", a status that refuses, or "lost" for none at all. */
function begin(...given) {
  answers = given;
  let keys = 0;
  const post = async ({ key, text }) => {
    posted.push([key, text]);
    const answer = answers.shift() ?? "ok";
    if (answer === "ok") return;
    throw answer === "lost" ? new TypeError("no network") : Object.assign(new Error("no"), { status: answer });
  };
  const change = () => states.push(outbox.entries.map(({ text, state }) => `${text}:${state}`).join(" "));
  const wait = (ms) => (pauses.push(ms), Promise.resolve());
  outbox = new Outbox(post, change, { newKey: () => `k${(keys += 1)}`, wait });
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 5));

beforeEach(() => {
  [posted, states, pauses] = [[], [], []];
});

test("messages go one after the other, and are gone once they are in the room", async () => {
  begin();
  outbox.say({ text: "a" });
  outbox.say({ text: "b" });
  assert.deepEqual(posted, [["k1", "a"]]);
  await settled();
  assert.deepEqual(posted, [["k1", "a"], ["k2", "b"]]);
  assert.deepEqual(outbox.entries, []);
});

test("without an answer the same is tried again, by the same key, and later ones wait", async () => {
  begin("lost", "lost", 503);
  outbox.say({ text: "a" });
  outbox.say({ text: "b" });
  await settled();
  assert.deepEqual(posted.map(([key]) => key), ["k1", "k1", "k1", "k1", "k2"]);
  assert.deepEqual(pauses, [500, 1000, 2000]);
  assert.ok(states.includes("a:away b:waiting"));
  assert.deepEqual(outbox.entries, []);
});

test("whoever has no connection for long is asked", async () => {
  begin(...Array(8).fill("lost"));
  outbox.say({ text: "a" });
  await settled();
  assert.equal(posted.length, 8);
  assert.equal(outbox.entries[0].state, "failed");
  outbox.retry(outbox.entries[0]);
  await settled();
  assert.equal(new Set(posted.map(([key]) => key)).size, 1);
  assert.deepEqual(outbox.entries, []);
});

test("a refusal stays with its reason, and holds nothing else up", async () => {
  begin(422);
  outbox.say({ text: "a" });
  outbox.say({ text: "b" });
  await settled();
  assert.deepEqual(posted.map(([, text]) => text), ["a", "b"]);
  const [entry] = outbox.entries;
  assert.deepEqual([entry.text, entry.state, entry.refusal.status], ["a", "failed", 422]);
  outbox.discard(entry);
  assert.deepEqual(outbox.entries, []);
});

test("what is under way cannot be called back", async () => {
  begin();
  outbox.say({ text: "a" });
  outbox.discard(outbox.entries[0]);
  assert.equal(outbox.entries.length, 1);
  await settled();
  assert.equal(outbox.entries.length, 0);
});

test("the network is back: nobody waits for the end of a pause", async () => {
  begin("lost");
  const never = new Outbox(
    async (entry) => {
      posted.push(entry.key);
      if (posted.length === 1) throw new TypeError("no network");
    },
    () => {},
    { newKey: () => "k", wait: () => new Promise(() => {}) },
  );
  never.say({ text: "a" });
  await settled();
  assert.deepEqual(posted, ["k"]);
  never.wake();
  await settled();
  assert.deepEqual(posted, ["k", "k"]);
  assert.deepEqual(never.entries, []);
});
