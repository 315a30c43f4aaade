import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";

import { RelaySocket } from "../../../relay/static/socket.js";

/** The browser's WebSocket, driven by the test. */
class FakeWebSocket {
  static OPEN = 1;
  static made = [];
  readyState = 0;
  sent = [];

  constructor(url, protocol) {
    this.url = url;
    this.protocol = protocol;
    FakeWebSocket.made.push(this);
  }

  send(text) {
    this.sent.push(JSON.parse(text));
  }

  close() {
    this.readyState = 3;
  }

  open() {
    this.readyState = 1;
    this.onopen();
  }

  say(message) {
    this.onmessage({ data: JSON.stringify(message) });
  }
}

globalThis.WebSocket = FakeWebSocket;

let clockNow = 0;
let calls = [];
let socket = null;
const current = () => FakeWebSocket.made.at(-1);

function pass(ms) {
  for (let i = 0; i < ms; i += 50) {
    clockNow += 50;
    mock.timers.tick(50);
  }
}

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout", "setInterval"] });
  mock.restoreAll();
  mock.method(performance, "now", () => clockNow);
  FakeWebSocket.made = [];
  calls = [];
  const note = (name) => (...values) => calls.push([name, ...values]);
  socket = new RelaySocket("ws://host/live/cat.mp4", {
    message: note("message"),
    init: note("init"),
    fragment: note("fragment"),
    clock: note("clock"),
    status: note("status"),
  });
  socket.open();
});

test("the connection asks for the subprotocol", () => {
  assert.equal(current().protocol, "relay.fmp4.1");
});

test("an init takes the next binary message, every other one is a fragment", () => {
  current().open();
  const init = { type: "init", mime: "video/mp4", tracks: {} };
  current().say(init);
  current().onmessage({ data: 1 });
  current().onmessage({ data: 2 });
  assert.deepEqual(calls.slice(-2), [["init", init, 1], ["fragment", 2]]);
});

test("a pong carries when it was asked for and when it came", () => {
  current().open();
  pass(50);
  const [{ id }] = current().sent;
  current().say({ type: "clock", id, server_time_ms: 7 });
  const [, sentAt, receivedAt, serverTime] = calls.at(-1);
  assert.ok(receivedAt > sentAt - 1 && receivedAt - sentAt <= 50);
  assert.equal(serverTime, 7);
});

test("a lost connection comes back within half a second", () => {
  current().open();
  current().onclose();
  assert.equal(socket.status, "lost");
  pass(500);
  assert.equal(FakeWebSocket.made.length, 2);
  current().open();
  assert.equal(socket.status, "open");
});

test("a server that stays away is asked at most every eight seconds, and never given up", () => {
  for (let i = 0; i < 12; i += 1) {
    const before = FakeWebSocket.made.length;
    current().onclose();
    pass(8000);
    assert.equal(FakeWebSocket.made.length, before + 1);
  }
});

test("a viewer or a network that comes back does not wait", () => {
  for (let i = 0; i < 6; i += 1) {
    current().onclose();
    pass(8000);
  }
  current().onclose();
  const before = FakeWebSocket.made.length;
  socket.wake();
  assert.equal(FakeWebSocket.made.length, before + 1);
});

test("a connection that does not answer is given up", () => {
  current().open();
  pass(11000);
  assert.equal(socket.status, "open");
  pass(3000);
  assert.equal(socket.status, "lost");
});

test("after waking, a connection has little time to prove itself", () => {
  current().open();
  pass(1000);
  current().say({ type: "state", value: "live" });
  socket.wake();
  pass(3000);
  assert.equal(socket.status, "lost");
});

test("a server that goes away is left when it says so, and returned to at once", () => {
  current().open();
  current().say({ type: "move", after_ms: 2000 });
  pass(1950);
  assert.equal(FakeWebSocket.made.length, 1);
  pass(1650);
  assert.equal(FakeWebSocket.made.length, 2);
});

test("a server that goes away early is given the time that it asked for", () => {
  current().open();
  current().say({ type: "move", after_ms: 2000 });
  current().onclose();
  pass(1900);
  assert.equal(FakeWebSocket.made.length, 1);
  pass(1700);
  assert.equal(FakeWebSocket.made.length, 2);
});

test("a closed connection stays closed", () => {
  current().open();
  socket.close();
  pass(60000);
  assert.equal(FakeWebSocket.made.length, 1);
  assert.equal(socket.status, "closed");
});
