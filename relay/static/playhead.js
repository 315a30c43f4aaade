/**
 * Where to play and how fast: `live-edge.js` decides, this looks at the video and obeys.
 *
 * Every cure (a hole, a stall, a frozen decoder) is found by looking at the buffer ten times a
 * second, not by trusting that the browser fired the right event.
 */

import { localNow } from "./clock.js";
import { Pace, TUNING, aheadOf, edgePosition, landing, nextRange } from "./live-edge.js";

/** Less than this ahead of the playhead is nothing to play. */
const DRY = 0.04;
/** Browsers stop this much earlier when one track ends before the other. */
const SHALLOW = 0.2;
const STILL = 0.2;
/** A seek that takes longer waits for data that may never come. */
const SEEK_PATIENCE = 0.8;
/** Playback that stands still with data in hand for so long is stuck. */
const FROZEN = 1.5;
const NUDGES = 2;
/** After a stall, playback waits for its margin, but not for ever. */
const REFILL = 2;

const seconds = () => localNow() / 1000;

export class Playhead {
  stalls = 0;
  jumps = 0;
  hasStarted = false;
  /** When playback was last seen to move, in seconds of the local clock. */
  advancedAt = -Infinity;
  #video;
  #on;
  #pace = new Pace();
  #isDry = false;
  #refillUntil = null;
  /** Where the playhead was last, since when, and how often it was pushed from there. */
  #last = { time: 0, at: 0, nudges: 0 };

  /** `on` has the functions paused (the browser stopped by itself) and stuck. */
  constructor(video, on) {
    this.#video = video;
    this.#on = on;
  }

  get target() {
    return this.#pace.target;
  }

  /** Start near the live edge; false while nothing is buffered. */
  begin(ranges) {
    const position = edgePosition(ranges, this.target);
    if (position === null) return false;
    this.hasStarted = true;
    this.#seek(position);
    this.#pace.begin(seconds());
    // A broadcast's first second has no burst: gather the margin before playing.
    this.#isDry = aheadOf(ranges, position) < this.target;
    return true;
  }

  /** Another buffer comes: start again when it has something. */
  reset() {
    this.hasStarted = false;
    this.#isDry = false;
    this.#refillUntil = null;
  }

  toEdge(ranges) {
    const position = edgePosition(ranges, this.target);
    if (this.hasStarted && position !== null) this.#seek(position);
  }

  /** Whether the playhead was left too far behind, by a tab that slept for example. */
  isLeftBehind(ranges) {
    return aheadOf(ranges, this.#video.currentTime) > this.target + TUNING.lateWhileSettling;
  }

  /** To be called ten times a second; `isFlowing` says whether media should be arriving. */
  steer(ranges, isFlowing) {
    const now = seconds();
    const time = this.#video.currentTime;
    const ahead = aheadOf(ranges, time);
    if (this.#video.seeking && now - this.#last.at < SEEK_PATIENCE) return;
    if (time !== this.#last.time) this.#advanced(now, time);
    if (this.#hasRunDry(now, ahead)) return this.#ranDry(now, nextRange(ranges, time), isFlowing);
    if (this.#isDry) return this.#refill(now, ahead);
    if (this.#pace.isLate(now, ahead)) return this.toEdge(ranges);
    if (now - this.#last.at > FROZEN) return this.#unfreeze(now, time, ranges);
    this.#setRate(this.#pace.next(now, ahead));
  }

  #seek(position) {
    this.#video.currentTime = position;
    this.#refillUntil = null;
    this.#pace.moved(seconds());
    this.#last = { time: this.#video.currentTime, at: seconds(), nudges: 0 };
  }

  #advanced(now, time) {
    this.#last = { time, at: now, nudges: 0 };
    this.advancedAt = now;
  }

  #hasRunDry(now, ahead) {
    if (ahead < DRY) return true;
    const isStarved = this.#video.readyState < HTMLMediaElement.HAVE_FUTURE_DATA;
    return isStarved && ahead < SHALLOW && now - this.#last.at > STILL;
  }

  #ranDry(now, next, isFlowing) {
    if (next) return this.#jump(next);
    if (this.#isDry) return;
    this.#isDry = true;
    // A silent publisher is nobody's stall: more buffer would not have helped.
    if (!isFlowing) return;
    this.stalls += 1;
    this.#pace.stalled(now);
  }

  #jump(range) {
    this.jumps += 1;
    // A hair inside: the very start of a range is a matter of rounding.
    this.#seek(landing(range, this.target) + 0.001);
    this.#isDry = true;
  }

  /** Stand still until the margin is back; to start at once would be to stutter. */
  #refill(now, ahead) {
    this.#refillUntil ??= now + REFILL;
    this.#last.at = now;
    if (ahead < this.target && now < this.#refillUntil) return this.#setRate(0);
    this.#isDry = false;
    this.#refillUntil = null;
    this.#setRate(1);
    this.#pace.moved(now);
  }

  #unfreeze(now, time, ranges) {
    this.#last.at = now;
    if (this.#video.paused) return this.#on.paused();
    // A hidden tab may stand still by the browser's own wish.
    if (document.hidden) return;
    const nudges = this.#last.nudges + 1;
    if (nudges > NUDGES) return this.#on.stuck(new Error("playback is stuck"));
    if (nudges === 1) this.#seek(time + 0.1);
    else this.toEdge(ranges);
    this.#last.nudges = nudges;
  }

  #setRate(rate) {
    if (this.#video.playbackRate !== rate) this.#video.playbackRate = rate;
  }
}
