/** The front page: what is live now. */

import { ageText, bitrateText, viewersText } from "./words.js";

const EVERY = 4000;

const find = (selector) => document.querySelector(selector);
const template = find("#card");
const list = find("#streams");
const cards = new Map();
let timer = 0;

const keyOf = ({ app, name }) => `${encodeURIComponent(app)}/${encodeURIComponent(name)}`;

/** One colour for one name, everywhere and for ever. */
function hueOf(text) {
  let hash = 7;
  for (const character of text) hash = (hash * 31 + character.codePointAt(0)) % 9973;
  return hash % 360;
}

function newCard(key, stream) {
  const card = template.content.firstElementChild.cloneNode(true);
  card.style.setProperty("--hue", hueOf(key));
  card.querySelector("a").href = `/watch/${key}`;
  card.querySelector(".initial").textContent = [...stream.name][0]?.toUpperCase() ?? "";
  card.querySelector("h2").textContent = stream.name;
  return card;
}

function technique(stream) {
  const size = stream.width ? `${stream.width} × ${stream.height}` : "Sound only";
  const bitrate = stream.bits_per_second ? bitrateText(stream.bits_per_second) : "";
  return [size, bitrate].filter(Boolean).join(" · ");
}

function fill(card, stream) {
  const isLive = stream.state === "live";
  const badge = card.querySelector(".badge");
  badge.dataset.state = isLive ? "live" : "waiting";
  badge.textContent = isLive ? "Live" : "Interrupted";
  const since = Date.parse(stream.since);
  const age = Number.isNaN(since) ? "" : ageText(Date.now() - since);
  const audience = [viewersText(stream.viewers ?? 0), age].filter(Boolean);
  card.querySelector(".viewers").textContent = audience.join(" · ");
  card.querySelector(".technique").textContent = technique(stream);
}

const byViewers = (a, b) => (b.viewers ?? 0) - (a.viewers ?? 0) || a.name.localeCompare(b.name);

/** Cards stay the same elements while their streams live, so that focus and hover stay too. */
function show(streams) {
  const ordered = [...streams].sort(byViewers);
  const keys = new Set(ordered.map(keyOf));
  for (const [key, card] of cards) {
    if (keys.has(key)) continue;
    card.remove();
    cards.delete(key);
  }
  ordered.forEach((stream, index) => {
    const key = keyOf(stream);
    if (!cards.has(key)) cards.set(key, newCard(key, stream));
    const card = cards.get(key);
    fill(card, stream);
    if (list.children[index] !== card) list.insertBefore(card, list.children[index] ?? null);
  });
  find("#empty").hidden = streams.length > 0;
  list.hidden = streams.length === 0;
  say(summary(streams.length));
}

function summary(count) {
  if (count === 0) return "";
  return count === 1 ? "1 stream" : `${count} streams`;
}

function say(text) {
  const status = find("#status");
  if (status.textContent !== text) status.textContent = text;
}

async function refresh() {
  clearTimeout(timer);
  try {
    const answer = await fetch("/api/v1/streams", { cache: "no-store" });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    show((await answer.json()).streams);
  } catch {
    say(navigator.onLine ? "The server does not answer. Trying again." : "You are offline.");
  }
  if (!document.hidden) timer = setTimeout(refresh, EVERY);
}

/** Where encoders connect: the port is in `data-port`, 0 when only the operator knows it. */
function serverAddress({ port }) {
  if (port === "1935") return `rtmp://${location.hostname}/live`;
  return `rtmp://${location.hostname}:${port === "0" ? "PORT" : port}/live`;
}

find("#server").textContent = serverAddress(find("#server").dataset);
document.addEventListener("visibilitychange", () => !document.hidden && refresh());
window.addEventListener("focus", refresh);
window.addEventListener("online", refresh);
refresh();
