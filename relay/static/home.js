/** The front page: a live view of what is live now. */

import { Cards } from "./cards.js";
import { Channels } from "./channels.js";
import { changed } from "./live-view.js";

const LIMIT = 60;
const TYPING = 200;
const AGING = 20000;

const find = (selector) => document.querySelector(selector);
const { pictures } = find("#streams").dataset;
const cards = new Cards(find("#streams"), find("#card"), { hasPictures: pictures === "made" });
const channels = new Channels(socketUrl(), connectionChanged);
let items = null;
let unfollow = () => {};
let asked = 0;
let isUnanswered = false;
let typing = 0;

function socketUrl() {
  return `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/connection/websocket`;
}

function wanted() {
  return { sort: find("[name=sort]:checked").value, title: find("#title").value.trim() };
}

/** Follow what is wanted now; what is shown stays until the answer is there. */
async function follow() {
  const turn = ++asked;
  const channel = await channelOf(wanted());
  if (turn !== asked) return;
  isUnanswered = channel === null;
  if (isUnanswered) return;
  unfollow();
  unfollow = channels.follow(channel, {
    state: (data) => show(changed([], data)),
    publication: (data) => show(changed(items, data)),
    refused: () => show([]),
  });
}

/**
 * How titles are compared is the server's business: it says what a search is called.  Null when it
 * does not answer now.
 */
async function channelOf({ sort, title }) {
  if (!title) return `view:sort=${sort}&limit=${LIMIT}`;
  const { rpc, error } = await channels.call("relay.view", { sort, limit: LIMIT, title });
  // A name that there cannot be is refused, and then nothing is found.
  return error ? "view:" : (rpc?.data.channel ?? null);
}

function connectionChanged(status) {
  say();
  if (status === "open" && isUnanswered) follow();
}

function show(streams) {
  items = streams;
  const { title } = wanted();
  cards.show(streams);
  find("#wanted").hidden = !streams.length && !title;
  find("#empty").hidden = streams.length > 0 || title !== "";
  find("#nothing").hidden = streams.length > 0 || title === "";
  find("#nothing").textContent = `No title has “${title}” in it.`;
  say();
}

function say() {
  const status = find("#status");
  const text = sentence();
  if (status.textContent !== text) status.textContent = text;
}

function sentence() {
  if (!navigator.onLine) return "You are offline.";
  if (channels.status === "lost") return "The server does not answer. Trying again.";
  if (channels.status === "closed") return "The server has ended this. Reload the page.";
  if (!items?.length) return "";
  if (items.length === 1) return "1 stream";
  return items.length < LIMIT ? `${items.length} streams` : `the first ${LIMIT} streams`;
}

/** Where encoders connect: the port is in `data-port`, 0 when only the operator knows it. */
function serverAddress({ port }) {
  if (port === "1935") return `rtmp://${location.hostname}/live`;
  return `rtmp://${location.hostname}:${port === "0" ? "PORT" : port}/live`;
}

find("#server").textContent = serverAddress(find("#server").dataset);
find("#wanted").addEventListener("submit", (event) => event.preventDefault());
find("#wanted").addEventListener("change", follow);
find("#title").addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(follow, TYPING);
});
document.addEventListener("visibilitychange", () => !document.hidden && channels.wake());
window.addEventListener("online", () => channels.wake());
window.addEventListener("offline", say);
setInterval(() => cards.age(), AGING);
follow();
