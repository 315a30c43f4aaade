/**
 * A player for `relay.fmp4.1`: live video from one WebSocket into one <video> element.
 *
 *   const player = new RelayPlayer(video, "wss://example.org/live/cat.mp4");
 *   player.addEventListener("change", () => console.log(player.phase));
 *   player.start();
 *
 * Events: "change" (phase, words or tracks), "stats" (about four times a second) and "skip"
 * (`detail.ms` of the broadcast are missing for this viewer).
 *
 * Three things are kept apart.  The socket brings bytes and keeps coming back.  The buffer takes
 * them, and is replaced when the timeline, the tracks or the decoder give reason to.  The ten
 * ticks a second decide where to play and how fast: every cure (a hole, a stall, a frozen
 * decoder, a tab that slept) is found there by looking at the buffer, not by trusting that
 * the browser fired the right event.
 */

import { MediaBuffer, hasMediaSource, isSupported } from "./buffer.js";
import { LiveEdge, ServerClock, localNow } from "./clock.js";
import { fitsTracks, missingCodecs } from "./codecs.js";
import { Pace, TUNING, aheadOf, edgePosition, landing, nextRange, trimPoint } from "./live-edge.js";
import { RelaySocket } from "./socket.js";
import { phaseOf, sentences } from "./words.js";

const TICK = 100;
const STATS_EVERY = 250;
/** Less than this ahead of the playhead is nothing to play. */
const DRY = 0.04;
/** Browsers stop this much earlier when one track ends before the other. */
const SHALLOW = 0.2;
const STILL = 0.2;
/** A seek that takes longer waits for data that may never come. */
const SEEK_PATIENCE = 0.8;
/** Playback that stands still with data in hand for so long is stuck. */
const FROZEN = 1.5;
const NUDGES = 2;
/** After a stall, playback waits for its margin, but not for ever. */
const REFILL = 2;
/** A jitter shorter than this is not worth a word to the viewer. */
const PATIENCE = 0.5;
/** A long pause should not cost anybody traffic. */
const REST_AFTER = 60;

export class RelayPlayer extends EventTarget {
  phase = "connecting";
  tracks = null;
  viewers = null;
  bitrate = null;
  startupMs = null;
  stalls = 0;
  jumps = 0;
  skips = 0;
  skippedMs = 0;
  rebuilds = 0;
  sources = 0;

  #video;
  #socket;
  #clock = new ServerClock();
  #edge = new LiveEdge(this.#clock);
  #pace = new Pace();
  #buffer = null;
  #session = null;
  #needsNewSource = true;
  #server = null;
  #missing = [];
  #wantsPlay = false;
  #isBlocked = false;
  #hasStarted = false;
  #isDry = false;
  #startedAt = 0;
  /** Where the playhead was last, since when, and how often it was pushed from there. */
  #moved = { time: 0, at: 0, nudges: 0 };
  #advancedAt = -Infinity;
  #refillUntil = null;
  #pausedAt = null;
  #shown = "";
  #statsAt = 0;
  #received = { bytes: 0, since: 0 };
  #stop = new AbortController();

  constructor(video, url) {
    super();
    this.#video = video;
    video.playsInline = true;
    this.#socket = new RelaySocket(url, {
      message: (message) => this.#message(message),
      init: (init, bytes) => this.#init(init, bytes),
      fragment: (bytes) => this.#fragment(bytes),
      clock: (...trip) => this.#clock.sample(...trip),
      status: (status) => this.#connected(status),
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
    return sentences(this.phase, { keyframeIntervalMs, missing: this.#missing });
  }

  get latencyMs() {
    if (!this.#hasStarted) return null;
    return this.#edge.latency(this.#video.currentTime * 1000, localNow());
  }

  get bufferMs() {
    return Math.round(aheadOf(this.#ranges, this.#video.currentTime) * 1000);
  }

  get targetMs() {
    return Math.round(this.#pace.target * 1000);
  }

  get rate() {
    return this.#video.playbackRate;
  }

  get reconnects() {
    return this.#socket.reconnects;
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
    this.#toEdge();
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
    this.#buffer?.close();
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
        this.bitrate = message.bits_per_second ?? this.#measuredBitrate();
        break;
      case "skip":
        this.#skipped(message.to_ms - message.from_ms);
        break;
    }
  }

  #hello({ session }) {
    if (session === null) return;
    // Another session has another timeline.
    if (this.#session !== null && session !== this.#session) {
      this.#needsNewSource = true;
      this.#edge.clear();
    }
    this.#session = session;
  }

  #state(message) {
    // Start-up is the player's doing from the moment on that there is something to play.
    const wasWaiting = this.#server !== null && this.#server.value !== "live";
    if (wasWaiting && message.value === "live") this.#startedAt = localNow();
    if (message.value !== "live") this.#edge.clear();
    this.#server = message;
    this.#publish();
  }

  #init({ mime, tracks }, bytes) {
    this.#missing = isSupported(mime) ? [] : missingCodecs(tracks, isSupported);
    if (!isSupported(mime) && this.#missing.length === 0) this.#missing = [mime];
    if (this.#missing.length > 0) {
      this.#close();
    } else {
      if (this.#buffer && !fitsTracks(this.tracks, tracks)) this.#needsNewSource = true;
      if (this.#needsNewSource) this.#open(mime);
      this.#buffer.init(mime, bytes);
    }
    this.tracks = tracks;
    this.#publish(true);
  }

  #fragment(bytes) {
    this.#received.bytes += bytes.byteLength;
    this.#buffer?.append(bytes);
  }

  #skipped(ms) {
    this.skips += 1;
    this.skippedMs += ms;
    this.dispatchEvent(new CustomEvent("skip", { detail: { ms } }));
  }

  /** For servers that do not tell. */
  #measuredBitrate() {
    const now = localNow();
    const { bytes, since } = this.#received;
    this.#received = { bytes: 0, since: now };
    return since === 0 ? this.bitrate : Math.round((bytes * 8000) / (now - since));
  }

  // The buffer.

  get #ranges() {
    return this.#buffer?.ranges ?? [];
  }

  #open(mime) {
    this.#close();
    this.sources += 1;
    this.#needsNewSource = false;
    this.#buffer = new MediaBuffer(this.#video, mime, {
      progress: () => !this.#hasStarted && this.#begin(),
      overflow: () => this.#socket.restart(),
      failure: (error) => this.#rebuild(error),
    });
  }

  #close() {
    this.#buffer?.close();
    this.#buffer = null;
    this.#needsNewSource = true;
    this.#hasStarted = false;
    this.#isDry = false;
    this.#refillUntil = null;
  }

  /** The decoder or the buffer gave up: a new MediaSource, from the next keyframe on. */
  #rebuild(error) {
    console.warn("relay: starting over after", error);
    this.rebuilds += 1;
    this.#close();
    this.#socket.restart();
    this.#publish();
  }

  // Playing.

  #begin() {
    // The burst from the keyframe comes in one go: look once all of it is in.
    if (!this.#buffer.isDrained) return;
    const position = edgePosition(this.#ranges, this.#pace.target);
    if (position === null) return;
    this.#hasStarted = true;
    this.#seek(position);
    this.#pace.begin(localNow() / 1000);
    // A broadcast's first second has no burst: gather the margin before playing.
    this.#isDry = this.bufferMs < this.targetMs;
    if (this.#wantsPlay) this.#play();
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

  #seek(position) {
    this.#video.currentTime = position;
    this.#refillUntil = null;
    this.#pace.moved(localNow() / 1000);
    this.#moved = { time: this.#video.currentTime, at: localNow() / 1000, nudges: 0 };
  }

  #toEdge() {
    const position = edgePosition(this.#ranges, this.#pace.target);
    if (this.#hasStarted && position !== null) this.#seek(position);
  }

  #tick() {
    const now = localNow() / 1000;
    this.#rest(now);
    if (this.#buffer && this.#hasStarted) {
      const ranges = this.#ranges;
      this.#trim(ranges);
      if (this.#wantsPlay && !this.#isBlocked) this.#steer(now, ranges);
    }
    this.#publish();
    if (now * 1000 - this.#statsAt < STATS_EVERY) return;
    this.#statsAt = now * 1000;
    this.dispatchEvent(new Event("stats"));
  }

  #steer(now, ranges) {
    const time = this.#video.currentTime;
    const ahead = aheadOf(ranges, time);
    if (this.#video.seeking && now - this.#moved.at < SEEK_PATIENCE) return;
    if (time !== this.#moved.time) this.#advanced(now, time);
    if (this.#hasRunDry(now, ahead)) return this.#ranDry(now, ranges, time);
    if (this.#isDry) return this.#refill(now, ahead);
    if (this.#pace.isLate(now, ahead)) return this.#toEdge();
    if (now - this.#moved.at > FROZEN) return this.#unfreeze(now, time, ahead);
    this.#setRate(this.#pace.next(now, ahead));
  }

  #hasRunDry(now, ahead) {
    if (ahead < DRY) return true;
    const isStarved = this.#video.readyState < HTMLMediaElement.HAVE_FUTURE_DATA;
    return isStarved && ahead < SHALLOW && now - this.#moved.at > STILL;
  }

  #advanced(now, time) {
    if (this.startupMs === null) this.startupMs = Math.round(now * 1000 - this.#startedAt);
    this.#moved = { time, at: now, nudges: 0 };
    this.#advancedAt = now;
  }

  #ranDry(now, ranges, time) {
    const next = nextRange(ranges, time);
    if (next) return this.#jump(next);
    if (this.#isDry) return;
    this.#isDry = true;
    // A silent publisher is nobody's stall: more buffer would not have helped.
    if (this.state !== "live" || this.#socket.status !== "open") return;
    this.stalls += 1;
    this.#pace.stalled(now);
  }

  #jump(range) {
    this.jumps += 1;
    // A hair inside: the very start of a range is a matter of rounding.
    this.#seek(landing(range, this.#pace.target) + 0.001);
    this.#isDry = true;
  }

  /** Stand still until the margin is back; to start at once would be to stutter. */
  #refill(now, ahead) {
    this.#refillUntil ??= now + REFILL;
    this.#moved.at = now;
    if (ahead < this.#pace.target && now < this.#refillUntil) return this.#setRate(0);
    this.#isDry = false;
    this.#refillUntil = null;
    this.#setRate(1);
    this.#pace.moved(now);
  }

  #unfreeze(now, time, ahead) {
    if (this.#video.paused) this.#play();
    this.#moved.at = now;
    this.#moved.nudges += 1;
    if (document.hidden) return;
    if (this.#moved.nudges > NUDGES) return this.#rebuild(new Error("playback is stuck"));
    const { nudges } = this.#moved;
    this.#seek(nudges === 1 ? time + Math.min(0.1, ahead / 2) : edgePosition(this.#ranges, this.#pace.target));
    this.#moved.nudges = nudges;
  }

  #setRate(rate) {
    if (this.#video.playbackRate !== rate) this.#video.playbackRate = rate;
  }

  #trim(ranges) {
    const before = trimPoint(ranges, this.#video.currentTime);
    if (before !== null) this.#buffer.trim(before);
  }

  #rest(now) {
    if (this.#pausedAt === null || now - this.#pausedAt / 1000 < REST_AFTER) return;
    this.#pausedAt = null;
    this.#socket.close();
  }

  // The browser's side.

  #listen() {
    const { signal } = this.#stop;
    const on = (target, name, action) => target.addEventListener(name, action, { signal });
    on(this.#video, "error", () => this.#buffer && this.#rebuild(this.#video.error));
    on(this.#video, "pause", () => this.#pausedByOthers());
    on(window, "online", () => this.#woke());
    on(window, "offline", () => this.#publish());
    on(document, "visibilitychange", () => !document.hidden && this.#woke());
  }

  /** Media keys, picture in picture: as good as our own button.  A hidden tab is not. */
  #pausedByOthers() {
    if (!this.#wantsPlay || document.hidden || !this.#hasStarted || this.#video.error) return;
    this.pause();
  }

  #woke() {
    if (!this.#wantsPlay) return;
    this.#socket.wake();
    // A hidden tab's timers sleep, and its playhead may have been left behind.
    if (this.bufferMs > this.targetMs + TUNING.lateWhileSettling * 1000) this.#toEdge();
    if (this.#hasStarted && this.#video.paused && !this.#isBlocked) this.#play();
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
    return {
      isOnline: navigator.onLine,
      wantsPlay: this.#wantsPlay,
      isBlocked: this.#isBlocked,
      missing: this.#missing,
      isPlaying: this.#hasStarted && localNow() / 1000 - this.#advancedAt < PATIENCE,
      hasStarted: this.#hasStarted,
      connection: this.#socket.status,
      server: this.#server,
    };
  }
}
