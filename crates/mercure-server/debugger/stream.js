// Reads server-sent events (HTML, section 9.2.6) from bytes. Unlike the browser's own EventSource it shows comments, and works with a token in a header.

/**
 * @typedef {{id: string, type: string, data: string, retry?: number}} Update
 * @typedef {{update?: (update: Update) => void, comment?: (text: string) => void}} Listener
 */

export class Parser {
    #listener;
    #decoder = new TextDecoder();
    #rest = '';
    #id = '';
    #type = '';
    /** @type {string[]} */
    #data = [];
    /** @type {number | undefined} */
    #retry;

    /** @param {Listener} listener */
    constructor(listener) {
        this.#listener = listener;
    }

    /** The id to continue from. */
    get lastId() {
        return this.#id;
    }

    /** @param {Uint8Array} bytes */
    feed(bytes) {
        this.#rest += this.#decoder.decode(bytes, { stream: true });
        for (;;) {
            const end = this.#rest.search(/[\r\n]/);
            // A CR at the very end may be the first half of CRLF.
            if (end < 0 || (this.#rest[end] === '\r' && end === this.#rest.length - 1)) return;
            const line = this.#rest.slice(0, end);
            const length = this.#rest.startsWith('\r\n', end) ? 2 : 1;
            this.#rest = this.#rest.slice(end + length);
            this.#line(line);
        }
    }

    /** @param {string} line */
    #line(line) {
        if (line === '') return this.#dispatch();
        const colon = line.indexOf(':');
        const name = colon < 0 ? line : line.slice(0, colon);
        const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
        switch (name) {
            case '':
                this.#listener.comment?.(value);
                break;
            case 'id':
                if (!value.includes('\0')) this.#id = value;
                break;
            case 'event':
                this.#type = value;
                break;
            case 'data':
                this.#data.push(value);
                break;
            case 'retry':
                if (/^[0-9]+$/.test(value)) this.#retry = Number(value);
                break;
            default:
        }
    }

    #dispatch() {
        if (this.#data.length > 0) {
            this.#listener.update?.({
                id: this.#id,
                type: this.#type || 'message',
                data: this.#data.join('\n'),
                retry: this.#retry,
            });
        }
        this.#type = '';
        this.#data = [];
        this.#retry = undefined;
    }
}
