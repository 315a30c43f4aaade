/** What the tracks of an init message mean for this browser and for the viewer. */

const NAMES = {
  avc1: "H.264",
  avc3: "H.264",
  hvc1: "HEVC (H.265)",
  hev1: "HEVC (H.265)",
  av01: "AV1",
  vp09: "VP9",
  mp4a: "AAC",
  opus: "Opus",
  flac: "FLAC",
  "ac-3": "AC-3",
  "ec-3": "E-AC-3",
};

const family = (codec) => codec.split(".")[0].toLowerCase();

/** The name a viewer knows: `avc1.64001f` is H.264.  MP3 hides behind MPEG-4 object types. */
export function codecName(codec) {
  if (/^mp4a\.(40\.34|69|6b)$/i.test(codec)) return "MP3";
  return NAMES[family(codec)] ?? codec;
}

/** The codecs this browser lacks, by name; `supports` is MediaSource.isTypeSupported. */
export function missingCodecs(tracks, supports) {
  const lacks = (kind) => tracks[kind] && !supports(`${kind}/mp4; codecs="${tracks[kind].codec}"`);
  return ["video", "audio"].filter(lacks).map((kind) => codecName(tracks[kind].codec));
}

/**
 * Whether a SourceBuffer made for `before` can take `after`: the same kinds of tracks in the
 * same codec families.  An init segment that lacks a track is a fatal error (MSE, 3.5.8).
 */
export function fitsTracks(before, after) {
  const same = (kind) => {
    if (!before[kind] || !after[kind]) return !before[kind] && !after[kind];
    return family(before[kind].codec) === family(after[kind].codec);
  };
  return same("video") && same("audio");
}
