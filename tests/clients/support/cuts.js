/** A link that fails while updates are published: what a client must come through without a loss or a repeat. */
import assert from "node:assert/strict";
import { becomes } from "../../browser/support/until.js";

/** @import { Hub, Update } from "./hub.js" */

/**
 * @param {Hub} hub its relay is cut: first for a while, then at moments of the publishing that nobody chose
 * @param {Omit<Update, "data">} update
 * @param {() => string[] | Promise<string[]>} data what the client has heard so far
 */
export async function publishThroughCuts(hub, update, data) {
  /** @type {string[]} */
  const said = [];
  const say = async (/** @type {number} */ count, /** @type {object} */ more = {}) => {
    for (let i = 0; i < count; i += 1) {
      said.push(`${said.length + 1}`);
      await hub.publish({ ...update, ...more, data: said.at(-1) });
    }
  };
  const isHeard = () => becomes(data, said);

  // The first one asks for quick returns.
  await say(1, { retry: 50 });
  await say(4);
  await isHeard();

  hub.relay.refuse("sse");
  await say(20);
  assert.equal((await data()).length, 5, "nothing comes through a cut link");
  hub.relay.allow("sse");
  await isHeard();

  for (let cuts = 0; cuts < 4; cuts += 1) {
    const publishing = say(10);
    hub.relay.refuse("sse");
    hub.relay.allow("sse");
    await publishing;
  }
  await isHeard();
}
