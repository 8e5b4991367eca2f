/*
 * A small load: many keep-alive connections, each with one request under way. Hand-written over node:net because the test's own
 * processor time counts on a machine with two cores.
 */
import { Wire, requestBytes } from './raw.mjs';

/**
 * Opens `connections` and lets `work(client, number)` run on each of them until it returns. A client has
 * `post(path, body, headers)` and `get(path, headers)`, which give the answer, or null when the connection ended.
 */
export async function load(port, connections, headers, work) {
    const clients = await Promise.all(Array.from({ length: connections }, () => Client.open(port, headers)));
    try {
        await Promise.all(clients.map((client, number) => work(client, number)));
    } finally {
        clients.forEach((client) => client.close());
    }
}

export class Client {
    static async open(port, headers) {
        const client = new Client();
        client.headers = headers;
        client.wire = await Wire.connect(port);
        return client;
    }

    async #send(bytes) {
        this.wire.forget();
        return this.wire.send(bytes).answer();
    }

    post(path, body, headers = {}) {
        const type = body === undefined ? {} : { 'Content-Type': 'application/json' };
        return this.#send(requestBytes('POST', path, { ...this.headers, ...type, ...headers }, body === undefined ? '' : JSON.stringify(body)));
    }

    get(path, headers = {}) {
        return this.#send(requestBytes('GET', path, { ...this.headers, ...headers }));
    }

    close() {
        this.wire.vanish();
    }
}
