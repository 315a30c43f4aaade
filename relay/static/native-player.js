/**
 * The same player where pages may not feed a video themselves: the browser plays HLS (an iPhone
 * before iOS 17.1).  It looks for the playlist until there is one, and starts again after an end.
 *
 * What only `relay.fmp4.1` brings is not here: the number of viewers, skips, and a way back in time
 * of our own; the browser's own controls have one.
 */

import { localNow } from "./clock.js";
import { phaseOf, sentences } from "./words.js";

const TYPE = "application/vnd.apple.mpegurl";
const TICK = 250;
const LOOK_EVERY = 3000;
const DETAILS_EVERY = 30000;
const PATIENCE = 1000;
const WAITING = { value: "waiting", reason: "offline" };
const LIVE = { value: "live", reason: "" };
const ENDED = { value: "ended", reason: "" };

export class NativePlayer extends EventTarget {
  phase = "connecting";
  viewers = null;
  bitrate = null;
  past = null;
  startupMs = null;
  stalls = 0;
  rebuilds = 0;

  #video;
  #address;
  #details;
  #said = null;
  #isReachable = true;
  #isLooking = false;
  #wantsPlay = false;
  #isBlocked = false;
  #startedAt = 0;
  #advancedAt = -Infinity;
  #lastTime = 0;
  #shown = "";

  /** `url` is where `relay.fmp4.1` would be. */
  constructor(video, url) {
    super();
    this.#video = video;
    video.playsInline = true;
    this.#address = url.replace(/^ws/, "http").replace(/\.mp4$/, ".m3u8");
    this.#details = this.#address.replace(/\/([^/]+\/[^/]+)\.m3u8$/, "/api/v1/streams/$1");
    for (const name of ["ended", "error"]) video.addEventListener(name, () => this.#over());
    video.addEventListener("pause", () => this.#pausedByOthers());
    video.addEventListener("canplay", () => this.#wantsPlay && video.paused && this.#play());
  }

  static get isPossible() {
    return document.createElement("video").canPlayType(TYPE) !== "";
  }

  get state() {
    return this.#said?.value ?? null;
  }

  get words() {
    return sentences(this.phase, {});
  }

  get wantsPlay() {
    return this.#wantsPlay;
  }

  get tracks() {
    const { videoWidth: width, videoHeight: height, readyState } = this.#video;
    if (readyState < HTMLMediaElement.HAVE_METADATA) return null;
    return { video: width ? { codec: "HLS", width, height } : null, audio: { codec: "HLS" } };
  }

  get hasVideo() {
    return Boolean(this.tracks?.video);
  }

  get hasAudio() {
    return this.tracks !== null;
  }

  /** By this device's clock, against that of the playlist (PROGRAM-DATE-TIME). */
  get latencyMs() {
    const wallMs = this.#wallMs;
    return wallMs === null ? null : Math.max(0, Date.now() - wallMs);
  }

  /** The chat cannot be in step: media time is the browser's own here. */
  get picture() {
    return null;
  }

  start() {
    this.#wantsPlay = true;
    this.#startedAt = localNow();
    if (NativePlayer.isPossible) this.#look();
    setInterval(() => this.#tick(), TICK);
    setInterval(() => this.#look(), LOOK_EVERY);
    setInterval(() => this.#describe(), DETAILS_EVERY);
    this.#describe();
    this.#publish();
  }

  play() {
    this.#wantsPlay = true;
    this.#isBlocked = false;
    this.#play();
    this.#publish();
  }

  pause() {
    this.#wantsPlay = false;
    this.#video.pause();
    this.#publish();
  }

  toLive() {
    const { seekable } = this.#video;
    if (seekable.length) this.#video.currentTime = seekable.end(seekable.length - 1);
    this.play();
  }

  /** Whether it is live: there is a playlist then. */
  async #look() {
    if (this.state === "live" || this.#isLooking || !NativePlayer.isPossible) return;
    this.#isLooking = true;
    try {
      const { ok, status } = await fetch(this.#address);
      this.#isReachable = true;
      if (ok) this.#begin();
      else if (status === 404) this.#said ??= WAITING;
    } catch {
      this.#isReachable = false;
    }
    this.#isLooking = false;
    this.#publish();
  }

  #begin() {
    this.#said = LIVE;
    this.#video.src = this.#address;
    if (this.#wantsPlay) this.#play();
  }

  #over() {
    if (this.state !== "live") return;
    this.#said = this.#video.ended ? ENDED : WAITING;
    this.#publish();
  }

  async #describe() {
    const answer = await fetch(this.#details).catch(() => null);
    if (answer?.ok) this.dispatchEvent(new CustomEvent("details", { detail: await answer.json() }));
  }

  async #play() {
    try {
      await this.#video.play();
    } catch (error) {
      if (error.name !== "NotAllowedError" || !this.#wantsPlay) return;
      if (this.#video.muted) this.#isBlocked = true;
      else {
        this.#video.muted = true;
        this.dispatchEvent(new Event("muted"));
        this.#play();
      }
      this.#publish();
    }
  }

  #pausedByOthers() {
    const { paused, ended, currentTime, error } = this.#video;
    // A new source pauses, too, before it plays.
    if (!this.#wantsPlay || !paused || ended || error || currentTime === 0 || document.hidden) return;
    this.pause();
  }

  get #wallMs() {
    const began = this.#video.getStartDate?.().getTime() ?? Number.NaN;
    return Number.isNaN(began) ? null : began + 1000 * this.#video.currentTime;
  }

  #tick() {
    const time = this.#video.currentTime;
    if (time !== this.#lastTime) this.#advancedAt = localNow();
    this.#lastTime = time;
    if (time > 0) this.startupMs ??= Math.round(localNow() - this.#startedAt);
    this.#publish();
    this.dispatchEvent(new Event("stats"));
  }

  #publish() {
    this.phase = NativePlayer.isPossible ? phaseOf(this.#facts()) : "no-mse";
    const shown = JSON.stringify([this.phase, this.words, this.tracks]);
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.dispatchEvent(new Event("change"));
  }

  #facts() {
    return {
      isOnline: navigator.onLine,
      wantsPlay: this.#wantsPlay,
      isBlocked: this.#isBlocked,
      missing: [],
      isPlaying: localNow() - this.#advancedAt < PATIENCE && !this.#video.paused,
      hasStarted: this.#video.currentTime > 0,
      connection: this.#isReachable ? "open" : "lost",
      server: this.#said,
    };
  }
}
