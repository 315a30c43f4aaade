// What pages do with channels.

import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { client, closeAll, connected, each, inSeconds, next, subscribed, token } from "./site.mjs";

const as = (sub, more = {}) => ({ token: token({ sub, exp: inSeconds(60), ...more }) });

describe("channels", { concurrency: true }, () => {
  after(closeAll);

  test("what one publishes the other gets, with who it was", async () => {
    const [ann, bob] = [await connected(as("ann")), await connected(as("bob", { info: { a: 1 } }))];
    const sub = await subscribed(ann, "room-1");
    const publication = each(sub, "publication");
    await bob.publish("room-1", { text: "hello", list: [1, "ö", null] });
    const got = await publication();
    assert.deepEqual(got.data, { text: "hello", list: [1, "ö", null] });
    assert.equal(got.offset, 1);
    assert.equal(got.info.user, "bob");
    assert.deepEqual(got.info.connInfo, { a: 1 });
  });

  test("history can be read in both directions, and from a position", async () => {
    const ann = await connected(as("ann"));
    const sub = await subscribed(ann, "room-2");
    for (let n = 1; n <= 5; n += 1) await sub.publish(n);
    const read = async (options) => {
      const { publications, offset, epoch } = await sub.history(options);
      assert.equal(offset, 5);
      return [publications.map(({ data }) => data), epoch];
    };
    const [all, epoch] = await read({ limit: -1 });
    assert.deepEqual(all, [1, 2, 3, 4, 5]);
    assert.deepEqual(await read({ limit: 2, reverse: true }), [[5, 4], epoch]);
    assert.deepEqual(await read({ limit: 2, since: { offset: 2, epoch } }), [[3, 4], epoch]);
    assert.deepEqual(await read({ limit: 9, since: { offset: 3, epoch }, reverse: true }), [
      [2, 1],
      epoch,
    ]);
    assert.deepEqual(await read({ limit: 0 }), [[], epoch]);
    await assert.rejects(sub.history({ limit: 1, since: { offset: 1, epoch: "other" } }), {
      code: 112,
    });
  });

  test("who is there can be asked, and who comes and goes is told", async () => {
    const ann = await connected(as("ann"));
    const sub = await subscribed(ann, "room-3", { joinLeave: true });
    const [join, leave] = [each(sub, "join"), each(sub, "leave")];
    const bob = await connected(as("bob", { info: { name: "Bob" } }));
    await subscribed(bob, "room-3");
    let joined = await join();
    if (joined.info.user === "ann") joined = await join();
    assert.deepEqual([joined.info.user, joined.info.connInfo], ["bob", { name: "Bob" }]);
    const { clients } = await sub.presence();
    assert.deepEqual(Object.values(clients).map(({ user }) => user).sort(), ["ann", "bob"]);
    assert.deepEqual(await sub.presenceStats(), { numUsers: 2, numClients: 2 });
    bob.disconnect();
    assert.equal((await leave()).info.user, "bob");
    assert.deepEqual(await sub.presenceStats(), { numUsers: 1, numClients: 1 });
  });

  test("commands that are sent together are answered together", async () => {
    const ann = await connected(as("ann"));
    ann.startBatching();
    const all = Promise.all([
      ann.publish("room-4", 1),
      ann.publish("room-4", 2),
      ann.rpc("relay.me", {}),
      ann.history("room-4", { limit: 10 }),
    ]);
    ann.stopBatching();
    const [, , { data }, { publications }] = await all;
    assert.deepEqual(data, { user: "ann", name: "", kind: "user" });
    assert.deepEqual(publications.map((one) => one.data), [1, 2]);
  });

  test("a subscription ends when it is told to, and can begin again", async () => {
    const ann = await connected(as("ann"));
    const sub = await subscribed(ann, "room-5");
    const publication = each(sub, "publication");
    sub.unsubscribe();
    await ann.publish("room-5", "unheard");
    sub.subscribe();
    await sub.ready(5000);
    await ann.publish("room-5", "heard");
    // It has a position from before, so it gets what it has missed.
    assert.deepEqual([(await publication()).data, (await publication()).data], ["unheard", "heard"]);
  });

  test("a token subscribes its connection by itself", async () => {
    const [ann, bob] = [await connected(as("ann")), await connected(as("bob"))];
    const made = as("cat", { channels: ["room-6"], subs: { "room-7": { data: { state: 1 } } } });
    const cat = client(made);
    const [subscription, publication] = [each(cat, "subscribed"), each(cat, "publication")];
    cat.connect();
    await cat.ready(5000);
    const first = [await subscription(), await subscription()];
    assert.deepEqual(first.map(({ channel }) => channel).sort(), ["room-6", "room-7"]);
    assert.deepEqual(first.find(({ channel }) => channel === "room-7").data, { state: 1 });
    await ann.publish("room-6", 1);
    await bob.publish("room-7", 2);
    const got = [await publication(), await publication()];
    assert.deepEqual(got.map(({ channel, data }) => [channel, data]).sort(), [
      ["room-6", 1],
      ["room-7", 2],
    ]);
  });

  test("what cannot be done is refused by its code", async () => {
    const ann = await connected(as("ann"));
    await assert.rejects(ann.rpc("nothing", {}), { code: 104 });
    await assert.rejects(ann.publish("nowhere:1", {}), { code: 102 });
    await assert.rejects(ann.publish("view:1", {}), { code: 103 });
    await assert.rejects(ann.presence("stream:live/cat"), { code: 108 });
    const other = ann.newSubscription("private:1");
    other.on("error", () => {});
    other.subscribe();
    assert.equal((await next(other, "unsubscribed")).code, 103);
  });
});
