/** The service worker: it wakes up for a push, shows it, and opens the message that it is about. It keeps nothing and answers no request. */

/** @typedef {{ title: string, body: string, url: string, tag: string, lang?: string }} Told */

const worker = /** @type {any} */ (globalThis);

worker.addEventListener("install", () => worker.skipWaiting());
worker.addEventListener("activate", (/** @type {any} */ event) => event.waitUntil(worker.clients.claim()));

worker.addEventListener("push", (/** @type {any} */ event) => {
  /** @type {Told} */
  let told = { title: "Palabre", body: "", url: "/notifications", tag: "palabre" };
  try {
    told = { ...told, ...event.data?.json() };
  } catch {
    // A push must show something, whatever it brought: browsers take the right away from who does not.
  }
  const { title, body, url, tag, lang } = told;
  event.waitUntil(worker.registration.showNotification(title, { body, tag, lang, renotify: true, data: { url } }));
});

worker.addEventListener("notificationclick", (/** @type {any} */ event) => {
  event.notification.close();
  event.waitUntil(openMessage(event.notification.data?.url ?? "/"));
});

/** Only addresses of this site. @param {string} path */
async function openMessage(path) {
  const url = new URL(path, worker.location.origin);
  if (url.origin !== worker.location.origin) return;
  const pages = await worker.clients.matchAll({ type: "window", includeUncontrolled: true });
  const page = pages.find((/** @type {any} */ one) => new URL(one.url).pathname === url.pathname) ?? pages[0];
  if (!page) return worker.clients.openWindow(url.href);
  await page.focus();
  // A page that the worker does not control yet cannot be sent anywhere.
  await page.navigate(url.href).catch(() => worker.clients.openWindow(url.href));
}
