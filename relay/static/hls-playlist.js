/** Our own HLS playlists (`/APP/NAME.m3u8`), as far as a rewind needs them.  Pure. */

/** The address of the media playlist; null where there is none. */
export function mediaAddress(text, base) {
  const line = text.split("\n").find((each) => each && !each.startsWith("#"));
  return line ? new URL(line, base).href : null;
}

/**
 * A media playlist -> { targetMs, isOver, edgeMs, segments }.
 *
 * Each segment is { number, address, init, startMs, durationMs, wallMs }.  Times within the list,
 * `startMs` and `edgeMs`, count from its first segment; `edgeMs` is the end of the newest part.
 */
export function readPlaylist(text, base) {
  const list = { targetMs: 0, isOver: false, edgeMs: 0, segments: [] };
  const open = { number: 0, init: null, wallMs: null, partsMs: 0, durationMs: 0 };
  for (const line of text.split("\n")) readLine(line.trim(), list, open, base);
  list.edgeMs += open.partsMs;
  return list;
}

function readLine(line, list, open, base) {
  const [tag, value] = split(line);
  switch (tag) {
    case "#EXT-X-TARGETDURATION":
      list.targetMs = 1000 * Number(value);
      break;
    case "#EXT-X-MEDIA-SEQUENCE":
      open.number = Number(value);
      break;
    case "#EXT-X-MAP":
      open.init = new URL(attribute(value, "URI"), base).href;
      break;
    case "#EXT-X-PROGRAM-DATE-TIME":
      open.wallMs = Date.parse(value);
      break;
    case "#EXT-X-PART":
      open.partsMs += Math.round(1000 * Number(attribute(value, "DURATION")));
      break;
    case "#EXTINF":
      open.durationMs = Math.round(1000 * Number.parseFloat(value));
      break;
    case "#EXT-X-ENDLIST":
      list.isOver = true;
      break;
    default:
      if (line && !line.startsWith("#")) endSegment(new URL(line, base).href, list, open);
  }
}

function endSegment(address, list, open) {
  const { number, init, wallMs, durationMs } = open;
  list.segments.push({ number, address, init, startMs: list.edgeMs, durationMs, wallMs });
  list.edgeMs += durationMs;
  Object.assign(open, { number: number + 1, wallMs: null, partsMs: 0, durationMs: 0 });
}

function split(line) {
  const colon = line.indexOf(":");
  return line.startsWith("#") && colon > 0 ? [line.slice(0, colon), line.slice(colon + 1)] : [line, ""];
}

/** One attribute of a list, quoted or not (RFC 8216, 4.2). */
function attribute(list, name) {
  const found = new RegExp(`(?:^|,)${name}=(?:"([^"]*)"|([^,]*))`).exec(list);
  return found ? (found[1] ?? found[2]) : "";
}
