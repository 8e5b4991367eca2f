/* tools/verify_visitor_session.sh says yes to the server, also to one with data, and no to one that breaks a promise. */
import assert from 'node:assert/strict';
import http from 'node:http';
import { join } from 'node:path';
import test, { describe } from 'node:test';

import { freshVisitorKey, ROOT, run, serverFor } from './server.mjs';

const SCRIPT = join(ROOT, 'tools/verify_visitor_session.sh');
const verify = (url, org) => run('bash', [SCRIPT, url], { env: { HELVINO_ORG_KEY: org.key, HELVINO_TOKEN: org.token } });

test('the script finds all five promises kept, on a fresh server and on one with data, again and again', async (t) => {
    const server = await serverFor(t);
    const org = await server.org('demo');
    for (let i = 0; i < 2; i++) {
        const result = await verify(server.url, org);
        assert.equal(result.code, 0, result.stdout + result.stderr);
        assert.equal(result.stdout.match(/✓/g).length >= 10, true);
        assert.match(result.stdout, /All 5 promises are kept/);
        assert.equal(result.stderr, '');
        assert.ok(!result.stdout.includes('hvt_'), 'it prints the token');
        const visitor = org.visitor(freshVisitorKey());
        for (let n = 0; n < 20; n++) await visitor.say(await visitor.converse(), 'x');
    }
    const slash = await verify(`${server.url}/`, org);
    assert.equal(slash.code, 0, slash.stderr);
    assert.equal((await org.agent.pages('/visitors', 'visitors')).length, 8);
});

test('it says what is missing when it is called wrongly', async () => {
    for (const [args, env, sentence] of [[[], {}, /usage/], [['localhost:4000'], {}, /http/], [['http://127.0.0.1:1'], { HELVINO_TOKEN: '' }, /HELVINO_TOKEN/]]) {
        const result = await run('bash', [SCRIPT, ...args], { env: { HELVINO_TOKEN: 'hvt_x', ...env } });
        assert.equal(result.code, 2);
        assert.match(result.stderr, sentence);
    }
    const nobody = await run('bash', [SCRIPT, 'http://127.0.0.1:1'], { env: { HELVINO_TOKEN: 'hvt_x' } });
    assert.equal(nobody.code, 2);
    assert.match(nobody.stderr, /no answer/);
});

test('a wrong token or organisation is told before anything is made', async (t) => {
    const server = await serverFor(t);
    const org = await server.org('demo');
    for (const wrong of [{ ...org, key: 'demo', token: `${org.token}x` }, { key: 'nobody', token: org.token }]) {
        const result = await verify(server.url, wrong);
        assert.equal(result.code, 2, result.stdout);
        assert.match(result.stderr, /401/);
        assert.equal(result.stdout, '');
    }
    assert.equal((await server.counts()).conversations, 0);
});

describe('a server that breaks a promise is found out', { concurrency: 3 }, () => {
    /** A tiny server of the right shape, with one thing broken. */
    async function impostor(t, broken) {
        let [ids, now] = [0, Date.parse('2026-01-01T00:00:00Z')];
        const id = () => `c${String(++ids).padStart(24, '0')}`;
        const [conversations, visitors] = [new Map(), new Map()];
        const time = () => new Date((now += broken === 'clock' ? 0 : 5)).toISOString();
        const touch = (key, counts) => {
            let visitor = [...visitors.values()].find((one) => broken === 'merge' || one.visitorKey === key);
            if (!visitor || (broken === 'visitor' && counts)) {
                const at = time();
                visitor = { id: id(), visitorKey: key, firstSeenAt: at, lastSeenAt: at, userAgent: null, conversationCount: 0 };
                visitors.set(visitor.id, visitor);
            } else visitor.lastSeenAt = time();
            if (broken === 'first') visitor.firstSeenAt = visitor.lastSeenAt;
            if (counts && broken !== 'count') visitor.conversationCount++;
            return visitor;
        };
        const server = http.createServer((request, response) => {
            const parts = [];
            request.on('data', (part) => parts.push(part));
            request.on('end', () => {
                const answer = (status, body) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
                const key = request.headers['x-visitor-id'];
                const [, kind, which, what] = new URL(request.url, 'http://x').pathname.split('/');
                const conversation = conversations.get(which);
                if (request.method === 'POST' && kind === 'conversations' && !which) {
                    const owner = key ? touch(key, true).id : broken === 'nobody' ? touch('v_nobody', true).id : null;
                    const made = { id: id(), visitorId: owner, createdAt: time(), messageCount: 0, messages: [] };
                    conversations.set(made.id, made);
                    return answer(201, { id: made.id, createdAt: made.createdAt });
                }
                if (kind === 'health') return answer(200, { ok: true });
                if (kind === 'visitors' && !which) return answer(200, { visitors: [], next: null });
                if (kind === 'visitors' && visitors.has(which)) return answer(200, visitors.get(which));
                if (kind === 'conversations' && !which) return answer(200, { conversations: [...conversations.values()].filter((one) => visitors.get(one.visitorId)?.visitorKey === key), next: null });
                if (!conversation) return answer(404, { error: 'Nothing.', code: 'not_found' });
                if (key && broken !== 'leak' && visitors.get(conversation.visitorId)?.visitorKey !== key) return answer(404, { error: 'Nothing.', code: 'not_found' });
                if (what === 'messages') {
                    const body = JSON.parse(Buffer.concat(parts).toString());
                    const message = { id: id(), conversationId: conversation.id, role: body.role, content: broken === 'text' ? body.content.normalize('NFKD').replace(/[^\x20-\x7e]/g, '?') : body.content, timestamp: time(), seq: ids };
                    if (broken !== 'lost') conversation.messages.push(message);
                    conversation.messageCount = conversation.messages.length;
                    if (broken !== 'touch') touch(key, false);
                    return answer(201, message);
                }
                return answer(200, conversation);
            });
        });
        await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
        t.after(() => server.close());
        return `http://127.0.0.1:${server.address().port}`;
    }
    const check = async (t, broken) => verify(await impostor(t, broken), { key: 'demo', token: 'hvt_impostor' });

    test('(the impostor itself passes when nothing is broken)', async (t) => {
        const result = await check(t, null);
        assert.equal(result.code, 0, result.stdout + result.stderr);
    });
    const breaks = {
        visitor: /should be c|2 /, merge: /other|another/, nobody: /null/, count: /number/, clock: /later/, first: /firstSeenAt/, leak: /404/, text: /text/, lost: /number of messages/, touch: /lastSeenAt/,
    };
    for (const [broken, sentence] of Object.entries(breaks)) {
        test(`broken: ${broken}`, async (t) => {
            const result = await check(t, broken);
            assert.equal(result.code, 1, `it was not noticed:\n${result.stdout}`);
            assert.match(result.stderr, sentence);
            assert.doesNotMatch(result.stdout, /All 5 promises/);
        });
    }
});
