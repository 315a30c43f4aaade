import assert from "node:assert/strict";
import { afterEach, test } from "node:test";

import { Identity, tokenOf } from "../../../relay/static/identity.js";
import { followersText } from "../../../relay/static/words.js";

const HOUR = 3600_000;

function jwt(claims) {
  return `e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.c2ln`;
}

class Storage {
  constructor(kept = {}) {
    this.kept = new Map(Object.entries(kept));
  }
  getItem(key) {
    return this.kept.get(key) ?? null;
  }
  setItem(key, value) {
    this.kept.set(key, value);
  }
  removeItem(key) {
    this.kept.delete(key);
  }
}

function windowAt(hash = "", { tab = new Storage(), browser = new Storage() } = {}) {
  const addresses = [];
  return {
    location: { hash, pathname: "/watch/live/cat", search: "?a=b" },
    history: { replaceState: (state, title, address) => addresses.push(address) },
    sessionStorage: tab,
    localStorage: browser,
    addresses,
  };
}

function guests(answers) {
  const asked = [];
  globalThis.fetch = async (address, options) => {
    asked.push([address, JSON.parse(options.body)]);
    const [status, body] = answers.shift();
    return { ok: status < 300, status, json: async () => body };
  };
  return asked;
}

afterEach(() => delete globalThis.fetch);

test("a token in the address is taken out of it at once, and the tab remembers it", () => {
  const token = jwt({ sub: "ann" });
  const window = windowAt(`#token=${token}`);
  assert.deepEqual(new Identity(window).now, { user: "ann", token });
  assert.deepEqual(window.addresses, ["/watch/live/cat?a=b"]);
  const again = windowAt("", { tab: window.sessionStorage });
  assert.deepEqual(new Identity(again).now, { user: "ann", token });
  assert.deepEqual(again.addresses, []);
});

test("another part of an address is left alone", () => {
  const window = windowAt("#here");
  assert.equal(new Identity(window).now, null);
  assert.deepEqual(window.addresses, []);
});

test("nobody becomes a guest when that is needed, and stays the same one", async () => {
  const expires = new Date(Date.now() + HOUR).toISOString();
  const asked = guests([[201, { sub: "guest_1", token: "t", expires, name: "Guest" }]]);
  const browser = new Storage();
  const identity = new Identity(windowAt("", { browser }));
  assert.equal(identity.now, null);
  assert.equal(asked.length, 0);
  const guest = { user: "guest_1", token: "t" };
  assert.deepEqual(await identity.somebody(), guest);
  assert.deepEqual(await identity.somebody(), guest);
  assert.deepEqual(asked, [["/api/v1/guests", { name: "Guest" }]]);
  assert.deepEqual(new Identity(windowAt("", { browser })).now, guest);
});

test("a user comes before a guest", () => {
  const expires = new Date(Date.now() + HOUR).toISOString();
  const browser = new Storage({ "relay.guest": JSON.stringify({ user: "guest_1", token: "t", expires }) });
  const token = jwt({ sub: "ann" });
  const identity = new Identity(windowAt(`#token=${token}`, { browser }));
  assert.equal(identity.now.user, "ann");
  identity.forget();
  assert.equal(identity.now, null);
});

test("a guest whose token ends is nobody", () => {
  for (const expires of [new Date(Date.now() + 1000).toISOString(), "never", undefined]) {
    const browser = new Storage({ "relay.guest": JSON.stringify({ user: "guest_1", token: "t", expires }) });
    assert.equal(new Identity(windowAt("", { browser })).now, null);
  }
});

test("a refusal says by its name why", async () => {
  guests([[429, { type: "/problems/too-many-guests" }]]);
  await assert.rejects(new Identity(windowAt()).somebody(), { status: 429, name: "too-many-guests" });
});

test("where nothing may be kept, there is nobody, and then a guest for once", async () => {
  const window = windowAt(`#token=${jwt({ sub: "ann" })}`);
  const forbidden = { get: () => { throw new Error("denied"); } };
  Object.defineProperty(window, "sessionStorage", forbidden);
  Object.defineProperty(window, "localStorage", forbidden);
  guests([[201, { sub: "guest_1", token: "t", expires: "" }]]);
  const identity = new Identity(window);
  assert.equal(identity.now, null);
  assert.equal((await identity.somebody()).user, "guest_1");
});

test("what is no token is nobody's", () => {
  const tokens = [null, 5, "", "a", "a.b", "a.!!.c", jwt({}), jwt({ sub: 5 }), jwt({ sub: "" }), jwt([])];
  for (const token of tokens) assert.equal(tokenOf(token), null, JSON.stringify(token));
  assert.equal(tokenOf(jwt({ sub: "ann", exp: Date.now() / 1000 - 1 })), null);
  assert.equal(tokenOf(jwt({ sub: "зина", exp: Date.now() / 1000 + 60 })).user, "зина");
});

test("followers are counted in words", () => {
  assert.equal(followersText(0), "No followers yet");
  assert.equal(followersText(1), "1 follower");
  assert.equal(followersText(1234), `${(1234).toLocaleString()} followers`);
});
