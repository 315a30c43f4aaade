/**
 * How the page was left: its theme, the name in the chat, and whether the chat goes in step.
 *
 * This browser remembers it, and the server keeps it for all devices of whoever is here, in the
 * settings `page` of the user.  What was kept there holds from when the page opens or is shown
 * again.
 *
 * Events: "change".
 */

import { Settings } from "./settings.js";

const KEY = "relay.page";
const THEMES = ["device", "light", "dark"];

export class PageSettings extends EventTarget {
  #kept = remembered();
  #settings = null;
  /** How often something was changed here. */
  #changes = 0;
  #isSaving = false;

  constructor() {
    super();
    this.#show();
    document.addEventListener("visibilitychange", () => document.hidden || this.#look());
  }

  /** "light", "dark", or "device" for whatever that has. */
  get theme() {
    return THEMES.includes(this.#kept.theme) ? this.#kept.theme : "device";
  }

  get chatName() {
    return typeof this.#kept.chat_name === "string" ? this.#kept.chat_name : "";
  }

  get isChatInStep() {
    return this.#kept.chat_in_step === true;
  }

  /** Whoever is here: { user, token }. */
  belongTo(somebody) {
    this.#settings = new Settings(somebody);
    this.#look();
  }

  nextTheme() {
    this.keep({ theme: THEMES[(THEMES.indexOf(this.theme) + 1) % THEMES.length] });
  }

  /** Change some of `theme`, `chat_name` and `chat_in_step`. */
  keep(change) {
    this.#changes += 1;
    this.#take(change);
    this.#save();
  }

  /** One after the other: of two on their way at once, either may come last. */
  async #save() {
    if (this.#isSaving || !this.#settings) return;
    this.#isSaving = true;
    for (let saved = 0; saved !== this.#changes; ) {
      saved = this.#changes;
      await this.#settings.keep({ page: this.#kept });
    }
    this.#isSaving = false;
  }

  async #look() {
    const before = this.#changes;
    const kept = await this.#settings?.look();
    // What was changed here meanwhile is newer.
    if (kept?.page && this.#changes === before) this.#take(kept.page);
  }

  #take(change) {
    this.#kept = { ...this.#kept, ...change };
    try {
      localStorage.setItem(KEY, JSON.stringify(this.#kept));
    } catch {
      // A frame that may not remember still shows it.
    }
    this.#show();
    this.dispatchEvent(new Event("change"));
  }

  #show() {
    const { dataset } = document.documentElement;
    if (this.theme === "device") delete dataset.theme;
    else dataset.theme = this.theme;
  }
}

/** The button that goes from theme to theme. */
export function themeButton(button, page) {
  const show = () => {
    const words = { device: "Theme: as the device", light: "Theme: light", dark: "Theme: dark" };
    button.ariaLabel = button.title = words[page.theme];
    button.dataset.theme = page.theme;
  };
  button.addEventListener("click", () => page.nextTheme());
  page.addEventListener("change", show);
  button.hidden = false;
  show();
}

function remembered() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? {};
  } catch {
    return {};
  }
}
