/** What is in a text: links, and the names of people.  Pure: a text in, pieces of it out. */

const ADDRESS = /https?:\/\/[^\s<>"'`{}|\\^\u0000-\u0020\u2028\u2029]+/giu;
/** What belongs to the sentence rather than to the address before it. */
const TRAILING = /[.,:;!?…'’”"*_~]+$/u;
const WORD = /[\p{L}\p{N}_]/u;

/**
 * The text as pieces: { text }, with `href` where it is a link, with `user` where somebody is meant.
 *
 * `people` are those mentioned, { user, name }.  Pieces joined are the text again, whatever it is.
 */
export function pieces(text, people = []) {
  const found = [];
  let from = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const address = trimmed(match[0]);
    if (!isAddress(address)) continue;
    found.push(...meant(text.slice(from, match.index), people));
    found.push({ text: address, href: address });
    from = match.index + address.length;
  }
  return [...found, ...meant(text.slice(from), people)];
}

function trimmed(address) {
  let end = address.replace(TRAILING, "");
  // A bracket that was opened before the address closes behind it.
  while (end.endsWith(")") && count(end, ")") > count(end, "(")) end = end.slice(0, -1).replace(TRAILING, "");
  return end;
}

function count(text, letter) {
  return text.split(letter).length - 1;
}

function isAddress(text) {
  try {
    const { protocol, hostname } = new URL(text);
    return (protocol === "http:" || protocol === "https:") && hostname !== "";
  } catch {
    return false;
  }
}

function meant(text, people) {
  // "@Ann Lee" is not "@Ann" with something behind it.
  const known = people.filter(({ name }) => name).sort((a, b) => b.name.length - a.name.length);
  const found = [];
  let from = 0;
  for (let at = text.indexOf("@"); at >= 0; at = text.indexOf("@", at + 1)) {
    const person = known.find(({ name }) => isNamed(text, at + 1, name));
    if (at < from || !person) continue;
    if (at > from) found.push({ text: text.slice(from, at) });
    from = at + 1 + person.name.length;
    found.push({ text: text.slice(at, from), user: person.user });
  }
  if (from < text.length) found.push({ text: text.slice(from) });
  return found;
}

function isNamed(text, at, name) {
  return text.startsWith(name, at) && !WORD.test(text.slice(at + name.length, at + name.length + 1));
}

/** Whom the text means, out of these people: their ids, each once. */
export function mentioned(text, people) {
  return [...new Set(meant(text, people).map(({ user }) => user).filter(Boolean))];
}

/** What is being typed at the caret, if it may become a mention: { from, query }; null otherwise. */
export function beginning(text, caret) {
  const match = /(?:^|[\s(])@([^\s@]{0,40})$/u.exec(text.slice(0, caret));
  return match && { from: caret - match[1].length - 1, query: match[1] };
}

/** Who may be meant: those whose name begins so, or a word of it does; who spoke last comes first. */
export function candidates(query, people, most = 6) {
  const wanted = query.toLocaleLowerCase();
  const rank = (name) => {
    const lower = name.toLocaleLowerCase();
    if (lower.startsWith(wanted)) return 0;
    return lower.includes(` ${wanted}`) ? 1 : 2;
  };
  return [...people]
    .filter(({ name }) => name && rank(name) < 2)
    .sort((a, b) => rank(a.name) - rank(b.name) || b.offset - a.offset)
    .slice(0, most);
}
