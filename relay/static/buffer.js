/**
 * A MediaSource with one SourceBuffer, and the queue before it.
 *
 * A SourceBuffer does one thing at a time; everything waits its turn here.  Fragments that wait
 * are joined, since each append costs the browser a round trip between its threads.
 */

const { MediaSource, ManagedMediaSource } = globalThis;
const Source = MediaSource ?? ManagedMediaSource;

const MAX_QUEUED_BYTES = 24 * 1024 * 1024;
const MAX_JOINED_BYTES = 1024 * 1024;
/** Kept behind the playhead when the browser says that its memory is full. */
const KEEP_WHEN_FULL = 2;
const REVOKED_AFTER = 1000;

export const isSupported = (mime) => Boolean(Source?.isTypeSupported(mime));
export const hasMediaSource = Boolean(Source);

export class MediaBuffer {
  #video;
  #on;
  #source = new Source();
  #url;
  #mime;
  #buffer = null;
  #queue = [];
  #queuedBytes = 0;
  #trim = null;
  #wasFull = false;

  /** `on` has the functions progress, overflow and failure. */
  constructor(video, mime, on) {
    this.#video = video;
    this.#mime = mime;
    this.#on = on;
    this.#source.addEventListener("sourceopen", () => this.#opened(), { once: true });
    // iPhone: a ManagedMediaSource opens only without AirPlay, and says when it wants data.
    if (Source === ManagedMediaSource) video.disableRemotePlayback = true;
    this.#source.addEventListener("startstreaming", () => this.#next());
    this.#url = URL.createObjectURL(this.#source);
    video.src = this.#url;
  }

  get ranges() {
    const buffered = this.#buffer && this.#source.readyState === "open" ? this.#buffer.buffered : [];
    return Array.from(buffered, (_, i) => [buffered.start(i), buffered.end(i)]);
  }

  /** Whether everything that arrived is buffered. */
  get isDrained() {
    return this.#buffer !== null && !this.#buffer.updating && this.#queue.length === 0;
  }

  init(mime, bytes) {
    this.#enqueue({ mime, bytes: new Uint8Array(bytes) });
  }

  append(bytes) {
    if (this.#queuedBytes + bytes.byteLength > MAX_QUEUED_BYTES) return this.#overflow();
    this.#enqueue({ mime: null, bytes: new Uint8Array(bytes) });
  }

  /** Forget everything before this many seconds. */
  trim(before) {
    this.#trim = before;
    this.#next();
  }

  close() {
    this.#on = { progress() {}, overflow() {}, failure() {} };
    this.#queue = [];
    this.#buffer = null;
    // An element that is about to load it would not find it; it gets another one now.
    setTimeout(() => URL.revokeObjectURL(this.#url), REVOKED_AFTER);
  }

  #opened() {
    URL.revokeObjectURL(this.#url);
    this.#source.duration = Infinity;
    this.#buffer = this.#source.addSourceBuffer(this.#mime);
    this.#buffer.addEventListener("updateend", () => {
      this.#on.progress();
      this.#next();
    });
    this.#next();
  }

  #enqueue(job) {
    this.#queue.push(job);
    this.#queuedBytes += job.bytes.byteLength;
    this.#next();
  }

  #overflow() {
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#on.overflow();
  }

  #next() {
    const buffer = this.#buffer;
    if (!buffer || buffer.updating || this.#source.readyState !== "open") return;
    if (this.#trim !== null) return this.#remove();
    if (this.#queue.length === 0 || this.#source.streaming === false) return;
    const job = this.#take();
    try {
      if (job.mime !== null && job.mime !== this.#mime) buffer.changeType((this.#mime = job.mime));
      buffer.appendBuffer(job.bytes);
      this.#wasFull = false;
    } catch (error) {
      this.#refused(error, job);
    }
  }

  #remove() {
    const before = this.#trim;
    this.#trim = null;
    if (before <= 0) return this.#next();
    this.#buffer.remove(0, before);
  }

  /** The next init, or as many fragments as make one append worth while. */
  #take() {
    const first = this.#queue.shift();
    const taken = [first.bytes];
    let size = first.bytes.byteLength;
    while (first.mime === null && this.#queue.length > 0 && this.#queue[0].mime === null) {
      if (size + this.#queue[0].bytes.byteLength > MAX_JOINED_BYTES) break;
      const { bytes } = this.#queue.shift();
      taken.push(bytes);
      size += bytes.byteLength;
    }
    this.#queuedBytes -= size;
    return { mime: first.mime, bytes: taken.length === 1 ? first.bytes : join(taken, size) };
  }

  #refused(error, job) {
    if (error.name !== "QuotaExceededError" || this.#wasFull) return this.#on.failure(error);
    this.#wasFull = true;
    this.#queue.unshift(job);
    this.#queuedBytes += job.bytes.byteLength;
    this.trim(this.#video.currentTime - KEEP_WHEN_FULL);
  }
}

function join(parts, size) {
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.byteLength;
  }
  return whole;
}
