/*
 * Deliveries to receivers as they are: one that answers, one that fails and recovers, one that stalls, one that wants no
 * more. Nothing is forgotten over a crash, nothing overtakes within a conversation, and what was erased is not sent.
 */
import assert from 'node:assert/strict';
import test, { describe } from 'node:test';

import { eventually, freshVisitorKey, serverFor, startServer } from './server.mjs';
import { assertError, assertListed } from './shapes.mjs';
import { change, noteOn } from './agents.mjs';
import { load } from './load.mjs';
import { adminOrg, deliveriesOf, receiverFor, verify, webhookFor } from './receiver.mjs';

const PRIVATE = ['--webhook-allow-private'];
const content = (delivery) => delivery.json.data.message?.content;
const conversationOf = (delivery) => delivery.json.data.conversation.id;

describe('what happens', () => {
    test('is told to whoever wants it, signed, without a visitor’s key', async (t) => {
        const server = await serverFor(t, { flags: PRIVATE });
        const org = await adminOrg(server);
        const receiver = await receiverFor(t);
        const webhook = await webhookFor(org, `${receiver.url}/hook?x=1`, ['conversation.created', 'message.created', 'visitor.created', 'visitor.erased']);
        const visitor = org.visitor();
        const id = await visitor.converse();
        const message = await visitor.say(id, 'Grüße, “quotes” and 😀\n');
        const deliveries = await receiver.received(3);
        for (const delivery of deliveries) {
            verify(delivery.headers, delivery.raw, webhook.secret);
            assert.equal(delivery.method, 'POST');
            assert.equal(delivery.path, '/hook?x=1');
            assert.match(delivery.headers['content-type'], /^application\/json/);
            assert.match(delivery.headers['user-agent'], /^Helvino\//);
            assert.equal(delivery.headers.expect, undefined);
            assert.equal(delivery.json.id, delivery.id);
            assert.equal(delivery.json.event, delivery.event);
            assert.ok(delivery.id.startsWith(`${webhook.id}-${delivery.json.seq}-`));
            assert.doesNotMatch(delivery.raw.toString(), new RegExp(visitor.key));
        }
        const by = (event) => deliveries.find((delivery) => delivery.event === event).json;
        assert.deepEqual(by('message.created').data.message, message);
        assert.equal(by('message.created').data.conversation.id, id);
        assert.equal(by('message.created').seq, message.seq);
        assert.equal(by('conversation.created').data.conversation.id, id);
        const seen = await org.seen(visitor.key);
        assert.equal(by('visitor.created').data.visitor.id, seen.id);
        assert.equal(by('visitor.created').data.visitor.visitorKey, undefined);

        const receipt = await visitor.request('DELETE', '/visitors/me');
        assert.equal(receipt.status, 200);
        const [, , , erased] = await receiver.received(4);
        assert.deepEqual(erased.json.data, { visitor: { id: seen.id }, conversations: 1, messages: 1 });
        await eventually(async () => (await deliveriesOf(org, webhook)).delivered.length === 1, 'only what was erased is still named');
        const [last] = (await deliveriesOf(org, webhook)).delivered;
        assert.deepEqual([last.event, last.visitorId, last.conversationId, last.lastStatus], ['visitor.erased', null, null, 200]);
        await server.check();
    });

    test('is told by a server of any number of loops, each thing once', async (t) => {
        for (const loops of [1, 4]) {
            const server = await serverFor(t, { flags: PRIVATE, loops });
            const org = await adminOrg(server);
            const receiver = await receiverFor(t);
            await webhookFor(org, receiver.url, ['message.created']);
            const ids = await Promise.all(Array.from({ length: 20 }, () => org.visitor().converse()));
            for (let n = 0; n < 5; n++) await Promise.all(ids.map((id) => org.agent.say(id, `${n}`, { role: 'assistant' })));
            await receiver.received(100);
            for (const id of ids) {
                const told = receiver.deliveries.filter((delivery) => conversationOf(delivery) === id).map(content);
                assert.deepEqual(told, ['0', '1', '2', '3', '4']);
            }
            assert.equal(new Set(receiver.deliveries.map((delivery) => delivery.id)).size, 100);
            assert.ok(receiver.mostOpen <= 4, `${receiver.mostOpen} at a time`);
            const metrics = async () => (await org.anonymous.get('/metrics')).text;
            await eventually(async () => /^helvino_webhook_tries_total\{result="delivered"\} 100$/m.test(await metrics()), 'a hundred in the figures');
            assert.match(await metrics(), /^helvino_post_requests_total\{failure="none"\} 100$/m);
        }
    });
});

describe('the status of a conversation', () => {
    test('is told when it changes, whoever changes it, with all that the organisation knows; a note is not', async (t) => {
        const server = await serverFor(t, { flags: PRIVATE });
        const org = await adminOrg(server);
        const receiver = await receiverFor(t);
        const visitor = org.visitor();
        const id = await visitor.converse();
        const webhook = await webhookFor(org, receiver.url, ['conversation.status']);
        await noteOn(org.agent, id, 'canary');
        await change(org.agent, id, { priority: 'high', addTags: ['vip'] });
        const changes = [{ status: 'pending' }, { status: 'resolved' }, 'visitor', { status: 'snoozed', snoozedUntil: new Date(Date.now() + 1000).toISOString() }];
        for (const [at, what] of changes.entries()) {
            what === 'visitor' ? await visitor.say(id, 'again') : await change(org.agent, id, what);
            await receiver.received(at + 1);
        }
        const deliveries = await receiver.received(5);
        assert.deepEqual(deliveries.map((delivery) => delivery.json.data.conversation.status), ['pending', 'resolved', 'open', 'snoozed', 'open']);
        for (const delivery of deliveries) {
            verify(delivery.headers, delivery.raw, webhook.secret);
            assert.equal(delivery.event, 'conversation.status');
            assert.deepEqual(Object.keys(delivery.json.data), ['conversation']);
            assertListed(delivery.json.data.conversation);
            assert.deepEqual([conversationOf(delivery), delivery.json.data.conversation.tags], [id, ['vip']]);
            assert.doesNotMatch(delivery.raw.toString(), /canary/);
        }
        await server.check();
    });
});

describe('a receiver', () => {
    test('that fails and recovers gets everything, in the order of each conversation', async (t) => {
        const server = await serverFor(t, { flags: PRIVATE });
        const org = await adminOrg(server);
        let broken = true;
        const refused = new Set();
        const receiver = await receiverFor(t, {
            answer: (delivery) => {
                if (!broken && refused.has(delivery.id)) return 200;
                if (broken && content(delivery).startsWith('bad')) return refused.add(delivery.id) && 503;
                return 200;
            },
        });
        const webhook = await webhookFor(org, receiver.url, ['message.created']);
        const [bad, good] = [await org.visitor().converse(), await org.visitor().converse()];
        for (let n = 0; n < 4; n++) await org.agent.say(bad, `bad ${n}`, { role: 'assistant' });
        for (let n = 0; n < 4; n++) await org.agent.say(good, `good ${n}`, { role: 'assistant' });
        // The failing conversation holds back itself, and nobody else.
        await receiver.received(4, (delivery) => content(delivery).startsWith('good'));
        await receiver.received(2, (delivery) => content(delivery) === 'bad 0');
        const waiting = (await deliveriesOf(org, webhook)).waiting;
        assert.equal(waiting.length, 4);
        assert.equal(waiting[0].lastStatus, 503);
        assert.ok(waiting[0].tries >= 1 && waiting[0].nextTryAt !== null);
        assert.ok(receiver.deliveries.every((delivery) => !/^bad [1-3]$/.test(content(delivery))), 'one has overtaken another');
        broken = false;
        await receiver.received(1, (delivery) => content(delivery) === 'bad 3');
        const told = receiver.deliveries.filter((delivery) => conversationOf(delivery) === bad && delivery.status === 200).map(content);
        assert.deepEqual(told, ['bad 0', 'bad 1', 'bad 2', 'bad 3']);
        const tries = receiver.deliveries.filter((delivery) => content(delivery) === 'bad 0');
        assert.equal(new Set(tries.map((delivery) => delivery.id)).size, 1, 'the id is the same at each try');
        for (const delivery of tries) verify(delivery.headers, delivery.raw, webhook.secret);
        await eventually(async () => (await org.agent.getOk(`/webhooks/${webhook.id}`)).waiting === 0, 'an empty queue');
        await server.check();
    });

    test('that is asked to try again at once is tried again at once', async (t) => {
        const server = await serverFor(t, { flags: PRIVATE });
        const org = await adminOrg(server);
        let broken = true;
        const receiver = await receiverFor(t, { answer: () => (broken ? 500 : 200) });
        const webhook = await webhookFor(org, receiver.url, ['message.created']);
        await org.agent.say(await org.visitor().converse(), 'hello', { role: 'assistant' });
        await receiver.received(3);
        broken = false;
        const [waiting] = (await deliveriesOf(org, webhook)).waiting;
        const answer = await org.agent.post(`/webhooks/${webhook.id}/deliveries/${waiting.id}/retry`);
        assert.equal(answer.status, 200, answer.text);
        await eventually(async () => (await deliveriesOf(org, webhook)).delivered.length === 1, 'the delivery');
        assertError(await org.agent.post(`/webhooks/${webhook.id}/deliveries/${waiting.id}/retry`), 404, 'not_found');
        assertError(await org.agent.post(`/webhooks/${webhook.id}/deliveries/x/retry`), 404, 'not_found');
    });

    test('that stalls keeps nobody else waiting, and the server stops in good time', async (t) => {
        const server = await startServer({ flags: PRIVATE });
        t.after(() => server.remove());
        const [org, other] = [await adminOrg(server), await adminOrg(server)];
        const stalled = await receiverFor(t, { answer: () => new Promise(() => {}) });
        const receiver = await receiverFor(t);
        const webhook = await webhookFor(org, stalled.url, ['message.created']);
        await webhookFor(other, receiver.url, ['message.created']);
        for (let i = 0; i < 8; i++) await org.agent.say(await org.visitor().converse(), 'stalls', { role: 'assistant' });
        await stalled.received(4);
        for (let i = 0; i < 8; i++) await other.agent.say(await other.visitor().converse(), 'goes', { role: 'assistant' });
        await receiver.received(8);
        assert.equal(stalled.deliveries.length, 4, 'not more than four at a time');
        await server.stop();
        const again = await serverFor(t, { directory: server.directory, flags: PRIVATE });
        const same = again.adopt(org);
        assert.equal((await same.agent.getOk(`/webhooks/${webhook.id}`)).waiting, 8);
        await stalled.received(8);
        await again.check();
    });

    test('that answers while the server stops has answered', async (t) => {
        const server = await startServer({ flags: PRIVATE });
        t.after(() => server.remove());
        const org = await adminOrg(server);
        let stopping;
        const receiver = await receiverFor(t, { answer: () => (stopping = server.logged((lines) => lines.some((line) => line.event === 'stopping'), 'stopping')).then(() => 200) });
        const webhook = await webhookFor(org, receiver.url, ['message.created']);
        await org.agent.say(await org.visitor().converse(), 'hello', { role: 'assistant' });
        await receiver.received(1);
        await server.stop();
        const again = await serverFor(t, { directory: server.directory, flags: PRIVATE });
        const deliveries = await deliveriesOf(again.adopt(org), webhook);
        assert.deepEqual([deliveries.waitingCount, deliveries.delivered.length], [0, 1]);
        assert.equal(receiver.deliveries.length, 1);
    });

    test('that answers 410 is switched off, and goes on where it was when it is switched on', async (t) => {
        const server = await serverFor(t, { flags: PRIVATE });
        const org = await adminOrg(server);
        let status = 410;
        const receiver = await receiverFor(t, { answer: () => status });
        const webhook = await webhookFor(org, receiver.url, ['message.created']);
        const id = await org.visitor().converse();
        await org.agent.say(id, 'before', { role: 'assistant' });
        const gone = await eventually(async () => {
            const shown = await org.agent.getOk(`/webhooks/${webhook.id}`);
            return !shown.enabled && shown;
        }, 'a webhook that is off');
        assert.equal(gone.disabledBecause, 'gone');
        await org.agent.say(id, 'while it is off', { role: 'assistant' });
        status = 200;
        assert.equal((await org.agent.request('PATCH', `/webhooks/${webhook.id}`, { body: { enabled: true } })).json.disabledBecause, null);
        await org.agent.say(id, 'after', { role: 'assistant' });
        await receiver.received(2, (delivery) => delivery.status === 200);
        assert.deepEqual(receiver.deliveries.map(content), ['before', 'before', 'after']);
    });

    test('that answers with more than anybody wants to read has answered', async (t) => {
        const server = await serverFor(t, { flags: PRIVATE });
        const org = await adminOrg(server);
        const receiver = await receiverFor(t, { answer: () => ({ status: 200, body: Buffer.alloc(4 << 20, 'x') }) });
        const webhook = await webhookFor(org, receiver.url, ['message.created']);
        await org.agent.say(await org.visitor().converse(), 'hello', { role: 'assistant' });
        await eventually(async () => (await deliveriesOf(org, webhook)).delivered.length === 1, 'the delivery');
    });
});

describe('what waits', () => {
    test('is not sent once it is erased', async (t) => {
        const server = await serverFor(t, { flags: PRIVATE });
        const org = await adminOrg(server);
        let broken = true;
        const receiver = await receiverFor(t, { answer: () => (broken ? 500 : 200) });
        const webhook = await webhookFor(org, receiver.url, ['message.created', 'visitor.erased']);
        const [visitor, other] = [org.visitor(), org.visitor()];
        const id = await visitor.converse();
        await visitor.say(id, 'a secret');
        await visitor.say(id, 'another secret');
        await receiver.received(1);
        await other.say(await other.converse(), 'stays');
        assert.equal((await visitor.request('DELETE', '/visitors/me')).status, 200);
        receiver.deliveries.length = 0;
        broken = false;
        await receiver.received(2, (delivery) => delivery.status === 200);
        assert.deepEqual(receiver.deliveries.filter((d) => d.status === 200).map((d) => content(d) ?? d.event).sort(), ['stays', 'visitor.erased']);
        for (const delivery of receiver.deliveries) assert.doesNotMatch(delivery.raw.toString(), /secret/);
        await eventually(async () => (await deliveriesOf(org, webhook)).waitingCount === 0, 'an empty queue');
        await server.check();
    });

    test('goes with its organisation', async (t) => {
        const server = await serverFor(t, { flags: PRIVATE });
        const org = await adminOrg(server);
        await webhookFor(org, 'http://127.0.0.1:1/', ['message.created', 'conversation.created']);
        for (let i = 0; i < 30; i++) await org.agent.say(await org.visitor().converse(), 'hello', { role: 'assistant' });
        await server.cliOk('org', 'delete', org.key, '--yes');
        await eventually(async () => (await server.counts()).webhook_queue === 0, 'an empty queue');
        const counts = await server.counts();
        assert.deepEqual([counts.webhooks, counts.webhook_by_org, counts.webhook_past], [0, 0, 0]);
        await server.check();
    });

    test('has a limit: beyond it nothing is kept for the webhook, which is counted, and what waits comes', async (t) => {
        const server = await serverFor(t, { flags: PRIVATE });
        const org = await adminOrg(server);
        const webhook = await webhookFor(org, 'http://127.0.0.1:1/', ['message.created']);
        const id = await org.anonymous.converse();
        let left = 10_040;
        await load(server.port, 16, { 'X-Org-Key': org.key, Authorization: `Bearer ${org.token}` }, async (client) => {
            while (left-- > 0) assert.equal((await client.post(`/conversations/${id}/messages`, { role: 'assistant', content: 'x' })).status, 201);
        });
        const shown = await org.agent.getOk(`/webhooks/${webhook.id}`);
        assert.equal(shown.waiting, 10_000);
        assert.equal(shown.lost, 40);
        assert.match((await org.anonymous.get('/metrics')).text, /^helvino_limit_hits_total\{limit="webhook_queue"\} 40$/m);
        const receiver = await receiverFor(t);
        await org.agent.request('PATCH', `/webhooks/${webhook.id}`, { body: { url: receiver.url } });
        await receiver.received(50);
        assert.deepEqual(receiver.deliveries.map((d) => d.json.seq), receiver.deliveries.map((d) => d.json.seq).sort((a, b) => a - b));
        await server.check();
    });
});

describe('a crash', () => {
    test('forgets nothing: each message is told at least once, and in order, over kill -9', { timeout: 120_000 }, async (t) => {
        let server = await startServer({ flags: PRIVATE });
        t.after(async () => {
            if (!server.exited) await server.kill();
            server.remove();
        });
        const receiver = await receiverFor(t);
        const org = await adminOrg(server);
        const webhook = await webhookFor(org, receiver.url, ['message.created']);
        const kept = [];
        let said = 0;
        for (let round = 0; round < 4; round++) {
            const killAt = said + 150;
            await load(server.port, 8, { 'X-Org-Key': org.key }, async (client, number) => {
                const key = freshVisitorKey();
                const created = await client.post('/conversations', undefined, { 'X-Visitor-Id': key }).catch(() => null);
                if (!created) return;
                const conversation = { id: created.json.id, contents: [] };
                kept.push(conversation);
                for (let n = 0; ; n++) {
                    const answer = await client.post(`/conversations/${conversation.id}/messages`, { role: 'user', content: `${round}/${number}/${n}` }, { 'X-Visitor-Id': key }).catch(() => null);
                    if (!answer) return;
                    assert.equal(answer.status, 201, answer.text);
                    conversation.contents.push(answer.json.content);
                    if (++said === killAt) server.signal('SIGKILL');
                }
            });
            await server.ended();
            server = await startServer({ directory: server.directory, flags: PRIVATE });
            await server.check();
        }
        await eventually(async () => (await server.adopt(org).agent.getOk(`/webhooks/${webhook.id}`)).waiting === 0, 'an empty queue');
        for (const { id, contents } of kept) {
            // The first time that each was told, in the order of the telling.
            const told = [...new Set(receiver.deliveries.filter((delivery) => conversationOf(delivery) === id).map(content))];
            assert.deepEqual(told.slice(0, contents.length), contents);
            assert.ok(told.length <= contents.length + 1, 'a message that nobody sent');
        }
        await server.stop();
    });
});
