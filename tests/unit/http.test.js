/** Requests: what each kind of answer means for whoever asked. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { isOurs, reasonOf, request } from "../../public/http.js";

/** @param {() => Response | Promise<Response>} answer */
async function ask(context, answer, options) {
  const asked = [];
  context.mock.method(globalThis, "fetch", async (path, init) => {
    asked.push({ path, init });
    return answer(init);
  });
  return { reply: await request("/somewhere", options), asked };
}

const json = (status, body, headers = {}) => new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json", ...headers } });

test("an answer with its tag", async (context) => {
  const { reply, asked } = await ask(context, () => json(200, { revision: 1 }, { etag: '"e.1"' }), { etag: '"e.0"' });
  assert.deepEqual(reply, { kind: "ok", status: 200, body: { revision: 1 }, etag: '"e.1"' });
  assert.equal(asked[0].init.headers["if-none-match"], '"e.0"');
  assert.equal(asked[0].init.method, "GET");
});

test("a form is posted as fields, without those that are absent", async (context) => {
  const { asked } = await ask(context, () => json(201, {}), { form: { content: "a & b", reply_to: null, client_nonce: "n" } });
  assert.equal(String(asked[0].init.body), "content=a+%26+b&client_nonce=n");
  assert.equal(asked[0].init.headers.accept, "application/json");
});

test("nothing new", async (context) => {
  const { reply } = await ask(context, () => new Response(null, { status: 304 }));
  assert.deepEqual(reply, { kind: "same" });
});

test("a refusal with its reason, the field's before the general one", async (context) => {
  const error = { code: "invalid", message: "Something is wrong.", fields: { content: "Too long." } };
  const { reply } = await ask(context, () => json(422, { error }));
  assert.deepEqual(reply, { kind: "refused", status: 422, error });
  assert.equal(reasonOf(reply, "otherwise"), "Too long.");
  assert.equal(isOurs(reply, 422), true);
});

test("what is worth another try", async (context) => {
  for (const [status, headers, after] of [[503, {}, null], [500, {}, null], [429, { "retry-after": "7" }, 7_000], [408, {}, null]]) {
    const { reply } = await ask(context, () => json(status, { error: { code: "x", message: "Later." } }, headers));
    assert.deepEqual(reply, { kind: "later", status, after, error: { code: "x", message: "Later.", fields: {} } });
    assert.equal(reasonOf(reply, "otherwise"), "Later.");
    context.mock.restoreAll();
  }
  const { reply } = await ask(context, () => json(507, { error: { code: "full", message: "No room." } }));
  assert.equal(reply.kind, "refused", "no other try makes room on a disk");
});

test("somebody else's page is no answer of ours", async (context) => {
  const page = (status) => () => new Response("<html>", { status, headers: { "content-type": "text/html" } });
  const portal = await ask(context, page(200));
  assert.deepEqual(portal.reply, { kind: "unreachable" });
  context.mock.restoreAll();
  const { reply } = await ask(context, page(404));
  assert.equal(isOurs(reply, 404), false);
  assert.equal(reasonOf(reply, "otherwise"), "otherwise");
});

test("no network, a cut body and an abort are one thing", async (context) => {
  const failures = [
    () => Promise.reject(new TypeError("network")),
    () => new Response("{", { headers: { "content-type": "application/json" } }),
  ];
  for (const failure of failures) {
    const { reply } = await ask(context, failure);
    assert.deepEqual(reply, { kind: "unreachable" });
    context.mock.restoreAll();
  }
  const controller = new AbortController();
  controller.abort();
  const { reply } = await ask(context, ({ signal }) => Promise.reject(signal.reason), { signal: controller.signal });
  assert.deepEqual(reply, { kind: "unreachable" });
});
