/**
 * The volume of whoever is here, the same on all of their devices: the server keeps it, in the
 * settings `player` of the user.
 *
 * What the viewer does is kept a moment later.  What they did elsewhere holds when the page opens or
 * is shown again, and not before: a picture somewhere must not grow loud all of a sudden.  Muted is
 * what a browser is, and stays with it (`sound.js`).
 */

/** A slider is pulled through many volumes before it is left. */
const SETTLES_MS = 1000;

export class KeptVolume {
  #video;
  #address;
  #authorization;
  #etag = "";
  /** As the server has it, or as it was when the page opened: a volume that nobody has chosen. */
  #kept;
  #timer = 0;
  #life = new AbortController();

  constructor(video, { user, token }) {
    this.#video = video;
    this.#kept = video.volume;
    this.#address = `/api/v1/users/${encodeURIComponent(user)}/settings`;
    this.#authorization = `Bearer ${token}`;
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
    const answer = await this.#ask("GET", this.#etag && { "If-None-Match": this.#etag });
    // 304: nothing is new.  Without an answer, and without a volume in it, the browser's memory holds.
    if (answer?.status !== 200) return;
    this.#etag = answer.headers.get("ETag");
    const { volume } = (await answer.json()).player ?? {};
    // What the viewer is doing here is newer.
    if (this.#timer || !(volume >= 0 && volume <= 1)) return;
    this.#kept = volume;
    this.#video.volume = volume;
  }

  async #keep() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    const { volume } = this.#video;
    const headers = { "Content-Type": "application/merge-patch+json" };
    const answer = await this.#ask("PATCH", headers, JSON.stringify({ player: { volume } }));
    if (!answer?.ok) return;
    this.#kept = volume;
    this.#etag = answer.headers.get("ETag");
  }

  #ask(method, headers = {}, body = undefined) {
    return fetch(this.#address, {
      method,
      headers: { Authorization: this.#authorization, ...headers },
      body,
      // The last word is said while the page goes.
      keepalive: method === "PATCH",
    }).catch(() => null);
  }
}
