/** What the chat says to its readers.  Pure. */

const REASONS = {
  "token-needed": "Choose a name first.",
  "token-expired": "You are not known here any more. Reload the page.",
  "token-invalid": "You are not known here any more. Reload the page.",
  "not-allowed": "You may not write here.",
  "message-not-possible": "This cannot be said",
  "message-too-big": "This is too long.",
  "too-many-messages": "You are too fast.",
  "too-many-guests": "Too many people have come from your network.",
  "too-late-to-change": "It is too late to change this.",
  "message-gone": "It has been deleted.",
  "no-such-message": "The message is not there any more.",
  "no-such-room": "There is no chat here.",
  "room-closed": "The chat is closed.",
  "name-not-possible": "Nobody can be called so.",
  "too-many-reactions": "There are enough reactions to this.",
  banned: "You are banned from this chat.",
  "timed-out": "You have been asked to be quiet for a while.",
  "slow-mode": "Slow mode is on.",
  "followers-only": "Only followers may write. Follow the stream first.",
  "guests-off": "Guests may read here, and not write.",
  "links-off": "There are no links in this chat.",
  "word-not-allowed": "A word in this is not allowed here.",
  "store-unavailable": "The server cannot take it now.",
};
/** Of those, the ones whose case the server describes better. */
const DESCRIBED = new Set(["message-not-possible"]);

/** Why something was refused. */
export function reasonWords(refusal) {
  if (refusal?.status === undefined) return "There is no connection.";
  const words = REASONS[refusal.name] ?? "That did not work.";
  if (DESCRIBED.has(refusal.name) && refusal.detail) return `${words}: ${refusal.detail}.`;
  return refusal.retryAfterS ? `${words} Wait ${secondsWords(refusal.retryAfterS)}.` : words;
}

/** Why nothing can be said at all, by the type of the problem that it would meet; empty where something can. */
export function closedWords(problem, ban) {
  const name = problem?.split("/").at(-1) ?? "";
  // Who has no name yet is asked for one, and slow mode counts by itself.
  if (!name || name === "token-needed" || name === "slow-mode") return "";
  const words = REASONS[name] ?? "You may read here, and not write.";
  return ban?.until_ms ? `${words} You may write again at ${timeWords(ban.until_ms)}.` : words;
}

/** What stands where nothing has been typed yet. */
export function invitation({ slow_s: slowS = 0, followers_only: isForFollowers = false } = {}) {
  if (slowS) return `Say something, once in ${secondsWords(slowS)}`;
  return isForFollowers ? "Say something (followers only)" : "Say something";
}

/** What has become of a message that is not in the room yet. */
export function sendingWords({ state, refusal }) {
  if (state === "failed") return `Not sent. ${reasonWords(refusal)}`;
  return state === "away" ? "No connection, trying again…" : "";
}

export function tombstoneWords(by) {
  return by === "author" ? "deleted" : "deleted by a moderator";
}

/** Whoever is writing: names. */
export function typingWords(names) {
  if (names.length === 0) return "";
  if (names.length === 1) return `${isolated(names[0])} is writing…`;
  if (names.length === 2) return `${isolated(names[0])} and ${isolated(names[1])} are writing…`;
  return "Several people are writing…";
}

/** A name between marks that let it turn nothing around it (Unicode UAX 9, 2.4). */
export function isolated(name) {
  return `\u2068${name}\u2069`;
}

export function newWords(count) {
  return `${count > 99 ? "99+" : count} new`;
}

export function secondsWords(seconds) {
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.ceil(seconds / 60)} min`;
  if (seconds < 86400) return `${Math.ceil(seconds / 3600)} h`;
  const days = Math.ceil(seconds / 86400);
  return `${days} ${days === 1 ? "day" : "days"}`;
}

const time = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });

export function timeWords(at) {
  return time.format(at);
}

export function dayWords(at) {
  return day.format(at);
}
