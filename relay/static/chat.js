/**
 * The chat beside the picture: the room, its log, and where one writes.
 *
 * The picture is what people come for: it is there before any of this is loaded, and whatever
 * becomes of the chat, it plays on.
 */

import { bansMenu, isChangeable, messageMenu, roomMenu, slowMenu } from "./chat-actions.js";
import { COMPOSER, Composer } from "./chat-composer.js";
import { LOG, Log } from "./chat-log.js";
import { Menu } from "./chat-menu.js";
import { Room } from "./chat-room.js";
import { reached } from "./chat-step.js";
import { closedWords, invitation, reasonWords, typingWords } from "./chat-words.js";
import { Identity } from "./identity.js";

const MARKUP = `
  <header class="chat-head">
    <h2>Chat</h2>
    <span class="chat-status" role="status"></span>
    <button type="button" class="chat-options" aria-haspopup="menu" aria-label="Chat options"><svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d="M5 10a2 2 0 1 0 0 4 2 2 0 0 0 0-4zm7 0a2 2 0 1 0 0 4 2 2 0 0 0 0-4zm7 0a2 2 0 1 0 0 4 2 2 0 0 0 0-4z"/></svg></button>
  </header>
  <div class="chat-body">${LOG}</div>
  <p class="chat-typing"></p>
  ${COMPOSER}`;

const STATUS = { connecting: "Connecting…", lost: "Reconnecting…" };
/** How often the picture is looked at, where the chat goes in step with it. */
const STEP_MS = 200;
/** Messages that fill no screen. */
const FEW = 30;

export class Chat {
  #root;
  #find;
  #player;
  #page;
  #identity = new Identity(window);
  #room;
  #log;
  #composer;
  #menu;
  #isAsked = false;

  /** `stream` is { app, name }; `page` the PageSettings. */
  constructor(root, stream, { player, page }) {
    root.innerHTML = MARKUP;
    root.hidden = false;
    [this.#root, this.#player, this.#page] = [root, player, page];
    this.#find = (selector) => root.querySelector(selector);
    this.#room = new Room(`${stream.app}/${stream.name}`, this.#identity);
    this.#menu = new Menu(root);
    this.#log = this.#makeLog();
    this.#composer = this.#makeComposer();
    this.#listen();
    this.#room.start();
  }

  get #me() {
    return this.#identity.now?.user ?? null;
  }

  #makeLog() {
    const me = () => this.#me;
    return new Log(this.#find(".chat-body"), this.#room, me, {
      menu: (message, place) => this.#openMenu(message, place),
      reply: (message) => this.#composer.reply(message),
      react: (message, picture) => this.#react(message, picture),
      again: (entry, action) => this.#again(entry, action),
      jump: (id) => this.#jump(id),
      older: () => this.#room.loadOlder(),
      leave: () => this.#composer.focus(),
    });
  }

  #makeComposer() {
    const others = () => [...this.#room.conversation.people.values()].filter(({ user }) => user !== this.#me);
    return new Composer(this.#root, others, {
      say: (said) => this.#say(said),
      edit: (message, { text, mentions }) => this.#do(() => this.#room.api.edit(message.id, text, mentions)),
      call: (name) => this.#call(name),
      hasName: () => !this.#identity.isGuest || this.#identity.guestName !== null,
      typing: () => this.#room.api.typing(),
      last: () => this.#lastOfMine(),
    });
  }

  #listen() {
    const on = (name, act) => this.#room.addEventListener(name, act);
    on("change", () => this.#show());
    on("status", () => this.#showStatus());
    on("look", () => this.#showRights());
    on("rest", ({ detail }) => this.#composer.rest(performance.now() + detail * 1000));
    on("typing", () => this.#showTyping());
    // The player's keys are letters, and here one writes.
    this.#root.addEventListener("keydown", (event) => event.stopPropagation());
    this.#find(".chat-options").addEventListener("click", ({ currentTarget }) => this.#openOptions(currentTarget));
    for (const name of ["relay:identified", "relay:followed"]) document.addEventListener(name, () => this.#identified());
    window.addEventListener("online", () => this.#room.wake());
    document.addEventListener("visibilitychange", () => document.hidden || this.#room.wake());
    this.#page.addEventListener("change", () => this.#show());
    setInterval(() => this.#showTyping(), 1000);
    setInterval(() => this.#page.isChatInStep && this.#show(), STEP_MS);
  }

  // What is shown.

  /** At the next frame, however much comes until then. */
  #show() {
    if (this.#isAsked) return;
    this.#isAsked = true;
    requestAnimationFrame(() => {
      this.#isAsked = false;
      this.#showNow();
    });
  }

  #showNow() {
    const { conversation, outbox, isLoading } = this.#room;
    const { messages } = conversation;
    const count = this.#page.isChatInStep ? reached(messages, this.#player.picture) : messages.length;
    // A picture that was rewound is further back than what is here.
    if (count < FEW && messages.length && !conversation.isWhole) this.#room.loadOlder();
    // One's own words are never held back.
    const ahead = messages.slice(count).filter(({ author }) => author.user === this.#me);
    this.#log.show([...messages.slice(0, count), ...ahead], outbox.entries, this.#note(conversation, isLoading));
    if (this.#log.isAtEnd) this.#room.tidy(count);
  }

  #note({ messages, isWhole }, isLoading) {
    if (isLoading) return "Loading…";
    if (!isWhole) return "";
    return messages.length ? "This is where the chat begins." : "Nobody has said anything yet.";
  }

  #showStatus() {
    const { status, refusal } = this.#room;
    this.#text(".chat-status", STATUS[status] ?? "");
    const isRefused = status === "refused";
    this.#root.classList.toggle("is-refused", isRefused);
    const isForOthers = refusal?.name === "not-allowed" && !this.#identity.isGuest;
    // Nobody has to read of a chat that is not there.
    this.#root.hidden = isRefused && (isForOthers || refusal.name === "no-such-room");
    if (!isRefused) return;
    this.#composer.close(refusal.name === "banned" ? reasonWords(refusal) : "This chat is for members of the site.");
  }

  #showRights() {
    const { refused = null, ban = null, wait_ms: waitMs = 0 } = this.#room.me ?? {};
    const modes = this.#room.me?.modes ?? {};
    // What holds for guests holds for whoever would be one.
    const isForUsers = modes.guests === false && this.#identity.isGuest;
    this.#composer.close(closedWords(isForUsers ? "guests-off" : refused, ban));
    this.#composer.invite(invitation(modes));
    if (waitMs > 0) this.#composer.rest(performance.now() + waitMs);
  }

  #showTyping() {
    const now = Date.now();
    const { writers } = this.#room;
    for (const [user, { until }] of writers) if (until < now) writers.delete(user);
    this.#text(".chat-typing", typingWords([...writers.values()].map(({ name }) => name || "Somebody")));
  }

  #text(selector, text) {
    const element = this.#find(selector);
    if (element.textContent !== text) element.textContent = text;
  }

  get #mayModerate() {
    return this.#room.me?.may.moderate ?? false;
  }

  // What may be done.

  #say(said) {
    this.#room.outbox.say(said);
    this.#log.toEnd();
  }

  async #call(name) {
    const somebody = await this.#do(() => this.#identity.call(name));
    if (!somebody) return false;
    document.dispatchEvent(new CustomEvent("relay:identified", { detail: somebody }));
    this.#page.keep({ chat_name: this.#identity.guestName });
    return true;
  }

  #identified() {
    if (this.#room.status === "refused") return this.#room.start();
    this.#room.identified();
    this.#room.look();
    this.#log.redraw();
  }

  #again(entry, action) {
    const { outbox } = this.#room;
    if (action === "retry") return outbox.retry(entry);
    outbox.discard(entry);
    if (action === "edit") this.#composer.takeBack(entry.text);
  }

  #react(message, picture) {
    const isOn = !message.reactions.some(({ reaction, mine }) => reaction === picture && mine);
    if (!this.#identity.now) return this.#composer.askName(this.#page.chatName);
    this.#do(() => this.#room.api.react(message.id, picture, isOn));
  }

  async #jump(id) {
    const message = await this.#room.find(id);
    if (message) this.#log.point(message.key);
    else this.#composer.hint("That was too long ago.");
  }

  #lastOfMine() {
    const { messages } = this.#room.conversation;
    return messages.findLast((message) => isChangeable(message, this.#me, Date.now())) ?? null;
  }

  #openMenu(message, { beside, opener }) {
    const mayWrite = !closedWords(this.#room.me?.refused, null);
    const here = { me: this.#me, now: Date.now(), mayWrite, mayModerate: this.#mayModerate };
    const { api } = this.#room;
    const items = messageMenu(message, here, {
      react: (_, picture) => this.#react(message, picture),
      reply: () => this.#composer.reply(message),
      copy: () => navigator.clipboard?.writeText(message.text),
      edit: () => this.#composer.edit(message),
      remove: () => this.#do(() => api.remove(message.id)),
      ban: (user, forS) => this.#do(() => api.ban(user, forS)),
      purge: (user) => this.#do(() => api.purge(user)),
    });
    if (items.length) this.#menu.open(items, { beside, opener, label: "Message" });
  }

  #openOptions(button) {
    const { isChatInStep, chatName } = this.#page;
    const { me, api } = this.#room;
    const { isGuest, guestName } = this.#identity;
    const open = (items, label) => this.#menu.open(items, { beside: button, label });
    const setModes = (change) => this.#do(() => api.setModes(change));
    const here = { isInStep: isChatInStep, isGuest, mayModerate: this.#mayModerate, modes: me?.modes };
    const items = roomMenu(here, {
      step: () => this.#page.keep({ chat_in_step: !isChatInStep }),
      name: () => this.#composer.askName(guestName ?? chatName),
      slow: () => open(slowMenu(me.modes.slow_s, { setModes }), "Slow mode"),
      bans: () => this.#openBans(open),
      setModes,
    });
    open(items, "Chat options");
  }

  async #openBans(open) {
    const { api, conversation } = this.#room;
    const found = await this.#do(() => api.bans());
    if (!found) return;
    const nameOf = (user) => conversation.people.get(user)?.name || user;
    const unban = (user) => this.#do(() => api.unban(user));
    open(bansMenu(found.bans, nameOf, Date.now(), { unban }), "Who is banned");
  }

  /** Do something, and say why where it was refused; what it resolves with, or null. */
  async #do(action) {
    try {
      const done = await action();
      this.#composer.hint("");
      return done ?? true;
    } catch (error) {
      this.#composer.hint(reasonWords(error));
      return null;
    }
  }
}
