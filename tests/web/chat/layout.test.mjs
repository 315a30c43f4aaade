import assert from "node:assert/strict";
import { test } from "node:test";

import { Layout } from "../../../relay/static/chat-layout.js";

const GUESS = 20;
const keys = (from, to) => Array.from({ length: to - from }, (_, index) => ({ key: `k${from + index}` }));

function layoutOf(from, to) {
  const layout = new Layout(() => GUESS);
  layout.rows = keys(from, to);
  return layout;
}

test("a list is as high as its rows, guessed or measured", () => {
  const layout = layoutOf(0, 10);
  assert.equal(layout.total, 200);
  layout.measure(3, 50);
  assert.equal(layout.total, 230);
  assert.equal(layout.top(3), 60);
  assert.equal(layout.top(4), 110);
});

test("a height is kept for as long as its row is there", () => {
  const layout = layoutOf(0, 10);
  layout.measure(0, 50);
  layout.rows = keys(0, 12);
  assert.equal(layout.total, 50 + 11 * GUESS);
  layout.measure(11, 70);
  for (const from of [-5, -10]) layout.rows = keys(from, 12);
  assert.equal(layout.total, 50 + 70 + 20 * GUESS);
  layout.rows = keys(1, 12);
  layout.rows = keys(0, 12);
  assert.equal(layout.total, 70 + 11 * GUESS);
});

test("rows are found by where they stand, and none stands outside", () => {
  const layout = layoutOf(0, 10);
  assert.deepEqual([0, 19.9, 20, 199, 1000, -5].map((y) => layout.at(y)), [0, 0, 1, 9, 9, 0]);
  assert.deepEqual(layout.between(45, 85), { first: 2, end: 5 });
  assert.deepEqual(layout.between(-600, 1e9), { first: 0, end: 10 });
  assert.deepEqual(layoutOf(0, 0).between(0, 500), { first: 0, end: 0 });
});

test("what is looked at is found again when older rows come, and when heights turn out", () => {
  const layout = layoutOf(50, 60);
  const anchor = layout.anchor(47);
  assert.deepEqual(anchor, { key: "k52", into: 7 });
  layout.rows = keys(0, 60);
  assert.equal(layout.back(anchor), 52 * GUESS + 7);
  layout.measure(0, 100);
  assert.equal(layout.back(anchor), 52 * GUESS + 7 + 80);
  layout.rows = keys(55, 60);
  assert.equal(layout.back(anchor), null);
  assert.equal(layoutOf(0, 0).anchor(10), null);
});

test("another width makes guesses of all heights", () => {
  const layout = layoutOf(0, 3);
  layout.measure(1, 90);
  layout.forgetHeights();
  assert.equal(layout.total, 60);
});

test("rows are found by their keys, whatever comes and goes on either side", () => {
  const layout = layoutOf(10, 20);
  for (const [from, to] of [[10, 25], [5, 25], [5, 15], [0, 30], [29, 30], [0, 0], [0, 40]]) {
    layout.rows = keys(from, to);
    for (let number = 0; number < 40; number += 1)
      assert.equal(layout.indexOf(`k${number}`), number >= from && number < to ? number - from : -1);
    assert.equal(layout.total, (to - from) * GUESS);
  }
});

test("tops are as a plain sum has them, whatever was asked for in between", () => {
  const layout = layoutOf(0, 300);
  const heights = Array(300).fill(GUESS);
  for (let step = 0; step < 1000; step += 1) {
    const [index, height] = [(step * 37) % 300, 10 + ((step * 13) % 70)];
    layout.measure(index, height);
    heights[index] = height;
    const asked = (step * 91) % 301;
    const sum = heights.slice(0, asked).reduce((total, each) => total + each, 0);
    assert.equal(layout.top(asked), sum);
  }
});
