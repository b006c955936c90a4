/**
 * Requests to the own server: JSON out of every answer, errors as values, a deadline on each.
 *
 * @import { Refusal } from "./types.js"
 */

/**
 * "refused": the server says no, and says why (without a code it is not our server that speaks). "later": it may say yes another time (`after` milliseconds, when it knows).
 * "unreachable": no answer, or one that does not come from our server.
 * @template T
 * @typedef {{ kind: "ok", status: number, body: T, etag: string | null }
 *   | { kind: "same" }
 *   | { kind: "refused", status: number, error: Refusal }
 *   | { kind: "later", status: number, after: number | null, error: Refusal }
 *   | { kind: "unreachable" }} Reply
 */

const DEADLINE = 20_000;

/**
 * @template T
 * @param {string} path
 * @param {{ form?: Record<string, string | number | null>, etag?: string | null, signal?: AbortSignal, deadline?: number }} [options]
 * @returns {Promise<Reply<T>>}
 */
export async function request(path, { form, etag, signal, deadline = DEADLINE } = {}) {
  /** @type {Record<string, string>} */
  const headers = { accept: "application/json" };
  if (etag) headers["if-none-match"] = etag;
  try {
    const response = await fetch(path, {
      method: form ? "POST" : "GET",
      headers,
      body: form ? encode(form) : undefined,
      credentials: "same-origin",
      cache: "no-store",
      signal: withDeadline(signal, deadline),
    });
    return await read(response);
  } catch {
    return { kind: "unreachable" };
  }
}

/** How long an upload may stand still, and how long the server may look at what came. */
const STANDSTILL = 60_000;
const LOOKING = 180_000;

/**
 * A form with files. Its deadline moves with what has gone.
 * @template T
 * @param {string} path
 * @param {FormData} form
 * @param {{ onProgress(part: number): void, signal: AbortSignal }} options
 * @returns {Promise<Reply<T>>}
 */
export function upload(path, form, { onProgress, signal }) {
  return new Promise((resolve) => {
    const asked = new XMLHttpRequest();
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    const stop = () => asked.abort();
    const wait = (/** @type {number} */ patience) => {
      clearTimeout(timer);
      timer = setTimeout(stop, patience);
    };
    asked.open("POST", path);
    asked.setRequestHeader("accept", "application/json");
    asked.upload.onprogress = ({ loaded, total, lengthComputable }) => {
      wait(STANDSTILL);
      if (lengthComputable) onProgress(loaded / total);
    };
    asked.upload.onload = () => wait(LOOKING);
    asked.onload = () => {
      const headers = new Headers();
      for (const name of ["content-type", "retry-after"]) headers.set(name, asked.getResponseHeader(name) ?? "");
      resolve(read(new Response(asked.responseText, { status: asked.status, headers })).catch(() => ({ kind: "unreachable" })));
    };
    asked.onerror = asked.onabort = () => resolve({ kind: "unreachable" });
    asked.onloadend = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
    };
    signal.addEventListener("abort", stop);
    wait(STANDSTILL);
    if (signal.aborted) return resolve({ kind: "unreachable" });
    asked.send(form);
  });
}

/**
 * @template T
 * @param {Response} response
 * @returns {Promise<Reply<T>>}
 */
async function read(response) {
  const { status } = response;
  if (status === 304) return { kind: "same" };
  const isJson = response.headers.get("content-type")?.includes("json") ?? false;
  const body = isJson ? await response.json() : null;
  if (response.ok && isJson) return { kind: "ok", status, body, etag: response.headers.get("etag") };
  // A page where JSON was asked for comes from something between the server and this browser: a refusal without a code.
  const { code = "", message = "", fields = {} } = body?.error ?? {};
  // Without room on the disk (507) only somebody's hand helps.
  if ((status >= 500 && status !== 507) || status === 429 || status === 408) {
    return { kind: "later", status, after: retryAfter(response.headers.get("retry-after")), error: { code, message, fields } };
  }
  if (status < 400) return { kind: "unreachable" };
  return { kind: "refused", status, error: { code, message, fields } };
}

/** @param {Record<string, string | number | null>} form */
function encode(form) {
  const fields = new URLSearchParams();
  for (const [name, value] of Object.entries(form)) {
    if (value !== null) fields.set(name, String(value));
  }
  return fields;
}

/** @param {string | null} header */
function retryAfter(header) {
  const seconds = Number(header);
  return header && Number.isFinite(seconds) ? seconds * 1000 : null;
}

/** @param {AbortSignal | undefined} signal @param {number} deadline */
function withDeadline(signal, deadline) {
  const limit = AbortSignal.timeout(deadline);
  if (!signal) return limit;
  if ("any" in AbortSignal) return AbortSignal.any([signal, limit]);
  const both = new AbortController();
  for (const one of [signal, limit]) one.addEventListener("abort", () => both.abort(), { once: true });
  return both.signal;
}

/**
 * Whether our server, and nobody on the way, refused with this status.
 * @param {Reply<unknown>} reply
 * @param {...number} statuses
 */
export function isOurs(reply, ...statuses) {
  return reply.kind === "refused" && reply.error.code !== "" && statuses.includes(reply.status);
}

/**
 * What to tell the person about an answer that is not "ok".
 * @param {Reply<unknown>} reply
 * @param {string} otherwise
 */
export function reasonOf(reply, otherwise) {
  if (reply.kind !== "refused" && reply.kind !== "later") return otherwise;
  const { message, fields } = reply.error;
  return Object.values(fields)[0] || message || otherwise;
}
