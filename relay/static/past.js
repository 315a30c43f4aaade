/** What was live a while ago: brought by HLS, and played from wherever one wants to. */

import { HlsFeed } from "./hls-feed.js";
import { aheadOf } from "./live-edge.js";
import { PastPlayhead } from "./past-playhead.js";

const USUAL_TARGET = 2000;

export class Past {
  playhead;
  #video;
  #window;
  #on = null;
  #feed = null;
  #from;
  #stop = new AbortController();

  /** `positionMs` is one of `window`, an `HlsWindow`. */
  constructor(video, window, positionMs) {
    this.#video = video;
    this.#window = window;
    this.#from = positionMs;
    this.playhead = new PastPlayhead(video);
  }

  /** `on` has the functions ranges, isReady, fits, init, fragment and over. */
  start(on) {
    this.#on = on;
    this.#feed = new HlsFeed(this.#window, {
      ...on,
      ahead: () => this.#ahead(),
      init: (message, bytes, segment) => {
        this.playhead.aim(segment, this.#from - segment.startMs);
        on.init(message, bytes);
      },
    });
    this.#feed.start(this.#from);
    this.#look();
  }

  stop() {
    this.#stop.abort();
    this.#feed?.stop();
  }

  /** Where the picture is, or will be. */
  get positionMs() {
    const { hasStarted, shiftMs } = this.playhead;
    return hasStarted ? 1000 * this.#video.currentTime - shiftMs : this.#from;
  }

  /** How far behind the live edge that is. */
  get behindMs() {
    return Math.max(0, this.#window.edgeMs - this.positionMs);
  }

  /** When that was live, in milliseconds since 1970. */
  get wallMs() {
    return this.#window.wallMs(this.positionMs);
  }

  /** Go to a position; false where that is not buffered. */
  seek(positionMs) {
    const time = (positionMs + this.playhead.shiftMs) / 1000;
    if (!this.playhead.hasStarted || aheadOf(this.#on.ranges(), time) <= 0) return false;
    this.#video.currentTime = time;
    return true;
  }

  #ahead() {
    const ranges = this.#on.ranges();
    if (this.playhead.hasStarted) return aheadOf(ranges, this.#video.currentTime);
    return ranges.length ? ranges.at(-1)[1] - ranges[0][0] : 0;
  }

  /** The list goes on; and whoever reads it is counted as a viewer. */
  async #look() {
    const { signal } = this.#stop;
    await this.#window.read({ isWatching: true, signal }).catch(() => {});
    if (!signal.aborted) setTimeout(() => !signal.aborted && this.#look(), this.#window.targetMs || USUAL_TARGET);
  }
}
