// The page: its forms, and what they do with the hub.

import * as hub from './hub.js';
import { clear, note } from './log.js';
import * as people from './people.js';
import { language, t, translate } from './words.js';

/** @template {HTMLElement} T @param {string} id @param {new () => T} kind @returns {T} */
function element(id, kind) {
    const found = document.getElementById(id);
    if (!(found instanceof kind)) throw new Error(`#${id} is missing`);
    return found;
}

/** @param {HTMLFormElement} form @param {string} name */
function value(form, name) {
    const field = form.elements.namedItem(name);
    return field instanceof HTMLInputElement || field instanceof HTMLTextAreaElement ? field.value.trim() : '';
}

/** @param {HTMLFormElement} form @param {string} name @param {string} text */
function fill(form, name, text) {
    const field = form.elements.namedItem(name);
    if (field instanceof HTMLInputElement || field instanceof HTMLTextAreaElement) field.value = text;
}

const forms = {
    hub: element('hub', HTMLFormElement),
    discover: element('discover', HTMLFormElement),
    subscribe: element('subscribe', HTMLFormElement),
    publish: element('publish', HTMLFormElement),
};
const matchers = element('matchers', HTMLElement);
const start = element('start', HTMLButtonElement);
const stop = element('stop', HTMLButtonElement);
const beats = element('beats', HTMLInputElement);

const url = () => new URL(value(forms.hub, 'url'), location.href).href;
const token = () => value(forms.hub, 'token');
const publishToken = () => value(forms.hub, 'publishToken') || token();

/** @param {unknown} error */
function tell(error) {
    if (error instanceof hub.Refused) note('refused', { text: error.message });
    else note('failed', { text: error instanceof TypeError ? t('unreachable') : String(error) });
}

// The token

function showToken() {
    const text = token();
    const claims = hub.claims(text);
    const hint = element('claims', HTMLElement);
    const when = (/** @type {number} */ seconds) => new Date(seconds * 1000).toLocaleString(language);
    if (!text) hint.textContent = t('noToken');
    else if (!claims) hint.textContent = t('badToken');
    else if (typeof claims.exp !== 'number') hint.textContent = t('endless');
    else hint.textContent = t(claims.exp * 1000 < Date.now() ? 'expired' : 'expires', { when: when(claims.exp) });
    hint.classList.toggle('error', Boolean(text) && !claims);
    element('token-details', HTMLDetailsElement).hidden = !claims;
    element('token-json', HTMLElement).textContent = claims ? JSON.stringify(claims, null, 2) : '';
}

// Subscribing

const KINDS = /** @type {const} */ (['match', 'match_urlpattern', 'topic']);

/** @param {string} [text] */
function addMatcher(text = '') {
    const row = document.createElement('div');
    row.className = 'matcher';
    const kind = document.createElement('select');
    kind.setAttribute('aria-label', t('kind'));
    for (const name of KINDS) kind.append(new Option(t(`kind_${name}`), name));
    const field = document.createElement('input');
    field.setAttribute('aria-label', t('text'));
    field.required = true;
    field.spellcheck = false;
    field.value = text;
    const remove = document.createElement('button');
    remove.type = 'button';
    remove.className = 'quiet icon';
    remove.textContent = '×';
    remove.setAttribute('aria-label', t('remove'));
    remove.addEventListener('click', () => {
        row.remove();
        if (!matchers.children.length) addMatcher();
        matchers.querySelector('input')?.focus();
    });
    row.append(kind, remove, field);
    matchers.append(row);
    return field;
}

/** @returns {hub.Matcher[]} */
function chosen() {
    return [...matchers.children].map((row) => ({
        name: row.querySelector('select')?.value ?? 'match',
        text: row.querySelector('input')?.value.trim() ?? '',
    }));
}

/** @param {'off' | 'opening' | 'open' | 'waiting'} state @param {Record<string, number>} [values] */
function show(state, values) {
    element('state', HTMLElement).dataset.state = state;
    element('state-text', HTMLElement).textContent = t(`state_${state}`, values);
    stop.disabled = state === 'off';
}

/** @type {AbortController | undefined} */
let running;

/** Reads, and comes back after the stream's end with the last id, as every client does; a refusal ends it. */
async function follow() {
    running?.abort();
    const control = (running = new AbortController());
    const { signal } = control;
    const asked = { url: url(), token: token(), matchers: chosen(), signal };
    let lastId = value(forms.subscribe, 'lastId');
    let pause = 1000;
    while (!signal.aborted) {
        show('opening');
        try {
            await hub.subscribe({
                ...asked,
                lastId,
                opened(answered) {
                    show('open');
                    const isLost = Boolean(answered && lastId && lastId !== 'earliest' && answered !== lastId);
                    const text = answered ? t(isLost ? 'lost' : 'history', { id: isLost ? lastId : answered }) : '';
                    note('open', { text });
                },
                update(update) {
                    if (update.id) lastId = update.id;
                    pause = update.retry ?? pause;
                    note('event', { text: update.data, id: update.id, type: update.type === 'message' ? '' : update.type });
                },
                comment(text) {
                    if (text || beats.checked) note('comment', { text: text || ':' });
                },
            });
            note('closed');
        } catch (error) {
            if (signal.aborted) break;
            tell(error);
            if (error instanceof hub.Refused) break;
        }
        const seconds = Math.ceil(pause / 1000);
        show('waiting', { seconds });
        await Promise.race([
            new Promise((resolve) => setTimeout(resolve, pause)),
            new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true })),
        ]);
    }
    if (running === control) {
        running = undefined;
        show('off');
    }
}

// The forms

forms.hub.addEventListener('submit', (event) => event.preventDefault());
forms.hub.addEventListener('input', showToken);
element('add-matcher', HTMLButtonElement).addEventListener('click', () => addMatcher().focus());
element('clear', HTMLButtonElement).addEventListener('click', clear);

forms.subscribe.addEventListener('submit', (event) => {
    event.preventDefault();
    follow();
});

stop.addEventListener('click', () => {
    running?.abort();
    note('stopped');
    start.focus();
});

forms.publish.addEventListener('submit', async (event) => {
    event.preventDefault();
    const form = new URLSearchParams();
    const topics = value(forms.publish, 'topics').split('\n');
    for (const topic of topics.map((line) => line.trim()).filter(Boolean)) form.append('topic', topic);
    const data = forms.publish.elements.namedItem('data');
    form.append('data', data instanceof HTMLTextAreaElement ? data.value : '');
    const isPrivate = forms.publish.elements.namedItem('private');
    if (isPrivate instanceof HTMLInputElement && isPrivate.checked) form.append('private', 'on');
    for (const name of ['id', 'type', 'retry']) {
        const text = value(forms.publish, name);
        if (text) form.append(name, text);
    }
    const outcome = element('outcome', HTMLOutputElement);
    outcome.value = '…';
    try {
        const id = (await hub.publish(url(), publishToken(), form)).trim();
        note('published', { id });
        outcome.value = t('entry_published');
    } catch (error) {
        tell(error);
        outcome.value = error instanceof hub.Refused ? error.message : t('entry_failed');
    }
});

element('refresh', HTMLButtonElement).addEventListener('click', async () => {
    try {
        people.show(await hub.subscriptions(url(), token()));
    } catch (error) {
        people.fail(error instanceof hub.Refused ? error.message : t('unreachable'));
    }
});

forms.discover.addEventListener('submit', async (event) => {
    event.preventDefault();
    try {
        const found = await hub.discover(new URL(value(forms.discover, 'resource'), location.href).href);
        if (!found.hub) throw new Error(t('notFound'));
        fill(forms.hub, 'url', found.hub);
        if (found.topic) {
            const field = [...matchers.querySelectorAll('input')].find((input) => !input.value) ?? addMatcher();
            field.value = found.topic;
            fill(forms.publish, 'topics', found.topic);
        }
        note('found', { text: t('found', { hub: found.hub }) });
    } catch (error) {
        if (error instanceof TypeError) tell(error);
        else note('failed', { text: error instanceof Error ? error.message : String(error) });
    }
});

// The beginning

translate();
show('off');
const session = await fetch('session.json', { cache: 'no-store' }).then((answer) => answer.json());
fill(forms.hub, 'url', new URL(session.hub, location.href).href);
fill(forms.hub, 'token', session.subscribe ?? '');
if (session.publish !== session.subscribe) fill(forms.hub, 'publishToken', session.publish ?? '');
element('warning', HTMLElement).hidden = !session.playground;
const example = session.echo ? new URL('/playground/books/1.jsonld', location.href).href : 'https://example.com/books/1';
fill(forms.discover, 'resource', session.echo ? example : '');
addMatcher(example);
fill(forms.publish, 'topics', example);
fill(forms.publish, 'data', '{"title": "Hello"}');
showToken();
