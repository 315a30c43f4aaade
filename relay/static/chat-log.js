/**
 * The log: rows out of messages, what a pointer or a key does to one of them, and how much is new.
 */

import { MessageList } from "./chat-list.js";
import { Rows } from "./chat-row.js";
import { newWords } from "./chat-words.js";

const DAY_MS = 86_400_000;
/** About how high rows are, in pixels, and how many characters are in a line. */
const [ROW, LINE, LINE_CHARACTERS, QUOTE, REACTIONS] = [28, 20, 40, 22, 30];
const FLASH_MS = 1600;

export const LOG = `
  <div class="chat-log" role="log" aria-live="polite" aria-label="Messages" tabindex="0"></div>
  <div class="chat-tools" aria-hidden="true" hidden>
    <span class="chat-time"></span>
    <button type="button" tabindex="-1" data-tool="reply" title="Reply"><svg class="icon" viewBox="0 0 24 24"><path d="M10 8V4.8a.8.8 0 0 0-1.3-.6l-6 5.6a1.2 1.2 0 0 0 0 1.8l6 5.6a.8.8 0 0 0 1.3-.6V13.4c5 0 8 1.6 10.3 5 .3.5.9.3.9-.3C21 12.5 17.5 8 10 8z"/></svg></button>
    <button type="button" tabindex="-1" data-tool="menu" title="More"><svg class="icon" viewBox="0 0 24 24"><path d="M5 10a2 2 0 1 0 0 4 2 2 0 0 0 0-4zm7 0a2 2 0 1 0 0 4 2 2 0 0 0 0-4zm7 0a2 2 0 1 0 0 4 2 2 0 0 0 0-4z"/></svg></button>
  </div>
  <button type="button" class="chat-new" hidden></button>`;

export class Log {
  #root;
  #list;
  #rows;
  #on;
  #find;
  #messages = [];
  #days = new Map();
  /** The newest message that was there while the reader was at the end. */
  #seen = 0;
  #pointed = null;

  /**
   * `root` has LOG in it; `room` is what is shown.  `on` has the functions menu(row, {beside, opener}), reply(message),
   * react(message, picture), again(entry, action), jump(id), older() and leave().
   */
  constructor(root, room, me, on) {
    this.#root = root.querySelector(".chat-log");
    this.#find = (selector) => root.querySelector(selector);
    this.#on = on;
    this.#rows = new Rows(room, me);
    this.#list = new MessageList(this.#root, {
      guess: guessed,
      draw: (row, element) => this.#rows.draw(row, element),
    });
    this.#list.addEventListener("beginning", () => on.older());
    this.#list.addEventListener("end", () => this.#count());
    this.#find(".chat-new").addEventListener("click", () => this.#list.toEnd());
    this.#root.addEventListener("click", (event) => this.#clicked(event));
    this.#root.addEventListener("contextmenu", (event) => this.#menuAsked(event));
    this.#root.addEventListener("keydown", (event) => this.#key(event));
    this.#root.addEventListener("pointerover", (event) => this.#point(event));
    this.#root.addEventListener("scroll", () => this.#point(null), { passive: true });
    root.addEventListener("pointerleave", () => this.#point(null));
    this.#find(".chat-tools").addEventListener("click", (event) => this.#used(event));
  }

  get isAtEnd() {
    return this.#list.isAtEnd;
  }

  /** Show these: `note` is what stands before the oldest message. */
  show(messages, entries, note) {
    this.#messages = messages;
    const underWay = entries.map((entry) => ({ key: entry.key, entry }));
    const first = note ? [{ key: "note", note }] : [];
    this.#list.rows = [...first, ...this.#withDays(messages), ...underWay];
    this.#count();
  }

  /** It is shown to somebody else now. */
  redraw() {
    this.#list.redraw();
  }

  toEnd() {
    this.#list.toEnd();
  }

  /** Bring a message into sight, and the eye to it. */
  point(key) {
    const element = this.#list.show(key);
    if (!element) return;
    element.focus({ preventScroll: true });
    element.classList.add("is-pointed-at");
    setTimeout(() => element.classList.remove("is-pointed-at"), FLASH_MS);
  }

  #withDays(messages) {
    const rows = [];
    const zoneMs = new Date().getTimezoneOffset() * 60_000;
    let last = 0;
    for (const message of messages) {
      const day = Math.floor((message.at - zoneMs) / DAY_MS);
      if (day !== last) rows.push(this.#day(day, message.at));
      last = day;
      rows.push(message);
    }
    return rows;
  }

  #day(day, at) {
    if (!this.#days.has(day)) this.#days.set(day, { key: `day-${day}`, day: at });
    return this.#days.get(day);
  }

  #count() {
    const newest = this.#messages.at(-1)?.offset ?? 0;
    if (this.#list.isAtEnd) this.#seen = newest;
    let count = 0;
    while (this.#messages.at(-1 - count)?.offset > this.#seen) count += 1;
    const button = this.#find(".chat-new");
    button.hidden = this.#list.isAtEnd;
    button.textContent = count ? newWords(count) : "To the newest";
  }

  #rowOf(target) {
    const element = target.closest?.(".chat-row");
    const row = element && this.#list.rows.find(({ key }) => key === element.dataset.key);
    return row ? { row, element } : null;
  }

  #clicked(event) {
    const { target } = event;
    const found = this.#rowOf(target);
    if (!found) return;
    const { quote, reaction, again } = pressed(target);
    if (quote) this.#on.jump(quote);
    else if (reaction) this.#on.react(found.row, reaction);
    else if (again) this.#on.again(found.row.entry, again);
    // A finger has nothing to point with: it presses on the message itself.
    else if (!matchMedia("(hover: hover)").matches && !target.closest("a") && !found.row.entry)
      this.#on.menu(found.row, { beside: found.element, opener: found.element });
  }

  #menuAsked(event) {
    const found = this.#rowOf(event.target);
    // A link, and a text that is marked, have menus of the browser's that are of more use.
    if (!found || found.row.entry || event.target.closest("a") || String(getSelection())) return;
    event.preventDefault();
    this.#on.menu(found.row, { beside: found.element, opener: found.element });
  }

  #key(event) {
    const found = this.#rowOf(event.target);
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    const isOnRow = found && event.target === found.element;
    if (step) this.#move(found, step);
    else if (event.key === "Escape") this.#on.leave();
    else if (isOnRow && (event.key === "Enter" || event.key === " ") && !found.row.entry)
      this.#on.menu(found.row, { beside: found.element, opener: found.element });
    else return;
    event.preventDefault();
  }

  /** The focus goes from message to message; days and notes are passed over. */
  #move(found, step) {
    let key = found?.row.key ?? this.#list.rows.at(-1)?.key;
    let element = found ? null : this.#list.elementOf(key);
    while (key && !element?.matches(".chat-row")) {
      element = this.#list.beside(key, step);
      key = element?.dataset.key;
    }
    element?.focus({ preventScroll: true });
  }

  // What a pointer is on gets tools, which are no part of the log: nobody is to be read them.

  #point(event) {
    const found = event?.pointerType === "mouse" ? this.#rowOf(event.target) : null;
    const tools = this.#find(".chat-tools");
    if (event && !found) return;
    this.#pointed = found?.row.entry || found?.row.deleted ? null : found;
    tools.hidden = this.#pointed === null;
    if (tools.hidden) return;
    const area = this.#root.parentElement.getBoundingClientRect();
    tools.style.top = `${this.#pointed.element.getBoundingClientRect().top - area.top}px`;
    this.#find(".chat-time").textContent = this.#pointed.element.querySelector(".chat-name").title;
  }

  #used(event) {
    const tool = event.target.closest("button")?.dataset.tool;
    if (!tool || !this.#pointed) return;
    const { row, element } = this.#pointed;
    if (tool === "reply") this.#on.reply(row);
    else this.#on.menu(row, { beside: event.target.closest("button"), opener: element });
  }
}

/** What was pressed within a row. */
function pressed(target) {
  const { to: quote, reaction, again } = target.closest("button")?.dataset ?? {};
  return { quote, reaction, again };
}

function guessed(row) {
  if (row.note !== undefined || row.day) return ROW;
  const { text, replyTo, reactions = [] } = row.entry ?? row;
  const lines = Math.floor(text.length / LINE_CHARACTERS) * LINE;
  return ROW + lines + (replyTo ? QUOTE : 0) + (reactions.length ? REACTIONS : 0);
}
