import assert from "node:assert/strict";
import { test } from "node:test";

import { LiveEdge, ServerClock } from "../../../relay/static/clock.js";
import { codecName, fitsTracks, missingCodecs } from "../../../relay/static/codecs.js";
import {
  Pace,
  TUNING,
  aheadOf,
  edgePosition,
  landing,
  nextRange,
  trimPoint,
} from "../../../relay/static/live-edge.js";
import { backoff } from "../../../relay/static/socket.js";
import { bitrateText, ageText, phaseOf, sentences, viewersText } from "../../../relay/static/words.js";

/** Ten looks a second at a buffer that holds `ahead(now)`. */
function run(pace, from, seconds, ahead) {
  const rates = [];
  for (let step = 0; step < seconds * 10; step += 1) {
    const now = from + step / 10;
    rates.push(pace.next(now, ahead(now)));
  }
  return rates;
}

test("a time outside every range has nothing ahead", () => {
  const ranges = [[10, 12], [13, 15]];
  assert.equal(aheadOf(ranges, 11), 1);
  assert.equal(aheadOf(ranges, 12.5), 0);
  assert.equal(aheadOf([], 0), 0);
});

test("a hole is followed by the next range, and the last range by none", () => {
  const ranges = [[10, 12], [13, 15]];
  assert.deepEqual(nextRange(ranges, 12), [13, 15]);
  assert.equal(nextRange(ranges, 14), null);
});

test("the edge position keeps the margin but never leaves the last range", () => {
  assert.equal(edgePosition([[0, 3], [10, 12]], 0.5), 11.5);
  assert.equal(edgePosition([[0, 3], [10, 10.2]], 0.5), 10);
  assert.equal(edgePosition([], 0.5), null);
});

test("behind a hole nothing more is lost, except when a burst lies there", () => {
  assert.equal(landing([20, 20.4], 0.3), 20);
  assert.equal(landing([20, 22], 0.5), 21.5);
});

test("what is 30 s behind is trimmed, in steps worth the trouble", () => {
  assert.equal(trimPoint([[0, 40]], 39), null);
  assert.equal(trimPoint([[0, 45]], 44), 14);
});

test("the buffer of a paused viewer is trimmed too", () => {
  assert.equal(trimPoint([[0, 100]], 5), 40);
});

test("a buffer on target plays at the normal rate", () => {
  const rates = run(new Pace(), 0, 5, () => TUNING.target + 0.05);
  assert.ok(rates.every((rate) => rate === 1));
});

test("a saw-tooth is judged by its lowest point", () => {
  const rates = run(new Pace(), 0, 5, (now) => TUNING.target + (now % 0.5));
  assert.ok(rates.slice(10).every((rate) => rate === 1));
});

test("too much in hand plays faster until the target is reached, and not on the way back", () => {
  const pace = new Pace();
  let ahead = TUNING.target + 0.4;
  const rates = [];
  for (let step = 0; step < 400; step += 1) {
    const rate = pace.next(step / 10, ahead);
    ahead -= (rate - 1) / 10;
    rates.push(rate);
  }
  assert.ok(rates[0] > 1 && rates[0] <= TUNING.fastest);
  const changes = rates.filter((rate, index) => index > 0 && rate !== rates[index - 1]).length;
  assert.ok(rates.every((rate) => rate >= 1));
  assert.ok(changes <= 8, `${changes} changes of rate`);
  assert.equal(rates.at(-1), 1);
  assert.ok(Math.abs(ahead - TUNING.target) < TUNING.engage);
});

test("rates stay where time stretching is inaudible", () => {
  const rates = [...run(new Pace(), 0, 3, () => 9), ...run(new Pace(), 0, 3, () => 0)];
  assert.equal(Math.max(...rates), TUNING.fastest);
  assert.equal(Math.min(...rates), TUNING.slowest);
});

test("a stall raises the target at once, up to a ceiling", () => {
  const pace = new Pace();
  pace.stalled(0);
  assert.equal(pace.target, TUNING.target * TUNING.stallGrowth);
  for (let i = 0; i < 20; i += 1) pace.stalled(i);
  assert.equal(pace.target, TUNING.targetCeiling);
});

test("the target shrinks slowly while the low-water mark is safe, down to a floor", () => {
  const pace = new Pace();
  pace.stalled(0);
  const raised = pace.target;
  run(pace, 0, 9, () => raised);
  assert.equal(pace.target, raised);
  run(pace, 9, 3, () => raised);
  assert.ok(pace.target < raised);
  run(pace, 12, 600, () => raised);
  assert.equal(pace.target, TUNING.targetFloor);
});

test("the target does not shrink when the margin was needed", () => {
  const pace = new Pace();
  pace.stalled(0);
  const raised = pace.target;
  run(pace, 0, 120, (now) => (Math.round(now * 10) % 50 === 0 ? 0.05 : raised));
  assert.equal(pace.target, raised);
});

test("a newcomer follows the burst with a seek, later on lateness needs more", () => {
  const pace = new Pace();
  pace.begin(100);
  assert.equal(pace.isLate(100.5, pace.target + 0.5), true);
  assert.equal(pace.isLate(100 + TUNING.settle, pace.target + 0.5), false);
  assert.equal(pace.isLate(100 + TUNING.settle, pace.target + TUNING.late + 0.1), true);
});

test("the shortest round trip tells the server's time", () => {
  const clock = new ServerClock();
  assert.equal(clock.offset, null);
  clock.sample(1000, 1400, 51000);
  clock.sample(2000, 2010, 52005);
  assert.equal(clock.offset, 50000);
});

test("latency is the extrapolated edge minus the playhead", () => {
  const clock = new ServerClock();
  clock.sample(1000, 1000, 51000);
  const edge = new LiveEdge(clock);
  assert.equal(edge.latency(0, 1000), null);
  edge.update(8000, 51000, 1100);
  assert.equal(edge.latency(7700, 1300), 600);
});

test("an edge that grows old says nothing", () => {
  const edge = new LiveEdge(new ServerClock());
  edge.update(8000, 51000, 1000);
  assert.equal(edge.latency(7900, 1200), 300);
  assert.equal(edge.latency(7900, 9000), null);
});

test("codecs have the names people know", () => {
  const names = { "avc1.64001f": "H.264", "hvc1.1.6.L93.B0": "HEVC (H.265)", "mp4a.40.2": "AAC",
    "mp4a.40.34": "MP3", "mp4a.40.1": "AAC Main", "avc1.F4001f": "H.264 High 4:4:4", Opus: "Opus", "vp09.00.10.08": "VP9", "x.1": "x.1" };
  for (const [codec, name] of Object.entries(names)) assert.equal(codecName(codec), name);
});

test("only the codecs that the browser lacks are named", () => {
  const tracks = { video: { codec: "hvc1.1" }, audio: { codec: "mp4a.40.2" } };
  assert.deepEqual(missingCodecs(tracks, (mime) => mime.includes("mp4a")), ["HEVC (H.265)"]);
});

test("another size fits the buffer; a lost track or another codec family does not", () => {
  const video = { codec: "avc1.64001f", width: 1280 };
  const audio = { codec: "mp4a.40.2" };
  const before = { video, audio };
  assert.ok(fitsTracks(before, { video: { codec: "avc1.42c01e", width: 640 }, audio }));
  assert.ok(!fitsTracks(before, { video, audio: null }));
  assert.ok(!fitsTracks({ video, audio: null }, before));
  assert.ok(!fitsTracks(before, { video: { codec: "hvc1.1" }, audio }));
});

test("waiting times double from half a second to eight, half of each by chance", () => {
  assert.equal(backoff(0, 0), 250);
  assert.equal(backoff(0, 1), 500);
  assert.equal(backoff(3, 1), 4000);
  assert.equal(backoff(30, 1), 8000);
});

const PLAYING = {
  isOnline: true, wantsPlay: true, isBlocked: false, isPlaying: false, hasStarted: true,
  connection: "open", missing: [], server: { value: "live", reason: null },
};

const PHASES = [
  ["playing", { isPlaying: true }],
  ["playing", { isPlaying: true, connection: "lost" }],
  ["paused", { wantsPlay: false, isPlaying: true }],
  ["blocked", { isBlocked: true }],
  ["buffering", {}],
  ["starting", { hasStarted: false }],
  ["connecting", { connection: "connecting" }],
  ["connecting", { server: null }],
  ["lost", { connection: "lost" }],
  ["offline", { connection: "lost", isOnline: false }],
  ["waiting", { server: { value: "waiting", reason: "offline" } }],
  ["waiting", { server: { value: "waiting", reason: "a reason of later days" } }],
  ["keyframe", { server: { value: "waiting", reason: "keyframe" } }],
  ["held", { server: { value: "waiting", reason: "held" } }],
  ["ended", { server: { value: "ended", reason: null } }],
  ["unsupported", { missing: ["AV1"] }],
];

for (const [phase, facts] of PHASES) {
  test(`${JSON.stringify(facts)} is the phase "${phase}"`, () => {
    assert.equal(phaseOf({ ...PLAYING, ...facts }), phase);
  });
}

test("the words name the wait for a keyframe and the codec that is missing", () => {
  const [, detail] = sentences("keyframe", { keyframeIntervalMs: 10000 });
  assert.equal(detail, "This encoder sends one every 10 s.");
  assert.match(sentences("keyframe")[1], /next one/);
  assert.match(sentences("unsupported", { missing: ["AV1", "Opus"] })[0], /AV1 and Opus/);
  assert.deepEqual(sentences("playing"), ["", ""]);
});

test("figures are short", () => {
  assert.equal(bitrateText(2_480_000), "2.5 Mbit/s");
  assert.equal(bitrateText(128_000), "128 kbit/s");
  assert.equal(viewersText(1), "1 viewer");
  assert.equal(ageText(30_000), "just started");
  assert.equal(ageText(125 * 60_000), "2 h 5 min");
});
