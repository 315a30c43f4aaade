/**
 * One connection that keeps coming back, speaking `relay.fmp4.1`.
 *
 * Text messages are JSON and go to `on.message`; an `init` waits for the binary message that
 * belongs to it and goes to `on.init`; every other binary message is one whole fragment.
 */

import { localNow } from "./clock.js";

const PROTOCOL = "relay.fmp4.1";
const PING_EVERY = 4000;
const FIRST_PINGS = [0, 300, 1000];
/**
 * The server answers every ping: a longer silence after one is a dead connection.  Counted from
 * the ping, because in a hidden tab the browser may let our timers run but once a minute.
 */
const SILENCE = 12000;
const PROBE = 2500;
/** A connection that lived this long starts the waiting times over. */
const PROVEN = 5000;
const JITTER_AFTER_MOVE = 1500;

/** Milliseconds before reconnecting: 0.5 s doubling to 8 s, half of it by chance. */
export function backoff(attempt, random) {
  const ceiling = Math.min(8000, 500 * 2 ** attempt);
  return ceiling / 2 + (random * ceiling) / 2;
}

export class RelaySocket {
  /** "closed", "connecting", "open" or "lost" (and trying again). */
  status = "closed";
  reconnects = 0;
  #url;
  #on;
  #socket = null;
  #attempt = 0;
  #timers = new Set();
  #openedAt = 0;
  #heardAt = 0;
  #askedAt = null;
  #moveAt = null;
  #pendingInit = null;
  #pings = new Map();
  #pingId = 0;

  /** `on` has the functions message, init, fragment, clock and status. */
  constructor(url, on) {
    this.#url = url;
    this.#on = on;
  }

  open() {
    if (this.#socket) return;
    this.#clearTimers();
    if (this.status === "closed") this.#become("connecting");
    const socket = new WebSocket(this.#url, PROTOCOL);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => this.#opened();
    socket.onmessage = ({ data }) => this.#received(data);
    socket.onclose = () => this.#lost();
    this.#socket = socket;
    this.#askedAt = localNow();
    this.#every(1000, () => this.#watch());
  }

  close() {
    this.#drop();
    this.#become("closed");
  }

  /** A new connection begins at a keyframe: this is how the player asks for one. */
  restart() {
    this.#drop();
    this.#retry();
  }

  /** The network or the viewer is back: no more waiting, and no trust in an old connection. */
  wake() {
    if (this.status === "closed") return;
    if (!this.#socket) return this.open();
    if (this.status !== "open") return;
    const asked = localNow();
    this.#ping();
    this.#after(PROBE, () => this.#heardAt <= asked && this.restart());
  }

  #opened() {
    this.#openedAt = this.#heardAt = localNow();
    this.#askedAt = null;
    this.#become("open");
    for (const delay of FIRST_PINGS) this.#after(delay, () => this.#ping());
    this.#every(PING_EVERY, () => this.#ping());
  }

  #received(data) {
    this.#heardAt = localNow();
    this.#askedAt = null;
    if (typeof data !== "string") return this.#binary(data);
    const message = JSON.parse(data);
    switch (message.type) {
      case "init":
        this.#pendingInit = message;
        break;
      case "clock":
        this.#pong(message);
        break;
      case "move":
        this.#move(message.after_ms);
        break;
      default:
        this.#on.message(message);
    }
  }

  #binary(bytes) {
    const init = this.#pendingInit;
    if (init === null) return this.#on.fragment(bytes);
    this.#pendingInit = null;
    this.#on.init(init, bytes);
  }

  #ping() {
    if (this.#socket?.readyState !== WebSocket.OPEN) return;
    const id = ++this.#pingId;
    this.#pings.set(id, localNow());
    this.#askedAt ??= localNow();
    this.#pings.delete(id - 8);
    this.#socket.send(JSON.stringify({ type: "clock", id }));
  }

  #pong({ id, server_time_ms }) {
    const sentAt = this.#pings.get(id);
    if (sentAt === undefined) return;
    this.#pings.delete(id);
    this.#on.clock(sentAt, this.#heardAt, server_time_ms);
  }

  #move(afterMs) {
    // Everybody was told at the same moment, and must not come back at the same moment.
    const delay = afterMs + Math.random() * JITTER_AFTER_MOVE;
    this.#moveAt = localNow() + delay;
    this.#after(delay, () => this.restart());
  }

  #watch() {
    if (this.#askedAt !== null && localNow() - this.#askedAt > SILENCE) this.restart();
  }

  #lost() {
    this.#drop();
    this.#retry();
  }

  #retry() {
    if (this.#openedAt && localNow() - this.#openedAt > PROVEN) this.#attempt = 0;
    const delay = this.#retryDelay();
    this.#moveAt = null;
    this.#openedAt = 0;
    this.#attempt += 1;
    this.reconnects += 1;
    this.#become("lost");
    this.#after(delay, () => this.open());
  }

  #retryDelay() {
    if (this.#moveAt !== null) return Math.max(0, this.#moveAt - localNow());
    return backoff(this.#attempt, Math.random());
  }

  #drop() {
    this.#clearTimers();
    this.#pendingInit = null;
    this.#pings.clear();
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  #become(status) {
    if (this.status === status) return;
    this.status = status;
    this.#on.status(status);
  }

  #after(delay, action) {
    const stop = () => clearTimeout(timer);
    const timer = setTimeout(() => {
      this.#timers.delete(stop);
      action();
    }, delay);
    this.#timers.add(stop);
  }

  #every(delay, action) {
    const timer = setInterval(action, delay);
    this.#timers.add(() => clearInterval(timer));
  }

  #clearTimers() {
    for (const stop of this.#timers) stop();
    this.#timers.clear();
  }
}
