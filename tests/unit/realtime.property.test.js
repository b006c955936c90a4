/**
 * The whole way of a message to a page, under a network that does what it likes: in the end the page stands on the
 * best rung, with every message once and in its order.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { fakeNet } from "./support/net.js";

const RUNS = Number(process.env.PALABRE_PROPERTY_RUNS ?? 150);

const action = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("say"), lost: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("edit"), pick: fc.nat(20) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("toggle"), what: fc.constantFrom("websocket", "sse", "fetch", "token"), to: fc.constantFrom(true, false) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("hang"), what: fc.constantFrom("websocket", "sse") }) },
  { weight: 2, arbitrary: fc.constant({ do: "cut" }) },
  { weight: 2, arbitrary: fc.constant({ do: "silence" }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("waits"), waits: fc.boolean(), cuts: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("mode"), mode: fc.constantFrom("hybrid", "mercure", "polling"), websocket: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("restore"), keep: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("sleep"), ms: fc.integer({ min: 1_000, max: 7_200_000 }) }) },
  { weight: 2, arbitrary: fc.constant({ do: "wake" }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("hide"), hidden: fc.boolean() }) },
  { weight: 10, arbitrary: fc.record({ do: fc.constant("wait"), ms: fc.oneof(fc.nat(400), fc.integer({ min: 400, max: 90_000 })) }) },
);

async function run(actions, seed) {
  const net = fakeNet({ seed });
  net.link.start();
  let count = 0;
  for (const step of actions) {
    count += 1;
    switch (step.do) {
      case "say":
        net.say(`m${count}`, { lost: step.lost });
        break;
      case "edit":
        net.room.edit(step.pick + 1, `e${count}`);
        break;
      case "toggle":
        net.up[step.what] = step.to;
        break;
      case "hang":
        net.up[step.what] = "hang";
        break;
      case "cut":
        net.cut();
        break;
      case "silence":
        for (const stream of net.streams) stream.silent = true;
        break;
      case "waits":
        net.waits = step.waits;
        net.cutsWaits = step.cuts;
        break;
      case "mode":
        net.token = { ...net.token, mode: step.mode, websocket: step.websocket };
        break;
      case "restore":
        net.room.restore(`r${count}`, step.keep);
        break;
      case "sleep":
        net.clock.sleep(step.ms);
        break;
      case "wake":
        net.link.wake();
        break;
      case "hide":
        net.hidden = step.hidden;
        break;
      case "wait":
        await net.clock.advance(step.ms);
        break;
      default:
        throw new Error(step.do);
    }
  }
  net.setUp(true);
  Object.assign(net, { waits: true, cutsWaits: false, hidden: false });
  net.token = { ...net.token, mode: "hybrid", websocket: true };
  await net.clock.advance(25 * 60_000);
  return net;
}

test("after any weather the page has everything once and is live again", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(action, { minLength: 5, maxLength: 60, size: "max" }), fc.nat(1_000_000), async (actions, seed) => {
      const net = await run(actions, seed);
      assert.deepEqual(net.texts(), net.room.sorted().map((message) => message.content));
      assert.equal(net.link.state(), "live");
      assert.equal(net.streams.length, 1, "one stream");
      assert.ok(net.clock.pending() < 12, "timers do not pile up");
    }),
    { numRuns: RUNS },
  );
});
