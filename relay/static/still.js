/**
 * The last picture, kept in view while the video has none.
 *
 * A <video> turns black the moment it gets another source; a picture that stands still is what a
 * viewer takes for one programme that goes on.
 */

export class Still {
  #video;
  #canvas = document.createElement("canvas");

  /** `video` has a parent; the still is laid over it, and under everything that comes after. */
  constructor(video) {
    this.#video = video;
    this.#canvas.className = "still";
    this.#canvas.hidden = true;
    this.#canvas.setAttribute("aria-hidden", "true");
    video.after(this.#canvas);
    video.addEventListener("loadeddata", () => (this.#canvas.hidden = true));
  }

  /** To be called while the video still shows what shall be kept. */
  hold() {
    const { videoWidth, videoHeight, readyState } = this.#video;
    if (videoWidth === 0 || readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return;
    this.#canvas.width = videoWidth;
    this.#canvas.height = videoHeight;
    this.#canvas.getContext("2d").drawImage(this.#video, 0, 0);
    this.#canvas.hidden = false;
  }
}
