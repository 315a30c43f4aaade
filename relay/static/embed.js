/** The player alone, for frames: `/embed/APP/NAME?muted&autoplay`. */

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
