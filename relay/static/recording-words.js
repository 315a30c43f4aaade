/** What is said of recordings.  Pure. */

/** 3_723_000 -> "1:02:03". */
export function lengthText(ms) {
  const seconds = Math.round(ms / 1000);
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const shown = parts[0] ? parts : parts.slice(1);
  return shown.map((part, n) => (n ? String(part).padStart(2, "0") : part)).join(":");
}

/** 1_550_000_000 -> "1.6 GB". */
export function sizeText(bytes) {
  if (bytes < 1e6) return `${Math.max(1, Math.round(bytes / 1e3))} kB`;
  if (bytes < 1e9) return `${(bytes / 1e6).toFixed(1)} MB`;
  return `${(bytes / 1e9).toFixed(1)} GB`;
}

export function titleText({ title, name }) {
  return title ?? name;
}

export function kindText({ kind, state }) {
  if (state === "recording") return "Recording now";
  return kind === "clip" ? "Clip" : "Recording";
}

/** Why it ended, where that is worth a word; else nothing. */
export function endingText({ ending, ending_text: text }) {
  if (ending === null || ending === "broadcast_ended" || ending === "clipped") return "";
  return `It ends here because ${text}.`;
}

export function gapText({ from_ms: from, to_ms: to }) {
  return `From ${lengthText(from)} to ${lengthText(to)} something is missing: the disk was too slow.`;
}

export function pictureText(stretches) {
  const sizes = stretches.map(({ width, height }) => (width ? `${width} × ${height}` : "none"));
  return [...new Set(sizes)].join(", ") || "–";
}

/** Why there is nothing to play, by the problem that the server has with it. */
export function refusalText(name) {
  const known = {
    "no-such-recording": "There is no such recording.",
    "still-recording": "It is still being recorded.",
    "refused-by-site": "You may not watch this.",
  };
  return known[name] ?? "It cannot be played now. Try again later.";
}
