/**
 * Pushes to this device, for whoever follows a stream.
 *
 * The browser asks its user for permission, and that must never come out of nowhere: it is asked for
 * when somebody has clicked on Follow, and at no other time.  A no is for ever and is not asked about
 * again; following works without.
 *
 * The document tells of it by events whose `detail` is an identity, { user, token }: `relay:followed`,
 * upon a click, and `relay:identified`, when the page knows who is here.  What has become of it is
 * told by `relay:push`, whose `detail` is "on", "off" or "failed".
 */

/** How often a device says that its user is here: so who was here lately is told first. */
const SEEN_EVERY_MS = 24 * 60 * 60 * 1000;
const SEEN = "relay.push.seen";

/** Whether this browser can be pushed to, on this page. */
export function canPush() {
  return "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;
}

/** Ask, if that is still to be done, and be told on this device; only upon a click.  Whether it is. */
export async function pushHere(identity) {
  if (!canPush() || (await Notification.requestPermission()) !== "granted") return false;
  await enrol(identity);
  return true;
}

/** Where the device is told already: the user is here, and perhaps it is another user than before. */
export async function seenHere(identity, now = Date.now()) {
  if (!canPush() || Notification.permission !== "granted") return false;
  if (!(await navigator.serviceWorker.getRegistration("/"))) return false;
  const last = read();
  if (last?.user !== identity.user || now - last.at >= SEEN_EVERY_MS) await enrol(identity, now);
  return true;
}

async function enrol({ user, token }, now = Date.now()) {
  const registration = await navigator.serviceWorker.register("/sw.js");
  const subscription = await subscribe(registration.pushManager, await serverKey());
  const answer = await fetch(`/api/v1/users/${encodeURIComponent(user)}/push-subscriptions`, {
    method: "PUT",
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
    body: JSON.stringify(subscription),
  });
  if (!answer.ok) throw new Error(`the device was not taken: ${answer.status}`);
  localStorage.setItem(SEEN, JSON.stringify({ user, at: now }));
}

async function subscribe(manager, key) {
  const options = { userVisibleOnly: true, applicationServerKey: key };
  try {
    return await manager.subscribe(options);
  } catch (error) {
    // One by another key than the server's: it has lost its data directory.
    if (error.name !== "InvalidStateError") throw error;
    await (await manager.getSubscription())?.unsubscribe();
    return manager.subscribe(options);
  }
}

async function serverKey() {
  const { key } = await (await fetch("/api/v1/push/key")).json();
  const text = atob(key.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

function read() {
  try {
    return JSON.parse(localStorage.getItem(SEEN));
  } catch {
    return null;
  }
}

async function tell(doing) {
  const detail = await doing.then((isOn) => (isOn ? "on" : "off"), () => "failed");
  document.dispatchEvent(new CustomEvent("relay:push", { detail }));
}

document.addEventListener("relay:followed", ({ detail }) => tell(pushHere(detail)));
document.addEventListener("relay:identified", ({ detail }) => tell(seenHere(detail)));
