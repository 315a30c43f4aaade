/**
 * Rows of the list: a message, one that is on its way, a day, and where the chat begins.
 *
 * Whatever people have written gets into the document as text and in no other way.  Each paragraph
 * has the direction of what is written in it, and names are isolated from it (Unicode UAX 9, 3.3.3):
 * a name or a text that runs from right to left, or that forgot to end an override, turns nothing
 * beside it.
 */

import { pieces } from "./chat-text.js";
import { sendingWords, tombstoneWords, dayWords, timeWords } from "./chat-words.js";

/** An element with a class and children; texts stay texts. */
export function make(tag, className, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

export class Rows {
  #conversation;
  #moderators;
  #me;

  /** `me()` is the id of whoever is here, or null. */
  constructor({ conversation, moderators }, me) {
    this.#conversation = conversation;
    this.#moderators = moderators;
    this.#me = me;
  }

  /** The element of a row; the same one, where there is one already. */
  draw(row, element) {
    if (row.day) return element ?? make("p", "chat-day", dayWords(row.day));
    if (row.note !== undefined) return noted(element ?? make("p", "chat-note"), row.note);
    return row.entry ? this.#drawEntry(row.entry, element) : this.#drawMessage(row, element);
  }

  #drawMessage(message, element) {
    const row = partsOf(element) ?? started(message.key);
    const { text, deleted, isEdited, mentions, reactions } = message;
    const quoted = message.replyTo && this.#quoted(message.replyTo);
    when(row, "said", [text, deleted, isEdited, mentions, quoted, this.#badgeOf(message.author)], () => {
      row.element.classList.toggle("for-me", this.#isForMe(message));
      row.element.classList.toggle("is-gone", deleted !== null);
      row.said.replaceChildren(...this.#said(message));
    });
    when(row, "reactions", reactions, () => row.reactions.replaceChildren(...reactions.map(reaction)));
    return row.element;
  }

  #isForMe({ author, mentions, replyTo }) {
    if (this.#isMe(author.user)) return false;
    return mentions.some((user) => this.#isMe(user)) || this.#isMe(replyTo?.author.user ?? "");
  }

  #drawEntry(entry, element) {
    const row = partsOf(element) ?? started(entry.key);
    // It is read out once it stands in the room, and a failure at once.
    row.element.ariaLive = "off";
    const said = { ...entry, author: { user: this.#me() ?? "", name: "" } };
    when(row, "said", entry.text, () => row.said.replaceChildren(...this.#said(said)));
    when(row, "reactions", [entry.state, sendingWords(entry)], () => {
      row.element.className = `chat-row is-${entry.state}`;
      row.reactions.replaceChildren(...state(entry));
    });
    return row.element;
  }

  #said(message) {
    const line = make("p", "chat-line", ...this.#author(message), ...this.#text(message));
    line.dir = "auto";
    return message.replyTo ? [this.#quote(message.replyTo), line] : [line];
  }

  #author({ author, at }) {
    const name = make("bdi", "chat-name", this.#nameOf(author));
    name.style.setProperty("--hue", hueOf(author.user));
    name.title = timeWords(at);
    const badge = this.#badgeOf(author);
    return badge ? [make("span", "chat-badge", badge), " ", name, " "] : [name, " "];
  }

  #badgeOf({ user, kind }) {
    if (kind === "site") return "Site";
    return this.#moderators.has(user) ? "Mod" : "";
  }

  #nameOf({ user, name }) {
    if (this.#isMe(user) && !name) return this.#conversation.people.get(user)?.name ?? "You";
    return name || user || "Somebody";
  }

  #text({ text, deleted, isEdited, mentions }) {
    if (deleted) return [make("em", "chat-gone", tombstoneWords(deleted))];
    const people = mentions.map((user) => this.#conversation.people.get(user)).filter(Boolean);
    const found = pieces(text, people).map((piece) => this.#piece(piece));
    return isEdited ? [...found, " ", make("small", "chat-edited", "edited")] : found;
  }

  #piece({ text, href, user }) {
    if (href) return link(text, href);
    if (!user) return text;
    return make("bdi", this.#isMe(user) ? "chat-mention is-me" : "chat-mention", text);
  }

  /** What was said there, as far as it is here. */
  #quoted({ id }) {
    const answered = this.#conversation.find(id);
    return answered?.deleted ? tombstoneWords(answered.deleted) : (answered?.text ?? "");
  }

  #quote({ id, author }) {
    const words = make("bdi", "", this.#quoted({ id }));
    const quote = make("button", "chat-quote", make("bdi", "", this.#nameOf(author)), " ", words);
    quote.type = "button";
    quote.dataset.to = id;
    quote.title = "Show what this answers";
    return quote;
  }

  #isMe(user) {
    return user !== "" && user === this.#me();
  }
}

/** What there is of each row, by its element. */
const parts = new WeakMap();

function partsOf(element) {
  return element && parts.get(element);
}

function started(key) {
  const element = make("div", "chat-row");
  element.dataset.key = key;
  element.tabIndex = -1;
  element.role = "article";
  const [said, reactions] = [make("div", "chat-said"), make("div", "chat-reactions")];
  // Who is read to must not hear the message again for each heart that it gets.
  reactions.ariaLive = "off";
  said.id = `said-${key}`;
  element.setAttribute("aria-labelledby", said.id);
  element.append(said, reactions);
  parts.set(element, { element, said, reactions, shown: {} });
  return parts.get(element);
}

/** Draw a part of a row anew, if what it shows is another: otherwise it would be read out again. */
function when(row, part, shows, draw) {
  const shown = JSON.stringify(shows);
  if (row.shown[part] === shown) return;
  row.shown[part] = shown;
  const hadFocus = row[part].contains(document.activeElement);
  draw();
  if (hadFocus) row.element.focus({ preventScroll: true });
}

function noted(element, note) {
  if (element.textContent !== note) element.textContent = note;
  return element;
}

function link(text, href) {
  const anchor = make("a", "chat-link", text);
  anchor.href = href;
  anchor.rel = "noopener nofollow ugc";
  anchor.target = "_blank";
  anchor.dir = "ltr";
  return anchor;
}

function reaction({ reaction: picture, count, mine }) {
  const button = make("button", "chat-reaction", picture, make("span", "", String(count)));
  button.type = "button";
  button.dataset.reaction = picture;
  button.ariaPressed = String(mine);
  return button;
}

/** What has become of a message on its way; nothing, where all goes as it should. */
function state(entry) {
  const words = sendingWords(entry);
  if (!words) return [];
  const element = make("span", "chat-state", words);
  if (entry.state !== "failed") return [element];
  element.role = "alert";
  for (const action of ["Retry", "Edit", "Discard"]) {
    const button = make("button", "chat-again", action);
    button.type = "button";
    button.dataset.again = action.toLowerCase();
    element.append(" ", button);
  }
  return [element];
}

/** One of few colours that are told apart, the same for a user each time. */
export function hueOf(user) {
  let hash = 7;
  for (const letter of user ?? "") hash = (hash * 31 + letter.codePointAt(0)) % 65521;
  return (hash % 15) * 24;
}
