/**
 * What a user keeps on the server, by namespace, for all of their devices.
 *
 * It is asked for with the version that was seen last, and told by merge patches (RFC 7396): what
 * another device keeps beside it stays as it is.
 */

export class Settings {
  #address;
  #authorization;
  #etag = "";

  constructor({ user, token }) {
    this.#address = `/api/v1/users/${encodeURIComponent(user)}/settings`;
    this.#authorization = `Bearer ${token}`;
  }

  /** What is kept; null where nothing is new, or where there is no answer. */
  async look() {
    const answer = await this.#ask("GET", this.#etag && { "If-None-Match": this.#etag });
    if (answer?.status !== 200) return null;
    this.#etag = answer.headers.get("ETag");
    return await answer.json();
  }

  /** Keep this beside what is kept; whether that was done. */
  async keep(patch) {
    const headers = { "Content-Type": "application/merge-patch+json" };
    const answer = await this.#ask("PATCH", headers, JSON.stringify(patch));
    if (!answer?.ok) return false;
    this.#etag = answer.headers.get("ETag");
    return true;
  }

  #ask(method, headers = {}, body = undefined) {
    return fetch(this.#address, {
      method,
      headers: { Authorization: this.#authorization, ...headers },
      body,
      // The last word is said while the page goes.
      keepalive: method === "PATCH",
    }).catch(() => null);
  }
}
