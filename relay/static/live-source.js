/**
 * What is live, as `relay.fmp4.1` brings it: media, and what the server says of the broadcast.
 *
 * It keeps coming back, and remembers what was said last.
 */

import { LiveEdge, ServerClock, localNow } from "./clock.js";
import { RelaySocket } from "./socket.js";

export class LiveSource {
  viewers = null;
  bitrate = null;
  skips = 0;
  skippedMs = 0;
  /** The last `state`; null before the first. */
  said = null;

  #socket;
  #clock = new ServerClock();
  #edge = new LiveEdge(this.#clock);
  #on;

  /**
   * `on` has the functions init, fragment, session (whether this is another one), live (from waiting
   * to live), details, skip and changed.
   */
  constructor(url, on) {
    this.#on = on;
    this.#socket = new RelaySocket(url, {
      message: (message) => this.#message(message),
      init: on.init,
      fragment: on.fragment,
      clock: (...trip) => this.#clock.sample(...trip),
      status: (status) => this.#connected(status),
    });
  }

  get status() {
    return this.#socket.status;
  }

  get reconnects() {
    return this.#socket.reconnects;
  }

  /** Whether media should be arriving. */
  get isFlowing() {
    return this.said?.value === "live" && this.status === "open";
  }

  open() {
    this.#socket.open();
  }

  close() {
    this.#socket.close();
  }

  /** A new connection begins at a keyframe. */
  restart() {
    this.#socket.restart();
  }

  wake() {
    this.#socket.wake();
  }

  /** How far `mediaMs` is behind the live edge; null when that is not known. */
  latency(mediaMs) {
    return this.#edge.latency(mediaMs, localNow());
  }

  /** When `mediaMs` was live, by the server's clock; infinite when that is not known. */
  wallMs(mediaMs) {
    const [latency, { offset }] = [this.latency(mediaMs), this.#clock];
    return latency === null || offset === null ? Infinity : localNow() + offset - latency;
  }

  #connected(status) {
    if (status === "open") this.#clock.reset();
    this.#on.changed();
  }

  #message(message) {
    switch (message.type) {
      case "hello":
        if (message.session !== null && this.#on.session(message.session)) this.#edge.clear();
        break;
      case "state":
        this.#state(message);
        break;
      case "edge":
        this.#edge.update(message.media_ms, message.server_time_ms, localNow());
        this.viewers = message.viewers ?? this.viewers;
        this.bitrate = message.bits_per_second ?? this.bitrate;
        break;
      case "details":
        this.#on.details(message);
        break;
      case "skip":
        this.#skipped(message.to_ms - message.from_ms);
        break;
    }
  }

  #state(message) {
    const wasWaiting = this.said !== null && this.said.value !== "live";
    if (wasWaiting && message.value === "live") this.#on.live();
    if (message.value !== "live") this.#edge.clear();
    this.said = message;
    this.#on.changed();
  }

  #skipped(ms) {
    this.skips += 1;
    this.skippedMs += ms;
    this.#on.skip(ms);
  }
}
