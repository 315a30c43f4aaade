/**
 * The list of messages in the document: of thousands, those in sight and a few around them.
 *
 * Rows stand in the flow, between two blocks that are as high as what is left out.  Whoever reads at
 * the end stays there; for everybody else, what they look at stays where it is, whatever comes or
 * turns out to be higher than was guessed: the browser's own anchoring does not know of rows that
 * are not there yet, and is off.
 *
 * For assistive technology it is a log: what comes at the end is read out, if its reader is there.
 * Rows that come into sight by scrolling are not news, so while somebody reads further up, nothing
 * is.
 */

import { Layout } from "./chat-layout.js";

/** Drawn beyond the edges, in pixels: a turn of the wheel shows no blank. */
const AROUND = 600;
/** This near to the end is at the end. */
const AT_END = 32;
/** This near to the beginning, older messages are wanted. */
const NEAR_BEGINNING = 800;
/** Drawing what was measured may bring more into sight; more than this often is a mistake. */
const PASSES = 4;

export class MessageList extends EventTarget {
  /** Whether the reader is at the end, and is to stay there. */
  isAtEnd = true;
  #root;
  #above = document.createElement("div");
  #below = document.createElement("div");
  #layout;
  #drawn = new Map();
  #draw;
  #isAsked = false;
  /** How high the list in the document is: rows may have come that are not drawn yet. */
  #placed = 0;
  /** Whether what is drawn may be of another state of the rows. */
  #isStale = false;
  #width = 0;

  /**
   * `root` scrolls.  `guess(row)` is about the height of a row, `draw(row, element)` makes its
   * element, or the same one anew where that was given: it leaves alone what has not changed.  Rows
   * are objects with a `key`, by which they are the same as before.
   *
   * Events: "beginning", the oldest rows are near; "end", whether the reader is there has changed.
   */
  constructor(root, { guess, draw }) {
    super();
    this.#root = root;
    this.#draw = draw;
    this.#layout = new Layout(guess);
    for (const block of [this.#above, this.#below]) block.setAttribute("aria-hidden", "true");
    root.append(this.#above, this.#below);
    root.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    new ResizeObserver(() => this.#resized()).observe(root);
  }

  get rows() {
    return this.#layout.rows;
  }

  /** Show these, at once: it is for whoever calls not to do that more than once in a frame. */
  set rows(rows) {
    const anchor = this.#layout.anchor(this.#root.scrollTop);
    this.#layout.rows = rows;
    this.#isStale = true;
    this.#render(this.#layout.back(anchor) ?? this.#root.scrollTop);
  }

  /** The element of a row; null where it is out of sight. */
  elementOf(key) {
    return this.#drawn.get(key)?.element ?? null;
  }

  toEnd() {
    this.#setAtEnd(true);
    this.#ask();
  }

  /** Bring a row to the middle; its element, or null where there is no such row. */
  show(key) {
    const index = this.#layout.indexOf(key);
    if (index < 0) return null;
    this.#setAtEnd(false);
    this.#render(Math.max(0, this.#layout.top(index) - this.#root.clientHeight / 2));
    this.elementOf(key)?.scrollIntoView({ block: "center" });
    return this.elementOf(key);
  }

  /** The row so many before (or behind) this one; brought into sight. */
  beside(key, step) {
    const index = this.#layout.indexOf(key) + step;
    const row = this.rows[index];
    if (!row) return null;
    if (!this.elementOf(row.key)) return this.show(row.key);
    this.elementOf(row.key).scrollIntoView({ block: "nearest" });
    return this.elementOf(row.key);
  }

  #ask() {
    if (this.#isAsked) return;
    this.#isAsked = true;
    requestAnimationFrame(() => {
      this.#isAsked = false;
      this.#render(this.#root.scrollTop);
    });
  }

  #scrolled() {
    const { scrollTop, clientHeight } = this.#root;
    this.#setAtEnd(this.#placed - scrollTop - clientHeight < AT_END);
    this.#ask();
    if (scrollTop < NEAR_BEGINNING) this.dispatchEvent(new Event("beginning"));
  }

  #resized() {
    const width = this.#root.clientWidth;
    if (width !== this.#width) {
      this.#width = width;
      this.#layout.forgetHeights();
    }
    this.#ask();
  }

  #setAtEnd(isAtEnd) {
    if (this.isAtEnd === isAtEnd) return;
    this.isAtEnd = isAtEnd;
    this.#root.setAttribute("aria-live", isAtEnd ? "polite" : "off");
    this.dispatchEvent(new Event("end"));
  }

  /** Draw what is in sight where the view begins at `top`. */
  #render(top) {
    const view = this.#root.clientHeight;
    // Nobody sees it.
    if (view === 0) return;
    for (let pass = 0; pass < PASSES; pass += 1) {
      if (this.isAtEnd) top = Math.max(0, this.#layout.total - view);
      const anchor = this.#layout.anchor(top);
      const { first, end } = this.#layout.between(top - AROUND, top + view + AROUND);
      const isSettled = !this.#drawRows(first, end) && !this.#measure(first, end);
      top = this.#layout.back(anchor) ?? top;
      if (isSettled) break;
    }
    this.#placed = this.#layout.total;
    this.#place(this.isAtEnd ? Math.max(0, this.#placed - view) : top);
  }

  /** Everything anew: it is shown to somebody else. */
  redraw() {
    for (const [key, { element }] of this.#drawn) this.#remove(key, element);
    this.#ask();
  }

  /** Have these rows in the document, and no others; whether something had to be done. */
  #drawRows(first, end) {
    const rows = this.rows.slice(first, end);
    const keys = new Set(rows.map(({ key }) => key));
    let isChanged = false;
    for (const [key, { element }] of this.#drawn)
      if (!keys.has(key)) this.#remove(key, element);
    let before = this.#below;
    for (const row of rows.reverse()) {
      const drawn = this.#drawn.get(row.key);
      if (!drawn || this.#isStale) {
        const element = this.#draw(row, drawn?.element ?? null);
        this.#drawn.set(row.key, { element });
        isChanged = true;
      }
      const { element } = this.#drawn.get(row.key);
      if (element.nextSibling !== before) before.before(element);
      before = element;
    }
    this.#isStale = false;
    return isChanged;
  }

  #remove(key, element) {
    // The keyboard's place is lost with it, but not the list.
    if (element.contains(document.activeElement)) this.#root.focus({ preventScroll: true });
    element.remove();
    this.#drawn.delete(key);
  }

  /** Whether something is higher, or less high, than was thought. */
  #measure(first, end) {
    const total = this.#layout.total;
    for (let index = first; index < end; index += 1) {
      const { element } = this.#drawn.get(this.rows[index].key);
      this.#layout.measure(index, element.getBoundingClientRect().height);
    }
    this.#above.style.height = `${this.#layout.top(first)}px`;
    this.#below.style.height = `${this.#layout.total - this.#layout.top(end)}px`;
    return Math.abs(this.#layout.total - total) > 0.5;
  }

  #place(top) {
    if (Math.abs(this.#root.scrollTop - top) >= 1) this.#root.scrollTop = top;
  }
}
