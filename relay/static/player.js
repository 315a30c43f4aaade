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
 * Three things are kept apart.  A source brings bytes: that of what is live, or of the past, to which
 * a viewer can turn.  The programme takes them into a buffer, and replaces it when the timeline, the
 * tracks or the decoder give reason to.  A playhead, each source has its own, decides where to play
 * and how fast.  Here they meet, and what the viewer wishes and what the server says become one phase
 * that a page can show.
 */

import { hasMediaSource } from "./buffer.js";
import { localNow } from "./clock.js";
import { fitsTracks } from "./codecs.js";
import { aheadOf, trimPoint } from "./live-edge.js";
import { LiveSource } from "./live-source.js";
import { Playhead } from "./playhead.js";
import { Programme } from "./programme.js";
import { phaseOf, sentences } from "./words.js";

const LIVE = { value: "live", reason: "" };
const TICK = 100;
const STATS_EVERY = 250;
/** A jitter shorter than this is not worth a word to the viewer. */
const PATIENCE = 500;
/** A long pause should not cost anybody traffic. */
const REST_AFTER = 60000;

export class RelayPlayer extends EventTarget {
  phase = "connecting";
  startupMs = null;
  rebuilds = 0;
  /** Where the picture comes from when it is not live; see `past.js`. */
  past = null;

  #video;
  #live;
  #livePlayhead;
  #programme;
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
    this.#live = new LiveSource(url, {
      init: (init, bytes) => this.#init(init, bytes),
      fragment: (bytes) => this.#programme.append(bytes),
      session: (session) => this.#programme.enter(session),
      // Start-up is the player's doing from the moment on that there is something to play.
      live: () => (this.#startedAt = localNow()),
      details: (detail) => this.dispatchEvent(new CustomEvent("details", { detail })),
      skip: (ms) => this.dispatchEvent(new CustomEvent("skip", { detail: { ms } })),
      changed: () => this.#publish(),
    });
    this.#programme = new Programme(video, {
      replacing: () => this.#replacing(),
      progress: () => this.#begin(),
      overflow: () => this.#live.restart(),
      failure: (error) => this.#rebuild(error),
    });
    this.#livePlayhead = new Playhead(video, {
      paused: () => this.#play(),
      stuck: (error) => this.#rebuild(error),
    });
    this.#listen();
  }

  // What a page or a test may ask.

  /** "waiting", "live" or "ended" as the server said last; null before it said anything. */
  get state() {
    return this.#live.said?.value ?? null;
  }

  get words() {
    const { keyframe_interval_ms: keyframeIntervalMs = null } = this.#live.said ?? {};
    return sentences(this.phase, { keyframeIntervalMs, missing: this.#programme.missing });
  }

  get viewers() {
    return this.#live.viewers;
  }

  get bitrate() {
    return this.#live.bitrate;
  }

  get latencyMs() {
    if (!this.#playhead.hasStarted) return null;
    return this.past ? this.past.behindMs : this.#live.latency(this.#video.currentTime * 1000);
  }

  /**
   * Where the picture is: in which session, at which media time, and when that was said to be live
   * on the server's clock; null while there is no picture of what is, or was, live.
   */
  get picture() {
    const { session } = this.#programme;
    if (!this.#playhead.hasStarted || session === null || this.state !== "live") return null;
    const mediaMs = this.#video.currentTime * 1000;
    const wallMs = this.past ? this.past.wallMs : this.#live.wallMs(mediaMs);
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

  get skips() {
    return this.#live.skips;
  }

  get skippedMs() {
    return this.#live.skippedMs;
  }

  get reconnects() {
    return this.#live.reconnects;
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
    if (hasMediaSource) this.#live.open();
    this.#publish();
  }

  /** Play: what is live from now on, since what was missed stays missed; the past where it stood. */
  play() {
    this.#wantsPlay = true;
    this.#isBlocked = false;
    this.#pausedAt = null;
    if (!this.past && this.#live.status === "closed") this.#live.open();
    this.#playhead.toEdge(this.#programme.ranges);
    this.#play();
    this.#publish();
  }

  /** Show what `past` brings, instead of what is live or of another past. */
  turnTo(past) {
    this.#turn(past);
    this.#live.close();
    past.start({
      ranges: () => this.#programme.ranges,
      isReady: () => this.#programme.isDrained || !this.#programme.isOpen,
      fits: ({ tracks }) => fitsTracks(this.tracks, tracks),
      init: (init, bytes) => this.#init(init, bytes),
      fragment: (bytes) => this.#programme.append(bytes),
      over: () => this.toLive(),
    });
  }

  /** Play what is live, wherever the picture is now. */
  toLive() {
    if (this.past) this.#turn(null);
    this.play();
  }

  pause() {
    this.#wantsPlay = false;
    this.#pausedAt = localNow();
    this.#video.pause();
    this.#publish();
  }

  destroy() {
    this.#stop.abort();
    this.past?.stop();
    this.#live.close();
    this.#programme.close();
    this.#video.removeAttribute("src");
    this.#video.load();
  }

  // What the sources bring.

  get #playhead() {
    return this.past?.playhead ?? this.#livePlayhead;
  }

  #turn(past) {
    this.dispatchEvent(new Event("replacing"));
    this.past?.stop();
    this.#programme.close();
    this.past = past;
    this.#playhead.reset();
    this.#publish(true);
  }

  #init(message, bytes) {
    this.#programme.init(message, bytes);
    if (!this.#programme.isOpen) this.#playhead.reset();
    this.#publish(true);
  }

  #replacing() {
    this.#playhead.reset();
    this.dispatchEvent(new Event("replacing"));
  }

  /** The decoder or the buffer gave up: a new MediaSource, from the next keyframe on. */
  #rebuild(error) {
    console.warn("relay: starting over after", error);
    this.rebuilds += 1;
    if (this.past) return this.toLive();
    this.#programme.close();
    this.#playhead.reset();
    this.#live.restart();
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
    this.#playhead.steer(ranges, this.#live.isFlowing);
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
    this.#live.close();
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
    this.#live.wake();
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
      // Who watches the past waits for nobody who publishes.
      connection: this.past ? "open" : this.#live.status,
      server: this.past ? LIVE : this.#live.said,
    };
  }
}
