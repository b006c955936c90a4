/** The one door through which the server's HTML enters the page: the Trusted Types policy `palabre`. */

/** @typedef {{ createHTML(html: string): string, createScriptURL(url: string): string }} Policy */

/** The only script that is loaded by name. */
const WORKER = "/sw.js";

/** @type {Policy} */
const policy = /** @type {{ trustedTypes?: { createPolicy(name: string, rules: Policy): Policy } }} */ (globalThis).trustedTypes
  ?.createPolicy("palabre", { createHTML: (html) => html, createScriptURL: onlyWorker }) ?? { createHTML: (html) => html, createScriptURL: onlyWorker };

/** @param {string} url */
function onlyWorker(url) {
  if (url !== WORKER) throw new TypeError(`${url} is no script of ours`);
  return url;
}

/** The service worker's address, for `register`. */
export const workerUrl = () => policy.createScriptURL(WORKER);

/**
 * The message of a fragment, which the server has made safe.
 * @param {string} html
 * @returns {HTMLElement}
 */
export function fragment(html) {
  const template = document.createElement("template");
  template.innerHTML = policy.createHTML(html);
  const article = template.content.querySelector("article.message");
  if (!(article instanceof HTMLElement)) throw new Error("not a message");
  return article;
}

/** What the server renders of a text that is being written, with the same guards as a message's. @param {string} html @returns {DocumentFragment} */
export function rendered(html) {
  const template = document.createElement("template");
  template.innerHTML = policy.createHTML(html);
  return template.content;
}

/** A page of this server, to take parts from. @param {string} html */
export function parsePage(html) {
  return new DOMParser().parseFromString(policy.createHTML(html), "text/html");
}
