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

/** What browsers refuse of codecs that they have: profile_idc (H.264, A.2), audio object type. */
const PROFILES = {
  "avc1.6e": "High 10",
  "avc1.7a": "High 4:2:2",
  "avc1.f4": "High 4:4:4",
  "avc1.2c": "CAVLC 4:4:4",
  "mp4a.40.1": "Main",
  "mp4a.40.3": "SSR",
  "mp4a.40.4": "LTP",
  "mp4a.40.23": "LD",
  "mp4a.40.39": "ELD",
  "mp4a.40.42": "xHE",
};

const family = (codec) => codec.split(".")[0].toLowerCase();

/** The name a viewer knows: `avc1.64001f` is H.264.  MP3 hides behind MPEG-4 object types. */
export function codecName(codec) {
  if (/^mp4a\.(40\.34|69|6b)$/i.test(codec)) return "MP3";
  const name = NAMES[family(codec)] ?? codec;
  const profile = profileOf(codec.toLowerCase());
  return profile ? `${name} ${profile}` : name;
}

const profileOf = (codec) => PROFILES[codec.startsWith("avc") ? `avc1${codec.slice(4, 7)}` : codec];

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
