/**
 * A player for `relay.fmp4.1`: live video from one WebSocket into one <video> element.
 *
 *   const player = new RelayPlayer(video, "wss://example.org/live/cat.mp4");
 *   player.addEventListener("change", () => console.log(player.phase));
 *   player.start();
 *
 * Events: "change" (phase, words or tracks), "stats" (about four times a second), "skip"
 * (`detail.ms` of the broadcast are missing for this viewer), "muted" (the browser allows no sound
 * before a tap) and "replacing" (the video is about to lose its picture for a moment).
 *
 * Three things are kept apart.  The socket brings bytes and keeps coming back.  The programme takes
 * them into a buffer, and replaces it when the timeline, the tracks or the decoder give reason to.
 * The playhead decides where to play and how fast.  Here they meet, and what the viewer wishes and
 * what the server says become one phase that a page can show.
 */

import { hasMediaSource } from "./buffer.js";
import { LiveEdge, ServerClock, localNow } from "./clock.js";
import { aheadOf, trimPoint } from "./live-edge.js";
import { Playhead } from "./playhead.js";
import { Programme } from "./programme.js";
import { RelaySocket } from "./socket.js";
import { phaseOf, sentences } from "./words.js";

const TICK = 100;
const STATS_EVERY = 250;
/** A jitter shorter than this is not worth a word to the viewer. */
const PATIENCE = 500;
/** A long pause should not cost anybody traffic. */
const REST_AFTER = 60000;

export class RelayPlayer extends EventTarget {
  phase = "connecting";
  viewers = null;
  bitrate = null;
  startupMs = null;
  skips = 0;
  skippedMs = 0;
  rebuilds = 0;

  #video;
  #socket;
  #clock = new ServerClock();
  #edge = new LiveEdge(this.#clock);
  #playhead;
  #programme;
  #server = null;
  #wantsPlay = false;
  #isBlocked = false;
  #startedAt = 0;
  #pausedAt = null;
  #shown = "";
  #statsAt = 0;
  #stop = new AbortController();

  constructor(video, url) {
    super();
    this.#video = video;
    video.playsInline = true;
    this.#socket = new RelaySocket(url, {
      message: (message) => this.#message(message),
      init: (init, bytes) => this.#init(init, bytes),
      fragment: (bytes) => this.#programme.append(bytes),
      clock: (...trip) => this.#clock.sample(...trip),
      status: (status) => this.#connected(status),
    });
    this.#programme = new Programme(video, {
      replacing: () => this.#replacing(),
      progress: () => this.#begin(),
      overflow: () => this.#socket.restart(),
      failure: (error) => this.#rebuild(error),
    });
    this.#playhead = new Playhead(video, {
      paused: () => this.#play(),
      stuck: (error) => this.#rebuild(error),
    });
    this.#listen();
  }

  // What a page or a test may ask.

  /** "waiting", "live" or "ended" as the server said last; null before it said anything. */
  get state() {
    return this.#server?.value ?? null;
  }

  get words() {
    const { keyframe_interval_ms: keyframeIntervalMs = null } = this.#server ?? {};
    return sentences(this.phase, { keyframeIntervalMs, missing: this.#programme.missing });
  }

  get latencyMs() {
    if (!this.#playhead.hasStarted) return null;
    return this.#edge.latency(this.#video.currentTime * 1000, localNow());
  }

  /**
   * Where the picture is: in which session, at which media time, and when that was said to be live
   * on the server's clock; null while there is no picture of what is live.
   */
  get picture() {
    const { session } = this.#programme;
    if (!this.#playhead.hasStarted || session === null || this.state !== "live") return null;
    const mediaMs = this.#video.currentTime * 1000;
    const [latency, offset] = [this.latencyMs, this.#clock.offset];
    const wallMs = latency === null || offset === null ? Infinity : localNow() + offset - latency;
    return { session, mediaMs, wallMs };
  }

  get bufferMs() {
    return Math.round(aheadOf(this.#programme.ranges, this.#video.currentTime) * 1000);
  }

  get targetMs() {
    return Math.round(this.#playhead.target * 1000);
  }

  get rate() {
    return this.#video.playbackRate;
  }

  get stalls() {
    return this.#playhead.stalls;
  }

  get jumps() {
    return this.#playhead.jumps;
  }

  get reconnects() {
    return this.#socket.reconnects;
  }

  /** How many MediaSources it has taken so far. */
  get sources() {
    return this.#programme.sources;
  }

  /** `tracks` of the last `init`; null before the first. */
  get tracks() {
    return this.#programme.tracks;
  }

  get hasAudio() {
    return Boolean(this.tracks?.audio);
  }

  get hasVideo() {
    return Boolean(this.tracks?.video);
  }

  get wantsPlay() {
    return this.#wantsPlay;
  }

  // What a page may do.

  start() {
    this.#wantsPlay = true;
    this.#startedAt = localNow();
    this.#every(TICK, () => this.#tick());
    if (hasMediaSource) this.#socket.open();
    this.#publish();
  }

  /** Live again, from now: what was missed stays missed. */
  play() {
    this.#wantsPlay = true;
    this.#isBlocked = false;
    this.#pausedAt = null;
    if (this.#socket.status === "closed") this.#socket.open();
    this.#playhead.toEdge(this.#programme.ranges);
    this.#play();
    this.#publish();
  }

  pause() {
    this.#wantsPlay = false;
    this.#pausedAt = localNow();
    this.#video.pause();
    this.#publish();
  }

  destroy() {
    this.#stop.abort();
    this.#socket.close();
    this.#programme.close();
    this.#video.removeAttribute("src");
    this.#video.load();
  }

  // What the server says.

  #connected(status) {
    if (status === "open") this.#clock.reset();
    this.#publish();
  }

  #message(message) {
    switch (message.type) {
      case "hello":
        this.#hello(message);
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
        this.dispatchEvent(new CustomEvent("details", { detail: message }));
        break;
      case "skip":
        this.#skipped(message.to_ms - message.from_ms);
        break;
    }
  }

  #hello({ session }) {
    if (session !== null && this.#programme.enter(session)) this.#edge.clear();
  }

  #state(message) {
    // Start-up is the player's doing from the moment on that there is something to play.
    const wasWaiting = this.#server !== null && this.#server.value !== "live";
    if (wasWaiting && message.value === "live") this.#startedAt = localNow();
    if (message.value !== "live") this.#edge.clear();
    this.#server = message;
    this.#publish();
  }

  #init(message, bytes) {
    this.#programme.init(message, bytes);
    if (!this.#programme.isOpen) this.#playhead.reset();
    this.#publish(true);
  }

  #skipped(ms) {
    this.skips += 1;
    this.skippedMs += ms;
    this.dispatchEvent(new CustomEvent("skip", { detail: { ms } }));
  }

  #replacing() {
    this.#playhead.reset();
    this.dispatchEvent(new Event("replacing"));
  }

  /** The decoder or the buffer gave up: a new MediaSource, from the next keyframe on. */
  #rebuild(error) {
    console.warn("relay: starting over after", error);
    this.rebuilds += 1;
    this.#programme.close();
    this.#playhead.reset();
    this.#socket.restart();
    this.#publish();
  }

  // Playing.

  #begin() {
    // The burst from the keyframe comes in one go: look once all of it is in.
    if (this.#playhead.hasStarted || !this.#programme.isDrained) return;
    if (this.#playhead.begin(this.#programme.ranges) && this.#wantsPlay) this.#play();
  }

  async #play() {
    try {
      await this.#video.play();
    } catch (error) {
      if (error.name !== "NotAllowedError" || !this.#wantsPlay) return;
      if (this.#video.muted) this.#isBlocked = true;
      else this.#playMuted();
      this.#publish();
    }
  }

  #playMuted() {
    this.#video.muted = true;
    this.dispatchEvent(new Event("muted"));
    this.#play();
  }

  #tick() {
    const now = localNow();
    this.#rest(now);
    if (this.#playhead.hasStarted) this.#steer(this.#programme.ranges);
    this.#publish();
    if (now - this.#statsAt < STATS_EVERY) return;
    this.#statsAt = now;
    this.dispatchEvent(new Event("stats"));
  }

  #steer(ranges) {
    this.#trim(ranges);
    if (!this.#wantsPlay || this.#isBlocked) return;
    this.#playhead.steer(ranges, this.state === "live" && this.#socket.status === "open");
    if (this.startupMs !== null || !Number.isFinite(this.#playhead.advancedAt)) return;
    this.startupMs = Math.round(localNow() - this.#startedAt);
  }

  #trim(ranges) {
    const before = trimPoint(ranges, this.#video.currentTime);
    if (before !== null) this.#programme.trim(before);
  }

  #rest(now) {
    if (this.#pausedAt === null || now - this.#pausedAt < REST_AFTER) return;
    this.#pausedAt = null;
    this.#socket.close();
  }

  // The browser's side.

  #listen() {
    const { signal } = this.#stop;
    const on = (target, name, action) => target.addEventListener(name, action, { signal });
    on(this.#video, "error", () => this.#programme.isOpen && this.#rebuild(this.#video.error));
    on(this.#video, "pause", () => this.#pausedByOthers());
    on(window, "online", () => this.#woke());
    on(window, "offline", () => this.#publish());
    on(document, "visibilitychange", () => !document.hidden && this.#woke());
  }

  /**
   * Media keys, picture in picture: as good as our own button.  A hidden tab is not, nor is the word
   * of a pause that is over: it comes late, and who presses twice may be playing again.
   */
  #pausedByOthers() {
    if (!this.#wantsPlay || !this.#video.paused) return;
    if (document.hidden || !this.#playhead.hasStarted || this.#video.error) return;
    this.pause();
  }

  #woke() {
    if (!this.#wantsPlay) return;
    this.#socket.wake();
    // A hidden tab's timers sleep, and its playhead may have been left behind.
    const { ranges } = this.#programme;
    if (this.#playhead.isLeftBehind(ranges)) this.#playhead.toEdge(ranges);
    if (this.#playhead.hasStarted && this.#video.paused && !this.#isBlocked) this.#play();
    this.#publish();
  }

  #every(delay, action) {
    const timer = setInterval(action, delay);
    this.#stop.signal.addEventListener("abort", () => clearInterval(timer));
  }

  /** Tell listeners when what they would say or show is another. */
  #publish(always = false) {
    this.phase = hasMediaSource ? phaseOf(this.#facts()) : "no-mse";
    const shown = JSON.stringify([this.phase, this.words]);
    if (shown === this.#shown && !always) return;
    this.#shown = shown;
    this.dispatchEvent(new Event("change"));
  }

  #facts() {
    const { hasStarted, advancedAt } = this.#playhead;
    return {
      isOnline: navigator.onLine,
      wantsPlay: this.#wantsPlay,
      isBlocked: this.#isBlocked,
      missing: this.#programme.missing,
      isPlaying: hasStarted && localNow() - advancedAt * 1000 < PATIENCE,
      hasStarted,
      connection: this.#socket.status,
      server: this.#server,
    };
  }
}
