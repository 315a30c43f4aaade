/** What a rewind is made of, without a browser: playlists, the window, init segments, the feed. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { beforeEach, mock, test } from "node:test";

import { HlsFeed } from "../../../relay/static/hls-feed.js";
import { describeInit } from "../../../relay/static/hls-init.js";
import { mediaAddress, readPlaylist } from "../../../relay/static/hls-playlist.js";
import { HlsWindow } from "../../../relay/static/hls-window.js";
import { behindText, latencyText } from "../../../relay/static/words.js";

const BASE = "http://relay.example/live/cat/hls/k/media.m3u8";
const MULTIVARIANT = `#EXTM3U
#EXT-X-VERSION:9
#EXT-X-STREAM-INF:BANDWIDTH=1
cat/hls/k/media.m3u8?viewer=7
`;

/** Segments of two seconds from `first` on; the init segment changes at number 3. */
function playlist(first, count, { more = "", end = false } = {}) {
  const lines = ["#EXTM3U", "#EXT-X-TARGETDURATION:4", `#EXT-X-MEDIA-SEQUENCE:${first}`];
  for (let number = first; number < first + count; number += 1) {
    if (number === first || number === 3) lines.push(`#EXT-X-MAP:URI="init.${number < 3 ? 0 : 1}.mp4"`);
    if (number === 3) lines.push("#EXT-X-DISCONTINUITY");
    const wall = new Date(1_700_000_000_000 + 2000 * number).toISOString();
    lines.push(`#EXT-X-PROGRAM-DATE-TIME:${wall}`, "#EXTINF:2.000,", `${number}.mp4`);
  }
  return [...lines, ...(more ? [more] : []), end ? "#EXT-X-ENDLIST" : "", ""].join("\n");
}

const served = new Map();
let asked;

beforeEach(() => {
  asked = [];
  served.clear();
  served.set("http://relay.example/live/cat.m3u8", MULTIVARIANT);
  globalThis.fetch = async (address) => {
    asked.push(String(address));
    const body = served.get(String(address).split("?")[0]);
    const data = new TextEncoder().encode(body ?? "").buffer;
    const ok = body !== undefined;
    return { ok, status: ok ? 200 : 404, url: String(address), text: async () => body, arrayBuffer: async () => data };
  };
});

const windowOf = async (text) => {
  served.set(BASE, text);
  const window = new HlsWindow("http://relay.example/live/cat.m3u8");
  await window.read();
  return window;
};

test("a multivariant playlist leads to the media playlist", () => {
  assert.equal(mediaAddress(MULTIVARIANT, "http://relay.example/live/cat.m3u8"), `${BASE}?viewer=7`);
  assert.equal(mediaAddress("#EXTM3U\n", BASE), null);
});

test("a media playlist is read to the end of its newest part", () => {
  const more = '#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00Z\n#EXT-X-PART:DURATION=0.334,URI="9.0.mp4"';
  const list = readPlaylist(playlist(2, 3, { more }), BASE);
  assert.equal(list.targetMs, 4000);
  assert.equal(list.edgeMs, 6334);
  assert.equal(list.isOver, false);
  assert.deepEqual(
    list.segments.map(({ number, startMs, init }) => [number, startMs, init.split("/").at(-1)]),
    [[2, 0, "init.0.mp4"], [3, 2000, "init.1.mp4"], [4, 4000, "init.1.mp4"]],
  );
  assert.equal(list.segments[0].address, "http://relay.example/live/cat/hls/k/2.mp4");
  assert.equal(list.segments[1].wallMs, 1_700_000_006_000);
});

test("parts of a whole segment are not counted twice", () => {
  const text = '#EXTM3U\n#EXT-X-PART:DURATION=1.000,URI="0.0.mp4"\n#EXTINF:1.000,\n0.mp4\n';
  assert.equal(readPlaylist(text, BASE).edgeMs, 1000);
});

test("positions stay what they are while the list moves on", async () => {
  const window = await windowOf(playlist(0, 5));
  assert.equal(window.at(5000).number, 2);
  served.set(BASE, playlist(2, 5));
  await window.read();
  assert.equal(window.startMs, 4000);
  assert.equal(window.at(5000).number, 2);
  assert.equal(window.at(0).number, 2);
  assert.equal(window.after(6), null);
  assert.equal(window.wallMs(5000), 1_700_000_005_000);
});

test("the live edge goes on between two looks, and stands still when it is over", async () => {
  const now = mock.method(performance, "now", () => 0);
  const window = await windowOf(playlist(0, 5));
  now.mock.mockImplementation(() => 1500);
  assert.equal(window.edgeMs, 11_500);
  served.set(BASE, playlist(0, 6, { end: true }));
  await window.read();
  now.mock.mockImplementation(() => 9000);
  assert.equal(window.edgeMs, 12_000);
  now.mock.restore();
});

test("who only looks is not counted as a viewer", async () => {
  const window = await windowOf(playlist(0, 5));
  assert.equal(asked.at(-1), BASE);
  await window.read({ isWatching: true });
  assert.equal(asked.at(-1), `${BASE}?viewer=7`);
});

test("a list that is gone is looked for again", async () => {
  const window = await windowOf(playlist(0, 5));
  served.delete(BASE);
  assert.equal(await window.read(), false);
  assert.equal(window.isKnown, false);
  served.set(BASE, playlist(0, 5));
  assert.equal(await window.read(), true);
});

test("an init segment says which codecs it is for", () => {
  // As our own server writes it.
  const file = readFileSync(new URL("init.mp4", import.meta.url));
  const { mime, tracks } = describeInit(new Uint8Array(file).buffer);
  assert.equal(mime, 'video/mp4; codecs="avc1.64000d, mp4a.40.2"');
  assert.deepEqual(tracks.video, { codec: "avc1.64000d", width: 320, height: 180 });
  assert.deepEqual(tracks.audio, { codec: "mp4a.40.2", sample_rate: 48000, channels: 2 });
});

/** A feed into a buffer of so many seconds. */
function feedInto(window, buffer) {
  const done = [];
  const feed = new HlsFeed(window, {
    isReady: () => true,
    ahead: () => buffer.seconds,
    fits: () => buffer.fits,
    init: (_, __, segment) => done.push(`init before ${segment.number}`),
    fragment: (bytes) => done.push(new TextDecoder().decode(bytes)),
    over: () => done.push("over"),
  });
  return { feed, done };
}

const until = async (isTrue) => {
  for (let i = 0; i < 400 && !isTrue(); i += 1) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.ok(isTrue());
};

const INIT = readFileSync(new URL("init.mp4", import.meta.url), "latin1");

function serveSegments(first, last) {
  for (const number of [0, 1]) served.set(`http://relay.example/live/cat/hls/k/init.${number}.mp4`, INIT);
  for (let number = first; number <= last; number += 1)
    served.set(`http://relay.example/live/cat/hls/k/${number}.mp4`, `segment ${number}`);
}

test("the feed brings all from a position on, with an init wherever that changes", async () => {
  globalThis.TextEncoder = class { encode = (text) => Uint8Array.from(text, (c) => c.charCodeAt(0)); };
  serveSegments(0, 5);
  const window = await windowOf(playlist(0, 5, { end: true }));
  const { feed, done } = feedInto(window, { seconds: 0, fits: true });
  await feed.start(2500);
  assert.deepEqual(done, [
    "init before 1", "segment 1", "segment 2", "init before 3", "segment 3", "segment 4", "over",
  ]);
});

test("it waits while there is enough, and for what has to be played before other tracks", async () => {
  serveSegments(0, 5);
  const window = await windowOf(playlist(0, 5));
  const buffer = { seconds: 30, fits: false };
  const { feed, done } = feedInto(window, buffer);
  feed.start(4000);
  await new Promise((resolve) => setTimeout(resolve, 150));
  assert.deepEqual(done, []);
  buffer.seconds = 5;
  await until(() => done.length === 2);
  assert.deepEqual(done, ["init before 2", "segment 2"]);
  buffer.seconds = 0.1;
  await until(() => done.includes("segment 3"));
  feed.stop();
});

test("what has left the window is passed over, and what comes later is waited for", async () => {
  serveSegments(2, 6);
  const window = await windowOf(playlist(0, 5));
  const { feed, done } = feedInto(window, { seconds: 0, fits: true });
  feed.start(0);
  served.set(BASE, playlist(2, 5));
  await window.read();
  await until(() => done.includes("segment 6"));
  assert.equal(done[0], "init before 0");
  assert.equal(done[1], "segment 2");
  feed.stop();
});

test("how far behind is said in words", () => {
  assert.equal(behindText(83_400), "−1:23");
  assert.equal(behindText(3_723_000), "−1:02:03");
  assert.equal(latencyText(612), "0.6 s");
  assert.equal(latencyText(300_000), "5:00");
});
