// What a site and its pages have: an SDK from npm, and a secret to sign tokens with.

import { createHmac } from "node:crypto";
import { once } from "node:events";
import { Centrifuge } from "centrifuge";

const URL = process.env.RELAY_URL;
const PATIENCE_MS = 20_000;

const base64url = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

// A JSON Web Token, as any library makes it (RFC 7519).
export function token(claims) {
  const signed = `${base64url({ alg: "HS256", typ: "JWT" })}.${base64url(claims)}`;
  const mac = createHmac("sha256", process.env.RELAY_SECRET).update(signed).digest("base64url");
  return `${signed}.${mac}`;
}

export const inSeconds = (seconds) => Math.floor(Date.now() / 1000) + seconds;

const open = new Set();

// A client that has not connected yet.  It comes back quickly, so that tests are short.
export function client(options = {}) {
  const made = new Centrifuge(URL, { minReconnectDelay: 20, maxReconnectDelay: 100, ...options });
  // Without a listener an error would end the process, and some are what a test is about.
  made.on("error", () => {});
  open.add(made);
  return made;
}

// A client that has.
export async function connected(options = {}) {
  const made = client(options);
  made.connect();
  await made.ready(PATIENCE_MS);
  return made;
}

// A subscription that has begun.
export async function subscribed(to, channel, options = {}) {
  const made = to.newSubscription(channel, options);
  made.on("error", () => {});
  made.subscribe();
  await made.ready(PATIENCE_MS);
  return made;
}

// The next time that this happens.
export async function next(emitter, event) {
  const [context] = await once(emitter, event, { signal: AbortSignal.timeout(PATIENCE_MS) });
  return context;
}

// A function that waits for the events of this kind one by one, from now on.
export function each(emitter, event) {
  const come = [];
  const waiting = [];
  emitter.on(event, (context) => (waiting.shift() ?? ((one) => come.push(one)))(context));
  return () =>
    come.length ? Promise.resolve(come.shift()) : new Promise((found) => waiting.push(found));
}

export function closeAll() {
  for (const one of open) one.disconnect();
  open.clear();
}
