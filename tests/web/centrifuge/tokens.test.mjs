// Tokens that expire while they are used.

import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { client, closeAll, connected, each, inSeconds, next, subscribed, token } from "./site.mjs";

describe("tokens", { concurrency: true }, () => {
  after(closeAll);

  test("a connection whose token is renewed goes on", async () => {
    let asked = 0;
    const getToken = async () => {
      asked += 1;
      return token({ sub: "ann", exp: inSeconds(2) });
    };
    const ann = await connected({ getToken });
    const sub = await subscribed(ann, "room-10");
    const disconnections = [];
    ann.on("connecting", (context) => disconnections.push(context));
    await new Promise((done) => setTimeout(done, 3500));
    assert.ok(asked >= 2, `asked ${asked} times`);
    assert.deepEqual(disconnections, []);
    await sub.publish("still here");
  });

  test("a connection whose token is not renewed is told to come back with another", async () => {
    // It believes that its token is good for long, so it does not ask for another.
    const ann = client({ token: token({ sub: "ann", exp: inSeconds(1) }), getToken: null });
    const connecting = each(ann, "connecting");
    ann._refresh = () => {};
    ann.connect();
    await ann.ready(5000);
    assert.equal((await connecting()).code, 0);
    assert.equal((await connecting()).code, 3005);
  });

  test("a client that comes with an old token fetches a new one", async () => {
    const getToken = async () => token({ sub: "ann", exp: inSeconds(60) });
    const ann = client({ token: token({ sub: "ann", exp: inSeconds(-5) }), getToken });
    const error = each(ann, "error");
    ann.connect();
    await ann.ready(5000);
    assert.equal((await error()).error.code, 109);
  });

  test("a client with a wrong token does not come back", async () => {
    const wrong = `${token({ sub: "ann" }).slice(0, -5)}AAAAA`;
    const ann = client({ token: wrong });
    ann.connect();
    assert.equal((await next(ann, "disconnected")).code, 3500);
  });

  test("a subscription needs a token, and goes on when that is renewed", async () => {
    const ann = await connected({ token: token({ sub: "ann" }) });
    let asked = 0;
    const getToken = async ({ channel }) => {
      asked += 1;
      return token({ sub: "ann", channel, exp: inSeconds(2) });
    };
    const sub = await subscribed(ann, "private:11", { getToken });
    const changes = [];
    sub.on("subscribing", (context) => changes.push(context));
    sub.on("unsubscribed", (context) => changes.push(context));
    await new Promise((done) => setTimeout(done, 3500));
    assert.ok(asked >= 2, `asked ${asked} times`);
    assert.deepEqual(changes, []);
    assert.equal(sub.state, "subscribed");
  });

  test("a subscription whose token is not renewed ends, and begins again with another", async () => {
    const ann = await connected({ token: token({ sub: "ann" }) });
    const getToken = async ({ channel }) => token({ sub: "ann", channel, exp: inSeconds(1) });
    const sub = ann.newSubscription("private:12", { getToken });
    sub._refresh = () => {};
    const [subscribing, begun] = [each(sub, "subscribing"), each(sub, "subscribed")];
    sub.subscribe();
    await begun();
    await subscribing();
    assert.equal((await subscribing()).code, 2501);
    // The token that it has is old by now: the server says so, and it asks for another.
    await begun();
  });

  test("a token for one user's channel is of no use to another", async () => {
    const bob = await connected({ token: token({ sub: "bob" }) });
    const sub = bob.newSubscription("private:13", { token: token({ sub: "ann", channel: "private:13" }) });
    sub.on("error", () => {});
    sub.subscribe();
    assert.equal((await next(sub, "unsubscribed")).code, 103);
  });
});
