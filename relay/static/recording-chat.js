/**
 * The chat as it was, in step with the picture: what was said is shown when the picture gets there.
 *
 * It is asked for in pieces by media time, the next one before it is needed; a jump begins anew.
 */

/** The server's longest piece. */
const PIECE_MS = 60_000;
const AHEAD_MS = 10_000;
const MOST_SHOWN = 300;
const STEP_MS = 250;

export class Replay {
  #player;
  #recording;
  #identity;
  #view;
  #waiting = [];
  /** Media time up to which it has been asked for. */
  #until = null;
  #last = null;
  #isAsking = false;
  #isOver = false;

  constructor(player, recording, identity, view) {
    this.#player = player;
    this.#recording = recording;
    this.#identity = identity;
    this.#view = view;
    setInterval(() => this.#step(), STEP_MS);
  }

  /** Where the picture is, in the media time of its session. */
  get #now() {
    return this.#recording.media_ms + this.#player.time * 1000;
  }

  #step() {
    if (this.#isOver) return;
    const now = this.#now;
    const isJump = this.#last === null || now < this.#last - 1000 || now > this.#last + 5000;
    if (isJump) this.#begin(now);
    this.#last = now;
    this.#showUntil(now);
    if (!this.#isAsking && this.#until < now + AHEAD_MS && this.#until < this.#end) this.#ask();
  }

  get #end() {
    return this.#recording.media_ms + this.#recording.duration_ms;
  }

  #begin(now) {
    this.#waiting = [];
    this.#until = Math.max(this.#recording.media_ms, Math.floor(now - PIECE_MS / 2));
    this.#view.list.replaceChildren();
  }

  async #ask(cursor = null) {
    this.#isAsking = true;
    const from = Math.floor(this.#until);
    const to = Math.min(from + PIECE_MS, Math.ceil(this.#end));
    try {
      const found = await this.#fetch(from, to, cursor);
      // A jump meanwhile has begun anew.
      if (Math.floor(this.#until) !== from) return;
      this.#waiting.push(...found.messages);
      if (found.next) return await this.#ask(found.next);
      this.#until = to;
    } catch {
      // No room, or it is not for whoever is here: the picture plays on without.
      this.#isOver = true;
    } finally {
      this.#isAsking = false;
    }
  }

  async #fetch(from, to, cursor) {
    const room = encodeURIComponent(`chat:${this.#recording.app}/${this.#recording.name}`);
    const query = new URLSearchParams({ session: this.#recording.session, from_ms: from, to_ms: to });
    if (cursor) query.set("cursor", cursor);
    const token = this.#identity.now?.token;
    const headers = token ? { Authorization: `Bearer ${token}` } : {};
    const answer = await fetch(`/api/v1/rooms/${room}/messages?${query}`, { headers });
    if (!answer.ok) throw new Error(String(answer.status));
    return answer.json();
  }

  #showUntil(now) {
    const { root, list } = this.#view;
    const isAtEnd = list.scrollTop + list.clientHeight >= list.scrollHeight - 40;
    while (this.#waiting.length && this.#waiting[0].media_ms <= now) {
      const message = this.#waiting.shift();
      if (message.deleted || message.text === null) continue;
      root.hidden = false;
      list.append(row(message));
      while (list.children.length > MOST_SHOWN) list.firstChild.remove();
      if (isAtEnd) list.scrollTop = list.scrollHeight;
    }
  }
}

function row({ author, text }) {
  const name = document.createElement("b");
  name.textContent = author?.name || author?.user || "";
  const line = document.createElement("li");
  line.append(name, " ", text);
  return line;
}
