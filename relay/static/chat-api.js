/** A room by `/api/v1/rooms/ROOM`, for whoever is here. */

import { Refusal } from "./identity.js";

/** An answer that takes longer has been lost on the way. */
const PATIENCE_MS = 10_000;

export class RoomApi {
  #address;
  #identity;

  constructor(room, identity) {
    this.#address = `/api/v1/rooms/${encodeURIComponent(room)}`;
    this.#identity = identity;
  }

  /** Who whoever is here is in the room, what they may do there, and what else holds. */
  async me() {
    return await this.#read("/me");
  }

  /** The users who are appointed to keep order. */
  async moderators() {
    return await this.#read("/moderators");
  }

  /** The newest messages, or those before an offset. */
  async page({ before = 0, limit }) {
    return await this.#read(`/messages?limit=${limit}${before ? `&before=${before}` : ""}`);
  }

  /** The same key says it once. */
  async say({ key, text, replyTo, mentions }) {
    const body = { text, mentions };
    if (replyTo) body.reply_to = replyTo.id;
    return await this.#do("POST", "/messages", body, { "Idempotency-Key": `"${key}"` });
  }

  async edit(id, text, mentions) {
    return await this.#do("PATCH", `/messages/${id}`, { text, mentions });
  }

  async remove(id) {
    await this.#do("DELETE", `/messages/${id}`);
  }

  async react(id, reaction, isOn) {
    await this.#do(isOn ? "PUT" : "DELETE", `/messages/${id}/reactions/${encodeURIComponent(reaction)}`);
  }

  // For moderators.

  /** Some of { slow_s, followers_only, links, guests }. */
  async setModes(change) {
    await this.#do("PATCH", "/modes", change);
  }

  async bans() {
    return await this.#read("/bans?limit=20");
  }

  /** For some seconds; for ever without. */
  async ban(user, forS = null) {
    await this.#do("PUT", `/bans/${encodeURIComponent(user)}`, forS === null ? {} : { for_s: forS });
  }

  async unban(user) {
    await this.#do("DELETE", `/bans/${encodeURIComponent(user)}`);
  }

  /** Delete all that a user has said. */
  async purge(user) {
    await this.#do("DELETE", `/users/${encodeURIComponent(user)}/messages`);
  }

  /** A courtesy: whether it is heard does not matter. */
  async typing() {
    const somebody = this.#identity.now;
    if (somebody) await this.#ask("POST", "/typing", somebody).catch(() => {});
  }

  /** As whoever is here; and as nobody, where that is somebody no more. */
  async #read(path) {
    const somebody = this.#identity.now;
    const answer = await this.#ask("GET", path, somebody);
    if (answer.ok) return await answer.json();
    if (answer.status !== 401 || !somebody) throw await Refusal.of(answer);
    this.#identity.forget();
    return await this.#read(path);
  }

  async #do(method, path, body, headers) {
    const somebody = this.#identity.now;
    const answer = await this.#ask(method, path, somebody, body, headers);
    if (!answer.ok) throw await Refusal.of(answer);
    return answer.status === 204 ? null : await answer.json();
  }

  #ask(method, path, somebody, body, headers = {}) {
    const all = { ...headers };
    if (somebody) all.Authorization = `Bearer ${somebody.token}`;
    if (body !== undefined) all["Content-Type"] = "application/json";
    return fetch(this.#address + path, {
      method,
      headers: all,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
  }
}
