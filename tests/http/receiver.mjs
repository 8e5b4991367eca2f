/*
 * A receiver of webhooks as somebody would write one: it checks each signature, keeps what came in its order, and answers
 * as the test wants.
 */
import assert from 'node:assert/strict';
import { createHmac, timingSafeEqual } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';

import { Org, eventually } from './server.mjs';

/** Throws unless the request was signed with the secret, over exactly these bytes, in the last five minutes. */
export function verify(headers, raw, secret) {
    const timestamp = headers['x-helvino-timestamp'];
    assert.match(timestamp, /^[0-9]{10}$/);
    assert.ok(Math.abs(Date.now() / 1000 - Number(timestamp)) < 300, 'an old timestamp');
    const expected = createHmac('sha256', secret).update(`${timestamp}.`).update(raw).digest('hex');
    const [scheme, signature] = headers['x-helvino-signature'].split('=');
    assert.equal(scheme, 'sha256');
    assert.equal(signature.length, 64);
    assert.ok(timingSafeEqual(Buffer.from(signature), Buffer.from(expected)), 'the signature is wrong');
}

export class Receiver {
    /** `answer(delivery, number)` gives a status, an object {status, headers, body}, or a promise of either. */
    constructor({ answer = () => 200, tls, host = '127.0.0.1', port = 0 } = {}) {
        this.answer = answer;
        this.deliveries = [];
        this.connections = 0;
        this.host = host;
        this.open = 0;
        this.mostOpen = 0;
        const handle = (request, response) => this.#take(request, response);
        this.server = tls ? https.createServer(tls, handle) : http.createServer(handle);
        this.server.on('connection', () => this.connections++);
        this.ready = new Promise((done, fail) => {
            this.server.on('error', fail);
            this.server.listen(port, host, () => {
                this.port = this.server.address().port;
                this.url = `${tls ? 'https' : 'http'}://${host}:${this.port}`;
                done(this);
            });
        });
    }

    #take(request, response) {
        const parts = [];
        request.on('data', (part) => parts.push(part));
        request.on('end', async () => {
            const raw = Buffer.concat(parts);
            const delivery = { method: request.method, path: request.url, headers: request.headers, raw, json: JSON.parse(raw.toString()) };
            delivery.id = request.headers['x-helvino-delivery'];
            delivery.event = request.headers['x-helvino-event'];
            const number = this.deliveries.push(delivery);
            this.mostOpen = Math.max(this.mostOpen, ++this.open);
            let answer = await this.answer(delivery, number);
            if (typeof answer === 'number') answer = { status: answer };
            delivery.status = answer.status;
            this.open--;
            response.writeHead(answer.status, answer.headers);
            response.end(answer.body ?? '');
        });
    }

    /** Waits until `count` deliveries, or those that `which` picks, have come; gives them. */
    async received(count, which = () => true) {
        const picked = () => this.deliveries.filter(which);
        await eventually(() => picked().length >= count, `${count} deliveries; there came ${JSON.stringify(this.deliveries.map((d) => [d.event, d.id, d.status]))}`);
        return picked();
    }

    close() {
        this.server.closeAllConnections();
        return new Promise((done) => this.server.close(done));
    }
}

export async function receiverFor(t, options) {
    const receiver = await new Receiver(options).ready;
    t.after(() => receiver.close());
    return receiver;
}

/** A new organisation, with a token that may administer it. */
export async function adminOrg(server) {
    const { key } = await server.org();
    return new Org(server, key, (await server.cliOk('org', 'token', 'create', key, '--scope', 'admin')).trim());
}

/** Creates a webhook and gives it as the API answered, with its secret. */
export async function webhookFor(org, url, events) {
    const answer = await org.agent.post('/webhooks', { url, events });
    assert.equal(answer.status, 201, answer.text);
    return answer.json;
}

export const deliveriesOf = (org, webhook) => org.agent.getOk(`/webhooks/${webhook.id}/deliveries?limit=100`);
