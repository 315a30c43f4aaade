/**
 * A menu beside something: by pointer, by finger and by keyboard (ARIA APG, "menu button").
 *
 * Items are { label, act }, with `isOn` where it is a choice that is on or off, with `isDanger` and
 * `sure` (what to ask before it is done) where nothing leads back; { pictures, act } is a line of
 * emoji, and null a line between.
 */

import { make } from "./chat-row.js";

const KEYS = { ArrowDown: 1, ArrowUp: -1, ArrowRight: 1, ArrowLeft: -1 };
const MARGIN = 8;

export class Menu {
  #root;
  #element = null;
  #opener = null;

  /** Menus are shown inside `root`, which is positioned. */
  constructor(root) {
    this.#root = root;
    document.addEventListener("pointerdown", ({ target }) => {
      // A press on the button that has opened it closes it by itself.
      const isButton = this.#opener?.matches("button") && this.#opener.contains(target);
      if (!isButton && !this.#element?.contains(target)) this.close(false);
    });
  }

  /** Below `beside` or above it, whichever has room; `label` says what the menu is about. */
  open(items, { beside, opener = beside, label }) {
    if (this.#element && opener === this.#opener) return this.close();
    this.close(false);
    this.#opener = opener;
    this.#element = make("div", "chat-menu", ...items.map((item) => this.#item(item)));
    this.#element.role = "menu";
    this.#element.ariaLabel = label;
    this.#element.addEventListener("keydown", (event) => this.#key(event));
    this.#root.append(this.#element);
    this.#place(beside.getBoundingClientRect());
    this.#choices[0]?.focus({ preventScroll: true });
  }

  /** And give the focus back to where it was opened from. */
  close(hasFocus = true) {
    if (!this.#element) return;
    this.#element.remove();
    this.#element = null;
    if (hasFocus) this.#opener?.focus({ preventScroll: true });
  }

  get #choices() {
    return [...this.#element.querySelectorAll("button")];
  }

  #place(beside) {
    const area = this.#root.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = this.#element;
    const hasRoomBelow = beside.bottom + height + MARGIN < area.bottom;
    const top = hasRoomBelow ? beside.bottom - area.top : beside.top - area.top - height;
    const left = Math.min(beside.right - area.left - width, area.width - width - MARGIN);
    this.#element.style.top = `${Math.max(MARGIN, Math.min(top, area.height - height - MARGIN))}px`;
    this.#element.style.left = `${Math.max(MARGIN, left)}px`;
  }

  #item(item) {
    if (item === null) {
      const line = make("div", "chat-menu-line");
      line.role = "separator";
      return line;
    }
    if (item.pictures) return this.#pictures(item);
    const choice = this.#choice(item.label, () => (item.sure ? this.#ask(choice, item) : this.#done(item.act)));
    if (item.isDanger) choice.classList.add("is-danger");
    if (item.isOn !== undefined) {
      choice.role = "menuitemcheckbox";
      choice.ariaChecked = String(item.isOn);
    }
    return choice;
  }

  #pictures({ pictures, act, label }) {
    const choices = pictures.map((picture) => {
      const choice = this.#choice(picture, () => this.#done(() => act(picture)));
      choice.ariaLabel = `${label} ${picture}`;
      return choice;
    });
    return make("div", "chat-menu-pictures", ...choices);
  }

  #choice(label, act) {
    const choice = make("button", "", label);
    choice.type = "button";
    choice.role = "menuitem";
    choice.addEventListener("click", act);
    return choice;
  }

  /** The same place asks again: who has pressed the wrong one sees it before it is done. */
  #ask(choice, { sure, act }) {
    if (choice.textContent === sure) return this.#done(act);
    choice.textContent = sure;
    choice.classList.add("is-asking");
  }

  #done(act) {
    this.close();
    act();
  }

  #key(event) {
    const { key } = event;
    const choices = this.#choices;
    const here = choices.indexOf(document.activeElement);
    const to = { Home: 0, End: choices.length - 1 }[key] ?? (key in KEYS ? here + KEYS[key] : null);
    if (key === "Escape" || key === "Tab") this.close();
    else if (to !== null) choices.at(to % choices.length).focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
