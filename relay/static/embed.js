/** The player alone, for frames: `/embed/APP/NAME?muted&autoplay`; with `&chat`, and the chat. */

import { Stage, socketUrl, streamOf } from "./stage.js";

const stream = streamOf(location.pathname);
const options = new URLSearchParams(location.search);
const isOn = (name) => options.has(name) && options.get(name) !== "0" && options.get(name) !== "false";

document.title = stream.name;
const stage = new Stage(document.querySelector("#stage"), socketUrl(stream.path), {
  forceMuted: isOn("muted"),
});
window.relayPlayer = stage.player;
if (isOn("autoplay")) stage.start();
if (isOn("chat")) openChat(stage.player);

async function openChat(player) {
  const style = Object.assign(document.createElement("link"), { rel: "stylesheet", href: "/static/chat.css" });
  document.head.append(style);
  const [{ Chat }, { PageSettings }, { Identity }] = await Promise.all(
    ["./chat.js", "./page-settings.js", "./identity.js"].map((each) => import(each)),
  );
  const page = new PageSettings();
  const somebody = new Identity(window).now;
  if (somebody) page.belongTo(somebody);
  document.addEventListener("relay:identified", ({ detail }) => page.belongTo(detail));
  document.body.classList.add("with-chat");
  new Chat(document.querySelector("#chat"), stream, { player, page });
}
