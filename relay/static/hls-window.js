/**
 * The window that one can rewind to: the media playlist as it was read last.
 *
 * Positions are milliseconds that count from wherever the list began when it was read first, so that
 * they stay what they are while the list moves on.  Only who has played a segment knows which media
 * time that is.
 */

import { localNow } from "./clock.js";
import { mediaAddress, readPlaylist } from "./hls-playlist.js";

export class HlsWindow {
  segments = [];
  isOver = false;
  targetMs = 0;
  #address;
  #media = null;
  #edgeMs = 0;
  #readAt = 0;

  /** `address` is that of the multivariant playlist. */
  constructor(address) {
    this.#address = address;
  }

  get isKnown() {
    return this.segments.length > 0;
  }

  get startMs() {
    return this.segments[0]?.startMs ?? 0;
  }

  /** The live edge now: the list says where it was, and it goes on. */
  get edgeMs() {
    return this.isOver ? this.#edgeMs : this.#edgeMs + localNow() - this.#readAt;
  }

  /**
   * Read the list again; whether there is one.  Who `isWatching` is counted as a viewer; who only
   * wants to know how long the window is has another connection, and is one already.
   */
  async read({ isWatching = false, signal } = {}) {
    this.#media ??= await this.#find(signal);
    const media = new URL(this.#media);
    if (!isWatching) media.search = "";
    const answer = await fetch(media, { signal });
    if (!answer.ok) return this.#lost();
    this.#take(readPlaylist(await answer.text(), media));
    return this.isKnown;
  }

  /** The segment at a position, or the nearest that there is. */
  at(positionMs) {
    const { segments } = this;
    const found = segments.findLast(({ startMs }) => startMs <= positionMs);
    return found ?? segments[0] ?? null;
  }

  /** The first segment behind that number; null while there is none. */
  after(number) {
    return this.segments.find((segment) => segment.number > number) ?? null;
  }

  /** When a position was live, in milliseconds since 1970. */
  wallMs(positionMs) {
    const segment = this.at(positionMs);
    return segment?.wallMs == null ? null : segment.wallMs + positionMs - segment.startMs;
  }

  async #find(signal) {
    const answer = await fetch(this.#address, { signal });
    if (!answer.ok) throw new Error(`no playlist: ${answer.status}`);
    return mediaAddress(await answer.text(), answer.url);
  }

  /** It is over, or another broadcast has begun: the next look starts from the top. */
  #lost() {
    this.#media = null;
    this.segments = [];
    return false;
  }

  #take({ segments, edgeMs, isOver, targetMs }) {
    const shift = this.#shift(segments);
    this.segments = segments.map((each) => ({ ...each, startMs: each.startMs + shift }));
    this.isOver = isOver;
    this.targetMs = targetMs;
    this.#edgeMs = edgeMs + shift;
    this.#readAt = localNow();
  }

  /** Where the new list begins, by a segment that was in the old one as well. */
  #shift(segments) {
    const known = new Map(this.segments.map(({ number, startMs }) => [number, startMs]));
    const shared = segments.find(({ number }) => known.has(number));
    if (shared) return known.get(shared.number) - shared.startMs;
    // All of the old ones are gone: time went on for as long as nobody looked.
    return this.isKnown ? this.edgeMs - segments.reduce((ms, each) => ms + each.durationMs, 0) : 0;
  }
}
