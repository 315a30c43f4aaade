import assert from "node:assert/strict";
import { test } from "node:test";

import { reached } from "../../../relay/static/chat-step.js";

const said = (session, mediaMs, at = mediaMs) => ({ session, mediaMs, at });
const picture = (session, mediaMs, wallMs = mediaMs) => ({ session, mediaMs, wallMs });

test("a message comes when the picture gets to where it was said", () => {
  const messages = [said("s", 1000), said("s", 2000), said("s", 3000)];
  assert.deepEqual([999, 1000, 2500, 3000].map((ms) => reached(messages, picture("s", ms))), [0, 1, 2, 3]);
});

test("a picture that goes back takes the chat along", () => {
  const messages = [said("s", 1000), said("s", 2000)];
  assert.equal(reached(messages, picture("s", 2000)), 2);
  assert.equal(reached(messages, picture("s", 1500)), 1);
});

test("without a picture there is nothing to wait for", () => {
  assert.equal(reached([said("s", 1000), said(null, null, 5)], null), 2);
});

test("across sessions the wall clock tells", () => {
  const messages = [said("before", 90_000, 5000), said("now", 100, 6000), said("next", 0, 7000)];
  assert.equal(reached(messages, picture("now", 500, 6400)), 2);
  assert.equal(reached(messages, picture("before", 95_000, 6400)), 2);
  assert.equal(reached(messages, picture("next", 10, 7010)), 3);
});

test("what was said while nobody was live comes by the wall clock, too", () => {
  assert.equal(reached([said(null, null, 5000)], picture("s", 0, 4999)), 0);
  assert.equal(reached([said(null, null, 5000)], picture("s", 0, 5000)), 1);
});

test("a picture whose time is not known holds nothing else back", () => {
  const messages = [said("other", 5, 9e12), said("s", 100)];
  for (const unknown of [null, Infinity]) assert.equal(reached(messages, picture("s", 50, unknown)), 1);
});
