/**
 * What has been said in a room, as far as it is here.  Pure: pages and publications in, messages out.
 *
 * Messages come from two sides that know nothing of each other: pages of history by HTTP, and
 * publications by WebSocket.  Both have offsets of the same log, and that is all it takes to bring
 * them together: a message has one place, and `asOf` says up to which offset it is known what has
 * become of it.  A page may be older than what was heard meanwhile, so the last events are kept and
 * done again to whatever a page brings.
 *
 * A message here is never changed; what becomes of it is another one with the same id.  So whoever
 * shows it sees by a look whether there is something new to show.
 */

/** Events that are kept: more than come while a page is on its way. */
const EVENTS = 1000;

export class Conversation {
  /** Oldest first.  Each has a `key`, by which it is a row of a list. */
  messages = [];
  epoch = null;
  /** Whether there is nothing before the first of them. */
  isWhole = false;
  /** Who has said something, by user: { user, name, kind, offset } of the last time. */
  people = new Map();
  #byId = new Map();
  #events = [];
  #user = null;

  /** Whose reactions are one's own. */
  set user(user) {
    this.#user = user;
  }

  get firstOffset() {
    return this.messages[0]?.offset ?? 0;
  }

  find(id) {
    return this.#byId.get(id) ?? null;
  }

  /** The place of a message in `messages`; -1 where it is not there. */
  indexOf(message) {
    const index = this.#placeOf(message.offset);
    return this.messages[index]?.id === message.id ? index : -1;
  }

  /** What is here, is of another channel by that name. */
  begin(epoch) {
    this.epoch = epoch;
    this.messages = [];
    this.isWhole = false;
    this.#byId.clear();
    this.#events = [];
  }

  /**
   * Take a publication: `data` of { offset, time, tags }.  The message that is new, or that has
   * changed, and null where it is neither.
   */
  hear(data, { offset = 0, time = 0, tags = {} } = {}) {
    if (data?.type === "message") return this.#put(heard(data, offset, time, tags));
    if (!Object.hasOwn(CHANGES, data?.type)) return null;
    this.#events.push({ data, offset });
    if (this.#events.length > EVENTS) this.#events.shift();
    return this.#change(data, offset);
  }

  /** Take a page of history. */
  take(page) {
    // Without an epoch, nothing has been said yet.
    if (page.epoch && page.epoch !== this.epoch) this.begin(page.epoch);
    for (const each of page.messages) this.#put(read(each, page.offset));
    for (const { data, offset } of this.#events) this.#change(data, offset);
  }

  /** Take one message as the API has it: known up to where it stands. */
  takeOne(shown) {
    return this.#put(read(shown, shown.offset));
  }

  /** Let go of everything before this offset. */
  forgetBefore(offset) {
    const count = this.#placeOf(offset);
    if (!count) return;
    for (const { id } of this.messages.slice(0, count)) this.#byId.delete(id);
    this.messages = this.messages.slice(count);
    this.isWhole = false;
  }

  #put(message) {
    const known = this.#byId.get(message.id);
    if (known && known.asOf >= message.asOf) return null;
    this.#byId.set(message.id, message);
    this.#meet(message);
    if (known) this.messages[this.indexOf(known)] = message;
    else this.messages.splice(this.#placeOf(message.offset), 0, message);
    return message;
  }

  /** Have an event change what it is about; the last message that it did that to, or null. */
  #change(data, offset) {
    let last = null;
    for (const message of this.#about(data, offset)) {
      const changed = CHANGES[data.type](message, data, this.#user);
      last = this.#put({ ...message, ...changed, asOf: offset }) ?? last;
    }
    return last;
  }

  /** Of a purge, all that somebody had said until then; of everything else, one message. */
  #about({ type, id, user }, offset) {
    if (type === "purge") return this.messages.filter((it) => it.author.user === user && it.offset < offset);
    return this.#byId.has(id) ? [this.#byId.get(id)] : [];
  }

  #meet({ author, offset }) {
    const known = this.people.get(author.user);
    if (author.user && !(known?.offset > offset)) this.people.set(author.user, { ...author, offset });
  }

  /** Where a message of this offset stands, or would. */
  #placeOf(offset) {
    const { messages } = this;
    let [low, high] = [0, messages.length];
    // Nearly everything is new.
    if (high && messages[high - 1].offset < offset) return high;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (messages[middle].offset < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** What an event does to a message. */
const CHANGES = {
  edit(message, { text, mentions = [] }) {
    // Without a text, a later edit has come, and its event will.
    if (message.deleted || text === undefined) return {};
    return { text, mentions, isEdited: true };
  },
  delete: (message, { by }) => gone(message, by),
  purge: (message) => gone(message, "moderator"),
  reaction(message, { reaction, user, on, count }, me) {
    if (message.deleted) return {};
    const reactions = message.reactions.filter((each) => each.reaction !== reaction);
    const before = message.reactions.find((each) => each.reaction === reaction);
    const mine = user === me ? on : (before?.mine ?? false);
    if (count > 0) {
      // Each stays where it is, so that nobody presses another one than they see.
      const place = before ? message.reactions.indexOf(before) : reactions.length;
      reactions.splice(place, 0, { reaction, count, mine });
    }
    return { reactions };
  },
};

function gone(message, by) {
  return message.deleted ? {} : { text: "", mentions: [], reactions: [], deleted: by };
}

/** A message as a publication has it. */
function heard(data, offset, time, tags) {
  return {
    key: data.id,
    id: data.id,
    offset,
    author: data.author,
    text: data.deleted ? "" : (data.text ?? ""),
    mentions: data.mentions ?? [],
    replyTo: data.reply_to ?? null,
    at: time,
    session: tags?.session ?? null,
    mediaMs: tags?.media_ms === undefined ? null : Number(tags.media_ms),
    isEdited: Boolean(data.edited),
    deleted: data.deleted?.by ?? null,
    reactions: [],
    asOf: offset,
  };
}

/** A message as the API has it. */
function read(shown, asOf) {
  return {
    key: shown.id,
    id: shown.id,
    offset: shown.offset,
    author: shown.author,
    text: shown.text ?? "",
    mentions: shown.mentions,
    replyTo: shown.reply_to,
    at: Date.parse(shown.sent_at),
    session: shown.session,
    mediaMs: shown.media_ms,
    isEdited: shown.edited_at !== null,
    deleted: shown.deleted?.by ?? null,
    reactions: shown.reactions,
    asOf,
  };
}
