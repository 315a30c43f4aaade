/**
 * Plays a recording in a <video>, which asks for ranges of one MP4 file by itself.
 *
 * Where the picture's size or the tracks changed, no browser goes on within one file; so such a
 * recording is played stretch by stretch, one file after the other.
 *
 * Events: "failure".
 */

export class StretchPlayer extends EventTarget {
  #video;
  #sources;
  #current = 0;

  /** `address` makes an address of one, with whatever must be in it. */
  constructor(video, { file, stretches }, address) {
    super();
    this.#video = video;
    this.#sources =
      stretches.length > 1
        ? stretches.map((each) => ({ from: each.from_ms / 1000, file: address(each.file) }))
        : [{ from: 0, file: address(file) }];
    video.addEventListener("ended", () => this.#next());
    video.addEventListener("error", () => this.dispatchEvent(new Event("failure")));
    this.#open(0);
  }

  /** Where it stands, in seconds from the beginning of the recording. */
  get time() {
    return this.#sources[this.#current].from + this.#video.currentTime;
  }

  get video() {
    return this.#video;
  }

  #open(number) {
    this.#current = number;
    this.#video.src = this.#sources[number].file;
  }

  #next() {
    if (this.#current + 1 >= this.#sources.length) return;
    this.#open(this.#current + 1);
    this.#video.play();
  }
}
