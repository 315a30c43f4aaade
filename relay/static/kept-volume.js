/**
 * The volume of whoever is here, the same on all of their devices: the server keeps it, in the
 * settings `player` of the user.
 *
 * What the viewer does is kept a moment later.  What they did elsewhere holds when the page opens or
 * is shown again, and not before: a picture somewhere must not grow loud all of a sudden.  Muted is
 * what a browser is, and stays with it (`sound.js`).
 */

import { Settings } from "./settings.js";

/** A slider is pulled through many volumes before it is left. */
const SETTLES_MS = 1000;

export class KeptVolume {
  #video;
  #settings;
  /** As the server has it, or as it was when the page opened: a volume that nobody has chosen. */
  #kept;
  #timer = 0;
  #life = new AbortController();

  /** `somebody` is { user, token }. */
  constructor(video, somebody) {
    this.#video = video;
    this.#kept = video.volume;
    this.#settings = new Settings(somebody);
    const { signal } = this.#life;
    video.addEventListener("volumechange", () => this.#moved(), { signal });
    document.addEventListener("visibilitychange", () => this.#turned(), { signal });
    this.#look();
  }

  /** Somebody else is here now. */
  stop() {
    clearTimeout(this.#timer);
    this.#life.abort();
  }

  #turned() {
    if (!document.hidden) this.#look();
    else if (this.#timer) this.#keep();
  }

  #moved() {
    // The event tells of the mute button, too.
    if (this.#video.volume === this.#kept) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#keep(), SETTLES_MS);
  }

  async #look() {
    // Without an answer, and without a volume in it, the browser's memory holds.
    const { volume } = (await this.#settings.look())?.player ?? {};
    // What the viewer is doing here is newer.
    if (this.#timer || !(volume >= 0 && volume <= 1)) return;
    this.#kept = volume;
    this.#video.volume = volume;
  }

  async #keep() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    const { volume } = this.#video;
    if (await this.#settings.keep({ player: { volume } })) this.#kept = volume;
  }
}
