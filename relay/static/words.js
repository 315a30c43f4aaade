/** What the player waits for, and how to say so.  Pure. */

/**
 * The one phase that describes these facts.
 *
 * facts: isOnline, wantsPlay, isBlocked (the browser forbids to play without a tap), missing
 * (codec names), isPlaying (the picture moves), hasStarted, connection (RelaySocket.status),
 * server ({value, reason} of the last `state`, or null).
 */
export function phaseOf(facts) {
  if (facts.isBlocked) return "blocked";
  if (!facts.wantsPlay) return "paused";
  // While there is something to play, nobody needs to hear of a reconnection.
  if (facts.isPlaying) return "playing";
  if (!facts.isOnline) return "offline";
  if (facts.connection === "lost") return "lost";
  if (facts.connection !== "open") return "connecting";
  if (facts.server === null) return "connecting";
  if (facts.server.value === "ended") return "ended";
  if (facts.server.value === "waiting") return waitingPhase(facts.server.reason);
  if (facts.missing.length > 0) return "unsupported";
  return facts.hasStarted ? "buffering" : "starting";
}

function waitingPhase(reason) {
  if (reason === "keyframe" || reason === "held") return reason;
  return "waiting";
}

/** A headline and a detail for the phase; both empty when the picture says it all. */
export function sentences(phase, { keyframeIntervalMs = null, missing = [], reason = "" } = {}) {
  switch (phase) {
    case "connecting":
      return ["Connecting…", ""];
    case "starting":
      return ["Connected", "The first picture is on its way."];
    case "keyframe":
      return ["Connected, waiting for the first keyframe", keyframeDetail(keyframeIntervalMs)];
    case "waiting":
      return ["Waiting for the stream to start", "This page starts by itself."];
    case "held":
      return ["The streamer’s connection was lost", "Waiting for it to return."];
    case "ended":
      return ["The stream has ended", "If it begins again, this page starts by itself."];
    case "lost":
      return ["The connection to the server was lost", "Trying again by itself."];
    case "offline":
      return ["You are offline", "Playback goes on as soon as your network is back."];
    case "unsupported":
      return [`This browser cannot play ${missing.join(" and ")}`, "Another browser may be able to."];
    case "no-mse":
      return ["This browser cannot play live streams", "On an iPhone, iOS 17.1 or newer is needed."];
    case "buffering":
      return ["Buffering…", ""];
    default:
      return ["", reason];
  }
}

function keyframeDetail(intervalMs) {
  if (!intervalMs) return "The picture starts with the next one.";
  return `This encoder sends one every ${seconds(intervalMs)}.`;
}

function seconds(ms) {
  const value = Math.round(ms / 100) / 10;
  return `${value} s`;
}

/** 612 -> "0.6 s", and 83_000 -> "1:23". */
export function latencyText(ms) {
  if (ms === null) return "–";
  return ms < 10000 ? `${(ms / 1000).toFixed(1)} s` : minutesText(ms);
}

/** 83_000 -> "−1:23". */
export function behindText(ms) {
  return `−${minutesText(ms)}`;
}

function minutesText(ms) {
  const seconds = Math.floor(ms / 1000);
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const rest = String(seconds % 60).padStart(2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

/** The time of day, as it is written where the viewer is; empty when that is not known. */
export function clockText(wallMs) {
  return wallMs === null || !Number.isFinite(wallMs) ? "" : new Date(wallMs).toLocaleTimeString();
}

/** 2_480_000 -> "2.5 Mbit/s". */
export function bitrateText(bitsPerSecond) {
  if (bitsPerSecond === null) return "–";
  if (bitsPerSecond < 1e6) return `${Math.round(bitsPerSecond / 1e3)} kbit/s`;
  return `${(bitsPerSecond / 1e6).toFixed(1)} Mbit/s`;
}

export function viewersText(count) {
  return `${count.toLocaleString()} ${count === 1 ? "viewer" : "viewers"}`;
}

export function followersText(count) {
  if (count === 0) return "No followers yet";
  return `${count.toLocaleString()} ${count === 1 ? "follower" : "followers"}`;
}

/** For how long it has been live: "just started", "4 min", "2 h 5 min". */
export function ageText(ms) {
  const minutes = Math.floor(ms / 60000);
  if (minutes < 1) return "just started";
  if (minutes < 60) return `${minutes} min`;
  const rest = minutes % 60;
  return `${Math.floor(minutes / 60)} h${rest ? ` ${rest} min` : ""}`;
}
