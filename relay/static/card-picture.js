/**
 * The current picture of a stream on its card.  Until there is one, or where there is none, the card
 * is what it is without: a colour and a letter.
 */

const APPEAR = { duration: 240, easing: "ease-out" };
/** Who looks within so long asks for the same address: caches answer most of them. */
const NEW_EVERY = 20000;

export class CardPicture {
  #tile;
  #address;
  #asked = "";

  /** `key` is `APP/NAME`, as it stands in addresses. */
  constructor(tile, key) {
    this.#tile = tile;
    this.#address = `/${key}.jpg`;
  }

  /** A stream with a picture has one shown from now on; who has only sound has none. */
  show(stream) {
    if (!stream.width) this.#remove();
    else if (!this.#asked) this.renew(stream);
  }

  /** Another picture, where somebody can see it; who is interrupted keeps the last one. */
  renew({ width, state }) {
    const asked = `${this.#address}?at=${Math.floor(Date.now() / NEW_EVERY)}`;
    if (!width || document.hidden || asked === this.#asked) return;
    if (state !== "live" && this.#asked) return;
    this.#asked = asked;
    this.#load(asked);
  }

  /** The one before stays until the next can be drawn. */
  async #load(address) {
    const picture = new Image();
    Object.assign(picture, { className: "picture", alt: "", src: address });
    try {
      await picture.decode();
    } catch {
      return; // There is none now.  The next one is asked for in a while.
    }
    if (address === this.#asked) this.#put(picture);
  }

  #put(picture) {
    const before = this.#tile.querySelector(".picture");
    if (before) return before.replaceWith(picture);
    this.#tile.append(picture);
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    picture.animate([{ opacity: 0 }, { opacity: 1 }], APPEAR);
  }

  #remove() {
    this.#asked = "";
    this.#tile.querySelector(".picture")?.remove();
  }
}
