/** Which tracks an init segment of ours has: what `init` says on a WebSocket.  Pure. */

const VISUAL_SAMPLE_ENTRY = 78;
const AUDIO_SAMPLE_ENTRY = 28;
const AVC_PROFILE = 1;
const DECODER_SPECIFIC = 0x05;

/** -> { mime, tracks: { video: { codec, width, height } | null, audio: { codec, ... } | null } } */
export function describeInit(bytes) {
  const data = new DataView(bytes);
  const entries = sampleEntries(data);
  const tracks = { video: video(data, entries.get("avc1")), audio: audio(data, entries.get("mp4a")) };
  const codecs = [tracks.video, tracks.audio].filter(Boolean).map(({ codec }) => codec);
  const kind = tracks.video ? "video" : "audio";
  return { mime: `${kind}/mp4; codecs="${codecs.join(", ")}"`, tracks };
}

function sampleEntries(data) {
  const found = new Map();
  const [, moov] = find(data, 0, data.byteLength, "moov");
  for (const [type, start, end] of boxes(data, ...moov)) {
    if (type !== "trak") continue;
    const path = ["mdia", "minf", "stbl", "stsd"];
    const [from, to] = path.reduce((range, name) => find(data, ...range, name)[1], [start, end]);
    // A full box, and a count, stand before the first entry.
    for (const [name, ...range] of boxes(data, from + 8, to)) found.set(name, range);
  }
  return found;
}

function video(data, range) {
  if (!range) return null;
  const [start, end] = range;
  const [, [config]] = find(data, start + VISUAL_SAMPLE_ENTRY, end, "avcC");
  const profile = [0, 1, 2].map((i) => hex(data.getUint8(config + AVC_PROFILE + i)));
  const [width, height] = [data.getUint16(start + 24), data.getUint16(start + 26)];
  return { codec: `avc1.${profile.join("")}`, width, height };
}

function audio(data, range) {
  if (!range) return null;
  const [start, end] = range;
  const [, [from, to]] = find(data, start + AUDIO_SAMPLE_ENTRY, end, "esds");
  const type = objectType(data, from, to);
  const [channels, rate] = [data.getUint16(start + 16), data.getUint16(start + 24)];
  return { codec: `mp4a.40.${type}`, sample_rate: rate, channels };
}

/** Audio object type (ISO/IEC 14496-3, 1.6.2.1), from the decoder's own configuration. */
function objectType(data, from, to) {
  for (let at = from; at < to - 6; at += 1) {
    // A descriptor of ours has its length in four bytes.
    if (data.getUint8(at) !== DECODER_SPECIFIC || data.getUint8(at + 1) !== 0x80) continue;
    const [first, second] = [data.getUint8(at + 5), data.getUint8(at + 6)];
    const type = first >> 3;
    return type === 31 ? 32 + (((first & 7) << 3) | (second >> 5)) : type;
  }
  return 2;
}

function find(data, start, end, wanted) {
  const found = boxes(data, start, end).find(([type]) => type === wanted);
  if (!found) throw new Error(`an init segment without ${wanted}`);
  return [found[0], found.slice(1)];
}

/** Boxes from `start` to `end`: [type, where its body starts, where it ends]. */
function boxes(data, start, end) {
  const found = [];
  for (let at = start; at + 8 <= end; ) {
    const size = data.getUint32(at);
    if (size < 8) break;
    const type = String.fromCharCode(...[4, 5, 6, 7].map((i) => data.getUint8(at + i)));
    found.push([type, at + 8, at + size]);
    at += size;
  }
  return found;
}

const hex = (byte) => byte.toString(16).padStart(2, "0");
