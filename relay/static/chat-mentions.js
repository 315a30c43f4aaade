/** Names that complete themselves behind an `@`, in a list above the text (ARIA APG, "combobox"). */

import { make } from "./chat-row.js";
import { beginning, candidates } from "./chat-text.js";

export class Mentions {
  #input;
  #list;
  #people;
  #found = [];
  #chosen = 0;
  #from = 0;

  /** `people()` are those who can be mentioned: { user, name, offset }. */
  constructor(input, list, people) {
    this.#input = input;
    this.#list = list;
    this.#people = people;
    list.role = "listbox";
    list.id = "chat-people";
    list.ariaLabel = "People";
    input.setAttribute("aria-controls", list.id);
    input.setAttribute("aria-autocomplete", "list");
    input.addEventListener("input", () => this.#look());
    input.addEventListener("blur", () => this.close());
    // Who presses on a name must not lose the text's focus.
    list.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      const at = [...list.children].indexOf(event.target.closest("li"));
      if (at >= 0) this.#take(at);
    });
  }

  close() {
    this.#found = [];
    this.#show();
  }

  /** Whether the key was for the list. */
  key({ key }) {
    const count = this.#found.length;
    if (count === 0) return false;
    const step = { ArrowDown: 1, ArrowUp: -1 }[key];
    if (step) {
      this.#chosen = (this.#chosen + step + count) % count;
      this.#show();
    } else if (key === "Enter" || key === "Tab") this.#take(this.#chosen);
    else if (key === "Escape") this.close();
    else return false;
    return true;
  }

  #look() {
    const typed = beginning(this.#input.value, this.#input.selectionStart);
    this.#from = typed?.from ?? 0;
    this.#found = typed ? candidates(typed.query, this.#people()) : [];
    this.#chosen = 0;
    this.#show();
  }

  #take(at) {
    const { name } = this.#found[at];
    this.#input.setRangeText(`@${name} `, this.#from, this.#input.selectionStart, "end");
    this.close();
    this.#input.dispatchEvent(new Event("input"));
  }

  #show() {
    const options = this.#found.map(({ name }, at) => {
      const option = make("li", "", make("bdi", "", name));
      option.role = "option";
      option.id = `chat-person-${at}`;
      option.ariaSelected = String(at === this.#chosen);
      return option;
    });
    this.#list.replaceChildren(...options);
    this.#list.hidden = options.length === 0;
    if (options.length) this.#input.setAttribute("aria-activedescendant", options[this.#chosen].id);
    else this.#input.removeAttribute("aria-activedescendant");
  }
}
