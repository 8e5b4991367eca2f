/* Rate limits and connection limits: they hold, they say when to come back, they hit nobody else, and the server recovers. */
import assert from 'node:assert/strict';
import test, { describe } from 'node:test';

import { Caller, eventually, patiently, serverFor } from './server.mjs';
import { assertError, assertSafeHeaders } from './shapes.mjs';
import { Wire, requestBytes } from './raw.mjs';

/** Sends until the first 429 and gives how many passed before it; the 429 must be a proper one. */
async function until429(send, most) {
    for (let passed = 0; passed <= most; passed++) {
        const answer = await send(passed);
        if (answer.status === 429) {
            assertError(answer, 429, 'rate_limited');
            assert.match(answer.headers['retry-after'] ?? '', /^[1-9][0-9]*$/, 'Retry-After');
            assert.ok(Number(answer.headers['retry-after']) <= 60, `Retry-After: ${answer.headers['retry-after']}`);
            assertSafeHeaders(answer.headers, '429');
            return passed;
        }
        assert.ok(answer.status === 201 || answer.status === 200, `${answer.status} ${answer.text}`);
    }
    assert.fail(`${most} requests passed and no limit came`);
}

/** A bucket of `perMinute` that also refilled while the requests ran. */
function assertBucket(passed, perMinute, began) {
    const refilled = Math.ceil(((Date.now() - began) / 60_000) * perMinute) + 1;
    assert.ok(passed >= perMinute, `only ${passed} of ${perMinute} passed`);
    assert.ok(passed <= perMinute + refilled, `${passed} passed with a limit of ${perMinute}`);
}

describe('rate limits', () => {
    test('a visitor has 30 conversations and 120 messages a minute unless configured otherwise', async (t) => {
        const server = await serverFor(t, { rateLimit: 'on' });
        const org = await server.org();
        const visitor = org.visitor();
        let began = Date.now();
        assertBucket(await until429(() => visitor.post('/conversations'), 200), 30, began);

        const talker = org.visitor();
        const id = await talker.converse();
        began = Date.now();
        assertBucket(await until429(() => talker.post(`/conversations/${id}/messages`, { role: 'user', content: 'x' }), 500), 120, began);

        // Nothing of what was refused is there; others, reads and the organisation are not touched.
        const seen = await org.seen(visitor.key);
        assert.equal((await org.agent.pages('/conversations', 'conversations')).filter((item) => item.visitorId === seen.id).length, seen.conversationCount);
        await org.visitor().converse();
        await visitor.getOk('/conversations');
        await org.agent.say(id, 'x', { role: 'assistant' });
    });

    test('--rate-limit off takes them all away', async (t) => {
        const server = await serverFor(t, { rateLimit: 'off' });
        const visitor = (await server.org()).visitor();
        for (let i = 0; i < 100; i++) await visitor.converse();
    });

    test('200 visitors behind one address all get through', async (t) => {
        const server = await serverFor(t, { rateLimit: 'on' });
        const org = await server.org();
        const visits = Array.from({ length: 200 }, async () => {
            const visitor = org.visitor();
            const id = await visitor.converse();
            for (const text of ['hello', 'is anybody there?', 'thanks']) await visitor.say(id, text);
            await visitor.getOk(`/conversations/${id}`);
        });
        await Promise.all(visits);
        assert.equal((await server.counts()).visitors, 200);
    });

    test('new visitor keys do not get around the limit of the address', async (t) => {
        const server = await serverFor(t, { rateLimit: 'on', flags: ['--rate-conversations-address', '20'] });
        const org = await server.org();
        const began = Date.now();
        assertBucket(await until429(() => org.visitor().post('/conversations'), 200), 20, began);
        assertError(await org.anonymous.post('/conversations'), 429, 'rate_limited');
    });

    test('requests without a visitor are limited by the address, messages too', async (t) => {
        const server = await serverFor(t, { rateLimit: 'on', flags: ['--rate-messages-address', '25'] });
        const org = await server.org();
        const id = await org.anonymous.converse();
        const began = Date.now();
        assertBucket(await until429(() => org.anonymous.post(`/conversations/${id}/messages`, { role: 'user', content: 'x' }), 200), 25, began);
        assert.equal((await org.anonymous.getOk(`/conversations/${id}?limit=1`)).messageCount >= 25, true);
    });

    test('an organisation has a limit of its own that does not hit another one', async (t) => {
        const server = await serverFor(t, { rateLimit: 'on', flags: ['--rate-conversations-org', '15'] });
        const [org, neighbour] = [await server.org(), await server.org()];
        const began = Date.now();
        assertBucket(await until429(() => org.visitor().post('/conversations'), 200), 15, began);
        await neighbour.visitor().converse();
    });

    test('strangers from many addresses use up nothing of what the organisation’s side may send', async (t) => {
        const server = await serverFor(t, { rateLimit: 'on', flags: ['--rate-conversations-org', '15', '--rate-messages-org', '15'] });
        const org = await server.org();
        const id = await org.anonymous.converse();
        await until429(() => org.visitor().post('/conversations'), 200);
        await until429(() => org.visitor().post(`/conversations/${id}/messages`, { role: 'user', content: 'x' }), 200);
        await org.agent.converse();
        const began = Date.now();
        assertBucket(await until429(() => org.agent.post(`/conversations/${id}/messages`, { role: 'assistant', content: 'x' }), 200), 15, began);
    });

    test('a repeat of a request that was answered is answered again even when the limit is reached, or asked to wait', async (t) => {
        const server = await serverFor(t, { rateLimit: 'on', flags: ['--rate-conversations-visitor', '5'] });
        const visitor = (await server.org()).visitor();
        const first = await visitor.post('/conversations', undefined, { 'idempotency-key': 'k1' });
        await until429(() => visitor.post('/conversations'), 50);
        const again = await visitor.post('/conversations', undefined, { 'idempotency-key': 'k1' });
        if (again.status === 200) assert.equal(again.text, first.text);
        else assertError(again, 429, 'rate_limited');
    });

    test('new visitors have the numbers of conversations in a bucket of their own, and known ones come back as often as they like', async (t) => {
        const server = await serverFor(t, { rateLimit: 'on', flags: ['--rate-conversations-address', '20'] });
        const org = await server.org();
        const known = org.visitor();
        let began = Date.now();
        assert.equal((await known.post('/visitors/me')).status, 201);
        assertBucket(1 + (await until429(() => org.visitor().post('/visitors/me'), 200)), 20, began);
        const counted = (await server.counts()).visitors;
        const refused = org.visitor();
        assertError(await refused.post('/visitors/me', { email: 'a@b.example' }), 429, 'rate_limited');
        assertError(await refused.get('/visitors/me'), 404, 'not_found');
        for (let i = 0; i < 60; i++) assert.equal((await known.post('/visitors/me')).status, 200);
        assert.equal((await server.counts()).visitors, counted);
        began = Date.now();
        assertBucket(await until429(() => org.visitor().post('/conversations'), 200), 20, began);
    });

    test('an e-mail address is not changed without end, and saying the same one again costs nothing', async (t) => {
        const server = await serverFor(t, { rateLimit: 'on', flags: ['--rate-conversations-visitor', '12'] });
        const visitor = (await server.org()).visitor();
        const began = Date.now();
        assertBucket(await until429((i) => visitor.post('/visitors/me', { email: `a${i}@b.example` }), 200), 12, began);
        const { email } = await visitor.getOk('/visitors/me');
        for (let i = 0; i < 30; i++) assert.equal((await visitor.post('/visitors/me', { email })).status, 200);
        await visitor.converse();
    });

    test('a visitor has 10 pages of an export a minute, which hits nobody else and nothing else', async (t) => {
        const server = await serverFor(t, { rateLimit: 'on' });
        const org = await server.org();
        const [visitor, other] = [org.visitor(), org.visitor()];
        for (const one of [visitor, other]) await one.converse();
        const began = Date.now();
        assertBucket(await until429(() => visitor.get('/visitors/me/export'), 50), 10, began);
        assert.equal((await other.get('/visitors/me/export')).status, 200);
        for (let i = 0; i < 30; i++) await visitor.getOk('/visitors/me');
        await visitor.say(await visitor.converse(), 'x');
        assert.equal((await visitor.request('DELETE', '/visitors/me')).json.conversations, 2, 'a limit stands in the way of being erased');
        assert.match((await new Caller(server, {}).get('/metrics')).text, /^helvino_limit_hits_total\{limit="rate_visitor"\} [1-9]/m);
    });

    test('many visitors of one address share the numbers of messages for their exports', async (t) => {
        const server = await serverFor(t, { rateLimit: 'on', flags: ['--rate-messages-address', '15'] });
        const org = await server.org();
        const visitors = Array.from({ length: 8 }, () => org.visitor());
        for (const visitor of visitors) await visitor.converse();
        const began = Date.now();
        assertBucket(await until429((i) => visitors[i % 8].get('/visitors/me/export'), 100), 15, began);
    });

    test('X-Forwarded-For of anybody is not believed', async (t) => {
        const server = await serverFor(t, { rateLimit: 'on', flags: ['--rate-conversations-address', '10'] });
        const org = await server.org();
        const began = Date.now();
        const passed = await until429((i) => org.visitor().post('/conversations', undefined, { 'x-forwarded-for': `203.0.113.${i}`, 'x-real-ip': `203.0.113.${i}`, forwarded: `for=203.0.113.${i}` }), 100);
        assertBucket(passed, 10, began);
    });

    test('behind a trusted proxy the right-most address that is not a proxy counts', async (t) => {
        const server = await serverFor(t, { rateLimit: 'on', flags: ['--rate-conversations-address', '5', '--trusted-proxies', '127.0.0.1, 10.0.0.0/8'] });
        const org = await server.org();
        const from = (address) => org.visitor().post('/conversations', undefined, { 'x-forwarded-for': address });
        await until429((i) => from(`198.51.100.${i}, 203.0.113.7`), 20);
        assertError(await from('203.0.113.7'), 429, 'rate_limited');
        assertError(await from('203.0.113.7, 10.1.2.3'), 429, 'rate_limited');
        assertError(await from('1.2.3.4,203.0.113.7,10.1.2.3, 10.9.9.9'), 429, 'rate_limited');
        assert.equal((await from('203.0.113.8')).status, 201);
        assert.equal((await from('203.0.113.7, 203.0.113.9')).status, 201);
        assert.equal((await from('2001:db8::1')).status, 201);
        assert.equal((await org.visitor().post('/conversations')).status, 201, 'the proxy itself');
        for (const nonsense of ['', ',', 'unknown', '999.1.1.1', '203.0.113', 'x'.repeat(3000), '::::', '1.2.3.4:80', '[2001:db8::2]:443', ', '.repeat(200)]) {
            const answer = await from(nonsense);
            assert.ok([201, 400, 429].includes(answer.status), `${nonsense}: ${answer.status}`);
        }
    });

    test('lines of X-Forwarded-For that a client puts before the proxy\'s own change nothing', async (t) => {
        const server = await serverFor(t, { rateLimit: 'on', flags: ['--trusted-proxies', '127.0.0.1', '--rate-conversations-address', '2'] });
        const org = await server.org();
        const ask = async (lines) => {
            const wire = await Wire.connect(server.port);
            const forwarded = [...Array.from({ length: lines }, (_, i) => `10.0.0.${i}`), '9.9.9.9'].map((address) => `X-Forwarded-For: ${address}\r\n`).join('');
            const answer = await wire.send(`POST /conversations HTTP/1.1\r\nHost: x\r\nX-Org-Key: ${org.key}\r\n${forwarded}\r\n`).answer();
            wire.vanish();
            return answer.status;
        };
        assert.equal(await ask(0), 201);
        assert.equal(await ask(15), 201);
        for (const lines of [0, 15, 16, 17, 40]) assert.equal(await ask(lines), 429, `${lines} lines before`);
    });

    test('waiting as long as Retry-After says is enough', async (t) => {
        const server = await serverFor(t, { rateLimit: 'on', flags: ['--rate-conversations-visitor', '60'] });
        const visitor = (await server.org()).visitor();
        await until429(() => visitor.post('/conversations'), 300);
        const refused = await eventually(async () => {
            const answer = await visitor.post('/conversations');
            return answer.status === 429 && answer;
        }, 'a 429');
        const wait_ms = Number(refused.headers['retry-after']) * 1000;
        const began = Date.now();
        await eventually(() => Date.now() - began >= wait_ms, 'the time that Retry-After names');
        assert.equal((await visitor.post('/conversations')).status, 201);
    });

    test('limits hit are counted in /metrics', async (t) => {
        const server = await serverFor(t, { rateLimit: 'on', flags: ['--rate-conversations-visitor', '2'] });
        const visitor = (await server.org()).visitor();
        await until429(() => visitor.post('/conversations'), 20);
        const text = (await new Caller(server, {}).get('/metrics')).text;
        assert.match(text, /^helvino_\w*limit\w*(\{[^}]*\})? [1-9]/m);
        assert.match(text, /helvino_requests_total\{[^}]*"429"[^}]*\} [1-9]/);
    });
});

describe('connection limits', () => {
    const get = requestBytes('GET', '/health');

    test('at the limit of one address further ones are turned away, and come in when others leave', async (t) => {
        const server = await serverFor(t, { loops: 2, flags: ['--connections-per-address', '8'] });
        const held = [];
        for (let i = 0; i < 8; i++) {
            const wire = await Wire.connect(server.port);
            assert.equal((await wire.send(get).answer()).status, 200);
            held.push(wire);
        }
        for (let i = 0; i < 20; i++) {
            const wire = await Wire.connect(server.port);
            const answer = await wire.send(get).answer();
            if (answer) assert.ok([429, 503].includes(answer.status), `connection 9 was served: ${answer.status}`);
            wire.vanish();
        }
        for (const wire of held) assert.equal((await wire.send(get).answer()).status, 200, 'a connection that was there lost its place');
        held.pop().vanish();
        await eventually(async () => {
            const wire = await Wire.connect(server.port);
            const answer = await wire.send(get).answer();
            wire.vanish();
            return answer?.status === 200;
        }, 'a place that became free is given away');
        held.forEach((wire) => wire.vanish());
    });

    test('at the overall limit further clients wait without being served, and are served when others leave', async (t) => {
        const server = await serverFor(t, { loops: 2, flags: ['--connections-max', '10'] });
        const held = [];
        for (let i = 0; i < 10; i++) {
            const wire = await Wire.connect(server.port);
            const answer = await wire.send(get).answer();
            assert.equal(answer?.status, 200, `connection ${i + 1} of 10`);
            held.push(wire);
        }
        const waiting = await Promise.all(Array.from({ length: 5 }, () => Wire.connect(server.port)));
        waiting.forEach((wire) => wire.send(get));
        for (const wire of held) assert.equal((await wire.send(get).answer()).status, 200);
        for (const wire of waiting) assert.equal(wire.bytes.length, 0, 'a connection over the limit was served');
        held.splice(0, 6).forEach((wire) => wire.vanish());
        for (const wire of waiting) {
            const answer = await wire.answer();
            if (answer !== null) assert.equal(answer.status, 200);
        }
        await eventually(async () => {
            const wire = await Wire.connect(server.port);
            const answer = await wire.send(get).answer();
            wire.vanish();
            return answer?.status === 200;
        }, 'the server serves again');
        for (const wire of [...held, ...waiting]) wire.vanish();
    });

    test('at the limit the server rests: it uses no processor', async (t) => {
        const { readFileSync } = await import('node:fs');
        const server = await serverFor(t, { loops: 2, flags: ['--connections-max', '4', '--request-deadline', '600'] });
        const ticks = () => readFileSync(`/proc/${server.pid}/stat`, 'utf8').split(') ')[1].split(' ').slice(11, 13).reduce((sum, n) => sum + Number(n), 0);
        const wires = await Promise.all(Array.from({ length: 12 }, () => Wire.connect(server.port)));
        wires.forEach((wire) => wire.send(get));
        await Promise.race(wires.map((wire) => wire.answer()));
        const [began, from] = [Date.now(), ticks()];
        await eventually(() => Date.now() - began > 1500, 'a second and a half');
        const used = (ticks() - from) / 100 / ((Date.now() - began) / 1000);
        assert.ok(used < 0.5, `the processor was busy for ${used} of the time`);
        wires.forEach((wire) => wire.vanish());
    });

    test('with few open files allowed it takes fewer connections, says so, and goes on', async (t) => {
        const server = await serverFor(t, { wrapper: ['prlimit', '--nofile=120:120'] });
        assert.ok(server.lines.some((line) => line.level === 'warn' && /open files|connections/.test(line.event)), server.log);
        const org = await server.org();
        const wires = await Promise.all(Array.from({ length: 200 }, () => Wire.connect(server.port)));
        wires.forEach((wire) => wire.send(requestBytes('POST', '/conversations', { 'x-org-key': org.key })));
        assert.equal((await patiently(Promise.any(wires.map((wire) => wire.answer())), 'any answer')).status, 201);
        wires.forEach((wire) => wire.vanish());
        await eventually(async () => {
            const wire = await Wire.connect(server.port);
            const answer = await wire.send(get).answer();
            wire.vanish();
            return answer?.status === 200;
        }, 'the server serves again');
        await server.check();
    });

    test('a storm of connections that come and go leaves nothing behind', async (t) => {
        const server = await serverFor(t, { flags: ['--connections-max', '64', '--connections-per-address', '64'] });
        const org = await server.org();
        for (let round = 0; round < 10; round++) {
            const wires = await Promise.all(Array.from({ length: 50 }, () => Wire.connect(server.port)));
            wires.forEach((wire, i) => {
                if (i % 5 === 0) wire.send(get);
                if (i % 5 === 1) wire.send('GET /hea');
                if (i % 5 === 2) wire.send(requestBytes('POST', '/conversations', { 'x-org-key': org.key }));
                if (i % 5 === 3) wire.send('POST /conversations HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc');
            });
            wires.forEach((wire, i) => (i % 2 ? wire.reset() : wire.vanish()));
        }
        await eventually(async () => {
            const text = (await new Caller(server, {}).get('/metrics')).text;
            const open = /^helvino_connections(?:_open)?(?:\{[^}]*\})? (\d+)$/m.exec(text);
            assert.ok(open, 'no gauge of open connections in /metrics');
            return Number(open[1]) <= 4;
        }, 'all connections are closed');
        await server.check();
    });
});

describe('what is too large or too new is told its limit', () => {
    test('413 names the bytes that the path takes, also for a body that the outer wall stops', async (t) => {
        const server = await serverFor(t);
        const org = await server.org();
        const id = await org.anonymous.converse();
        const cases = [['/conversations', 20_000, '16384'], ['/conversations', 300_000, '16384'], [`/conversations/${id}/messages?x=1`, 300_000, '200704'], ['/nothing', 300_000, '204800'], ['/health', 300_000, '204800']];
        for (const [path, size, limit] of cases) {
            const answer = await org.anonymous.request('POST', path, { body: 'x'.repeat(size), agent: undefined });
            assertError(answer, 413, 'body_too_large');
            assert.match(answer.json.error, new RegExp(`\\b${limit} bytes\\b`), path);
        }
    });

    test('another version of HTTP has a code of its own', async (t) => {
        const server = await serverFor(t);
        const wire = await Wire.connect(server.port);
        assertError(await wire.send('GET /health HTTP/1.2\r\nHost: x\r\n\r\n').answer(), 505, 'http_version');
        wire.vanish();
    });
});

describe('the log at the level debug', () => {
    test('has a line for each answer, with the route and without whose it is', async (t) => {
        const server = await serverFor(t, { flags: ['--log-level', 'debug'] });
        const org = await server.org();
        const visitor = org.visitor('v_secret-visitor');
        const id = await visitor.converse();
        await visitor.get(`/conversations/${id}?after=0`);
        await visitor.get('/private-path');
        const answers = await server.logged((lines) => {
            const found = lines.filter((line) => line.event === 'answered');
            return found.length >= 3 && found;
        }, 'three answers');
        const shown = answers.map(({ level, method, route, status }) => ({ level, method, route, status }));
        assert.deepEqual(shown, [
            { level: 'debug', method: 'POST', route: '/conversations', status: 201 },
            { level: 'debug', method: 'GET', route: '/conversations/:id', status: 200 },
            { level: 'debug', method: 'GET', route: null, status: 404 },
        ]);
        for (const line of answers) assert.ok(Number.isInteger(line.ms) && line.ms >= 0, JSON.stringify(line));
        for (const secret of [id, visitor.key, 'private-path']) assert.ok(!server.log.includes(secret), `${secret} is in the log`);
    });
});

describe('slow and broken clients', () => {
    test('a header that dribbles in is cut off at the deadline, not kept alive by its bytes', async (t) => {
        const server = await serverFor(t, { flags: ['--request-deadline', '2'] });
        const wire = await Wire.connect(server.port);
        wire.send('GET /health HTTP/1.1\r\nHost: x\r\n');
        const dribble = setInterval(() => wire.send('X-Slow: y\r\n'), 50);
        t.after(() => clearInterval(dribble));
        const answer = await wire.answer();
        assertError(answer, 408, 'request_timeout');
        await wire.closed();
        wire.vanish();
    });

    test('so is a body that dribbles in, and nothing of it is stored', async (t) => {
        const server = await serverFor(t, { flags: ['--request-deadline', '2'] });
        const org = await server.org();
        const id = await org.anonymous.converse();
        server.agent.destroy(); // its idle connection would end at the same moment
        const wire = await Wire.connect(server.port);
        wire.send(`POST /conversations/${id}/messages HTTP/1.1\r\nHost: x\r\nX-Org-Key: ${org.key}\r\nContent-Type: application/json\r\nContent-Length: 3000\r\n\r\n{"role":"user","content":"`);
        const dribble = setInterval(() => wire.send('x'), 20);
        t.after(() => clearInterval(dribble));
        await wire.closed();
        assert.equal((await org.anonymous.getOk(`/conversations/${id}`)).messageCount, 0);
        wire.vanish();
    });

    test('a connection on which nothing comes is closed', async (t) => {
        const server = await serverFor(t, { flags: ['--request-deadline', '1'] });
        const wires = await Promise.all(Array.from({ length: 10 }, () => Wire.connect(server.port)));
        assert.equal((await wires[0].send(requestBytes('GET', '/health')).answer()).status, 200);
        await Promise.all(wires.map((wire) => wire.closed()));
        for (const wire of wires) assert.equal(wire.rest.length, 0);
        wires.forEach((wire) => wire.vanish());
    });

    test('slow clients do not hold up the others', async (t) => {
        const server = await serverFor(t, { loops: 1 });
        const org = await server.org();
        const slow = await Promise.all(Array.from({ length: 200 }, () => Wire.connect(server.port)));
        slow.forEach((wire) => wire.send(`POST /conversations HTTP/1.1\r\nHost: x\r\nX-Org-Key: ${org.key}\r\nContent-Length: 10\r\n\r\n{`));
        for (let i = 0; i < 50; i++) await org.visitor().converse();
        slow.forEach((wire) => wire.vanish());
        await server.check();
    });

    test('a request that arrives byte by byte is answered like any other', async (t) => {
        const server = await serverFor(t);
        const org = await server.org();
        const wire = await Wire.connect(server.port);
        const bytes = requestBytes('POST', '/conversations', { 'x-org-key': org.key, 'content-type': 'application/json' }, '{"a":"ü"}');
        for (const byte of bytes) {
            await patiently(new Promise((sent) => wire.socket.write(Buffer.from([byte]), sent)), 'a byte to be sent');
        }
        assert.equal((await wire.answer()).status, 201);
        wire.vanish();
    });

    test('a client that disappears in the middle of its request, or before its answer, harms nobody', async (t) => {
        const server = await serverFor(t);
        const org = await server.org();
        const whole = requestBytes('POST', '/conversations', { 'x-org-key': org.key, 'x-visitor-id': 'v_gone', 'content-type': 'application/json' }, '{"a":1}');
        for (let cut = 1; cut <= whole.length; cut += 3) {
            const wire = await Wire.connect(server.port);
            wire.send(whole.subarray(0, cut));
            if (cut % 2) wire.vanish();
            else wire.reset();
        }
        for (let i = 0; i < 200; i++) {
            const wire = await Wire.connect(server.port);
            wire.socket.write(whole, () => (i % 2 ? wire.vanish() : wire.reset()));
        }
        await org.visitor().converse();
        await server.check();
    });

    test('a client that half-closes after its request still gets the answer', async (t) => {
        const server = await serverFor(t);
        const org = await server.org();
        for (const bytes of [requestBytes('GET', '/health'), requestBytes('POST', '/conversations', { 'x-org-key': org.key })]) {
            const wire = await Wire.connect(server.port);
            const answer = await wire.send(bytes).halfClose().answer();
            assert.ok(answer && answer.status < 300, 'no answer after a half-close');
            await wire.closed();
            wire.vanish();
        }
    });

    test('a client that does not read its answers is not waited for', async (t) => {
        const server = await serverFor(t, { loops: 1 });
        const org = await server.org();
        const id = await org.anonymous.converse();
        for (let i = 0; i < 30; i++) await org.anonymous.say(id, 'x'.repeat(32768));
        const read = requestBytes('GET', `/conversations/${id}?limit=1000`, { 'x-org-key': org.key });
        const wire = await Wire.connect(server.port);
        wire.socket.pause();
        for (let i = 0; i < 50; i++) wire.send(read);
        for (let i = 0; i < 50; i++) await org.visitor().converse();
        wire.vanish();
        await org.visitor().converse();
    });

    test('pipelined requests are answered in order, reads and writes mixed', async (t) => {
        const server = await serverFor(t);
        const org = await server.org();
        const id = await org.anonymous.converse();
        const headers = { 'x-org-key': org.key };
        const parts = [];
        for (let i = 0; i < 40; i++) {
            const body = JSON.stringify({ role: 'user', content: `p${i}` });
            parts.push(requestBytes('POST', `/conversations/${id}/messages`, { ...headers, 'content-type': 'application/json' }, body));
            parts.push(requestBytes('GET', `/conversations/${id}?limit=1000`, headers));
            parts.push(requestBytes('GET', '/nothing'));
        }
        const wire = await Wire.connect(server.port);
        wire.send(Buffer.concat(parts));
        for (let i = 0; i < 40; i++) {
            const [said, read, nothing] = [await wire.answer(), await wire.answer(), await wire.answer()];
            assert.equal(said.status, 201);
            assert.equal(said.json.content, `p${i}`);
            assert.equal(read.json.messageCount, i + 1, 'a read did not see the write before it');
            assert.equal(nothing.status, 404);
        }
        wire.vanish();
    });

    test('a connection serves thousands of requests, and ends when the client says so', async (t) => {
        const server = await serverFor(t);
        const wire = await Wire.connect(server.port);
        for (let i = 0; i < 2000; i++) assert.equal((await wire.send(requestBytes('GET', '/health')).answer()).status, 200);
        const last = await wire.send(requestBytes('GET', '/health', { Connection: 'close' })).answer();
        assert.equal(last.status, 200);
        assert.match(last.headers.connection ?? '', /close/i);
        await wire.closed();
        wire.vanish();
    });
});
