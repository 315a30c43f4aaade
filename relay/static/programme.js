/**
 * What is being played: the tracks, whether this browser has their codecs, and the buffer that
 * takes them.
 *
 * A buffer lives for as long as it can.  A new picture size or new settings of the same codecs are
 * only another init segment; another timeline, other tracks or another codec family take a new
 * MediaSource.
 */

import { MediaBuffer, isSupported } from "./buffer.js";
import { fitsTracks, missingCodecs } from "./codecs.js";

export class Programme {
  tracks = null;
  /** The codecs that this browser lacks, by name. */
  missing = [];
  /** How many buffers there have been. */
  sources = 0;
  /** Of what is in the buffer: the server may have begun another one already. */
  session = null;
  #video;
  #on;
  #buffer = null;
  #entered = null;
  #isOver = false;

  /** `on` has the functions replacing, progress, overflow and failure. */
  constructor(video, on) {
    this.#video = video;
    this.#on = on;
  }

  get ranges() {
    return this.#buffer?.ranges ?? [];
  }

  /** Whether everything that arrived is buffered. */
  get isDrained() {
    return this.#buffer?.isDrained ?? false;
  }

  get isOpen() {
    return this.#buffer !== null;
  }

  /** Another session has another timeline: whether this is one. */
  enter(session) {
    const isAnother = this.#entered !== null && session !== this.#entered;
    if (isAnother) this.#isOver = true;
    this.#entered = session;
    return isAnother;
  }

  init({ mime, tracks }, bytes) {
    this.missing = isSupported(mime) ? [] : missingCodecs(tracks, isSupported);
    if (!isSupported(mime) && this.missing.length === 0) this.missing = [mime];
    const fits = this.#buffer && !this.#isOver && fitsTracks(this.tracks, tracks);
    this.tracks = tracks;
    if (this.missing.length > 0) return this.close();
    if (!fits) this.#open(mime);
    this.#buffer.init(mime, bytes);
  }

  append(bytes) {
    this.#buffer?.append(bytes);
  }

  /** Forget everything before this many seconds. */
  trim(before) {
    this.#buffer.trim(before);
  }

  close() {
    this.#buffer?.close();
    this.#buffer = null;
  }

  #open(mime) {
    this.#on.replacing();
    this.close();
    this.sources += 1;
    this.session = this.#entered;
    this.#isOver = false;
    const { progress, overflow, failure } = this.#on;
    this.#buffer = new MediaBuffer(this.#video, mime, { progress, overflow, failure });
  }
}
