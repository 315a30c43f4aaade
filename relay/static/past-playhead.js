/** Where to play what is not live any more: from where one wants to, at its own pace. */

import { localNow } from "./clock.js";
import { aheadOf, nextRange } from "./live-edge.js";

/** A hole between two segments is jumped over when there is nothing before it. */
const DRY = 0.1;
const STEP = 0.05;

export class PastPlayhead {
  hasStarted = false;
  advancedAt = -Infinity;
  stalls = 0;
  jumps = 0;
  target = 0;
  /** Media time less position, in milliseconds; null until something is buffered. */
  shiftMs = null;
  #video;
  #aim = { segment: null, offsetMs: 0 };
  #last = 0;

  constructor(video) {
    this.#video = video;
  }

  /** The next buffer begins with `segment`; play from so far into it. */
  aim(segment, offsetMs) {
    this.#aim = { segment, offsetMs };
  }

  begin(ranges) {
    const { segment, offsetMs } = this.#aim;
    if (ranges.length === 0) return false;
    const [start, end] = ranges[0];
    this.shiftMs = 1000 * start - segment.startMs;
    this.hasStarted = true;
    this.#video.playbackRate = 1;
    this.#video.currentTime = Math.min(start + Math.max(0, offsetMs) / 1000, end - STEP);
    return true;
  }

  reset() {
    this.hasStarted = false;
  }

  steer(ranges) {
    const time = this.#video.currentTime;
    if (time !== this.#last) this.advancedAt = localNow() / 1000;
    this.#last = time;
    if (this.#video.seeking || aheadOf(ranges, time) > DRY) return;
    const next = nextRange(ranges, time);
    if (next) this.#video.currentTime = next[0] + 0.001;
  }

  // The live edge is nothing to be at, or behind.
  toEdge() {}

  isLeftBehind() {
    return false;
  }
}
