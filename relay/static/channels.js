/**
 * Channels over one WebSocket that keeps coming back: the Centrifugo client protocol in JSON, as
 * much of it as our pages need.
 *
 * A followed channel has a position, epoch and offset.  After a reconnection it is asked for what
 * came behind that; when the server no longer has all of it, it sends the state as it is now
 * instead, and nothing is ever missing in silence.
 */

import { backoff } from "./socket.js";

/** Longer than the server's promise by this much, and the connection is dead. */
const PING_GRACE = 10000;
/** A connection that lived this long starts the waiting times over. */
const PROVEN = 5000;

/** Codes with which the server says: do not come back (Centrifugo's ranges). */
export function isFinal(code) {
  return (code >= 3500 && code < 4000) || (code >= 4500 && code < 5000);
}

export class Channels {
  /** "connecting", "open", "lost" (and trying again), or "closed". */
  status = "connecting";
  #url;
  #onStatus;
  #token;
  #socket = null;
  #followed = new Map();
  #waiting = new Map();
  #commands = 0;
  #attempt = 0;
  #openedAt = 0;
  #retryTimer = 0;
  #silenceTimer = 0;
  #silence = 0;

  /** `token` says who connects; without one it is nobody. */
  constructor(url, onStatus = () => {}, token = null) {
    this.#url = url;
    this.#onStatus = onStatus;
    this.#token = token;
    this.#open();
  }

  /**
   * Follow a channel until the function that this returns is called.
   *
   * on.state(data, {epoch, offset}) gets the state to begin with, and again when what was missed
   * cannot be told; on.publication(data, {offset, time, tags}) what comes after it;
   * on.refused({code, message}) why there is nothing.
   */
  follow(channel, on) {
    const followed = { channel, on, epoch: null, offset: 0 };
    this.#followed.set(channel, followed);
    if (this.status === "open") this.#subscribe(followed);
    return () => this.#unfollow(followed);
  }

  /** The reply to a call of a method: it has `rpc`, or `error`, or neither where there is none. */
  call(method, data) {
    if (this.status !== "open") return Promise.resolve({});
    return new Promise((resolve) => this.#say({ rpc: { method, data } }, resolve));
  }

  /** The network or the reader is back: no more waiting. */
  wake() {
    if (this.status === "lost") this.#open();
  }

  close() {
    this.#drop();
    this.#become("closed");
  }

  #open() {
    this.#drop();
    const socket = new WebSocket(this.#url);
    const connect = this.#token === null ? {} : { token: this.#token };
    socket.onopen = () => this.#say({ connect }, (reply) => this.#connected(reply));
    socket.onmessage = ({ data }) => this.#received(data);
    socket.onclose = ({ code }) => this.#lost(code);
    this.#socket = socket;
  }

  #connected(reply) {
    if (!reply.connect) return this.#socket?.close();
    this.#openedAt = Date.now();
    this.#silence = reply.connect.ping ? reply.connect.ping * 1000 + PING_GRACE : 0;
    this.#heard();
    this.#become("open");
    for (const followed of this.#followed.values()) this.#subscribe(followed);
  }

  #subscribe(followed) {
    const { channel, epoch, offset } = followed;
    const recover = epoch === null ? {} : { recover: true, epoch, offset };
    this.#say({ subscribe: { channel, ...recover } }, (reply) => {
      if (this.#followed.get(channel) !== followed) return;
      if (reply.error) return this.#refused(followed, reply.error);
      // The connection is lost: what is followed is asked for again on the next one.
      if (!reply.subscribe) return;
      const { epoch: now, offset: end = 0, recovered, publications = [], data } = reply.subscribe;
      if (recovered) for (const each of publications) followed.on.publication(each.data, each);
      else followed.on.state(data, { epoch: now, offset: end });
      followed.epoch = now;
      followed.offset = end;
    });
  }

  #refused(followed, error) {
    if (error.temporary) return this.#socket.close();
    this.#followed.delete(followed.channel);
    followed.on.refused?.(error);
  }

  #unfollow(followed) {
    const { channel } = followed;
    if (this.#followed.get(channel) !== followed) return;
    this.#followed.delete(channel);
    if (this.status === "open") this.#say({ unsubscribe: { channel } });
  }

  #say(command, whenAnswered = () => {}) {
    const id = ++this.#commands;
    this.#waiting.set(id, whenAnswered);
    this.#socket.send(JSON.stringify({ id, ...command }));
  }

  #received(text) {
    this.#heard();
    for (const line of text.split("\n")) {
      if (!line) continue;
      const reply = JSON.parse(line);
      if (reply.push) this.#pushed(reply.push);
      else if (reply.id) this.#answered(reply);
      // A ping, which wants an answer.
      else this.#socket.send("{}");
    }
  }

  #answered(reply) {
    const whenAnswered = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    whenAnswered?.(reply);
  }

  #pushed({ channel, pub, unsubscribe }) {
    const followed = this.#followed.get(channel);
    if (!followed) return;
    // The server ends a subscription when the channel is gone, or something of it was missed.
    if (unsubscribe) return this.#socket.close();
    if (!pub) return;
    followed.offset = pub.offset ?? followed.offset;
    followed.on.publication(pub.data, pub);
  }

  #heard() {
    clearTimeout(this.#silenceTimer);
    if (this.#silence) this.#silenceTimer = setTimeout(() => this.#lost(0), this.#silence);
  }

  #lost(code) {
    this.#drop();
    if (isFinal(code)) return this.#become("closed");
    if (this.#openedAt && Date.now() - this.#openedAt > PROVEN) this.#attempt = 0;
    this.#openedAt = 0;
    this.#become("lost");
    this.#retryTimer = setTimeout(() => this.#open(), backoff(this.#attempt++, Math.random()));
  }

  #drop() {
    clearTimeout(this.#retryTimer);
    clearTimeout(this.#silenceTimer);
    const [socket, waiting] = [this.#socket, [...this.#waiting.values()]];
    this.#socket = null;
    this.#waiting.clear();
    for (const whenAnswered of waiting) whenAnswered({});
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  #become(status) {
    if (this.status === status) return;
    this.status = status;
    this.#onStatus(status);
  }
}
