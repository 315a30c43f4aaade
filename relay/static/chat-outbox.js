/**
 * What one has said, until it stands in the room.  No DOM; `post` and the clock are given.
 *
 * One after the other, so that the room reads them in the order in which they were typed.  Each has
 * a key, which goes with it every time: the server says it once, however often it is asked to, and
 * so an answer that was lost on the way does no harm.  Without an answer it is tried again by
 * itself; with a refusal it stays, with the reason, until its author has decided.
 */

/** Attempts without an answer; then its author is asked. */
const ATTEMPTS = 8;
const PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 8000;

export class Outbox {
  /** Oldest first: { key, text, replyTo, mentions, at, state, refusal }; see `state` below. */
  entries = [];
  #post;
  #onChange;
  #newKey;
  #wait;
  #isBusy = false;
  #hurry = () => {};

  /**
   * `post(entry)` resolves once the room has it, and rejects with a `Refusal`, which has a status,
   * or with anything else where there was no answer.  `state` is "waiting" for its turn, "sending",
   * "away" (without an answer, and tried again) or "failed" (with the `refusal`).
   */
  constructor(post, onChange, { newKey = () => crypto.randomUUID(), wait = pause } = {}) {
    this.#post = post;
    this.#onChange = onChange;
    this.#newKey = newKey;
    this.#wait = wait;
  }

  say({ text, replyTo = null, mentions = [] }) {
    const entry = { key: this.#newKey(), text, replyTo, mentions, at: Date.now(), state: "waiting", refusal: null };
    this.entries.push(entry);
    this.#onChange();
    this.#work();
  }

  /** Try one again that has failed. */
  retry(entry) {
    entry.state = "waiting";
    entry.refusal = null;
    this.#onChange();
    this.#work();
  }

  /** Its author does not want to say it any more; what is under way cannot be called back. */
  discard(entry) {
    if (entry.state === "sending") return;
    this.#remove(entry);
  }

  /** The connection is back: no more waiting. */
  wake() {
    this.#hurry();
  }

  async #work() {
    if (this.#isBusy) return;
    this.#isBusy = true;
    for (let entry; (entry = this.#next()); ) await this.#send(entry);
    this.#isBusy = false;
  }

  #next() {
    return this.entries.find(({ state }) => state === "waiting") ?? null;
  }

  async #send(entry) {
    for (let attempt = 0; this.entries.includes(entry); attempt += 1) {
      this.#become(entry, "sending");
      const refusal = await this.#attempt(entry);
      if (refusal === null) return this.#remove(entry);
      if (!isPassing(refusal) || attempt + 1 >= ATTEMPTS) return this.#become(entry, "failed", refusal);
      this.#become(entry, "away");
      await this.#rest(Math.min(LONGEST_PAUSE_MS, PAUSE_MS * 2 ** attempt));
    }
  }

  /** What has gone wrong; null where nothing has. */
  async #attempt(entry) {
    try {
      await this.#post(entry);
      return null;
    } catch (error) {
      return error;
    }
  }

  #rest(ms) {
    const hurried = new Promise((resolve) => (this.#hurry = resolve));
    return Promise.race([this.#wait(ms), hurried]);
  }

  #become(entry, state, refusal = null) {
    entry.state = state;
    entry.refusal = refusal;
    this.#onChange();
  }

  #remove(entry) {
    this.entries = this.entries.filter((each) => each !== entry);
    this.#onChange();
  }
}

/** Whether the same may be taken a moment later, without anybody having changed anything. */
function isPassing({ status }) {
  return status === undefined || status >= 500;
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
