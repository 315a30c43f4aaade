/** The list of recordings: of all that one may find, or of `?stream=APP/NAME`. */

import { Identity } from "./identity.js";
import { endingText, kindText, lengthText, sizeText, titleText } from "./recording-words.js";

const find = (selector) => document.querySelector(selector);
const show = (selector, text) => (find(selector).textContent = text);
const stream = new URLSearchParams(location.search).get("stream") ?? "";
const identity = new Identity(window);
let next = 0;

function ask(address) {
  const token = identity.now?.token;
  return fetch(address, { headers: token ? { Authorization: `Bearer ${token}` } : {} });
}

function row(recording) {
  const link = document.createElement("a");
  link.href = recording.page;
  const facts = [
    kindText(recording),
    new Date(recording.began).toLocaleString(),
    lengthText(recording.duration_ms),
    sizeText(recording.media_bytes),
    endingText(recording),
  ];
  for (const [name, text] of [
    ["name", `${titleText(recording)} (${recording.app}/${recording.name})`],
    ["facts", facts.filter(Boolean).join(" · ")],
  ]) {
    const part = document.createElement("span");
    part.className = name;
    part.textContent = text;
    link.append(part);
  }
  const line = document.createElement("li");
  line.append(link);
  return line;
}

async function more() {
  const query = new URLSearchParams({ below: next });
  if (stream) query.set("stream", stream);
  const answer = await ask(`/api/v1/recordings?${query}`);
  if (!answer.ok) return show("#words", "The list cannot be read now. Try again later.");
  const page = await answer.json();
  find("#list").append(...page.recordings.map(row));
  next = page.next;
  find("#more").hidden = next === null;
  show("#words", find("#list").children.length ? "" : "Nothing has been recorded yet.");
}

/** The owner of a stream sees why it is not recorded. */
async function showRefusal() {
  if (!stream || !identity.now) return;
  const answer = await ask(`/api/v1/streams/${stream}/recording`);
  if (!answer.ok) return;
  const { refusal_text: text } = await answer.json();
  find("#refusal").hidden = text === null;
  show("#refusal", text === null ? "" : `${stream} is live and is not being recorded: ${text}.`);
}

async function main() {
  if (stream) show("#title", `Recordings of ${stream}`);
  find("#more").addEventListener("click", more);
  await more();
  await showRefusal();
}

main();
