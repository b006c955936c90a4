// Who is connected: what the subscription API answers, as a list by subscriber.

import { t } from './words.js';

/** @typedef {import('./hub.js').Subscription} Subscription */

const place = /** @type {HTMLElement} */ (document.getElementById('people'));

/** @param {Subscription[]} subscriptions */
export function show(subscriptions) {
    /** @type {Map<string, Subscription[]>} */
    const bySubscriber = new Map();
    const active = subscriptions.filter((one) => one.active !== false);
    for (const one of active) bySubscriber.set(one.subscriber, [...(bySubscriber.get(one.subscriber) ?? []), one]);
    const count = active.length;
    const summary = document.createElement('p');
    summary.textContent = count ? t('someone', { count, people: bySubscriber.size }) : t('nobody');
    const list = document.createElement('ul');
    for (const [subscriber, theirs] of bySubscriber) {
        const item = document.createElement('li');
        const name = document.createElement('code');
        name.textContent = subscriber;
        const topics = document.createElement('ul');
        topics.append(...theirs.map(subscriptionItem));
        item.append(name, topics);
        list.append(item);
    }
    place.replaceChildren(summary, ...(count ? [list] : []));
}

/** @param {string} text */
export function fail(text) {
    const line = document.createElement('p');
    line.className = 'error';
    line.textContent = text;
    place.replaceChildren(line);
}

/** @param {Subscription} one */
function subscriptionItem(one) {
    const item = document.createElement('li');
    const kind = document.createElement('small');
    kind.textContent = one.match_type ?? t('kind_topic');
    item.append(`${one.match ?? one.topic ?? ''} `, kind);
    if (one.payload !== undefined) {
        const payload = document.createElement('pre');
        payload.textContent = `${t('payload')} ${JSON.stringify(one.payload)}`;
        item.append(payload);
    }
    return item;
}
