import assert from "node:assert/strict";
import { test } from "node:test";
import { becomes } from "../browser/support/until.js";
import { HUB_PATH, startHub, subscribeUrl } from "./support/hub.js";
import { eventSource, openPage } from "./support/pages.js";
import { accessToken, legacyToken } from "./support/tokens.js";

const TABS = 30;

test("over TLS a browser speaks HTTP/2: one connection carries far more streams than HTTP/1.1 allows, each private by the cookie", async (t) => {
  const hub = await startHub(t, { isSecure: true });
  const { origin } = new URL(hub.url);
  // The certificate is made as the hub starts, so that no authority knows it.
  const page = await openPage(t, { origin }, { ignoreHTTPSErrors: true, bypassCSP: true });
  assert.equal(await page.evaluate(() => performance.getEntriesByType("navigation").map((entry) => entry.toJSON().nextHopProtocol)[0]), "h2");

  const headers = { authorization: `Bearer ${legacyToken({ publish: ["*"] })}` };
  for (const [name, token] of [
    ["__Secure-mercure_access_token", accessToken([hub.url], [{ actions: ["subscribe"], topics: [{ match: "/books/:id", match_type: "urlpattern" }] }])],
    ["mercureAuthorization", legacyToken({ subscribe: ["/books/{id}"] })],
  ]) {
    await page.context().clearCookies();
    await page.context().addCookies([{ name, value: token, domain: "localhost", path: HUB_PATH, secure: true, httpOnly: true, sameSite: "Strict" }]);
    const streams = await Promise.all(Array.from({ length: TABS }, (_, n) => eventSource(page, subscribeUrl(hub.url, `/books/${n % 3}`))));
    for (const stream of streams) await stream.isOpen();
    for (const n of [0, 1, 2]) {
      const answer = await page.context().request.post(hub.url, { headers, form: { topic: `/books/${n}`, data: `of ${n}`, private: "on" } });
      assert.equal(answer.status(), 200);
    }
    for (const [n, stream] of streams.entries()) await becomes(stream.data, [`of ${n % 3}`]);
  }
});
