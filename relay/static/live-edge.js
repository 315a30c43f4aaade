/**
 * Decisions about the live edge.  Pure: seconds in, decisions out; no DOM and no timers.
 *
 * What protects a viewer from stalls is not the average of the buffer but its low-water mark:
 * a server that sends in batches makes a saw-tooth, and only its lowest point counts.  So `Pace`
 * steers the least margin of the last second towards a target.  The target grows when playback
 * ran dry, and shrinks slowly for as long as the low-water mark shows that nothing needs it.
 *
 * Rates stay within 3 % below and 5 % above: time stretching is inaudible there.  Whatever is
 * too late for that is jumped over.
 */

export const TUNING = {
  target: 0.28,
  targetFloor: 0.2,
  targetCeiling: 2.5,
  stallGrowth: 1.5,
  shrinkEvery: 10,
  shrinkFactor: 0.93,
  safeMargin: 0.12,
  window: 1,
  engage: 0.08,
  release: 0.02,
  slowest: 0.97,
  fastest: 1.05,
  late: 1.5,
  settle: 2,
  lateWhileSettling: 0.35,
  keepBehind: 30,
  trimStep: 10,
};

/** How much of the range around `time` is still to be played; 0 outside every range. */
export function aheadOf(ranges, time) {
  const here = ranges.find(([start, end]) => start - 0.05 <= time && time <= end);
  return here ? here[1] - time : 0;
}

/** The first range that begins after `time`, or null. */
export function nextRange(ranges, time) {
  return ranges.find(([start]) => start > time) ?? null;
}

/**
 * Where to land after a hole: at the start of the range behind it, so that nothing more is lost,
 * unless that range is a burst from the keyframe that would have to be caught up with.
 */
export function landing([start, end], margin) {
  return end - start > margin + TUNING.lateWhileSettling ? end - margin : start;
}

/** Where to play so that `margin` seconds are in hand, or null when nothing is buffered. */
export function edgePosition(ranges, margin) {
  const last = ranges.at(-1);
  return last ? Math.max(last[0], last[1] - margin) : null;
}

/** Everything before this may go, or null when too little would be won. */
export function trimPoint(ranges, time) {
  if (ranges.length === 0) return null;
  const end = ranges.at(-1)[1];
  // A paused viewer does not move, and the buffer must not grow meanwhile.
  const before = Math.max(time, end - TUNING.keepBehind) - TUNING.keepBehind;
  return before - ranges[0][0] > TUNING.trimStep ? before : null;
}

export class Pace {
  target = TUNING.target;
  rate = 1;
  #samples = [];
  #lowest = Infinity;
  #reviewAt = null;
  #settledAt = 0;

  /** Playback begins: the burst from the keyframe may still be coming in. */
  begin(now) {
    this.#settledAt = now + TUNING.settle;
    this.moved(now);
  }

  /** The playhead is elsewhere: what was measured before says nothing. */
  moved(now) {
    this.rate = 1;
    this.#samples = [];
    this.#lowest = Infinity;
    this.#reviewAt = now + TUNING.shrinkEvery;
  }

  /** Playback ran dry although the broadcast went on. */
  stalled(now) {
    this.target = Math.min(TUNING.targetCeiling, this.target * TUNING.stallGrowth);
    this.#lowest = Infinity;
    this.#reviewAt = now + TUNING.shrinkEvery;
  }

  /** Whether `ahead` is too late for a faster rate to make up. */
  isLate(now, ahead) {
    // A burst in several pieces is followed with a seek each; later that would only be restless.
    const patience = now < this.#settledAt ? TUNING.lateWhileSettling : TUNING.late;
    return ahead > this.target + patience;
  }

  /** The playback rate for now. */
  next(now, ahead) {
    const margin = this.#observe(now, ahead);
    this.#review(now);
    this.rate = this.#rateFor(margin - this.target);
    return this.rate;
  }

  #observe(now, ahead) {
    this.#samples.push([now, ahead]);
    while (this.#samples[0][0] < now - TUNING.window) this.#samples.shift();
    this.#lowest = Math.min(this.#lowest, ahead);
    return Math.min(...this.#samples.map(([, value]) => value));
  }

  #review(now) {
    this.#reviewAt ??= now + TUNING.shrinkEvery;
    if (now < this.#reviewAt) return;
    const spare = this.#lowest > TUNING.safeMargin;
    if (spare) this.target = Math.max(TUNING.targetFloor, this.target * TUNING.shrinkFactor);
    this.#lowest = Infinity;
    this.#reviewAt = now + TUNING.shrinkEvery;
  }

  #rateFor(excess) {
    const threshold = this.rate === 1 ? TUNING.engage : TUNING.release;
    const turned = (this.rate > 1 && excess < 0) || (this.rate < 1 && excess > 0);
    if (turned || Math.abs(excess) < threshold) return 1;
    // Whole percents: every change of rate restarts the browser's time stretching.
    const wanted = 1 + Math.round(excess * 10) / 100;
    if (excess > 0) return Math.min(TUNING.fastest, Math.max(1.01, wanted));
    return Math.max(TUNING.slowest, Math.min(0.99, wanted));
  }
}
