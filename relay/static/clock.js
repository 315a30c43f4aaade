/** The server's clock and the broadcast's live edge, as seen from here.  Milliseconds. */

const KEEP = 8;
/** An edge older than this says nothing: the publisher may be gone. */
const EDGE_LIFE = 4000;

export const localNow = () => performance.timeOrigin + performance.now();

export class ServerClock {
  #samples = [];

  /** One round trip: the shorter it was, the less its halves can differ. */
  sample(sentAt, receivedAt, serverTime) {
    const trip = receivedAt - sentAt;
    this.#samples.push({ trip, offset: serverTime + trip / 2 - receivedAt });
    if (this.#samples.length > KEEP) this.#samples.shift();
  }

  /** Another connection may lead to another server. */
  reset() {
    this.#samples = [];
  }

  get offset() {
    if (this.#samples.length === 0) return null;
    return this.#samples.reduce((best, each) => (each.trip < best.trip ? each : best)).offset;
  }
}

export class LiveEdge {
  #clock;
  #edge = null;

  constructor(clock) {
    this.#clock = clock;
  }

  update(mediaMs, serverTimeMs, now) {
    this.#edge = { mediaMs, serverTimeMs, receivedAt: now };
  }

  clear() {
    this.#edge = null;
  }

  /** How far `mediaMs` lies behind the newest packet on the server, or null when unknown. */
  latency(mediaMs, now) {
    const edge = this.#edge;
    if (edge === null || now - edge.receivedAt > EDGE_LIFE) return null;
    const offset = this.#clock.offset;
    const age = offset === null ? now - edge.receivedAt : now + offset - edge.serverTimeMs;
    return Math.max(0, edge.mediaMs + age - mediaMs);
  }
}
