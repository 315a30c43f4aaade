// Clients that follow channels and say, a line of JSON each, what happens to them.
//
//     node listener.mjs '{"url": ..., "token": ..., "channels": [...], "clients": 4}'

import { Centrifuge } from "centrifuge";

const { url, token, channels, clients } = JSON.parse(process.argv[2]);
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

for (let number = 0; number < clients; number += 1) {
  const client = new Centrifuge(url, { token, minReconnectDelay: 20, maxReconnectDelay: 50 });
  const tell = (event, more) => say({ client: `js-${number}`, event, ...more });
  client.on("error", () => {});
  client.on("connecting", ({ code }) => tell("connecting", { code }));
  client.on("disconnected", ({ code }) => tell("disconnected", { code }));
  for (const channel of channels) {
    const sub = client.newSubscription(channel);
    sub.on("error", () => {});
    sub.on("subscribed", ({ wasRecovering, recovered, streamPosition }) =>
      tell("subscribed", { channel, wasRecovering, recovered, epoch: streamPosition.epoch }),
    );
    sub.on("unsubscribed", ({ code }) => tell("unsubscribed", { channel, code }));
    sub.on("publication", ({ data, offset }) => tell("publication", { channel, data, offset }));
    sub.subscribe();
  }
  client.connect();
}
