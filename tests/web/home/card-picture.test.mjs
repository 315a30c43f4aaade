/** The picture of a card: when another one is asked for, and which one is shown. */

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

const LIVE = { width: 320, state: "live" };
const HELD = { width: 320, state: "held" };
const SOUND = { width: null, state: "live" };
const NEXT = 20000;

let asked;
let now;
let tile;

/** A picture that can be drawn when a test says so. */
class Image {
  decode() {
    asked.push(this);
    return new Promise((resolve, reject) => Object.assign(this, { resolve, reject }));
  }

  replaceWith(other) {
    tile.shown = other;
  }

  remove() {
    tile.shown = null;
  }

  animate() {}
}

Object.assign(globalThis, {
  Image,
  document: { hidden: false },
  matchMedia: () => ({ matches: false }),
});
Date.now = () => now;
const { CardPicture } = await import("../../../relay/static/card-picture.js");

const settled = () => new Promise((resolve) => setImmediate(resolve));
const addresses = () => asked.map(({ src }) => src);

async function arrive(index) {
  asked[index].resolve();
  await settled();
}

beforeEach(() => {
  asked = [];
  now = 0;
  document.hidden = false;
  tile = { shown: null, querySelector: () => tile.shown, append: (it) => (tile.shown = it) };
});

test("a stream is shown by its picture as soon as that can be drawn", async () => {
  const card = new CardPicture(tile, "live/cat");
  card.show(LIVE);
  card.show(LIVE);
  assert.deepEqual(addresses(), ["/live/cat.jpg?at=0"]);
  assert.equal(tile.shown, null);
  await arrive(0);
  assert.equal(tile.shown, asked[0]);
});

test("a while later another one takes its place", async () => {
  const card = new CardPicture(tile, "live/cat");
  card.show(LIVE);
  await arrive(0);
  card.renew(LIVE);
  assert.equal(asked.length, 1);
  now += NEXT;
  card.renew(LIVE);
  assert.equal(tile.shown, asked[0]);
  await arrive(1);
  assert.equal(tile.shown, asked[1]);
  assert.equal(asked[1].src, "/live/cat.jpg?at=1");
});

test("nobody who cannot see it asks, nor for a stream that is interrupted", async () => {
  const card = new CardPicture(tile, "live/cat");
  card.show(LIVE);
  now += NEXT;
  card.renew(HELD);
  document.hidden = true;
  card.renew(LIVE);
  assert.equal(asked.length, 1);
});

test("where there is none the card stays as it is, and asks again later", async () => {
  const card = new CardPicture(tile, "live/cat");
  card.show(LIVE);
  asked[0].reject(new Error("503"));
  await settled();
  assert.equal(tile.shown, null);
  now += NEXT;
  card.renew(LIVE);
  await arrive(1);
  assert.equal(tile.shown, asked[1]);
});

test("one that comes too late is not shown", async () => {
  const card = new CardPicture(tile, "live/cat");
  card.show(LIVE);
  now += NEXT;
  card.renew(LIVE);
  await arrive(1);
  await arrive(0);
  assert.equal(tile.shown, asked[1]);
});

test("a stream that has only sound has no picture, or none any more", async () => {
  const card = new CardPicture(tile, "live/cat");
  card.show(SOUND);
  card.renew(SOUND);
  assert.equal(asked.length, 0);
  card.show(LIVE);
  await arrive(0);
  card.show(SOUND);
  assert.equal(tile.shown, null);
});
