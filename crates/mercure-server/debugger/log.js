// The log: what happened, the newest first.

import { language, t } from './words.js';

const MAX_ENTRIES = 500;
const list = /** @type {HTMLOListElement} */ (document.querySelector('#log ol'));
const empty = /** @type {HTMLElement} */ (document.getElementById('empty'));
const clock = new Intl.DateTimeFormat(language, {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    fractionalSecondDigits: 3,
    hourCycle: 'h23',
});

/**
 * @param {'open' | 'closed' | 'stopped' | 'event' | 'comment' | 'published' | 'refused' | 'failed' | 'found'} kind
 * @param {{text?: string, id?: string, type?: string}} [what]
 */
export function note(kind, { text = '', id = '', type = '' } = {}) {
    const entry = document.createElement('li');
    entry.dataset.kind = kind;
    const head = document.createElement('p');
    head.className = 'entry-head';
    const now = new Date();
    const time = document.createElement('time');
    time.dateTime = now.toISOString();
    time.textContent = clock.format(now);
    const label = document.createElement('strong');
    label.textContent = t(`entry_${kind}`);
    head.append(time, label);
    for (const [name, value] of [['type', type], ['id', id]]) {
        if (!value) continue;
        const part = document.createElement('code');
        part.className = name ?? '';
        part.textContent = value;
        head.append(part);
    }
    entry.append(head);
    if (text) {
        const body = document.createElement('pre');
        body.textContent = pretty(text);
        entry.append(body);
    }
    list.prepend(entry);
    while (list.children.length > MAX_ENTRIES) list.lastElementChild?.remove();
    empty.hidden = true;
}

/** JSON is shown with its structure; everything else as it came. @param {string} text */
function pretty(text) {
    if (!/^\s*[[{]/.test(text)) return text;
    try {
        return JSON.stringify(JSON.parse(text), null, 2);
    } catch {
        return text;
    }
}

export function clear() {
    list.replaceChildren();
    empty.hidden = false;
}
