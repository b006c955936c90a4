// What is said to a hub: subscribing, publishing, asking who is there, finding it.

import { Parser } from './stream.js';

/**
 * @typedef {import('./stream.js').Update} Update
 * @typedef {{name: string, text: string}} Matcher
 */

/** A hub that said no: its status, and the first line of what it said. */
export class Refused extends Error {
    /** @param {Response} answer @param {string} text */
    constructor(answer, text) {
        const challenge = answer.headers.get('WWW-Authenticate');
        const words = text.trim().slice(0, 300);
        super([`${answer.status} ${words || answer.statusText}`, challenge].filter(Boolean).join('\n'));
    }
}

/** @param {string} token @returns {Record<string, string>} */
const bearer = (token) => (token ? { Authorization: `Bearer ${token}` } : {});

/** @param {Response} answer */
async function accepted(answer) {
    if (!answer.ok) throw new Refused(answer, await answer.text().catch(() => ''));
    return answer;
}

/** Whether the browser's cookies may go along: to other origins they would need the hub's consent. @param {string} url @returns {RequestCredentials} */
const credentials = (url) => (new URL(url, location.href).origin === location.origin ? 'same-origin' : 'omit');

/**
 * Reads a stream to its end.
 *
 * @param {{
 *   url: string, token: string, matchers: Matcher[], lastId: string, signal: AbortSignal,
 *   opened: (lastId: string | null) => void, update: (update: Update) => void, comment: (text: string) => void,
 * }} asked
 */
export async function subscribe(asked) {
    const url = new URL(asked.url, location.href);
    for (const { name, text } of asked.matchers) url.searchParams.append(name, text);
    if (asked.lastId) {
        url.searchParams.set('last_event_id', asked.lastId);
    }
    const answer = await accepted(
        await fetch(url, {
            headers: { Accept: 'text/event-stream', ...bearer(asked.token) },
            credentials: credentials(asked.url),
            cache: 'no-store',
            signal: asked.signal,
        }),
    );
    asked.opened(answer.headers.get('Mercure-Last-Event-ID') ?? answer.headers.get('Last-Event-ID'));
    const reader = answer.body?.getReader();
    const parser = new Parser(asked);
    for (;;) {
        const read = await reader?.read();
        if (!read || read.done) return;
        parser.feed(read.value);
    }
}

/** @param {string} url @param {string} token @param {URLSearchParams} form @returns {Promise<string>} the update's id */
export async function publish(url, token, form) {
    const answer = await fetch(url, {
        method: 'POST',
        headers: bearer(token),
        body: form,
        credentials: credentials(url),
    });
    return (await accepted(answer)).text();
}

/**
 * @typedef {{id: string, subscriber: string, active?: boolean, topic?: string, match?: string, match_type?: string, payload?: unknown}} Subscription
 * @param {string} url @param {string} token @returns {Promise<Subscription[]>}
 */
export async function subscriptions(url, token) {
    const answer = await fetch(`${url.replace(/\/$/, '')}/subscriptions`, {
        headers: { Accept: 'application/json', ...bearer(token) },
        credentials: credentials(url),
        cache: 'no-store',
    });
    const list = (await (await accepted(answer)).json()).subscriptions;
    return Array.isArray(list) ? list : [];
}

/**
 * Where the hub of a resource is, by its Link headers.
 *
 * @param {string} resource @returns {Promise<{hub: string | null, topic: string | null}>}
 */
export async function discover(resource) {
    const answer = await fetch(resource, { credentials: credentials(resource) });
    const header = answer.headers.get('Link') ?? '';
    /** @param {string} relation */
    const link = (relation) => {
        for (const [, target = '', parameters = ''] of header.matchAll(/<([^>]*)>([^<]*)/g)) {
            const relations = /;\s*rel\s*=\s*(?:"([^"]*)"|([^\s;,]+))/i.exec(parameters);
            const names = (relations?.[1] ?? relations?.[2] ?? '').toLowerCase().split(/\s+/);
            if (names.includes(relation)) return new URL(target, answer.url).href;
        }
        return null;
    };
    return { hub: link('mercure'), topic: link('self') };
}

/** What a token says, unverified. @param {string} token @returns {Record<string, any> | null} */
export function claims(token) {
    const parts = token.split('.');
    if (parts.length !== 3) return null;
    try {
        const base64 = (parts[1] ?? '').replaceAll('-', '+').replaceAll('_', '/');
        const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
        return JSON.parse(new TextDecoder().decode(bytes));
    } catch {
        return null;
    }
}
