/**
 * The Follow button: whether whoever is here follows this stream, and how many do.
 *
 * Following makes a guest of nobody; to look does not.  The document is told who is here
 * (`relay:identified`) and of somebody who has just begun to follow, upon a click (`relay:followed`):
 * both have { user, token } for their `detail`.
 */

import { Identity, Refusal } from "./identity.js";
import { followersText } from "./words.js";

const PROBLEMS = {
  "too-many-guests": "Too many people have come from your network. Try again in a minute.",
  "too-many-follows": "You follow as many streams as you can. Leave another one first.",
};
const FAILED = "That did not work. Try again.";

export class FollowButton {
  #button;
  #count;
  #problem;
  #stream;
  #identity = new Identity(window);

  /** `stream` is { app, name }; the elements are the button, and places for a number and a word. */
  constructor(stream, { button, count, problem }) {
    this.#stream = `${stream.app}/${stream.name}`;
    [this.#button, this.#count, this.#problem] = [button, count, problem];
    button.addEventListener("click", () => this.#do(() => this.#toggle()));
    document.addEventListener("visibilitychange", () => document.hidden || this.#do(() => this.#look()));
    whenAllScriptsListen(() => this.#greet());
    this.#do(() => this.#look());
  }

  #greet() {
    if (this.#identity.now) tell("relay:identified", this.#identity.now);
  }

  /** One thing at a time, and a word if it fails. */
  async #do(action) {
    if (this.#button.ariaBusy === "true") return;
    this.#button.ariaBusy = "true";
    this.#say("");
    try {
      await action();
    } catch (error) {
      this.#say(PROBLEMS[error.name] ?? FAILED);
    } finally {
      this.#button.ariaBusy = "false";
    }
  }

  async #look() {
    const somebody = this.#identity.now;
    const answer = somebody && (await this.#ask("GET", somebody));
    if (answer?.ok) this.#show(true, (await answer.json()).count);
    else this.#show(false, await this.#counted());
  }

  async #toggle() {
    if (this.#button.ariaPressed === "true") await this.#unfollow();
    else await this.#follow();
  }

  async #follow() {
    const { somebody, answer } = await this.#asSomebody("PUT");
    this.#show(true, (await answer.json()).count);
    tell("relay:followed", somebody);
  }

  async #unfollow() {
    await this.#asSomebody("DELETE");
    this.#show(false, await this.#counted());
  }

  /** A token that is not good any more is no reason to fail: whoever clicks is a guest, then. */
  async #asSomebody(method) {
    for (const isLast of [false, true]) {
      const somebody = await this.#identity.somebody();
      const answer = await this.#ask(method, somebody);
      if (answer.ok) return { somebody, answer };
      if (answer.status !== 401 || isLast) throw await Refusal.of(answer);
      this.#identity.forget();
    }
  }

  #ask(method, { user, token }) {
    return fetch(`/api/v1/users/${encodeURIComponent(user)}/follows/${this.#stream}`, {
      method,
      headers: { Authorization: `Bearer ${token}` },
    });
  }

  async #counted() {
    const answer = await fetch(`/api/v1/streams/${this.#stream}/followers/count`);
    if (!answer.ok) throw await Refusal.of(answer);
    return (await answer.json()).count;
  }

  #show(isFollowing, count) {
    this.#button.ariaPressed = String(isFollowing);
    this.#button.hidden = false;
    this.#count.textContent = followersText(count);
  }

  #say(text) {
    if (this.#problem.textContent !== text) this.#problem.textContent = text;
  }
}

function tell(name, detail) {
  document.dispatchEvent(new CustomEvent(name, { detail }));
}

/** Scripts of the page run one after the other, and all of them before this. */
function whenAllScriptsListen(action) {
  if (document.readyState === "complete") action();
  else document.addEventListener("DOMContentLoaded", action, { once: true });
}
