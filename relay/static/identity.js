/**
 * Who is here, as far as the page knows: { user, token }.
 *
 * A site hands its user's token over in the address, as `#token=...`: servers and logs never see
 * that part, and it is taken out of the address at once, before somebody copies it.  The tab remembers
 * it.  Whoever comes without is nobody, until there is something for which one has to be somebody:
 * then the server makes a guest, whom this browser remembers for as long as the token lasts.
 */

const USER = "relay.token";
const GUEST = "relay.guest";
const GUEST_NAME = "Guest";
/** A token that ends so soon is as good as none. */
const MARGIN_MS = 60_000;

export class Identity {
  #location;
  #history;
  #tab;
  #browser;
  /** The guest, where the browser keeps nothing. */
  #made = null;

  constructor(window) {
    this.#location = window.location;
    this.#history = window.history;
    this.#tab = memory(() => window.sessionStorage);
    this.#browser = memory(() => window.localStorage);
    this.#takeFromAddress();
  }

  /** Who is here; null for nobody. */
  get now() {
    return tokenOf(this.#tab.read(USER)) ?? shown(this.#guest());
  }

  /** Who is here; a guest where that would be nobody.  Rejects with a `Refusal`. */
  async somebody() {
    return this.now ?? (await this.#welcome());
  }

  /** Whether whoever is here has taken a name, or may: a site's users have theirs from the site. */
  get isGuest() {
    return tokenOf(this.#tab.read(USER)) === null;
  }

  /** The name that a guest has chosen; null for everybody else. */
  get guestName() {
    return this.isGuest ? (this.#guest()?.name ?? null) : null;
  }

  /** A guest of this name; whoever is one already stays the same.  Rejects with a `Refusal`. */
  async call(name) {
    return await this.#welcome(name);
  }

  /** The server does not take this token: whoever it was, they are not here any more. */
  forget() {
    this.#tab.remove(USER);
    this.#forgetGuest();
  }

  #takeFromAddress() {
    const { hash, pathname, search } = this.#location;
    const token = new URLSearchParams(hash.slice(1)).get("token");
    if (token === null) return;
    this.#tab.write(USER, token);
    this.#history.replaceState(null, "", pathname + search);
  }

  #guest() {
    const guest = this.#browser.read(GUEST) ?? this.#made;
    return guest?.token && Date.parse(guest.expires) - MARGIN_MS > Date.now() ? guest : null;
  }

  #forgetGuest() {
    this.#browser.remove(GUEST);
    this.#made = null;
  }

  async #welcome(chosen = null) {
    const headers = { "Content-Type": "application/json" };
    const guest = this.#guest();
    if (guest) headers.Authorization = `Bearer ${guest.token}`;
    const answer = await fetch("/api/v1/guests", {
      method: "POST",
      headers,
      body: JSON.stringify({ name: chosen ?? GUEST_NAME }),
    });
    // Who this guest was is not known any more, and there is another one.
    if (answer.status === 401 && guest) {
      this.#forgetGuest();
      return await this.#welcome(chosen);
    }
    if (!answer.ok) throw await Refusal.of(answer);
    const { sub, name, token, expires } = await answer.json();
    this.#made = { user: sub, name: chosen && name, token, expires };
    this.#browser.write(GUEST, this.#made);
    return { user: sub, token };
  }
}

/**
 * The server has said no, and why: the name of a problem, such as `too-many-guests`, and perhaps its
 * words on the case, and after how many seconds to ask again.
 */
export class Refusal extends Error {
  constructor(status, name, { detail = "", retryAfterS = 0 } = {}) {
    super(`${status} ${name}`);
    this.status = status;
    this.name = name;
    this.detail = detail;
    this.retryAfterS = retryAfterS;
  }

  static async of(answer) {
    const { type = "", detail = "" } = await answer.json().catch(() => ({}));
    const retryAfterS = Number(answer.headers?.get("Retry-After")) || 0;
    return new Refusal(answer.status, String(type).split("/").at(-1), { detail, retryAfterS });
  }
}

/** { user, token } of a token (RFC 7519, 3); null where it is none.  The server checks, not we. */
export function tokenOf(token) {
  try {
    const [, payload] = token.split(".");
    const bytes = atob(payload.replaceAll("-", "+").replaceAll("_", "/"));
    const text = new TextDecoder().decode(Uint8Array.from(bytes, (letter) => letter.charCodeAt(0)));
    const { sub, exp } = JSON.parse(text);
    if (typeof sub !== "string" || !sub || exp * 1000 <= Date.now()) return null;
    return { user: sub, token };
  } catch {
    return null;
  }
}

function shown(guest) {
  return guest && { user: guest.user, token: guest.token };
}

/** What a storage keeps; nothing, where the browser lets us keep nothing. */
function memory(storage) {
  const attempt = (action) => {
    try {
      return action(storage());
    } catch {
      return null;
    }
  };
  return {
    read: (key) => attempt((kept) => JSON.parse(kept.getItem(key))),
    write: (key, value) => attempt((kept) => kept.setItem(key, JSON.stringify(value))),
    remove: (key) => attempt((kept) => kept.removeItem(key)),
  };
}
