/*
 * A bare TCP or TLS connection for requests that no well-behaved client would send, and a strict reader of the answers.
 */
import net from 'node:net';
import tls from 'node:tls';

import { PATIENCE_MS, patiently } from './server.mjs';

export class Wire {
    constructor(socket) {
        this.socket = socket;
        this.bytes = Buffer.alloc(0);
        this.taken = 0;
        this.ended = false;
        this.error = null;
        this.wakers = new Set();
        socket.on('data', (part) => {
            this.bytes = Buffer.concat([this.bytes, part]);
            this.#wake();
        });
        socket.on('error', (error) => (this.error = error));
        for (const event of ['end', 'close']) {
            socket.on(event, () => {
                this.ended = true;
                this.#wake();
            });
        }
    }

    static connect(port, { host = '127.0.0.1', secure = false, allowHalfOpen = true, ...options } = {}) {
        return patiently(
            new Promise((done, fail) => {
                const socket = secure
                    ? tls.connect({ port, host, rejectUnauthorized: false, ...options }, () => done(new Wire(socket)))
                    : net.connect({ port, host, allowHalfOpen, ...options }, () => done(new Wire(socket)));
                socket.setNoDelay(true);
                socket.once('error', fail);
            }),
            `a connection to port ${port}`,
        );
    }

    #wake() {
        for (const waker of this.wakers) waker();
    }

    #until(found, what, patience_ms = PATIENCE_MS) {
        return patiently(
            new Promise((done, fail) => {
                const waker = () => {
                    try {
                        const result = found();
                        if (result === undefined) return;
                        done(result);
                    } catch (error) {
                        fail(error);
                    }
                    this.wakers.delete(waker);
                };
                this.wakers.add(waker);
                waker();
            }),
            what,
            patience_ms,
        );
    }

    send(bytes) {
        if (!this.socket.destroyed) this.socket.write(bytes);
        return this;
    }

    /** The next answer, or null when the connection ended instead. `head`: the request was HEAD. */
    answer({ head = false } = {}) {
        return this.#until(() => {
            const parsed = parseAnswer(this.bytes.subarray(this.taken), head);
            if (parsed) {
                this.taken += parsed.length;
                return parsed;
            }
            return this.ended ? null : undefined;
        }, 'an answer on the wire');
    }

    /** Resolves when the server has closed its side. */
    closed() {
        return this.#until(() => (this.ended ? true : undefined), 'the server to close the connection');
    }

    /** Bytes that came and belong to no answer taken so far. */
    get rest() {
        return this.bytes.subarray(this.taken);
    }

    /** Lets go of the bytes of answers that were taken, so that a long connection stays cheap. */
    forget() {
        this.bytes = this.bytes.subarray(this.taken);
        this.taken = 0;
    }

    halfClose() {
        this.socket.end();
        return this;
    }

    /** Gone without a word: FIN, or RST when bytes are still unread. */
    vanish() {
        this.socket.destroy();
    }

    /** Gone with a RST. (A socket that is shutting down cannot be reset: libuv refuses, and Node then never lets go of it.) */
    reset() {
        if (this.socket.writableEnded || !this.socket.resetAndDestroy) this.socket.destroy();
        else this.socket.resetAndDestroy();
    }
}

/** One HTTP/1 answer at the start of `bytes`, or null while it is not complete. Throws when it is not one. */
export function parseAnswer(bytes, head = false) {
    const end = bytes.indexOf('\r\n\r\n');
    if (end < 0) {
        if (bytes.length && !'HTTP/1.1 '.startsWith(bytes.toString('latin1', 0, Math.min(9, bytes.length)))) {
            throw new Error(`this is no answer: ${JSON.stringify(bytes.toString('latin1', 0, 200))}`);
        }
        return null;
    }
    const [line, ...fields] = bytes.toString('latin1', 0, end).split('\r\n');
    const match = /^HTTP\/1\.1 ([1-5][0-9][0-9]) [\x20-\x7e]*$/.exec(line);
    if (!match) throw new Error(`this is no status line: ${JSON.stringify(line)}`);
    const status = Number(match[1]);
    const headers = {};
    for (const field of fields) {
        const colon = field.indexOf(':');
        if (!/^[A-Za-z0-9-]+$/.test(field.slice(0, Math.max(colon, 0)))) throw new Error(`this is no header: ${field}`);
        const name = field.slice(0, colon).toLowerCase();
        if (name in headers && name === 'content-length') throw new Error('two Content-Length headers in an answer');
        headers[name] = name in headers ? `${headers[name]}, ${field.slice(colon + 1).trim()}` : field.slice(colon + 1).trim();
    }
    if (status < 200) return { status, headers, head: line, body: Buffer.alloc(0), length: end + 4, interim: true };
    if ('transfer-encoding' in headers) throw new Error('an answer with Transfer-Encoding');
    const bodyless = head || status === 204 || status === 304;
    if (!bodyless && !/^[0-9]+$/.test(headers['content-length'] ?? '')) throw new Error(`an answer without Content-Length: ${line}`);
    const length = bodyless ? 0 : Number(headers['content-length']);
    if (bytes.length < end + 4 + length) return null;
    const body = Buffer.from(bytes.subarray(end + 4, end + 4 + length));
    const whole = Buffer.from(bytes.subarray(0, end + 4 + length));
    return {
        status,
        headers,
        body,
        whole,
        length: whole.length,
        get text() {
            return body.toString('utf8');
        },
        get json() {
            return JSON.parse(body.toString('utf8'));
        },
    };
}

/** The bytes of an ordinary request. */
export function requestBytes(method, path, headers = {}, body) {
    const lines = [`${method} ${path} HTTP/1.1`];
    const all = { Host: 'localhost', ...headers };
    const payload = body === undefined ? Buffer.alloc(0) : Buffer.from(body);
    if (body !== undefined) all['Content-Length'] ??= String(payload.length);
    for (const [name, value] of Object.entries(all)) if (value !== undefined) lines.push(`${name}: ${value}`);
    return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), payload]);
}
