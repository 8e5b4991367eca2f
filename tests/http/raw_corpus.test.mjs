/*
 * Every request of raw_corpus.mjs against one server: the answer is one of those allowed, the connection goes on or ends as it
 * should, no more requests reached a handler than were meant to, nothing was created on the way, and the server lives.
 */
import assert from 'node:assert/strict';
import test, { before, after, describe } from 'node:test';

import { Caller, eventually, startServer } from './server.mjs';
import { assertError, assertSafeHeaders } from './shapes.mjs';
import { cases, ORG } from './raw_corpus.mjs';
import { Wire, requestBytes } from './raw.mjs';

let server, context;
before(async () => {
    server = await startServer({ loops: 1, flags: ['--request-deadline', '3'] });
    const org = await server.org(ORG);
    context = { conversation: await org.anonymous.converse(), org };
});
after(async () => {
    await server.check();
    await server.stop();
    server.remove();
});

/** How many requests the API's routes have handled, and how many of them were answered with 201. */
async function counters() {
    const { text } = await new Caller(server, {}).get('/metrics');
    const count = { handled: 0, created: 0 };
    for (const [, labels, value] of text.matchAll(/^helvino_requests_total\{(.*)\} (\d+)$/gm)) {
        const route = /\broute="([^"]*)"/.exec(labels)?.[1] ?? '';
        if (!route.includes('/') || /\/(metrics|health|openapi\.json)$/.test(route)) continue;
        count.handled += Number(value);
        if (/="201"/.test(labels)) count.created += Number(value);
    }
    return count;
}

const allowed = (expected, value) => [expected].flat().includes(value);

async function play({ bytes, answers, then, head = false, interim = false, deadline = false }) {
    const wire = await Wire.connect(server.port);
    wire.send(typeof bytes === 'function' ? bytes(context) : typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
    for (const statuses of answers) {
        let answer = await wire.answer({ head });
        while (answer?.interim && interim && !statuses.includes(answer.status)) answer = await wire.answer({ head });
        if (answer?.status === 100 && statuses.includes(100)) answer = await wire.answer({ head });
        assert.ok(statuses.includes(answer ? answer.status : null), `expected ${statuses}, got ${answer ? `${answer.status} ${answer.text}` : 'the end of the connection'}`);
        if (!answer) break;
        if (!answer.interim) assertSafeHeaders(answer.headers);
        if (answer.status >= 400 && !head) assertError(answer, answer.status);
        if (answer.status === 408 || deadline) continue;
        if (then === 'closed' && statuses === answers.at(-1)) assert.match(answer.headers.connection ?? '', /close/i, 'an answer that ends the connection does not say so');
    }
    if (then === 'closed') {
        await wire.closed();
        assert.equal(wire.rest.toString('latin1'), '', 'more answers than requests');
    } else if (then === 'open') {
        const probe = await wire.send(requestBytes('GET', '/health')).answer();
        assert.equal(probe?.status, 200, `the connection did not go on: ${probe?.status}`);
        assert.equal(wire.rest.length, 0);
    }
    wire.vanish();
}

async function assertAlive() {
    assert.equal((await new Caller(server, {}).request('GET', '/health', { agent: false })).status, 200);
    assert.equal(server.exited, undefined, `the server ended:\n${server.log.slice(-4000)}`);
}

describe('a raw request', () => {
    for (const one of cases.filter((one) => !one.deadline)) {
        test(one.name, async () => {
            const earlier = await counters();
            await play(one);
            await assertAlive();
            const now = await eventually(async () => {
                const seen = await counters();
                return allowed(one.handled, seen.handled - earlier.handled) && allowed(one.created, seen.created - earlier.created) && seen;
            }, `handled ${one.handled}, created ${one.created}`, 2000).catch(counters);
            assert.ok(allowed(one.handled, now.handled - earlier.handled), `handlers saw ${now.handled - earlier.handled} requests, expected ${one.handled}`);
            assert.ok(allowed(one.created, now.created - earlier.created), `${now.created - earlier.created} things were created, expected ${one.created}`);
        });
    }
});

test('requests that never end are ended by the server, all of them, and reach no handler', async () => {
    const unfinished = cases.filter((one) => one.deadline);
    const earlier = await counters();
    await Promise.all(unfinished.map((one) => play(one).catch((error) => assert.fail(`${one.name}: ${error.message}`))));
    await assertAlive();
    const now = await counters();
    const sum = (name) => unfinished.reduce((total, one) => total + one[name], 0);
    assert.equal(now.handled - earlier.handled, sum('handled'));
    assert.equal(now.created - earlier.created, sum('created'));
});

test('the corpus is as large as promised, and its names are different', () => {
    assert.ok(cases.length >= 120, `${cases.length}`);
    assert.equal(new Set(cases.map((one) => one.name)).size, cases.length);
});

test('every request of the corpus, cut in two anywhere, ends the same way', async () => {
    const cut = cases.filter((one) => !one.deadline && one.answers.every((statuses) => statuses.length === 1) && one.then !== 'either').slice(0, 60);
    for (const one of cut) {
        const bytes = typeof one.bytes === 'function' ? one.bytes(context) : Buffer.from(one.bytes, 'latin1');
        if (bytes.length > 4000) continue;
        for (const at of [1, Math.floor(bytes.length / 3), Math.floor(bytes.length / 2), bytes.length - 1]) {
            const wire = await Wire.connect(server.port);
            wire.send(bytes.subarray(0, at));
            await new Promise((sent) => wire.socket.write('', sent));
            wire.send(bytes.subarray(at));
            const answer = await wire.answer({ head: one.head });
            if (answer) assert.ok(one.answers[0].includes(answer.status), `${one.name} cut at ${at}: ${answer.status}`);
            else assert.equal(one.then, 'closed', `${one.name} cut at ${at}: no answer`);
            wire.vanish();
        }
    }
    await assertAlive();
});

test('in the end the store holds exactly what was answered with 201', async () => {
    const { created } = await counters();
    const conversations = await context.org.agent.pages('/conversations', 'conversations');
    const messages = conversations.reduce((total, conversation) => total + conversation.messageCount, 0);
    assert.equal(conversations.length + messages, created);
});
