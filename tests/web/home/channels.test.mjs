import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";

import { Channels, isFinal } from "../../../relay/static/channels.js";

/** The browser's WebSocket, driven by the test. */
class FakeWebSocket {
  static made = [];
  sent = [];
  isClosed = false;

  constructor(url) {
    this.url = url;
    FakeWebSocket.made.push(this);
  }

  send(text) {
    this.sent.push(JSON.parse(text));
  }

  close() {
    this.isClosed = true;
    this.onclose?.({ code: 1000 });
  }

  say(...messages) {
    this.onmessage({ data: messages.map((message) => JSON.stringify(message)).join("\n") });
  }

  /** The last command of this name. */
  asked(name) {
    return this.sent.findLast((command) => name in command);
  }

  answer(name, result) {
    this.say({ id: this.asked(name).id, ...result });
  }

  connect(ping = 25) {
    this.onopen();
    this.answer("connect", { connect: { client: "1", ping, pong: true } });
  }
}

globalThis.WebSocket = FakeWebSocket;

let channels = null;
let told = [];
const current = () => FakeWebSocket.made.at(-1);
const on = Object.fromEntries(
  ["state", "publication", "refused"].map((name) => [name, (value) => told.push([name, value])]),
);

function subscribed(offset = 0, more = {}) {
  current().answer("subscribe", { subscribe: { epoch: "e", offset, data: { value: [] }, ...more } });
}

function publish(offset, data) {
  current().say({ push: { channel: "view:a", pub: { offset, data } } });
}

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout"] });
  FakeWebSocket.made = [];
  told = [];
  channels = new Channels("ws://host/connection/websocket");
});

test("a channel is followed once the connection is there: its state, and then what comes", () => {
  channels.follow("view:a", on);
  assert.deepEqual(current().sent, []);
  current().connect();
  assert.deepEqual(current().asked("subscribe").subscribe, { channel: "view:a" });
  subscribed(4);
  publish(5, "x");
  assert.deepEqual(told, [["state", { value: [] }], ["publication", "x"]]);
});

test("pings are answered", () => {
  current().connect();
  current().say({});
  assert.deepEqual(current().sent.at(-1), {});
});

test("several messages may come in one", () => {
  channels.follow("view:a", on);
  current().connect();
  subscribed();
  const pub = (offset) => ({ push: { channel: "view:a", pub: { offset, data: offset } } });
  current().say(pub(1), {}, pub(2));
  assert.deepEqual(told.slice(1), [["publication", 1], ["publication", 2]]);
});

test("after a reconnection what was missed is told, and nothing twice", () => {
  channels.follow("view:a", on);
  current().connect();
  subscribed(4);
  publish(5, "x");
  current().onclose({ code: 1006 });
  assert.equal(channels.status, "lost");
  mock.timers.tick(500);
  current().connect();
  const { channel, recover, epoch, offset } = current().asked("subscribe").subscribe;
  assert.deepEqual([channel, recover, epoch, offset], ["view:a", true, "e", 5]);
  told = [];
  subscribed(7, { recovered: true, publications: [{ offset: 6, data: "y" }, { offset: 7, data: "z" }] });
  assert.deepEqual(told, [["publication", "y"], ["publication", "z"]]);
});

test("what was missed and cannot be told is replaced by the state", () => {
  channels.follow("view:a", on);
  current().connect();
  subscribed(4);
  current().onclose({ code: 1006 });
  mock.timers.tick(500);
  current().connect();
  told = [];
  subscribed(90, { epoch: "other", recovered: false, data: { value: [1] } });
  assert.deepEqual(told, [["state", { value: [1] }]]);
  publish(91, "x");
  current().onclose({ code: 1006 });
  mock.timers.tick(1000);
  current().connect();
  assert.equal(current().asked("subscribe").subscribe.epoch, "other");
  assert.equal(current().asked("subscribe").subscribe.offset, 91);
});

test("a connection that is silent for longer than was promised is dead", () => {
  current().connect(25);
  mock.timers.tick(34000);
  current().say({});
  mock.timers.tick(34000);
  assert.equal(channels.status, "open");
  mock.timers.tick(1000);
  assert.equal(channels.status, "lost");
  assert.ok(current().isClosed);
});

test("who is told not to come back does not", () => {
  current().connect();
  current().onclose({ code: 3501 });
  assert.equal(channels.status, "closed");
  mock.timers.tick(60000);
  assert.equal(FakeWebSocket.made.length, 1);
  assert.deepEqual([3000, 3499, 3500, 3999, 4000, 4500, 1006].map(isFinal),
    [false, false, true, true, false, true, false]);
});

test("who is back at the page does not wait", () => {
  current().connect();
  current().onclose({ code: 1006 });
  channels.wake();
  assert.equal(FakeWebSocket.made.length, 2);
});

test("a channel that is no longer followed says nothing more", () => {
  const unfollow = channels.follow("view:a", on);
  current().connect();
  subscribed();
  unfollow();
  assert.deepEqual(current().asked("unsubscribe").unsubscribe, { channel: "view:a" });
  publish(1, "late");
  assert.deepEqual(told, [["state", { value: [] }]]);
});

test("a refusal is told, and a temporary one is tried again", () => {
  channels.follow("view:a", on);
  current().connect();
  current().answer("subscribe", { error: { code: 100, message: "internal", temporary: true } });
  assert.deepEqual(told, []);
  mock.timers.tick(500);
  current().connect();
  current().answer("subscribe", { error: { code: 102, message: "unknown channel" } });
  assert.deepEqual(told, [["refused", { code: 102, message: "unknown channel" }]]);
});

test("a subscription that the server ends is made again where it stood", () => {
  channels.follow("view:a", on);
  current().connect();
  subscribed(4);
  current().say({ push: { channel: "view:a", unsubscribe: { code: 2500, reason: "" } } });
  mock.timers.tick(500);
  current().connect();
  assert.equal(current().asked("subscribe").subscribe.offset, 4);
});

test("a method has a reply, or none where the connection is lost", async () => {
  assert.deepEqual(await channels.call("relay.view", {}), {});
  current().connect();
  const reply = channels.call("relay.view", { title: "cat" });
  assert.deepEqual(current().asked("rpc").rpc, { method: "relay.view", data: { title: "cat" } });
  current().answer("rpc", { rpc: { data: { channel: "view:b" } } });
  assert.equal((await reply).rpc.data.channel, "view:b");
  const lost = channels.call("relay.view", {});
  current().onclose({ code: 1006 });
  assert.deepEqual(await lost, {});
});
