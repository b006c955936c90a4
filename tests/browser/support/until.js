/** Waiting for what must happen: a condition is asked again until it holds, with a deadline that only a fault ever reaches. */
import { isDeepStrictEqual, inspect } from "node:util";

export const DEADLINE = 30_000;
const BETWEEN = 40;

/**
 * @template T
 * @param {string} what
 * @param {() => T | Promise<T>} ask answers something truthy once it has happened
 * @param {number} [deadline]
 * @returns {Promise<T>}
 */
export async function until(what, ask, deadline = DEADLINE) {
  const end = Date.now() + deadline;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`this did not happen: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, BETWEEN));
  }
}

/**
 * @template T
 * @param {() => T | Promise<T>} read
 * @param {T} expected
 * @param {number} [deadline]
 */
export async function becomes(read, expected, deadline = DEADLINE) {
  const end = Date.now() + deadline;
  for (;;) {
    const found = await read();
    if (isDeepStrictEqual(found, expected)) return;
    if (Date.now() > end) throw new Error(`expected ${inspect(expected)}\nfound    ${inspect(found)}`);
    await new Promise((resolve) => setTimeout(resolve, BETWEEN));
  }
}
