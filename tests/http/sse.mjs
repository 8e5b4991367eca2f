/* A reader of server-sent events over node:http, by the letter of https://html.spec.whatwg.org/#event-stream-interpretation
 * for what the server may send: fields "id", "event", "data" and "retry", comments, and lines that end in \n alone. */
import assert from 'node:assert/strict';
import http from 'node:http';

import { patiently } from './server.mjs';

/** A figure of /metrics, by its name and labels as they stand there. */
export async function figure(org, name) {
    const { text } = await org.anonymous.get('/metrics');
    const line = text.split('\n').find((each) => each.startsWith(`${name} `));
    assert.ok(line, `/metrics has no ${name}`);
    return Number(line.slice(name.length + 1));
}

export class Stream {
    /** Everything that came, in order: {id, event, data} with data parsed; and how many comments. */
    events = [];
    comments = 0;
    retry = null;
    bytes = 0;
    ended = false; // by the server in good order
    error = null; // or by a broken connection
    #rest = '';
    #frame = [];
    #watchers = new Set();

    constructor(request, response) {
        this.request = request;
        this.status = response.statusCode;
        this.headers = response.headers;
        this.response = response;
        response.setEncoding('utf8');
        response.on('data', (text) => this.#hear(text));
        response.on('end', () => this.#end(null));
        response.on('error', (error) => this.#end(error));
        response.on('close', () => this.#end(new Error('closed')));
    }

    #end(error) {
        if (this.over) return;
        this.ended = error === null;
        this.error = error;
        this.over = true;
        this.#notify();
    }

    #notify() {
        for (const watch of [...this.#watchers]) watch();
    }

    #hear(text) {
        this.bytes += text.length;
        const lines = (this.#rest + text).split('\n');
        this.#rest = lines.pop();
        for (const line of lines) this.#line(line);
        this.#notify();
    }

    #line(line) {
        assert.ok(!line.includes('\r'), 'a bare CR in a stream');
        if (line !== '') {
            if (line.startsWith(':')) this.comments++;
            else this.#frame.push(line);
            return;
        }
        const fields = {};
        for (const field of this.#frame) {
            const [, name, value] = /^([a-z]+): (.*)$/s.exec(field) ?? assert.fail(`not a field: ${field}`);
            assert.ok(!(name in fields), `${name} twice in one event`);
            fields[name] = value;
        }
        this.#frame = [];
        if (fields.retry !== undefined) this.retry = Number(fields.retry);
        if (fields.data === undefined) return;
        const event = { id: fields.id === undefined ? null : Number(fields.id), event: fields.event, data: JSON.parse(fields.data) };
        if (event.id !== null) this.lastId = event.id;
        this.events.push(event);
        this.onEvent?.(event);
    }

    of(name) {
        return this.events.filter((event) => event.event === name);
    }
    /** What it was told before it began to listen: up to the presence with which it begins. Others may come and go meanwhile. */
    get beginning() {
        return this.events.slice(0, 1 + this.events.findIndex((event) => event.event === 'presence' && event.id !== null));
    }
    get messages() {
        return this.of('message').map((event) => event.data);
    }

    /** Waits until `found` gives something truthy of what has come, which is the result. */
    until(found, what) {
        return patiently(
            new Promise((done, fail) => {
                const watch = () => {
                    const result = found(this);
                    if (!result && !this.over) return;
                    this.#watchers.delete(watch);
                    if (result) done(result);
                    else fail(new Error(`the stream ended before ${what}; it had ${JSON.stringify(this.events.slice(-5))}`));
                };
                this.#watchers.add(watch);
                watch();
            }),
            `${what} in a stream; it has ${JSON.stringify(this.events.slice(-5))}`,
        );
    }

    /** The next event of this name (the n-th of all of them), when it comes. */
    async next(name, n = 1) {
        return this.until(() => this.of(name)[n - 1], `${name} number ${n}`);
    }

    /** It has caught up and listens. */
    async ready() {
        await this.until(() => this.of('presence').some((event) => event.id !== null), 'the first presence');
        return this;
    }

    async end() {
        await this.until(() => this.over, 'its end');
        return this;
    }

    /** From the client's side, at once. */
    close() {
        this.over = true;
        this.request.destroy();
        this.#notify();
    }
}

/** Opens a stream; `caller` is one of server.mjs. Gives a Stream, whatever the status. */
export function open(caller, { since, lastEventId, headers = {}, method = 'GET', paused = false } = {}) {
    const url = `${caller.server.url}/stream${since === undefined ? '' : `?since=${since}`}`;
    const all = { ...caller.headers, ...(lastEventId === undefined ? {} : { 'last-event-id': String(lastEventId) }), ...headers };
    return patiently(
        new Promise((done, fail) => {
            const request = http.request(url, { method, headers: all, agent: false });
            request.on('response', (response) => {
                const stream = new Stream(request, response);
                stream.caller = caller;
                if (paused) response.pause();
                done(stream);
            });
            request.on('error', fail);
            request.end();
        }),
        `GET ${url}`,
    );
}

/** Opens one that must be let in, and waits until it listens. */
export async function listen(caller, options) {
    const stream = await open(caller, options);
    assert.equal(stream.status, 200);
    return stream.ready();
}
