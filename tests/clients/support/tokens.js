/** Tokens as applications sign them: HS256, of either generation, made by hand so that no library of ours judges itself. */
import { createHmac } from "node:crypto";

export const SECRET = "!ChangeThisMercureHubJWTSecretKey!";
export const ISSUER = "https://localhost";
const LIFETIME = 3600;

const part = (/** @type {unknown} */ value) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** @param {object} header @param {object} claims @param {string} [secret] */
export function sign(header, claims, secret = SECRET) {
  const text = `${part({ ...header, alg: "HS256" })}.${part(claims)}`;
  return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
}

/**
 * A token of the 0.x generation: the claim `mercure`, and as Symfony's publisher has it no `exp`.
 * @param {{ subscribe?: string[], publish?: string[], payload?: unknown }} mercure
 * @param {object} [claims]
 */
export const legacyToken = (mercure, claims = {}) => sign({ typ: "JWT" }, { mercure, ...claims });

/** @typedef {string | { match: string, match_type?: string }} Named an exact topic, or a matcher */
/** @typedef {{ actions: string[], topics: Named[], payload?: object }} Detail */

/**
 * A token of the 1.0 generation: an access token of RFC 9068.
 * @param {string[]} audience the addresses under which the hub is reached
 * @param {Detail[]} details
 * @param {object} [claims]
 */
export function accessToken(audience, details, claims = {}) {
  const now = Math.floor(Date.now() / 1000);
  const authorization_details = details.map(({ topics, ...detail }) => ({
    type: "https://mercure.rocks/authorization-detail",
    ...detail,
    topics: topics.map((topic) => (typeof topic === "string" ? { match: topic } : topic)),
  }));
  return sign({ typ: "at+jwt" }, { iss: ISSUER, aud: audience, iat: now, exp: now + LIFETIME, authorization_details, ...claims });
}
