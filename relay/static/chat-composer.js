/**
 * Where one writes: a text of one's own, an answer, or other words for what one has said.
 *
 * Nobody has to have a name before there is something to say: what was typed waits while its author
 * chooses one.  Nothing that was typed is lost by a refusal.
 */

import { Mentions } from "./chat-mentions.js";
import { isolated } from "./chat-words.js";
import { mentioned } from "./chat-text.js";

/** Others are told this often that somebody is writing. */
const TYPING_EVERY_MS = 3000;

export const COMPOSER = `
  <form class="chat-composer">
    <ul class="chat-people" hidden></ul>
    <div class="chat-context" hidden><p dir="auto"></p><button type="button" aria-label="Cancel">×</button></div>
    <div class="chat-naming" hidden>
      <label>Your name in the chat <input maxlength="40" autocomplete="nickname" dir="auto"></label>
      <button type="submit">OK</button>
    </div>
    <div class="chat-box">
      <textarea rows="1" dir="auto" aria-label="Message" placeholder="Say something" enterkeyhint="send"></textarea>
      <button type="submit" class="chat-send" aria-label="Send"><svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d="M4.4 3.6 20.6 11a1.1 1.1 0 0 1 0 2L4.4 20.4a.8.8 0 0 1-1.1-1L5.6 13l8.4-1-8.4-1-2.3-6.4a.8.8 0 0 1 1.1-1z"/></svg><span></span></button>
    </div>
    <p class="chat-hint" role="status"></p>
  </form>`;

export class Composer {
  #find;
  #on;
  #people;
  #mentions;
  /** What the text is: { reply } or { edit }, each a message; null for a text of its own. */
  #mode = null;
  /** Before there was something to edit. */
  #draft = "";
  #restsUntil = 0;
  #restTimer = 0;
  #toldAt = 0;

  /**
   * `root` has COMPOSER in it.  `people()` are those who can be mentioned.  `on` has the functions
   * say({text, replyTo, mentions}); edit(message, {text, mentions}) and call(name), which resolve with
   * whether that was taken; typing(), and last(), one's own last message that can be edited.
   * `on.hasName()` is whether one has a name.
   */
  constructor(root, people, on) {
    this.#find = (selector) => root.querySelector(selector);
    this.#people = people;
    this.#on = on;
    this.#mentions = new Mentions(this.#text, this.#find(".chat-people"), people);
    this.#find("form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#text.addEventListener("keydown", (event) => this.#key(event));
    this.#text.addEventListener("input", () => this.#typed());
    this.#find(".chat-context button").addEventListener("click", () => this.#leaveMode());
    this.#find(".chat-naming input").addEventListener("keydown", ({ key }) => key === "Escape" && this.#leaveNaming());
  }

  focus() {
    this.#text.focus();
  }

  reply(message) {
    this.#enterMode({ reply: message }, `Answer to ${isolated(message.author.name || message.author.user)}: ${message.text}`);
  }

  edit(message) {
    if (!this.#mode?.edit) this.#draft = this.#text.value;
    this.#text.value = message.text;
    this.#enterMode({ edit: message }, "Edit what you said");
    this.#grow();
  }

  /** Put a text back that could not be sent, beside what was typed since. */
  takeBack(text) {
    this.#text.value = this.#text.value ? `${text} ${this.#text.value}` : text;
    this.#grow();
    this.focus();
  }

  /** Ask for a name; `current` is the one there is. */
  askName(current = "") {
    const input = this.#find(".chat-naming input");
    this.#find(".chat-naming").hidden = false;
    input.value = current;
    input.focus();
    input.select();
  }

  /** Nothing can be said before this time, `performance.now()`. */
  rest(until) {
    this.#restsUntil = until;
    clearInterval(this.#restTimer);
    this.#restTimer = setInterval(() => this.#count(), 250);
    this.#count();
  }

  /** Nothing can be said, for this reason; empty for that something can. */
  close(reason) {
    this.#find(".chat-box").hidden = Boolean(reason);
    this.hint(reason);
  }

  /** What stands where nothing has been typed yet. */
  invite(words) {
    this.#text.placeholder = words;
  }

  hint(words) {
    const hint = this.#find(".chat-hint");
    if (hint.textContent !== words) hint.textContent = words;
  }

  get #text() {
    return this.#find("textarea");
  }

  get #restS() {
    return Math.max(0, Math.ceil((this.#restsUntil - performance.now()) / 1000));
  }

  #count() {
    const left = this.#restS;
    this.#find("form").classList.toggle("is-resting", left > 0);
    this.#find(".chat-send span").textContent = left || "";
    if (left > 0) return;
    clearInterval(this.#restTimer);
    this.hint("");
  }

  #key(event) {
    // Enter ends a word that is being composed (Japanese, Chinese, Korean), and not the message.
    if (event.isComposing) return;
    const isTaken = this.#mentions.key(event) || this.#ownKey(event);
    if (isTaken) event.preventDefault();
  }

  #ownKey({ key, shiftKey }) {
    if (key === "Enter" && !shiftKey) this.#submit();
    else if (key === "Escape" && this.#mode) this.#leaveMode();
    else if (key === "ArrowUp" && !this.#text.value && this.#on.last()) this.edit(this.#on.last());
    else return false;
    return true;
  }

  #typed() {
    this.#grow();
    const now = performance.now();
    if (!this.#text.value.trim() || this.#mode?.edit || now - this.#toldAt < TYPING_EVERY_MS) return;
    this.#toldAt = now;
    this.#on.typing();
  }

  #grow() {
    this.#text.style.height = "auto";
    this.#text.style.height = `${this.#text.scrollHeight}px`;
  }

  async #submit() {
    if (!this.#find(".chat-naming").hidden) return this.#call();
    const text = this.#text.value.trim();
    if (!text) return;
    if (this.#restS && !this.#mode?.edit) return this.hint("Slow mode is on: this can be sent when the countdown ends.");
    if (!this.#on.hasName()) return this.askName();
    this.#say(text);
  }

  async #say(text) {
    const mentions = mentioned(text, [...this.#people()]);
    const { reply = null, edit = null } = this.#mode ?? {};
    this.hint("");
    if (edit && !(await this.#on.edit(edit, { text, mentions }))) return;
    if (!edit) this.#on.say({ text, mentions, replyTo: reply && { id: reply.id, author: reply.author } });
    if (!edit) this.#text.value = "";
    this.#toldAt = 0;
    this.#leaveMode();
  }

  async #call() {
    const name = this.#find(".chat-naming input").value.trim();
    if (!name || !(await this.#on.call(name))) return;
    this.#leaveNaming();
    if (this.#text.value.trim()) this.#submit();
  }

  #leaveNaming() {
    this.#find(".chat-naming").hidden = true;
    this.focus();
  }

  #enterMode(mode, words) {
    this.#mode = mode;
    this.#find(".chat-context").hidden = false;
    this.#find(".chat-context p").textContent = words;
    this.focus();
  }

  #leaveMode() {
    if (this.#mode?.edit) this.#text.value = this.#draft;
    this.#draft = "";
    this.#mode = null;
    this.#find(".chat-context").hidden = true;
    this.#grow();
    this.focus();
  }
}
