/**
 * The surface around the picture: notices, the sound button, the control bar and the keyboard.
 * The watch page and the embedded player share it.
 */

import { hasMediaSource } from "./buffer.js";
import { NativePlayer } from "./native-player.js";
import { RelayPlayer } from "./player.js";
import { Rewind } from "./rewind.js";
import { loadSound, saveSound } from "./sound.js";
import { Still } from "./still.js";
import { latencyText } from "./words.js";

const IDLE_AFTER = 2500;
const TOAST_FOR = 4000;
const VOLUME_STEP = 0.05;

const icon = (name, path) =>
  `<svg class="icon icon-${name}" viewBox="0 0 24 24" aria-hidden="true"><path d="${path}"/></svg>`;

const ICONS = {
  play: icon("play", "M8 5.1v13.8c0 .8.9 1.3 1.5.8l10.3-6.9c.6-.4.6-1.2 0-1.6L9.5 4.3C8.9 3.8 8 4.3 8 5.1z"),
  pause: icon("pause", "M7 4.5h2.5a1 1 0 0 1 1 1v13a1 1 0 0 1-1 1H7a1 1 0 0 1-1-1v-13a1 1 0 0 1 1-1zm7.5 0H17a1 1 0 0 1 1 1v13a1 1 0 0 1-1 1h-2.5a1 1 0 0 1-1-1v-13a1 1 0 0 1 1-1z"),
  sound: icon("sound", "M11.3 4.4 7 8H4a1 1 0 0 0-1 1v6a1 1 0 0 0 1 1h3l4.3 3.6c.7.5 1.7.1 1.7-.8V5.2c0-.9-1-1.3-1.7-.8zM16 8.3a1 1 0 0 0-.2 1.4 3.9 3.9 0 0 1 0 4.6 1 1 0 1 0 1.6 1.2 5.9 5.9 0 0 0 0-7A1 1 0 0 0 16 8.3zm2.8-2.7a1 1 0 0 0-.2 1.4 8 8 0 0 1 0 10 1 1 0 1 0 1.6 1.2 10 10 0 0 0 0-12.4 1 1 0 0 0-1.4-.2z"),
  muted: icon("muted", "M11.3 4.4 7 8H4a1 1 0 0 0-1 1v6a1 1 0 0 0 1 1h3l4.3 3.6c.7.5 1.7.1 1.7-.8V5.2c0-.9-1-1.3-1.7-.8zM21.7 9.7a1 1 0 0 0-1.4-1.4L18.5 10.1l-1.8-1.8a1 1 0 1 0-1.4 1.4l1.8 1.8-1.8 1.8a1 1 0 1 0 1.4 1.4l1.8-1.8 1.8 1.8a1 1 0 0 0 1.4-1.4l-1.8-1.8z"),
  expand: icon("expand", "M5 4h4a1 1 0 0 1 0 2H6v3a1 1 0 0 1-2 0V5a1 1 0 0 1 1-1zm10 0h4a1 1 0 0 1 1 1v4a1 1 0 0 1-2 0V6h-3a1 1 0 0 1 0-2zM5 14a1 1 0 0 1 1 1v3h3a1 1 0 0 1 0 2H5a1 1 0 0 1-1-1v-4a1 1 0 0 1 1-1zm14 0a1 1 0 0 1 1 1v4a1 1 0 0 1-1 1h-4a1 1 0 0 1 0-2h3v-3a1 1 0 0 1 1-1z"),
  shrink: icon("shrink", "M9 4a1 1 0 0 1 1 1v4a1 1 0 0 1-1 1H5a1 1 0 0 1 0-2h3V5a1 1 0 0 1 1-1zm6 0a1 1 0 0 1 1 1v3h3a1 1 0 0 1 0 2h-4a1 1 0 0 1-1-1V5a1 1 0 0 1 1-1zM5 14h4a1 1 0 0 1 1 1v4a1 1 0 0 1-2 0v-3H5a1 1 0 0 1 0-2zm10 0h4a1 1 0 0 1 0 2h-3v3a1 1 0 0 1-2 0v-4a1 1 0 0 1 1-1z"),
};

const MARKUP = `
  <video playsinline tabindex="-1" aria-label="Live video"></video>
  <div class="sound-look" aria-hidden="true"><i></i><i></i><i></i></div>
  <div class="notice">
    <span class="spinner" aria-hidden="true"></span>
    <div role="status" aria-live="polite"><p class="headline"></p><p class="detail"></p></div>
  </div>
  <button type="button" class="big-play">${ICONS.play}<span>Play live</span></button>
  <button type="button" class="tap-for-sound">${ICONS.muted}<span>Tap for sound</span></button>
  <p class="toast" role="status" aria-live="polite"></p>
  <div class="controls" role="group" aria-label="Player controls">
    <button type="button" class="control play">${ICONS.play}${ICONS.pause}</button>
    <div class="volume">
      <button type="button" class="control mute">${ICONS.sound}${ICONS.muted}</button>
      <input type="range" min="0" max="100" step="1" aria-label="Volume">
    </div>
    <button type="button" class="live" title="Jump to the live edge">
      <span class="dot" aria-hidden="true"></span>
      <span>Live</span>
      <span class="latency"><span class="visually-hidden">delay</span> <b></b></span>
    </button>
    <span class="spacer"></span>
    <button type="button" class="control full-screen">${ICONS.expand}${ICONS.shrink}</button>
  </div>`;

/** `/watch/APP/NAME` and `/embed/APP/NAME` -> {app, name, path}; null for any other path. */
export function streamOf(pathname) {
  const match = /^\/(?:watch|embed)\/([^/]+)\/([^/]+)\/?$/.exec(pathname);
  if (!match) return null;
  const [, app, name] = match;
  return { app, name: readable(name), path: `/${app}/${name}` };
}

function readable(name) {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

export function socketUrl(path) {
  return `${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}${path}.mp4`;
}

/** `wss://HOST/APP/NAME.mp4` -> `https://HOST/APP/NAME.m3u8`. */
const playlistOf = (url) => url.replace(/^ws/, "http").replace(/\.mp4$/, ".m3u8");

export class Stage {
  #root;
  #find;
  #idleTimer = 0;
  #toastTimer = 0;
  #started = false;
  #rewind;

  /** `root` becomes the stage; `forceMuted` is for pages that must not make a sound. */
  constructor(root, url, { forceMuted = false } = {}) {
    this.#root = root;
    root.innerHTML = MARKUP;
    this.#find = (selector) => root.querySelector(selector);
    this.video = this.#find("video");
    const still = new Still(this.video);
    this.player = new (hasMediaSource ? RelayPlayer : NativePlayer)(this.video, url);
    this.player.addEventListener("replacing", () => still.hold());
    this.video.relay = this.player;
    const sound = loadSound();
    this.video.volume = sound.volume;
    this.video.muted = forceMuted || sound.muted;
    this.#rewind = new Rewind(this.#find(".controls"), this.player, this.video, playlistOf(url));
    this.#wire();
    this.#show();
  }

  start() {
    this.#started = true;
    this.player.start();
  }

  #wire() {
    const { player, video } = this;
    player.addEventListener("change", () => this.#show());
    player.addEventListener("stats", () => this.#showLatency());
    player.addEventListener("skip", ({ detail }) => this.#showSkip(detail.ms));
    video.addEventListener("volumechange", () => this.#showSound());
    video.addEventListener("click", () => this.#tapped());
    video.addEventListener("dblclick", () => this.toggleFullScreen());
    this.#click(".big-play", () => this.togglePlay());
    this.#click(".control.play", () => this.togglePlay());
    this.#click(".control.mute", () => this.toggleMute());
    this.#click(".tap-for-sound", () => this.toggleMute());
    this.#click(".live", () => player.toLive());
    this.#click(".full-screen", () => this.toggleFullScreen());
    this.#find(".volume input").addEventListener("input", ({ target }) => this.setVolume(target.value / 100));
    document.addEventListener("keydown", (event) => this.#key(event));
    document.addEventListener("fullscreenchange", () => this.#showFullScreen());
    for (const name of ["pointermove", "pointerdown", "focusin", "keydown"]) {
      this.#root.addEventListener(name, () => this.#awake());
    }
    this.#root.addEventListener("pointerleave", () => this.#sleep());
  }

  #click(selector, action) {
    this.#find(selector).addEventListener("click", action);
  }

  // What the viewer may do.

  togglePlay() {
    if (!this.#started) return this.start();
    const playing = this.player.wantsPlay && this.player.phase !== "blocked";
    if (playing) this.player.pause();
    else this.player.play();
  }

  toggleMute() {
    const { video } = this;
    video.muted = !video.muted;
    if (!video.muted && video.volume === 0) video.volume = 0.5;
    saveSound(video);
  }

  setVolume(volume) {
    this.video.volume = Math.min(100, Math.max(0, Math.round(volume * 100))) / 100;
    this.video.muted = this.video.volume === 0;
    saveSound(this.video);
  }

  toggleFullScreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else if (this.#root.requestFullscreen) this.#root.requestFullscreen().catch(() => {});
    // An iPhone gives the full screen to the video element only.
    else this.video.webkitEnterFullscreen?.();
  }

  #key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const action = this.#actionFor(event.key, event.target);
    if (!action) return;
    event.preventDefault();
    this.#awake();
    action();
  }

  #actionFor(key, target) {
    const isRange = target.matches?.("input");
    const isPressable = target.matches?.("button, a, summary, input, textarea");
    if (key === " " && isPressable) return null;
    if (key.startsWith("Arrow") && (isRange || !this.#isInView())) return null;
    return {
      " ": () => this.togglePlay(),
      k: () => this.togglePlay(),
      m: () => this.toggleMute(),
      f: () => this.toggleFullScreen(),
      ArrowUp: () => this.setVolume(this.video.volume + VOLUME_STEP),
      ArrowDown: () => this.setVolume(this.video.volume - VOLUME_STEP),
      ArrowLeft: () => this.#rewind.step(-1),
      ArrowRight: () => this.#rewind.step(1),
    }[key.length === 1 ? key.toLowerCase() : key];
  }

  /** The arrow keys scroll again once the picture is out of sight. */
  #isInView() {
    return this.#root.getBoundingClientRect().bottom > 0;
  }

  #tapped() {
    // A finger asks for the controls; a mouse has them already.
    if (matchMedia("(hover: hover)").matches) this.togglePlay();
  }

  // What the viewer sees.

  #show() {
    const { player } = this;
    const phase = this.#started ? player.phase : "blocked";
    const [headline, detail] = this.#started ? player.words : ["", ""];
    this.#root.dataset.phase = phase;
    this.#root.dataset.look = player.hasAudio && !player.hasVideo ? "sound" : "picture";
    this.#text(".headline", headline);
    this.#text(".detail", detail);
    const running = phase !== "blocked" && phase !== "paused";
    this.#label(".control.play", running ? "Pause" : "Play", "k");
    this.#find(".big-play span").textContent = phase === "blocked" ? "Tap to play" : "Play live";
    this.#root.classList.toggle("is-running", running);
    this.#root.classList.toggle("is-live", player.state === "live" && player.tracks !== null);
    this.#root.classList.toggle("is-past", player.past !== null);
    this.#text(".live > span:nth-child(2)", player.past ? "Back to live" : "Live");
    this.#find(".latency .visually-hidden").textContent = player.past ? "behind by" : "delay";
    this.#showSound();
    this.#showFullScreen();
    this.#awake();
  }

  #showSound() {
    const { video, player } = this;
    this.#root.classList.toggle("is-muted", video.muted);
    this.#root.classList.toggle("has-audio", player.hasAudio);
    this.#label(".control.mute", video.muted ? "Unmute" : "Mute", "m");
    const percent = video.muted ? 0 : Math.round(video.volume * 100);
    const slider = this.#find(".volume input");
    slider.value = percent;
    slider.style.setProperty("--level", `${percent}%`);
    slider.setAttribute("aria-valuetext", `${percent} %`);
  }

  #showFullScreen() {
    const isFull = document.fullscreenElement === this.#root;
    this.#root.classList.toggle("is-full", isFull);
    this.#label(".full-screen", isFull ? "Leave full screen" : "Full screen", "f");
  }

  #showLatency() {
    const latencyMs = this.player.phase === "playing" ? this.player.latencyMs : null;
    this.#find(".latency").hidden = latencyMs === null;
    this.#text(".latency b", latencyMs === null ? "" : latencyText(latencyMs));
  }

  #showSkip(ms) {
    this.#text(".toast", `Your connection is slow: ${(ms / 1000).toFixed(1)} s were skipped`);
    clearTimeout(this.#toastTimer);
    this.#toastTimer = setTimeout(() => this.#text(".toast", ""), TOAST_FOR);
  }

  #label(selector, text, key) {
    const button = this.#find(selector);
    button.setAttribute("aria-label", text);
    button.setAttribute("aria-keyshortcuts", key);
    button.title = `${text} (${key})`;
  }

  /** Untouched text stays untouched: a screen reader reads every change. */
  #text(selector, text) {
    const element = this.#find(selector);
    if (element.textContent !== text) element.textContent = text;
  }

  #awake() {
    this.#root.classList.remove("is-idle");
    clearTimeout(this.#idleTimer);
    this.#idleTimer = setTimeout(() => this.#sleep(), IDLE_AFTER);
  }

  #sleep() {
    const isUsed = this.#find(".controls :focus-visible");
    this.#root.classList.toggle("is-idle", this.player.phase === "playing" && !isUsed);
  }
}
