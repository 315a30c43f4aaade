import assert from "node:assert/strict";
import { test } from "node:test";

import { changed } from "../../../relay/static/live-view.js";

const A = { name: "a", viewers: 3 };
const B = { name: "b", viewers: 2 };
const C = { name: "c", viewers: 1 };
const ITEMS = [A, B, C];
const after = (...patch) => changed(ITEMS, { patch });

test("a whole view replaces what there was", () => {
  assert.deepEqual(changed(ITEMS, { value: [C] }), [C]);
  assert.deepEqual(changed(ITEMS, { value: [] }), []);
});

test("items come, go and move", () => {
  const D = { name: "d", viewers: 0 };
  assert.deepEqual(after({ op: "add", path: "/3", value: D }), [A, B, C, D]);
  assert.deepEqual(after({ op: "add", path: "/0", value: D }), [D, A, B, C]);
  assert.deepEqual(after({ op: "remove", path: "/1" }), [A, C]);
  // The new place is counted without the item in its old one (RFC 6902, 4.4).
  assert.deepEqual(after({ op: "move", from: "/0", path: "/2" }), [B, C, A]);
  assert.deepEqual(after({ op: "move", from: "/2", path: "/0" }), [C, A, B]);
});

test("operations follow one another", () => {
  const result = after(
    { op: "move", from: "/2", path: "/0" },
    { op: "replace", path: "/0/viewers", value: 9 },
    { op: "remove", path: "/2" },
  );
  assert.deepEqual(result, [{ name: "c", viewers: 9 }, A]);
});

test("what was there before stays what it was", () => {
  after({ op: "replace", path: "/0/viewers", value: 9 }, { op: "remove", path: "/1" });
  assert.deepEqual(ITEMS, [{ name: "a", viewers: 3 }, B, C]);
  const [first, second] = after({ op: "replace", path: "/0/viewers", value: 9 });
  assert.notEqual(first, A);
  assert.equal(second, B);
});

test("what views never say is an error, and no guess", () => {
  assert.throws(() => after({ op: "test", path: "/0", value: 1 }));
});
