/**
 * The service worker: it shows what is pushed, and leads to the stream when somebody taps on that.
 *
 * What is pushed is a declarative message (Push API, "Declarative push message"), which some
 * browsers show without asking us.
 */

self.addEventListener("push", (event) => event.waitUntil(show(event.data.json())));

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(lead(event.notification.data.path));
});

async function show({ id, notification }) {
  const { title, body = "", icon, navigate, tag } = notification;
  // What is told twice makes one sound; the next broadcast of the same stream makes another.
  const shown = await self.registration.getNotifications({ tag });
  const isNews = !shown.some((each) => each.data?.id === id);
  const options = { body, icon, tag, renotify: isNews, silent: !isNews, data: { id, path: navigate } };
  await self.registration.showNotification(title, options);
}

async function lead(path) {
  const { href, pathname } = new URL(path, self.location.origin);
  const windows = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const there = windows.find((each) => new URL(each.url).pathname === pathname);
  return there ? there.focus() : self.clients.openWindow(href);
}
