/* /webhooks: making, changing and looking at them; who may; what is refused; and that a secret is shown once. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { describe } from 'node:test';

import { Caller, ROOT, eventually, run, serverFor } from './server.mjs';
import { assertError } from './shapes.mjs';
import { adminOrg, receiverFor, verify, webhookFor } from './receiver.mjs';

const PRIVATE = ['--webhook-allow-private'];

describe('a webhook', () => {
    test('is made, shown, changed and deleted; its secret is in the answers that make it alone', async (t) => {
        const server = await serverFor(t, { flags: PRIVATE });
        const org = await adminOrg(server);
        const made = await org.agent.post('/webhooks', { url: 'http://127.0.0.1:1/x', events: ['message.created', 'visitor.erased'], description: 'to the CRM' });
        assert.equal(made.status, 201, made.text);
        const { secret, ...webhook } = made.json;
        assert.match(secret, /^whsec_[A-Za-z0-9_-]{43}$/);
        assert.deepEqual(webhook, {
            id: webhook.id,
            url: 'http://127.0.0.1:1/x',
            events: ['message.created', 'visitor.erased'],
            description: 'to the CRM',
            enabled: true,
            disabledBecause: null,
            createdAt: webhook.createdAt,
            updatedAt: webhook.createdAt,
            waiting: 0,
            parked: 0,
            lost: 0,
        });
        assert.deepEqual((await org.agent.getOk('/webhooks')).webhooks, [webhook]);
        assert.deepEqual(await org.agent.getOk(`/webhooks/${webhook.id}`), webhook);

        const change = (body) => org.agent.request('PATCH', `/webhooks/${webhook.id}`, { body });
        const changed = await change({ events: ['conversation.created'], enabled: false, description: null });
        assert.equal(changed.status, 200, changed.text);
        assert.deepEqual([changed.json.events, changed.json.enabled, changed.json.description], [['conversation.created'], false, null]);
        assert.equal(changed.json.url, webhook.url);
        assert.equal(changed.json.secret, undefined);
        assert.equal((await change({})).status, 200);

        const rotated = await org.agent.post(`/webhooks/${webhook.id}/secret`);
        assert.equal(rotated.status, 200, rotated.text);
        assert.match(rotated.json.secret, /^whsec_/);
        assert.notEqual(rotated.json.secret, secret);

        const audit = JSON.parse(await server.cliOk('dump', 'sql', '--format', 'json', 'SELECT action, "subjectId" FROM audit'));
        const acts = audit.map((row) => row.action).filter((action) => action.startsWith('webhook.'));
        assert.deepEqual(acts, ['webhook.created', 'webhook.updated', 'webhook.updated', 'webhook.secret']);

        const sql = await server.cliOk('dump', 'sql', '--format', 'json', 'SELECT * FROM webhooks');
        assert.match(sql, new RegExp(webhook.id));
        for (const text of [sql, server.log, await server.cliOk('webhook', 'list', org.key, '--format', 'json')]) {
            assert.doesNotMatch(text, /whsec_/);
        }
        assert.equal((await org.agent.request('DELETE', `/webhooks/${webhook.id}`)).status, 204);
        assertError(await org.agent.get(`/webhooks/${webhook.id}`), 404, 'not_found');
        assert.deepEqual((await org.agent.getOk('/webhooks')).webhooks, []);
        await server.check();
    });

    test('is for whoever administers the organisation, and nobody else', async (t) => {
        const server = await serverFor(t, { flags: PRIVATE });
        const [org, other] = [await adminOrg(server), await adminOrg(server)];
        const writer = new Caller(server, { authorization: `Bearer ${await server.token(org.key)}` });
        const webhook = await webhookFor(org, 'http://127.0.0.1:1/', ['message.created']);
        const routes = [
            ['GET', '/webhooks'],
            ['POST', '/webhooks', { url: 'http://127.0.0.1:1/', events: ['message.created'] }],
            ['GET', `/webhooks/${webhook.id}`],
            ['PATCH', `/webhooks/${webhook.id}`, { enabled: false }],
            ['DELETE', `/webhooks/${webhook.id}`],
            ['POST', `/webhooks/${webhook.id}/secret`],
            ['POST', `/webhooks/${webhook.id}/test`],
            ['GET', `/webhooks/${webhook.id}/deliveries`],
            ['POST', `/webhooks/${webhook.id}/deliveries/${webhook.id}-1-3/retry`],
        ];
        for (const [method, path, body] of routes) {
            assertError(await org.visitor().request(method, path, { body }), 401, 'token_required');
            assertError(await writer.request(method, path, { body }), 403, 'right_forbidden');
            assertError(await new Caller(server, {}).request(method, path, { body }), 401, 'token_required');
            if (path.includes(webhook.id)) assertError(await other.agent.request(method, path, { body }), 404, 'not_found');
        }
        assert.deepEqual((await other.agent.getOk('/webhooks')).webhooks, []);
        const still = await org.agent.getOk(`/webhooks/${webhook.id}`);
        assert.equal(still.enabled, true);
    });

    test('that is none is refused with a sentence', async (t) => {
        const server = await serverFor(t);
        const org = await adminOrg(server);
        const url = 'https://example.com/hook';
        const events = ['message.created'];
        const refused = [
            [{ events }, /"url" is missing/],
            [{ url }, /"events"/],
            [{ url, events: [] }, /"events"/],
            [{ url, events: ['message.deleted'] }, /"events"/],
            [{ url, events: 'message.created' }, /"events"/],
            [{ url, events: [1] }, /"events"/],
            [{ url: 7, events }, /"url"/],
            [{ url, events, enabled: 'yes' }, /"enabled"/],
            [{ url, events, description: 'x'.repeat(201) }, /"description"/],
            [{ url: 'http://example.com/', events }, /https/],
            [{ url: 'https://127.0.0.1/', events }, /private/],
            [{ url: 'https://localhost:8443/', events }, /private/],
            [{ url: 'https://[::ffff:10.0.0.1]/', events }, /private/],
            [{ url: 'https://u:p@example.com/', events }, /user/],
            [{ url: 'https://example.com:25/', events }, /port/],
            [{ url: `https://example.com/${'a'.repeat(1024)}`, events }, /1024/],
        ];
        for (const [body, sentence] of refused) {
            const answer = await org.agent.post('/webhooks', body);
            assertError(answer, 400, 'invalid_field');
            assert.match(answer.json.error, sentence, JSON.stringify(body));
        }
        assertError(await org.agent.post('/webhooks'), 400, 'invalid_json');
        const webhook = await webhookFor(org, url, events);
        for (const body of [{ url: 'https://10.0.0.1/' }, { events: [] }, { enabled: 1 }]) {
            assertError(await org.agent.request('PATCH', `/webhooks/${webhook.id}`, { body }), 400, 'invalid_field');
        }
        for (let i = 1; i < 20; i++) await webhookFor(org, url, events);
        assertError(await org.agent.post('/webhooks', { url, events }), 409, 'conflict');
        for (const id of ['x', 'c000000000000000000000001']) assertError(await org.agent.get(`/webhooks/${id}`), 404, 'not_found');
    });

    test('is pinged on request, and what came back is told', async (t) => {
        const server = await serverFor(t, { flags: PRIVATE });
        const org = await adminOrg(server);
        const receiver = await receiverFor(t, { answer: (delivery) => Number(delivery.path.slice(1)) });
        for (const status of [200, 204, 302, 500]) {
            const webhook = await webhookFor(org, `${receiver.url}/${status}`, ['visitor.erased']);
            const answer = await org.agent.post(`/webhooks/${webhook.id}/test`);
            assert.equal(answer.status, 200, answer.text);
            assert.deepEqual({ ...answer.json, milliseconds: 0 }, { delivered: status < 300, status, failure: null, reason: null, milliseconds: 0 });
            const ping = receiver.deliveries.at(-1);
            verify(ping.headers, ping.raw, webhook.secret);
            assert.equal(ping.event, 'ping');
            assert.equal(ping.json.data.webhook.id, webhook.id);
            const command = await server.cli('webhook', 'test', org.key, webhook.id, '--webhook-allow-private');
            assert.equal(command.code, status < 300 ? 0 : 1, command.stderr);
            assert.match(command.stdout + command.stderr, new RegExp(`status ${status} `));
        }
        const gone = await webhookFor(org, 'http://127.0.0.1:1/', ['visitor.erased']);
        const answer = await org.agent.post(`/webhooks/${gone.id}/test`);
        assert.equal(answer.json.failure, 'connect_failed');
        assert.equal(answer.json.status, null);
        assert.match(answer.json.reason, /connection/);
        assert.equal((await org.agent.getOk(`/webhooks/${gone.id}`)).waiting, 0);
    });

    test('can’t be pinged more than ten times a minute', async (t) => {
        const server = await serverFor(t, { flags: PRIVATE, rateLimit: 'on' });
        const org = await adminOrg(server);
        const webhook = await webhookFor(org, 'http://127.0.0.1:1/', ['visitor.erased']);
        for (let i = 0; i < 10; i++) assert.equal((await org.agent.post(`/webhooks/${webhook.id}/test`)).status, 200);
        assertError(await org.agent.post(`/webhooks/${webhook.id}/test`), 429, 'rate_limited');
    });
});

describe('helvino webhook', () => {
    test('makes one that the running server tells, lists it, and deletes it', async (t) => {
        const server = await serverFor(t, { flags: PRIVATE });
        const org = await adminOrg(server);
        const receiver = await receiverFor(t);
        const secret = (await server.cliOk('webhook', 'create', org.key, receiver.url, '--event', 'message.created', '--event', 'conversation.created', '--webhook-allow-private')).trim();
        const id = await org.visitor().converse();
        const [delivery] = await receiver.received(1);
        verify(delivery.headers, delivery.raw, secret);
        assert.equal(delivery.json.data.conversation.id, id);
        const [listed] = JSON.parse(await server.cliOk('webhook', 'list', org.key, '--format', 'json'));
        assert.deepEqual([listed.url, listed.events, listed.enabled], [receiver.url, 'conversation.created message.created', true]);
        assert.match(await server.cliOk('webhook', 'list', org.key), new RegExp(listed.id));
        await server.cliOk('webhook', 'delete', org.key, listed.id);
        await org.visitor().converse();
        await eventually(async () => (await org.agent.getOk('/webhooks')).webhooks.length === 0, 'a deleted webhook');
        assert.equal(receiver.deliveries.length, 1);
        await server.check();
    });

    test('says what is wrong', async (t) => {
        const server = await serverFor(t);
        const org = await adminOrg(server);
        const refused = async (sentence, code, ...args) => {
            const result = await server.cli('webhook', ...args);
            assert.equal(result.code, code, result.stdout + result.stderr);
            assert.match(result.stderr, sentence);
        };
        await refused(/private/, 2, 'create', org.key, 'https://127.0.0.1/', '--event', 'message.created');
        await refused(/--event/, 2, 'create', org.key, 'https://example.com/');
        await refused(/no event "nothing"/, 2, 'create', org.key, 'https://example.com/', '--event', 'nothing');
        await refused(/no organisation/, 1, 'create', 'nobody', 'https://example.com/', '--event', 'message.created');
        await refused(/25 characters/, 2, 'delete', org.key, 'x');
        await refused(/no such webhook/, 1, 'delete', org.key, 'c000000000000000000000001');
        await refused(/no such webhook/, 1, 'test', org.key, 'c000000000000000000000001');
        assert.match(await server.cliOk('webhook', 'list', org.key), /no webhooks yet/);
    });
});

describe('the README', () => {
    test('shows commands for webhooks that work', async (t) => {
        const server = await serverFor(t, { flags: PRIVATE });
        const org = await adminOrg(server);
        const receiver = await receiverFor(t);
        const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
        const [, block] = readme.split('## Webhooks')[1].match(/```sh\n([\s\S]*?)```/);
        const script = `set -euo pipefail\n${block.replace('https://example.com/helvino', receiver.url)}\necho "$SECRET"\n`;
        const env = { BASE: server.url, AUTH: `authorization: Bearer ${org.token}`, JSON: 'content-type: application/json' };
        const result = await run('bash', ['-c', script], { env });
        assert.equal(result.code, 0, result.stderr);
        const [ping] = receiver.deliveries;
        verify(ping.headers, ping.raw, result.stdout.trim().split('\n').at(-1));
        assert.match(result.stdout, /"delivered": true/);
        assert.match(result.stdout, /"waitingCount": 0/);
        assert.match(result.stdout, /"enabled": false/);
        assert.equal((await org.agent.getOk('/webhooks')).webhooks.length, 1);
    });
});
