/** The page of one recording: it plays, and the chat of then goes along with it. */

import { Identity, Refusal } from "./identity.js";
import { Replay } from "./recording-chat.js";
import { StretchPlayer } from "./recording-player.js";
import {
  endingText,
  gapText,
  kindText,
  lengthText,
  pictureText,
  refusalText,
  sizeText,
  titleText,
} from "./recording-words.js";

const find = (selector) => document.querySelector(selector);
const show = (selector, text) => (find(selector).textContent = text);

async function load(id, identity) {
  const token = identity.now?.token;
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  const answer = await fetch(`/api/v1/recordings/${encodeURIComponent(id)}`, { headers });
  if (!answer.ok) throw await Refusal.of(answer);
  return answer.json();
}

function describe(recording) {
  document.title = `${titleText(recording)} · Relay`;
  show("#title", titleText(recording));
  show("#kind", kindText(recording));
  show("#when", new Date(recording.began).toLocaleString());
  show("#length", lengthText(recording.duration_ms));
  show("#picture", pictureText(recording.stretches));
  show("#size", sizeText(recording.media_bytes));
  const stream = find("#stream");
  stream.href = `/watch/${recording.app}/${recording.name}`;
  stream.textContent = `${recording.app}/${recording.name}`;
  const ending = endingText(recording);
  find("#ending").hidden = !ending;
  show("#ending", ending);
  showGaps(recording.gaps);
}

function showGaps(gaps) {
  find("#gaps").hidden = gaps.length === 0;
  find("#gaps").replaceChildren(
    ...gaps.map((gap) => Object.assign(document.createElement("li"), { textContent: gapText(gap) })),
  );
}

/** What the site wants to see of who watches stands in this page's address, too. */
function withTicket(address) {
  const query = location.search.slice(1);
  if (!query) return address;
  return `${address}${address.includes("?") ? "&" : "?"}${query}`;
}

async function main() {
  const id = location.pathname.split("/")[2];
  const identity = new Identity(window);
  try {
    const recording = await load(id, identity);
    describe(recording);
    if (recording.file === null) return show("#words", refusalText("still-recording"));
    const player = new StretchPlayer(find("#video"), recording, withTicket);
    window.relayRecording = player;
    player.addEventListener("failure", () => show("#words", refusalText("")));
    show("#words", "");
    const download = find("#download");
    download.href = withTicket(`${recording.file}?download`);
    download.hidden = false;
    new Replay(player, recording, identity, { root: find("#chat"), list: find("#messages") });
  } catch (error) {
    show("#words", refusalText(error.name));
  }
}

main();
