import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";

import { Room } from "../../../relay/static/chat-room.js";

const ANN = { user: "ann", name: "Ann", kind: "user" };
const ME = { role: "guest", may: { read: true, write: true, moderate: false }, refused: null, ban: null, wait_ms: 0, modes: { slow_s: 0 } };

class FakeWebSocket {
  static made = [];
  sent = [];

  constructor() {
    FakeWebSocket.made.push(this);
  }

  send(text) {
    this.sent.push(JSON.parse(text));
  }

  close() {}

  say(message) {
    this.onmessage({ data: JSON.stringify(message) });
  }

  answer(name, result) {
    this.say({ id: this.sent.findLast((command) => name in command).id, ...result });
  }
}

/** A server that has these messages, by offset, and refuses what it is told to. */
let log, refused, asked, room, identity;

function answered(address) {
  const { pathname, searchParams } = new URL(address, "http://site");
  asked.push(pathname.split("/").slice(5).join("/") + (searchParams.get("before") ? `<${searchParams.get("before")}` : ""));
  const part = pathname.split("/")[5];
  if (refused[part]) return [refused[part][0], { type: `/problems/${refused[part][1]}` }];
  if (part === "me") return [200, ME];
  if (part === "moderators") return [200, { moderators: [{ user: "mia" }] }];
  const before = Number(searchParams.get("before")) || Infinity;
  const limit = Number(searchParams.get("limit"));
  const found = log.filter(({ offset }) => offset < before).slice(-limit);
  return [200, { epoch: "e", offset: log.at(-1)?.offset ?? 0, messages: found, older: found.length < limit ? null : "more" }];
}

function said(offset, text = `text ${offset}`) {
  return {
    id: `m${offset}`, offset, author: ANN, text, mentions: [], reply_to: null, sent_at: "2026-11-26T12:00:00Z",
    session: null, media_ms: null, edited_at: null, deleted: null, reactions: [],
  };
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 5));
const socket = () => FakeWebSocket.made.at(-1);
const offsets = () => room.conversation.messages.map(({ offset }) => offset);

async function connect(subscribed = {}) {
  socket().onopen();
  socket().answer("connect", { connect: { client: "1", ping: 25 } });
  socket().answer("subscribe", { subscribe: { epoch: "e", offset: log.length, ...subscribed } });
  await settled();
}

function publish(offset, data = { type: "message", id: `m${offset}`, author: ANN, text: `text ${offset}` }) {
  socket().say({ push: { channel: "chat:live/cat", pub: { offset, data, time: 1 } } });
}

beforeEach(() => {
  [log, refused, asked, FakeWebSocket.made] = [[], {}, [], []];
  globalThis.location = { protocol: "http:", host: "site" };
  globalThis.WebSocket = FakeWebSocket;
  // Nobody waits for their turn here.
  Math.random = () => 0;
  globalThis.fetch = async (address) => {
    const [status, body] = answered(address);
    return { ok: status < 300, status, headers: new Map(), json: async () => body };
  };
  identity = { now: null, forget: () => (identity.now = null) };
  room = new Room("live/cat", identity);
});

afterEach(() => socket()?.onclose?.({ code: 3500 }));

async function start(subscribed) {
  room.start();
  await settled();
  await connect(subscribed);
}

test("a newcomer gets the newest page, and then what comes", async () => {
  log = Array.from({ length: 150 }, (_, index) => said(index + 1));
  await start();
  publish(151);
  assert.deepEqual([offsets()[0], offsets().length, room.conversation.isWhole], [51, 101, false]);
  await room.loadOlder();
  assert.deepEqual([offsets()[0], offsets().length, room.conversation.isWhole], [1, 151, true]);
  assert.equal(room.status, "open");
});

test("who was away gets what came since, and asks for nothing else", async () => {
  log = [said(1)];
  await start();
  asked.length = 0;
  socket().onclose({ code: 1006 });
  assert.equal(room.status, "lost");
  room.wake();
  const publications = [2, 3].map((offset) => ({ offset, time: 1, data: { type: "message", id: `m${offset}`, author: ANN, text: "" } }));
  await connect({ recovered: true, publications, offset: 3 });
  assert.deepEqual(offsets(), [1, 2, 3]);
  assert.deepEqual(asked, []);
});

test("where that cannot be told any more, all that is here is asked for anew", async () => {
  log = Array.from({ length: 100 }, (_, index) => said(index + 1));
  await start();
  socket().onclose({ code: 1006 });
  // Meanwhile: much was said, and something of what is here was deleted.
  log = Array.from({ length: 450 }, (_, index) => said(index + 1));
  log[49] = { ...log[49], text: null, deleted: { by: "moderator", at: "" } };
  room.wake();
  await connect({ offset: 600 });
  assert.deepEqual(offsets(), Array.from({ length: 450 }, (_, index) => index + 1));
  assert.equal(room.conversation.find("m50").deleted, "moderator");
});

test("what is too far back for that is let go of, so that no hole stays", async () => {
  log = Array.from({ length: 10 }, (_, index) => said(index + 1));
  await start();
  socket().onclose({ code: 1006 });
  log = Array.from({ length: 2000 }, (_, index) => said(index + 1));
  room.wake();
  await connect({ offset: 2000 });
  assert.deepEqual([offsets()[0], offsets().at(-1), offsets().length], [1001, 2000, 1000]);
  assert.equal(room.conversation.isWhole, false);
});

test("where there is no room, there is no connection", async () => {
  refused.me = [404, "no-such-room"];
  room.start();
  await settled();
  assert.equal(room.status, "refused");
  assert.equal(room.refusal.name, "no-such-room");
  assert.equal(FakeWebSocket.made.length, 0);
});

test("who may not read is told why, and asks for nothing more", async () => {
  const before = ME.may;
  Object.assign(ME, { may: { ...before, read: false }, refused: "/problems/banned", modes: null });
  room.start();
  await settled();
  Object.assign(ME, { may: before, refused: null, modes: { slow_s: 0 } });
  assert.deepEqual([room.status, room.refusal.name], ["refused", "banned"]);
  assert.deepEqual([asked, FakeWebSocket.made.length], [["me"], 0]);
});

test("where one has to say who one is, whoever is here does", async () => {
  identity.now = { user: "ann", token: "t" };
  room.start();
  await settled();
  socket().onopen();
  socket().answer("connect", { connect: { client: "1", ping: 25 } });
  assert.deepEqual(socket().sent[0].connect, {});
  socket().answer("subscribe", { error: { code: 103, message: "permission denied" } });
  socket().onopen();
  assert.deepEqual(socket().sent[0].connect, { token: "t" });
  socket().answer("connect", { connect: { client: "2", ping: 25 } });
  socket().answer("subscribe", { error: { code: 103, message: "permission denied" } });
  assert.equal(room.status, "refused");
});

test("a server that has trouble is asked again, and nothing is refused", async () => {
  refused.me = [503, "store-unavailable"];
  room.start();
  await settled();
  assert.equal(room.status, "connecting");
  delete refused.me;
  await connect();
  assert.equal(room.me.role, "guest");
});

test("what moderators do is heard", async () => {
  identity.now = { user: "bob", token: "t" };
  log = [said(1), said(2)];
  await start();
  assert.deepEqual([...room.moderators], ["mia"]);
  asked.length = 0;
  publish(3, { type: "purge", user: "ann" });
  publish(4, { type: "role", user: "zoe", role: "moderator" });
  publish(5, { type: "modes", slow_s: 10, followers_only: false, links: true, guests: true });
  publish(6, { type: "ban", user: "ann", until_ms: null });
  assert.deepEqual(room.conversation.messages.map(({ deleted }) => deleted), ["moderator", "moderator"]);
  assert.ok(room.moderators.has("zoe"));
  assert.equal(room.me.modes.slow_s, 10);
  assert.deepEqual(asked, []);
  // What is about oneself is asked about.
  publish(7, { type: "ban", user: "bob", until_ms: null });
  assert.deepEqual(asked, ["me"]);
});
