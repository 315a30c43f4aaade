/** The watch page: the stage, and what is known about the stream below it. */

import { codecName } from "./codecs.js";
import { FollowButton } from "./follow.js";
import { KeptVolume } from "./kept-volume.js";
import { PageSettings, themeButton } from "./page-settings.js";
import { Stage, socketUrl, streamOf } from "./stage.js";
import { bitrateText, latencyText, viewersText } from "./words.js";

const BADGES = { live: "Live", waiting: "Waiting", ended: "Ended" };
/** While the server is out of reach, its last word is worth nothing. */
const OUT_OF_REACH = { connecting: "Connecting", lost: "Reconnecting", offline: "Offline" };
const PHASES = { ...OUT_OF_REACH, held: "Interrupted" };

const stream = streamOf(location.pathname);
let title = stream.name;
const find = (selector) => document.querySelector(selector);
const show = (selector, text) => {
  const element = find(selector);
  if (element.textContent !== text) element.textContent = text;
};

function showTracks({ tracks }) {
  const { video = null, audio = null } = tracks ?? {};
  show("#picture", video ? `${video.width} × ${video.height}` : tracks ? "none" : "–");
  show("#codecs", [video, audio].filter(Boolean).map((each) => codecName(each.codec)).join(", ") || "–");
}

function showState({ phase, state }) {
  const isLive = state === "live" && !(phase in OUT_OF_REACH);
  find("#badge").dataset.state = isLive ? "live" : "waiting";
  show("#badge", PHASES[phase] ?? BADGES[state ?? "waiting"]);
  document.title = `${isLive ? "● " : ""}${title} · Relay`;
}

function showDetails(details) {
  title = details.title ?? stream.name;
  show("#title", title);
  const of = [details.title ? stream.name : null, details.category];
  show("#of", of.filter(Boolean).join(" · "));
}

function showFigures(player) {
  const isRunning = player.phase === "playing" || player.phase === "buffering";
  show("#latency", latencyText(isRunning ? player.latencyMs : null));
  show("#bitrate", bitrateText(isRunning ? player.bitrate : null));
  show("#viewers", player.viewers === null ? "" : viewersText(player.viewers));
}

function frameFor(address) {
  return `<iframe src="${address}" allow="autoplay; fullscreen"></iframe>`;
}

function showAddresses() {
  const addresses = {
    flv: `${location.origin}${stream.path}.flv`,
    mp4: `${location.origin}${stream.path}.mp4`,
    hls: `${location.origin}${stream.path}.m3u8`,
    embed: frameFor(`${location.origin}/embed${stream.path}?muted&autoplay`),
  };
  for (const [id, text] of Object.entries(addresses)) show(`#${id}`, text);
  document.querySelector("#recordings").href = `/recordings?stream=${stream.path.slice(1)}`;
  // Clipboards are for secure pages only.
  if (!navigator.clipboard) return;
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", () => copy(button, addresses[button.dataset.copy]));
  }
}

async function copy(button, text) {
  await navigator.clipboard.writeText(text);
  button.textContent = "Copied";
  setTimeout(() => (button.textContent = "Copy"), 1500);
}

/** Of whoever is here, and of whoever is here later: a guest is made upon a click. */
function keepSettings(video, page) {
  let kept = null;
  for (const name of ["relay:identified", "relay:followed"])
    document.addEventListener(name, ({ detail }) => {
      kept?.stop();
      kept = new KeptVolume(video, detail);
      page.belongTo(detail);
    });
}

/** The picture comes first: the chat is loaded while it is on its way. */
async function openChat(player, page) {
  const { Chat } = await import("./chat.js");
  new Chat(find("#chat"), stream, { player, page });
}

function main() {
  showDetails({ title: null, category: null });
  showAddresses();
  const stage = new Stage(find("#stage"), socketUrl(stream.path));
  const { player } = stage;
  window.relayPlayer = player;
  player.addEventListener("change", () => {
    showTracks(player);
    showState(player);
  });
  player.addEventListener("details", ({ detail }) => {
    showDetails(detail);
    showState(player);
  });
  player.addEventListener("stats", () => showFigures(player));
  stage.start();
  const page = new PageSettings();
  themeButton(find("#theme"), page);
  keepSettings(stage.video, page);
  openChat(player, page);
  const [button, count, problem] = ["#follow", "#followers", "#follow-problem"].map(find);
  new FollowButton(stream, { button, count, problem });
}

main();
