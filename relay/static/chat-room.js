/**
 * One room as a page has it: followed live, with as much of its history as somebody has looked at.
 *
 * A subscription says where the room's log stands, and brings all that comes after it; history is
 * asked for then, and so there is no gap between the two, and what comes by both is there once
 * (`chat-conversation.js`).  After a lost connection the server is asked for what came since.  When
 * it cannot tell any more, what is here is fetched anew, as far back as it reaches or as is bearable:
 * what was deleted meanwhile must not stay because nobody has told us.
 *
 * Events: "change" (messages), "status", "look" (what may be done here), "rest" (after so many seconds
 * one may speak again), "typing".
 */

import { Channels } from "./channels.js";
import { RoomApi } from "./chat-api.js";
import { Conversation } from "./chat-conversation.js";
import { Outbox } from "./chat-outbox.js";

const PAGE = 100;
const LARGEST_PAGE = 200;
/** Pages that are fetched anew after a gap. */
const REFRESHED = 5;
const RETRY_MS = 3000;
/** Messages that are kept here while nobody looks at the oldest of them, and at least how many. */
const MOST = 12_000;
const FEWEST = 10_000;
const TYPING_MS = 5000;
const PERMISSION_DENIED = 103;
/** Over so long those who hear of something spread their questions about it. */
const SPREAD_MS = 3000;
/** What a timer can hold: 32 bits. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** What moderators do is told in the room; whom it is about asks what it means. */
const EVENTS = {
  modes: (room, modes) => room.changeModes(modes),
  ban: (room, { user }) => room.isMe(user) && room.look(),
  unban: (room, { user }) => room.isMe(user) && room.look(),
  role(room, { user, role }) {
    if (role === "moderator") room.moderators.add(user);
    else room.moderators.delete(user);
    if (room.isMe(user)) room.look();
  },
};

export class Room extends EventTarget {
  conversation = new Conversation();
  /** "connecting", "open", "lost", or "refused" (and nothing will come). */
  status = "connecting";
  /** Who whoever is here is in the room, and what they may, as the API has it; null before. */
  me = null;
  /** The users who are appointed to keep order. */
  moderators = new Set();
  /** Why it cannot be read: { status, name } as a `Refusal` has them; without, nobody has said. */
  refusal = null;
  isLoading = false;
  /** Who is writing, by user: { name, until }. */
  writers = new Map();
  #name;
  #identity;
  #channels = null;
  #token = null;
  #isRefreshing = false;
  #lookTimer = 0;

  constructor(stream, identity) {
    super();
    this.#name = `chat:${stream}`;
    this.#identity = identity;
    this.api = new RoomApi(this.#name, identity);
    this.outbox = new Outbox((entry) => this.#post(entry), () => this.#tell("change"));
  }

  async start() {
    this.#become("connecting");
    this.identified();
    await this.look();
    if (this.status === "refused") return;
    this.#connect();
    const { moderators = [] } = await this.api.moderators().catch(() => ({}));
    for (const { user } of moderators) this.moderators.add(user);
    this.#tell("change");
  }

  /** Somebody else is here than before. */
  identified() {
    this.conversation.user = this.#identity.now?.user ?? null;
  }

  /** What may be done here: it depends on who is here, and may have changed. */
  async look() {
    try {
      this.me = await this.api.me();
      this.#lookAgain();
      this.#tell("look");
      if (!this.me.may.read) this.#refused(unreadable(this.me));
    } catch (error) {
      // Without an answer, the connection tells when it is worth asking again.
      if (isFinal(error)) this.#refused(error);
    }
  }

  /** Once a timeout has ended: nobody tells of that. */
  #lookAgain() {
    clearTimeout(this.#lookTimer);
    const { until_ms: untilMs = null } = this.me.ban ?? {};
    if (untilMs === null) return;
    const leftMs = Math.min(LONGEST_TIMER_MS, untilMs - Date.now() + 1000);
    this.#lookTimer = setTimeout(() => this.look(), leftMs);
  }

  /**
   * What holds for everybody has changed.  What it means for whoever is here is asked a little later,
   * because thousands hear of it at once.
   */
  changeModes(modes) {
    if (this.me) this.me = { ...this.me, modes };
    this.#tell("look");
    if (this.#identity.now) setTimeout(() => this.look(), Math.random() * SPREAD_MS);
  }

  isMe(user) {
    return user === this.#identity.now?.user;
  }

  /** The network or the reader is back. */
  wake() {
    this.#channels?.wake();
    this.outbox.wake();
  }

  /** What is before the first message; whether there was something. */
  async loadOlder(limit = PAGE) {
    const { conversation } = this;
    if (this.isLoading || conversation.isWhole || !conversation.messages.length) return false;
    this.#load(true);
    try {
      const page = await this.api.page({ before: conversation.firstOffset, limit });
      conversation.take(page);
      conversation.isWhole = page.older === null;
      return page.messages.length > 0;
    } catch {
      return false;
    } finally {
      this.#load(false);
    }
  }

  /** Until a message is here, as far back as is bearable; null where it is further. */
  async find(id) {
    for (let pages = 0; pages < REFRESHED && !this.conversation.find(id); pages += 1)
      if (!(await this.loadOlder(LARGEST_PAGE))) break;
    return this.conversation.find(id);
  }

  /** Nobody looks at the oldest of the first `shown` messages; they can be fetched again. */
  tidy(shown) {
    if (shown <= MOST) return;
    this.conversation.forgetBefore(this.conversation.messages[shown - FEWEST].offset);
  }

  async #post(entry) {
    try {
      this.conversation.takeOne(await this.api.say(entry));
      this.#rest(this.me?.may.moderate ? 0 : (this.me?.modes?.slow_s ?? 0));
    } catch (error) {
      if (error.name === "slow-mode") this.#rest(error.retryAfterS);
      // Something holds now that did not hold before.
      else if (error.status === 403) this.look();
      throw error;
    }
  }

  /** Slow mode lets whoever is here speak again after so many seconds. */
  #rest(seconds) {
    if (seconds > 0) this.dispatchEvent(new CustomEvent("rest", { detail: seconds }));
  }

  // Live.

  #connect() {
    const url = `${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}/connection/websocket`;
    this.#channels?.close();
    this.#channels = new Channels(url, (status) => this.#connected(status), this.#token);
    this.#channels.follow(this.#name, {
      state: (_, { epoch }) => this.#begin(epoch),
      publication: (data, publication) => this.#heard(data, publication),
      refused: (error) => this.#turnedAway(error),
    });
  }

  #connected(status) {
    if (this.status === "refused") return;
    this.#become(status === "closed" ? "lost" : status);
    if (status !== "open") return;
    this.outbox.wake();
    if (!this.me) this.look();
  }

  /** Most rooms are open to everybody; who is asked who they are shows it. */
  #turnedAway({ code, message }) {
    const token = this.#identity.now?.token ?? null;
    if (code !== PERMISSION_DENIED || token === this.#token) return this.#refused(new Error(message));
    this.#token = token;
    this.#connect();
  }

  #begin(epoch) {
    // What moderators did meanwhile was told to others.
    if (this.conversation.epoch !== null) this.look();
    if (epoch !== this.conversation.epoch) this.conversation.begin(epoch);
    this.#refresh();
  }

  #heard(data, publication) {
    if (Object.hasOwn(EVENTS, data?.type)) EVENTS[data.type](this, data);
    if (data?.type === "typing") return this.#typing(data.author);
    if (!this.conversation.hear(data, publication)) return;
    if (data.type === "message") this.writers.delete(data.author.user);
    this.#tell("change");
  }

  #typing({ user, name }) {
    if (user === this.#identity.now?.user) return;
    this.writers.set(user, { name, until: Date.now() + TYPING_MS });
    this.#tell("typing");
  }

  // History.

  /** Fetch anew what is here, or the newest page where nothing is. */
  async #refresh() {
    if (this.#isRefreshing) return;
    this.#isRefreshing = true;
    this.#load(true);
    try {
      await this.#fetchAnew();
    } catch (error) {
      if (isFinal(error)) this.#refused(error);
      else setTimeout(() => this.#refresh(), RETRY_MS);
    } finally {
      this.#isRefreshing = false;
      this.#load(false);
    }
  }

  async #fetchAnew() {
    const { conversation } = this;
    const reach = conversation.firstOffset;
    let page = await this.api.page({ limit: reach ? LARGEST_PAGE : PAGE });
    conversation.take(page);
    for (let pages = 1; pages < REFRESHED && page.older && page.messages[0].offset > reach && reach; pages += 1) {
      page = await this.api.page({ before: page.messages[0].offset, limit: LARGEST_PAGE });
      conversation.take(page);
    }
    const first = page.messages[0]?.offset ?? 0;
    if (first > reach) conversation.forgetBefore(first);
    conversation.isWhole = page.older === null;
  }

  #load(isLoading) {
    this.isLoading = isLoading;
    this.#tell("change");
  }

  #refused(error) {
    this.refusal = error;
    this.#channels?.close();
    this.#become("refused");
  }

  #become(status) {
    this.status = status;
    this.#tell("status");
  }

  #tell(name) {
    this.dispatchEvent(new Event(name));
  }
}

/** Why this one may not even read. */
function unreadable({ refused }) {
  return { status: 403, name: (refused ?? "not-allowed").split("/").at(-1) };
}

/** Whether there is nothing here for whoever asks, however often they do. */
function isFinal({ status, name }) {
  return status === 401 || status === 403 || name === "no-such-room";
}
