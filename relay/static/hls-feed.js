/**
 * Brings segments, one after the other, from wherever one wants to watch: what a socket does for
 * what is live, for what is not live any more.
 */

import { describeInit } from "./hls-init.js";

/** So much is fetched ahead of the playhead. */
const AHEAD = 20;
/** Less than this is nothing: browsers stop where the first of two tracks ends. */
const PLAYED = 0.25;
const LOOK_EVERY = 100;
const RETRY = [500, 1000, 2000, 4000];

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class HlsFeed {
  /** The segment that is brought now or was brought last. */
  segment = null;
  #window;
  #on;
  #inits = new Map();
  #init = null;
  #tries = 0;
  #stop = new AbortController();

  /**
   * `on` has the functions isReady (to take more), ahead (how many seconds are buffered), fits
   * (whether what an init says can go into the same buffer), init, fragment, and over: there is
   * nothing more to bring, or it cannot be had.
   */
  constructor(window, on) {
    this.#window = window;
    this.#on = on;
  }

  /** Bring the segment at a position and all after it. */
  async start(positionMs) {
    let next = this.#window.at(positionMs);
    while (!this.#stop.signal.aborted) {
      try {
        next ??= await this.#wait();
        if (next === "end") return this.#on.over();
        await this.#bring(next);
        next = this.#window.after(next.number);
        this.#tries = 0;
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        next = await this.#retry(error, next);
      }
    }
  }

  stop() {
    this.#stop.abort();
  }

  async #bring(segment) {
    await this.#until(() => this.#on.isReady() && this.#on.ahead() < AHEAD);
    if (segment.init !== this.#init) await this.#change(segment);
    const bytes = await this.#fetch(segment.address);
    this.segment = segment;
    this.#on.fragment(bytes);
  }

  /** Other tracks take another buffer, in which there is nothing of what is not played yet. */
  async #change(segment) {
    const address = segment.init;
    const bytes = this.#inits.get(address) ?? (await this.#fetch(address));
    this.#inits.set(address, bytes);
    const message = describeInit(bytes);
    if (this.#init !== null && !this.#on.fits(message)) {
      await this.#until(() => this.#on.ahead() < PLAYED);
    }
    this.#init = address;
    this.#on.init(message, bytes, segment);
  }

  /** The next segment, when there is one: others look whether there is. */
  async #wait() {
    const last = this.segment?.number ?? -1;
    await this.#until(() => this.#window.isOver || this.#window.after(last));
    return this.#window.after(last) ?? "end";
  }

  async #fetch(address) {
    const answer = await fetch(address, { signal: this.#stop.signal });
    if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
    return answer.arrayBuffer();
  }

  async #until(isTrue) {
    while (!isTrue()) {
      await sleep(LOOK_EVERY);
      this.#stop.signal.throwIfAborted();
    }
  }

  /** After a failure: the same again, or the oldest there is where that has left the window. */
  async #retry(error, next) {
    const delay = RETRY[this.#tries++];
    if (delay === undefined) {
      console.warn("relay: the past cannot be had", error);
      this.stop();
      this.#on.over();
      return null;
    }
    await sleep(delay);
    return next && (this.#window.after(next.number - 1) ?? next);
  }
}
