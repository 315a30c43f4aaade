import assert from "node:assert/strict";
import { test } from "node:test";

/** The browser's side of Media Source Extensions, as far as the queue before it can tell. */
class FakeSourceBuffer extends EventTarget {
  updating = false;
  done = [];
  refusals = 0;

  appendBuffer(bytes) {
    if (this.refusals > 0) {
      this.refusals -= 1;
      throw Object.assign(new Error("full"), { name: "QuotaExceededError" });
    }
    this.updating = true;
    this.done.push(String.fromCharCode(...bytes.slice(0, 8)));
  }

  changeType(mime) {
    this.done.push(mime);
  }

  remove(start, end) {
    this.updating = true;
    this.done.push(`remove ${start}-${end}`);
  }

  finish() {
    this.updating = false;
    this.dispatchEvent(new Event("updateend"));
  }
}

class FakeMediaSource extends EventTarget {
  static last = null;
  readyState = "closed";
  sourceBuffer = new FakeSourceBuffer();

  constructor() {
    super();
    FakeMediaSource.last = this;
  }

  addSourceBuffer() {
    return this.sourceBuffer;
  }

  open() {
    this.readyState = "open";
    this.dispatchEvent(new Event("sourceopen"));
  }
}

globalThis.MediaSource = FakeMediaSource;
URL.createObjectURL = () => "blob:fake";
URL.revokeObjectURL = () => {};
const { MediaBuffer } = await import("../../../relay/static/buffer.js");

const bytes = (text) => new TextEncoder().encode(text).buffer;

function newBuffer() {
  const calls = [];
  const on = {
    progress: () => calls.push("progress"),
    overflow: () => calls.push("overflow"),
    failure: (error) => calls.push(`failure ${error.name}`),
  };
  const media = new MediaBuffer({ currentTime: 50 }, "video/mp4", on);
  const source = FakeMediaSource.last;
  return { media, source, sink: source.sourceBuffer, calls };
}

test("what comes before the source is open waits, the init first and the fragments joined", () => {
  const { media, source, sink } = newBuffer();
  media.init("video/mp4", bytes("I"));
  media.append(bytes("a"));
  media.append(bytes("b"));
  assert.deepEqual(sink.done, []);
  source.open();
  sink.finish();
  assert.deepEqual(sink.done, ["I", "ab"]);
});

test("one append at a time", () => {
  const { media, source, sink } = newBuffer();
  source.open();
  for (const text of ["a", "b", "c"]) media.append(bytes(text));
  assert.deepEqual(sink.done, ["a"]);
  assert.equal(media.isDrained, false);
  sink.finish();
  sink.finish();
  assert.deepEqual(sink.done, ["a", "bc"]);
  assert.equal(media.isDrained, true);
});

test("another mime changes the type right before its init, and only once", () => {
  const { media, source, sink } = newBuffer();
  source.open();
  media.append(bytes("a"));
  media.init("video/mp4; v2", bytes("I"));
  media.init("video/mp4; v2", bytes("J"));
  for (let i = 0; i < 3; i += 1) sink.finish();
  assert.deepEqual(sink.done, ["a", "video/mp4; v2", "I", "J"]);
});

test("a full buffer is trimmed up to the playhead, and the same bytes are tried again", () => {
  const { media, source, sink, calls } = newBuffer();
  source.open();
  sink.refusals = 1;
  media.append(bytes("a"));
  sink.finish();
  assert.deepEqual(sink.done, ["remove 0-48", "a"]);
  assert.ok(!calls.includes("failure QuotaExceededError"));
});

test("a buffer that stays full is a failure", () => {
  const { media, source, sink, calls } = newBuffer();
  source.open();
  sink.refusals = 2;
  media.append(bytes("a"));
  sink.finish();
  assert.ok(calls.includes("failure QuotaExceededError"));
});

test("a queue beyond its bound is dropped whole", () => {
  const { media, sink, source, calls } = newBuffer();
  const megabytes = new ArrayBuffer(10 * 1024 * 1024);
  media.append(megabytes);
  media.append(megabytes);
  assert.deepEqual(calls, []);
  media.append(megabytes);
  assert.deepEqual(calls, ["overflow"]);
  source.open();
  assert.deepEqual(sink.done, []);
});

test("a managed source takes data only while it streams", () => {
  const { media, source, sink } = newBuffer();
  source.streaming = false;
  source.open();
  media.append(bytes("a"));
  assert.deepEqual(sink.done, []);
  source.streaming = true;
  source.dispatchEvent(new Event("startstreaming"));
  assert.deepEqual(sink.done, ["a"]);
});

test("a closed buffer says nothing more", () => {
  const { media, source, sink, calls } = newBuffer();
  source.open();
  media.append(bytes("a"));
  media.close();
  sink.finish();
  assert.deepEqual(calls, []);
});
