/**
 * The rewind bar: how far back one can go, where one is, and the way back to what is live.
 *
 * It is there once there is something to go back to, and costs a look at the playlist now and then.
 */

import { hasMediaSource } from "./buffer.js";
import { localNow } from "./clock.js";
import { HlsWindow } from "./hls-window.js";
import { Past } from "./past.js";
import { behindText, clockText } from "./words.js";

/** Of playing without a break: a broadcast that has only begun has nothing to go back to. */
const FIRST_LOOK = 5000;
const LOOK_EVERY = 15000;
/** Who is this near to the live edge wants to be there. */
const NEAR = 6000;
const STEP = 10000;

const MARKUP = `
  <input type="range" min="0" max="0" step="0.1" value="0" aria-label="Rewind">
  <output class="rewind-at" aria-hidden="true"></output>`;

export class Rewind {
  #bar = document.createElement("div");
  #slider;
  #output;
  #player;
  #video;
  #window;
  #isHeld = false;
  #isPointed = false;
  #playedAt = null;
  #lookedAt = -Infinity;

  /** `bar` goes into `controls`; `address` is where the playlist is. */
  constructor(controls, player, video, address) {
    this.#player = player;
    this.#video = video;
    this.#window = new HlsWindow(address);
    this.#bar.className = "rewind";
    this.#bar.hidden = true;
    this.#bar.innerHTML = MARKUP;
    controls.prepend(this.#bar);
    this.#slider = this.#bar.querySelector("input");
    this.#output = this.#bar.querySelector("output");
    if (hasMediaSource) this.#listen();
  }

  get isThere() {
    return !this.#bar.hidden;
  }

  /** Ten seconds back, or forth with 1; whether that is possible. */
  step(direction) {
    if (!this.isThere) return false;
    this.#go(this.#positionMs + direction * STEP);
    return true;
  }

  #listen() {
    this.#player.addEventListener("stats", () => this.#tick());
    this.#player.addEventListener("change", () => this.#show());
    this.#slider.addEventListener("input", () => this.#drag());
    this.#slider.addEventListener("change", () => this.#drop());
    this.#slider.addEventListener("keydown", (event) => this.#key(event));
    this.#bar.addEventListener("pointermove", (event) => this.#point(event));
    this.#bar.addEventListener("pointerleave", () => (this.#isPointed = false));
  }

  #tick() {
    const now = localNow();
    if (this.#player.phase !== "playing") this.#playedAt = null;
    else this.#playedAt ??= now;
    if (this.#isDue(now)) this.#look(now);
    this.#show();
  }

  #isDue(now) {
    if (this.#player.past || document.hidden || this.#playedAt === null) return false;
    return now - this.#playedAt > FIRST_LOOK && now - this.#lookedAt > LOOK_EVERY;
  }

  async #look(now) {
    this.#lookedAt = now;
    const isThere = await this.#window.read().catch(() => false);
    this.#bar.hidden = !isThere;
    this.#show();
  }

  // Where one is, and where one wants to be.

  get #positionMs() {
    return this.#player.past?.positionMs ?? this.#window.edgeMs;
  }

  #go(positionMs) {
    const position = Math.max(positionMs, this.#window.startMs);
    const { past } = this.#player;
    if (this.#window.edgeMs - position < NEAR) return past ? this.#player.toLive() : undefined;
    if (past?.seek(position)) return this.#show();
    this.#player.turnTo(new Past(this.#video, this.#window, position));
  }

  #drag() {
    this.#isHeld = true;
    this.#say(Number(this.#slider.value));
    this.#level(Number(this.#slider.value));
  }

  #drop() {
    this.#isHeld = this.#isPointed = false;
    this.#go(this.#chosenMs);
    this.#show();
  }

  get #chosenMs() {
    return this.#window.startMs + 1000 * Number(this.#slider.value);
  }

  #key(event) {
    const direction = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
    if (!direction) return;
    event.preventDefault();
    event.stopPropagation();
    this.step(direction);
  }

  #point({ clientX, pointerType }) {
    if (pointerType === "touch" || this.#isHeld) return;
    const { left, width } = this.#slider.getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (clientX - left) / width));
    this.#isPointed = true;
    this.#say(share * Number(this.#slider.max));
  }

  // What is shown.

  #show() {
    if (!this.isThere || this.#isHeld) return;
    const [startMs, edgeMs, at] = [this.#window.startMs, this.#window.edgeMs, this.#positionMs];
    this.#slider.max = ((edgeMs - startMs) / 1000).toFixed(1);
    this.#slider.value = ((at - startMs) / 1000).toFixed(1);
    this.#level(this.#slider.value);
    this.#slider.setAttribute("aria-valuetext", this.#words(at));
    if (this.#isPointed) return;
    if (this.#player.past) this.#say(Number(this.#slider.value));
    else this.#output.textContent = "";
  }

  #level(value) {
    this.#slider.style.setProperty("--level", `${Math.min(100, (100 * value) / this.#slider.max)}%`);
  }

  /** Say above the bar when that was. */
  #say(value) {
    const words = this.#words(this.#window.startMs + 1000 * value);
    if (this.#output.textContent !== words) this.#output.textContent = words;
    this.#output.style.setProperty("--at", String(value / Number(this.#slider.max)));
  }

  #words(positionMs) {
    const behindMs = this.#window.edgeMs - positionMs;
    if (behindMs < NEAR) return "Live";
    return `${clockText(this.#window.wallMs(positionMs))} · ${behindText(behindMs)}`;
  }
}
