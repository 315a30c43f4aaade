/**
 * What may be done to a message, and in the room, by whoever is here: menus as data.  Pure: the
 * server decides; here is only what there is any sense in offering.
 */

import { isolated, secondsWords } from "./chat-words.js";

export const PICTURES = ["👍", "❤️", "😂", "😮", "😢", "🔥", "👏", "🎉"];
const TIMEOUTS_S = [60, 600, 3600];
const SLOW_S = [0, 5, 10, 30, 60, 300];
/** As the server has it unless its operator says otherwise (`chat.change_s`). */
const CHANGE_MS = 900_000;

export function isMine(message, me) {
  return me !== null && message.author.user === me;
}

/** Whether its author may still have it say something else. */
export function isChangeable(message, me, now) {
  return isMine(message, me) && message.deleted === null && now - message.at < CHANGE_MS;
}

/**
 * The menu of a message.  `here` is { me, now, mayWrite, mayModerate }; `on` has a function for each
 * action.
 */
export function messageMenu(message, here, on) {
  const isThere = message.deleted === null;
  return [
    ...(isThere && here.mayWrite ? answerItems(message, on) : []),
    ...(isThere ? [{ label: "Copy text", act: () => on.copy(message) }] : []),
    ...(isChangeable(message, here.me, here.now) ? ownItems(message, on) : []),
    ...(here.mayModerate && !isMine(message, here.me) ? moderatorItems(message, on) : []),
  ];
}

function answerItems(message, on) {
  return [
    { pictures: PICTURES, label: "React with", act: (picture) => on.react(message, picture) },
    { label: "Reply", act: () => on.reply(message) },
  ];
}

function ownItems(message, on) {
  return [
    null,
    { label: "Edit", act: () => on.edit(message) },
    { label: "Delete", isDanger: true, sure: "Really delete?", act: () => on.remove(message) },
  ];
}

function moderatorItems(message, on) {
  const { user, name, kind } = message.author;
  const removal = { label: "Delete", isDanger: true, act: () => on.remove(message) };
  const items = message.deleted === null ? [null, removal] : [];
  // The site itself keeps order above all others, and nobody is nobody in particular.
  if (!user || kind === "site") return items;
  const whom = isolated(name || user);
  return [
    ...items,
    null,
    ...TIMEOUTS_S.map((s) => ({ label: `Timeout of ${secondsWords(s)}`, act: () => on.ban(user, s) })),
    { label: "Delete all messages", isDanger: true, sure: `Really all of ${whom}?`, act: () => on.purge(user) },
    { label: "Ban", isDanger: true, sure: `Really ban ${whom}?`, act: () => on.ban(user) },
  ];
}

/**
 * The menu of the room.  `here` is { isInStep, isGuest, mayModerate, modes }; `on` has a function for
 * each action.
 */
export function roomMenu({ isInStep, isGuest, mayModerate, modes }, on) {
  const items = [{ label: "In step with my picture", isOn: isInStep, act: on.step }];
  if (isGuest) items.push({ label: "My name…", act: on.name });
  if (!mayModerate) return items;
  const mode = (label, isOn, change) => ({ label, isOn, act: () => on.setModes(change) });
  return [
    ...items,
    null,
    { label: `Slow mode: ${modes.slow_s ? secondsWords(modes.slow_s) : "off"}…`, act: on.slow },
    mode("Followers only", modes.followers_only, { followers_only: !modes.followers_only }),
    mode("Guests may write", modes.guests, { guests: !modes.guests }),
    mode("Links", modes.links, { links: !modes.links }),
    { label: "Who is banned…", act: on.bans },
  ];
}

export function slowMenu(current, on) {
  return SLOW_S.map((seconds) => ({
    label: seconds ? `One message in ${secondsWords(seconds)}` : "Slow mode off",
    isOn: seconds === current,
    act: () => on.setModes({ slow_s: seconds }),
  }));
}

/** Each is let speak again by a press on their line; `nameOf(user)` is what they are called. */
export function bansMenu(bans, nameOf, now, on) {
  if (bans.length === 0) return [{ label: "Nobody is banned", act() {} }];
  return bans.map(({ user, until_ms: untilMs }) => {
    const rest = untilMs === null ? "for ever" : `${secondsWords(Math.max(1, Math.ceil((untilMs - now) / 1000)))} more`;
    return { label: `${isolated(nameOf(user))}, ${rest}`, sure: "Let them speak again?", act: () => on.unban(user) };
  });
}
