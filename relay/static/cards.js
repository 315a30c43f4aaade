/** The cards of the front page: one element for each stream, for as long as the stream lives. */

import { CardPicture } from "./card-picture.js";
import { ageText, bitrateText, viewersText } from "./words.js";

const MOVE = { duration: 320, easing: "cubic-bezier(0.2, 0.8, 0.2, 1)" };
const APPEAR = [{ opacity: 0, transform: "scale(0.96)" }, { opacity: 1, transform: "none" }];

const keyOf = ({ app, name }) => `${encodeURIComponent(app)}/${encodeURIComponent(name)}`;

/** One colour for one name, everywhere and for ever. */
function hueOf(text) {
  let hash = 7;
  for (const character of text) hash = (hash * 31 + character.codePointAt(0)) % 9973;
  return hash % 360;
}

function write(card, selector, text) {
  const element = card.querySelector(selector);
  if (element.textContent !== text) element.textContent = text;
}

function audience({ viewers, since }) {
  const started = Date.parse(since);
  const age = Number.isNaN(started) ? "" : ageText(Date.now() - started);
  return [viewersText(viewers ?? 0), age].filter(Boolean).join(" · ");
}

function technique({ width, height, bits_per_second }) {
  const size = width ? `${width} × ${height}` : "Sound only";
  return [size, bits_per_second ? bitrateText(bits_per_second) : ""].filter(Boolean).join(" · ");
}

function fill(card, stream) {
  const isLive = stream.state === "live";
  card.querySelector(".badge").dataset.state = isLive ? "live" : "waiting";
  write(card, ".badge", isLive ? "Live" : "Interrupted");
  write(card, ".category", stream.category ?? "");
  write(card, "h2", stream.title ?? stream.name);
  card.querySelector("a").title = stream.title ?? "";
  write(card, ".who", stream.title ? stream.name : "");
  write(card, ".viewers", audience(stream));
  write(card, ".technique", technique(stream));
}

export class Cards {
  #list;
  #template;
  #cards = new Map();
  #pictures = new Map();
  #hasPictures;
  #streams = [];

  constructor(list, template, { hasPictures = false } = {}) {
    this.#list = list;
    this.#template = template;
    this.#hasPictures = hasPictures;
  }

  /** Show these streams, in this order.  Who stays keeps its element, and so focus and hover. */
  show(streams) {
    const before = this.#places();
    const keys = new Set(streams.map(keyOf));
    this.#streams = streams;
    for (const [key, card] of this.#cards) if (!keys.has(key)) this.#remove(key, card);
    streams.forEach((stream, index) => this.#put(stream, index));
    this.#list.hidden = streams.length === 0;
    this.#animate(before);
  }

  /** What says how long ago something was is wrong after a minute, and so is a picture. */
  age() {
    for (const stream of this.#streams) {
      fill(this.#cards.get(keyOf(stream)), stream);
      this.#pictures.get(keyOf(stream))?.renew(stream);
    }
  }

  #put(stream, index) {
    const key = keyOf(stream);
    if (!this.#cards.has(key)) this.#cards.set(key, this.#make(key, stream));
    const card = this.#cards.get(key);
    fill(card, stream);
    this.#pictures.get(key)?.show(stream);
    const there = this.#list.children[index];
    if (there !== card) this.#list.insertBefore(card, there ?? null);
  }

  #make(key, stream) {
    const card = this.#template.content.firstElementChild.cloneNode(true);
    card.style.setProperty("--hue", hueOf(key));
    card.querySelector("a").href = `/watch/${key}`;
    card.querySelector(".initial").textContent = [...stream.name][0]?.toUpperCase() ?? "";
    if (this.#hasPictures) this.#pictures.set(key, new CardPicture(card.querySelector(".tile"), key));
    return card;
  }

  #remove(key, card) {
    card.remove();
    this.#cards.delete(key);
    this.#pictures.delete(key);
  }

  #places() {
    return new Map([...this.#cards.values()].map((card) => [card, card.getBoundingClientRect()]));
  }

  /** Whoever has moved goes there, and whoever is new appears. */
  #animate(before) {
    // What is there when the page opens is simply there.
    if (!before.size || document.hidden || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    for (const card of this.#cards.values()) {
      const was = before.get(card);
      if (!was) {
        card.animate(APPEAR, MOVE);
        continue;
      }
      const is = card.getBoundingClientRect();
      const [x, y] = [was.left - is.left, was.top - is.top];
      if (x || y) card.animate([{ transform: `translate(${x}px, ${y}px)` }, { transform: "none" }], MOVE);
    }
  }
}
