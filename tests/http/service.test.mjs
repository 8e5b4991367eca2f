/* The routes for whoever runs the server (health, metrics, openapi), methods, HEAD, OPTIONS, CORS and the headers of every answer. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { uptime } from 'node:os';
import test, { before, after, describe } from 'node:test';

import { Caller, exchange, helvinoOk, serverFor, startServer } from './server.mjs';
import { assertError, assertSafeHeaders, NOBODY } from './shapes.mjs';
import { Wire, requestBytes } from './raw.mjs';

let server, org, listed, visitor, conversation;
before(async () => {
    server = await startServer();
    org = await server.org('acme');
    listed = await server.org('listed', '--origin', 'https://shop.example', '--origin', 'http://localhost:3000');
    visitor = org.visitor();
    conversation = await visitor.converse();
    await visitor.say(conversation, 'hello');
});
after(async () => {
    await server.stop();
    server.remove();
});

const nobody = () => new Caller(server, {});
let replies = 0;

/** Every route that the API has, as (method, path, caller who gets 2xx). */
const routes = () => [
    ['POST', '/conversations', visitor],
    ['GET', '/conversations', visitor],
    ['GET', `/conversations/${conversation}`, visitor],
    ['POST', `/conversations/${conversation}/messages`, visitor, { role: 'user', content: 'x' }],
    ['POST', `/conversations/${conversation}/read`, visitor, { seq: 1 }],
    ['PATCH', `/conversations/${conversation}`, org.agent, { priority: 'low' }],
    ['GET', `/conversations/${conversation}/transcript`, visitor],
    ['POST', `/conversations/${conversation}/notes`, org.agent, { content: 'x' }],
    ['GET', '/conversations/counts', org.agent],
    ['POST', '/conversations/bulk', org.agent, { ids: [conversation], change: { priority: 'low' } }],
    ['GET', '/replies', org.agent],
    ['POST', '/replies', org.agent, { shortcut: `r${++replies}`, text: 'x' }],
    ['GET', '/visitors', org.agent],
    ['GET', '/visitors/me', visitor],
    ['GET', '/visitors/me/export', visitor],
    ['GET', '/api/bootloader', visitor],
    ['GET', '/health', nobody()],
    ['GET', '/metrics', nobody()],
    ['GET', '/openapi.json', nobody()],
];

describe('for whoever runs it', () => {
    test('GET /health tells that it lives, its version and the last sequence number', async () => {
        const health = await nobody().getOk('/health');
        assert.equal(health.ok, true);
        const { stdout } = await helvinoOk(['version']);
        assert.ok(stdout.includes(health.version), `version ${health.version} is not what "helvino version" says: ${stdout}`);
        const { seq } = await visitor.say(conversation, 'x');
        assert.ok((await nobody().getOk('/health')).seq >= seq);
    });

    test('GET /metrics is Prometheus text with the promised families', async () => {
        const answer = await nobody().get('/metrics');
        assert.equal(answer.status, 200);
        assert.match(answer.headers['content-type'], /^text\/plain/);
        const types = new Map();
        for (const line of answer.text.split('\n')) {
            if (line === '') continue;
            const type = /^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram|summary|untyped)$/.exec(line);
            if (type) {
                assert.ok(!types.has(type[1]), `${type[1]} has two TYPE lines`);
                types.set(type[1], type[2]);
            } else if (!line.startsWith('# HELP ')) {
                const sample = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"(?:,[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*")*\})? (-?[0-9.]+(?:e[+-]?[0-9]+)?|\+Inf|NaN)$/.exec(line);
                assert.ok(sample, `not a sample: ${line}`);
                const family = sample[1].replace(/_(bucket|sum|count)$/, '');
                assert.ok(types.has(sample[1]) || types.has(family), `no TYPE before ${line}`);
            }
        }
        assert.equal(types.get('helvino_requests_total'), 'counter');
        const names = [...types.keys()].join(' ');
        for (const family of [/request_seconds/, /commit/, /batch/, /queue/, /map/, /reader/, /limit|refused/]) assert.match(names, family);
        assert.ok([...types.values()].includes('histogram'), 'no histogram');
        assert.match(answer.text, /helvino_requests_total\{[^}]*"201"[^}]*\} [1-9]/);
    });

    test('a histogram of /metrics is cumulative and agrees with its count', async () => {
        const text = (await nobody().get('/metrics')).text;
        const series = new Map();
        for (const [, name, labels, value] of text.matchAll(/^(\w+)_bucket\{(.*?)\} (\S+)$/gm)) {
            const le = /le="([^"]+)"/.exec(labels)[1];
            const key = `${name}{${labels.replace(/,?le="[^"]+"/, '')}}`;
            if (!series.has(key)) series.set(key, []);
            series.get(key).push([le === '+Inf' ? Infinity : Number(le), Number(value)]);
        }
        assert.ok(series.size > 0);
        for (const [key, buckets] of series) {
            for (let i = 1; i < buckets.length; i++) {
                assert.ok(buckets[i][0] > buckets[i - 1][0], `${key}: buckets are not in order`);
                assert.ok(buckets[i][1] >= buckets[i - 1][1], `${key}: buckets fall`);
            }
            assert.equal(buckets.at(-1)[0], Infinity, `${key}: no +Inf`);
        }
    });

    test('GET /openapi.json describes every route, and no route that does not exist', async () => {
        const api = await nobody().getOk('/openapi.json');
        assert.match(api.openapi, /^3\.[01]\./);
        assert.ok(api.info.title && api.info.version);
        const described = new Set();
        const resolve = (item) => (item.$ref ? item.$ref.slice(2).split('/').reduce((at, name) => at[name], api) : item);
        for (const [, ref] of JSON.stringify(api).matchAll(/"\$ref":"([^"]+)"/g)) assert.ok(resolve({ $ref: ref }), `${ref} names nothing`);
        for (const [path, operations] of Object.entries(api.paths)) {
            for (const method of Object.keys(operations)) {
                if (!['get', 'post', 'put', 'patch', 'delete'].includes(method)) continue;
                described.add(`${method.toUpperCase()} ${path.replace(/\{[^}]+\}/g, ':id')}`);
                const real = path.replace(/\{[^}]+\}/g, NOBODY);
                const answer = await nobody().request(method.toUpperCase(), real);
                assert.notEqual(answer.status, 405, `${method} ${path} is described but unknown`);
                if (answer.status === 404) assert.match(path, /\{|^\/demo$/, `${method} ${path} is described but not there`);
                for (const [, name] of path.matchAll(/\{([^}]+)\}/g)) {
                    const parameters = [...(operations.parameters ?? []), ...(operations[method].parameters ?? [])].map(resolve);
                    assert.ok(parameters.some((parameter) => parameter.name === name && parameter.in === 'path' && parameter.required), `${path}: ${name}`);
                }
                assert.ok(Object.keys(operations[method].responses).length > 0, `${method} ${path} has no responses`);
            }
        }
        for (const route of ['POST /conversations', 'GET /conversations', 'GET /conversations/:id', 'POST /conversations/:id/messages', 'POST /conversations/:id/read', 'POST /conversations/:id/typing', 'GET /stream', 'POST /visitors/me', 'GET /visitors/me', 'DELETE /visitors/me', 'GET /visitors/me/export', 'POST /visitors/me/cookie', 'DELETE /visitors/me/cookie', 'GET /visitors', 'GET /visitors/:id', 'GET /visitors/:id/export', 'DELETE /visitors/:id', 'GET /api/bootloader', 'GET /health', 'GET /metrics', 'GET /openapi.json'])
            assert.ok(described.has(route), `${route} is not described`);
    });
});

describe('a machine that has just started', () => {
    const young = ['unshare', '--time', `--monotonic=-${Math.floor(uptime()) - 1}`];
    const probe = spawnSync(young[0], [...young.slice(1), 'true'], { encoding: 'utf8' });
    const skip = probe.status === 0 ? false : `no other time can be set here: ${probe.stderr || probe.error}`;

    test('serves as well as one that runs for weeks: no timer takes a young clock for one that has run out', { skip }, async (t) => {
        const server = await serverFor(t, { wrapper: young, flags: ['--request-deadline', '3600'] });
        const wires = await Promise.all(Array.from({ length: 10 }, () => Wire.connect(server.port)));
        for (const wire of wires) assert.equal((await wire.send(requestBytes('GET', '/health')).answer())?.status, 200);
        for (const wire of wires) assert.equal((await wire.send(requestBytes('GET', '/health')).answer())?.status, 200);
        wires.forEach((wire) => wire.vanish());
    });
});

describe('methods', () => {
    test('HEAD answers like GET, without the body', async () => {
        for (const [method, path, caller] of routes()) {
            if (method !== 'GET') continue;
            const [get, head] = [await caller.get(path), await caller.request('HEAD', path)];
            assert.equal(head.status, get.status, path);
            assert.equal(head.text, '');
            for (const name of ['content-type', ...(path === '/metrics' ? [] : ['content-length'])]) assert.equal(head.headers[name], get.headers[name], `${path} ${name}`);
        }
        for (const [path, caller, status] of [[`/conversations/${NOBODY}`, visitor, 404], ['/nothing', nobody(), 404], ['/conversations', org.anonymous, 401], ['/visitors', visitor, 401]]) {
            assert.equal((await caller.request('HEAD', path)).status, status, path);
        }
    });

    test('HEAD on a connection that goes on does not put the next answer out of step', async () => {
        const wire = await Wire.connect(server.port);
        wire.send(Buffer.concat([requestBytes('HEAD', '/health'), requestBytes('GET', '/health'), requestBytes('HEAD', '/nothing'), requestBytes('GET', '/health')]));
        for (const [head, status] of [[true, 200], [false, 200], [true, 404], [false, 200]]) assert.equal((await wire.answer({ head })).status, status);
        wire.vanish();
    });

    test('a method that a path does not know gets 405, and Allow lists those it knows', async () => {
        const allowed = new Map();
        for (const [method, path] of [...routes(), ['GET', `/visitors/${NOBODY}`], ['PATCH', `/visitors/${NOBODY}`], ['DELETE', `/visitors/${NOBODY}`], ['POST', '/visitors/me'], ['DELETE', '/visitors/me']]) allowed.set(path, [...(allowed.get(path) ?? []), method]);
        for (const [path, methods] of allowed) {
            for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']) {
                if (methods.includes(method)) continue;
                const answer = await org.agent.request(method, path);
                assertError(answer, 405, 'method_not_allowed');
                const allow = answer.headers.allow.split(/, */);
                for (const known of methods) assert.ok(allow.includes(known), `Allow of ${path}: ${allow}`);
                assert.ok(!allow.includes(method));
                assert.equal(allow.includes('HEAD'), methods.includes('GET'), `HEAD in Allow of ${path}`);
                assert.ok(allow.includes('OPTIONS'));
            }
        }
        for (const method of ['TRACE', 'PROPFIND', 'BREW']) {
            const wire = await Wire.connect(server.port);
            const answer = await wire.send(requestBytes(method, '/conversations', { 'x-org-key': org.key })).answer();
            assert.ok([400, 405, 501].includes(answer.status), `${method}: ${answer.status}`);
            assert.doesNotMatch(answer.text, /x-org-key/, 'TRACE repeats the request');
            wire.vanish();
        }
    });

    test('paths that do not exist get 404', async () => {
        const paths = ['/', '/nothing', '/conversation', '/Conversations', '/conversations/', `/conversations/${conversation}/`, `/conversations/${conversation}/nothing`,
            '//conversations', '/conversations//messages', '/api', '/api/bootloader/', '/health/x', '/.well-known/acme-challenge/x', '/favicon.ico', '/..%2f..%2fetc/passwd',
            '/index.html', '/.env', '/.git/config'];
        for (const path of paths) {
            const answer = await visitor.get(path);
            assertError(answer, [404, 400], ['not_found', 'invalid_path']);
        }
    });
});

describe('CORS', () => {
    const preflight = (path, origin, method = 'POST') => nobody().request('OPTIONS', path, {
        headers: { origin, 'access-control-request-method': method, 'access-control-request-headers': 'content-type,x-org-key,x-visitor-id' },
    });

    test('a preflight gets 204 with methods, headers and how long it holds', async () => {
        for (const [path, methods] of [['/conversations', ['GET', 'POST']], [`/conversations/${conversation}`, ['GET']], [`/conversations/${conversation}/messages`, ['POST']], ['/api/bootloader', ['GET']], ['/visitors', ['GET']], ['/visitors/me', ['GET', 'POST', 'DELETE']], ['/visitors/me/cookie', ['POST', 'DELETE']], ['/stream', ['GET']]]) {
            const answer = await preflight(path, 'https://any.example');
            assert.equal(answer.status, 204, `${path}: ${answer.status}`);
            assert.equal(answer.text, '');
            assert.ok(['*', 'https://any.example'].includes(answer.headers['access-control-allow-origin']));
            for (const method of methods) assert.match(answer.headers['access-control-allow-methods'], new RegExp(`\\b${method}\\b`));
            const names = answer.headers['access-control-allow-headers'].toLowerCase().split(/, */);
            for (const name of ['content-type', 'x-org-key', 'x-site-id', 'x-visitor-id', 'x-page', 'authorization', 'idempotency-key', 'last-event-id']) assert.ok(names.includes(name), `${name} in ${names}`);
            assert.match(answer.headers['access-control-max-age'], /^[0-9]+$/);
            assertSafeHeaders(answer.headers, `OPTIONS ${path}`);
        }
    });

    test('OPTIONS without an origin answers too, and on a path that does not exist does no harm', async () => {
        const plain = await nobody().request('OPTIONS', '/conversations');
        assert.ok([200, 204].includes(plain.status));
        assert.match(plain.headers.allow ?? plain.headers['access-control-allow-methods'], /POST/);
        for (const path of ['/nothing', '*']) {
            const wire = await Wire.connect(server.port);
            const answer = await wire.send(requestBytes('OPTIONS', path)).answer();
            assert.ok([200, 204, 400, 404].includes(answer.status), `OPTIONS ${path}: ${answer.status}`);
            wire.vanish();
        }
    });

    test('where every organisation lists its origins, a preflight from elsewhere is not encouraged', async (t) => {
        const closed = await serverFor(t);
        await closed.org('one', '--origin', 'https://one.example');
        await closed.org('two', '--origin', 'https://two.example', '--origin', 'http://localhost:3000');
        const ask = (origin) => new Caller(closed, {}).request('OPTIONS', '/conversations', { headers: { origin, 'access-control-request-method': 'POST' } });
        for (const origin of ['https://one.example', 'https://two.example', 'http://localhost:3000']) assert.equal((await ask(origin)).headers['access-control-allow-origin'], origin);
        for (const origin of ['https://evil.example', 'https://one.example.evil.com', 'null', 'http://one.example', 'https://one.example\tx', 'https://one.exampl']) {
            const answer = await ask(origin);
            assert.ok(answer.status < 500);
            assert.equal(answer.headers['access-control-allow-origin'], undefined, `${origin} was let in`);
        }
        await closed.cliOk('org', 'delete', 'one', '--yes');
        assert.equal((await ask('https://one.example')).headers['access-control-allow-origin'], undefined);
    });

    test('an organisation that lists no origins is open to any page', async () => {
        for (const origin of ['https://any.example', 'http://localhost:1234', 'null']) {
            const answer = await visitor.get('/conversations', { origin });
            assert.equal(answer.status, 200);
            assert.ok(['*', origin].includes(answer.headers['access-control-allow-origin']));
        }
        assertErrorReadable(await visitor.get(`/conversations/${NOBODY}`, { origin: 'https://any.example' }), 404);
        assertErrorReadable(await visitor.post('/conversations', '{', { origin: 'https://any.example' }), 400);
        assertErrorReadable(await org.anonymous.get('/conversations', { origin: 'https://any.example' }), 401);
    });

    function assertErrorReadable(answer, status) {
        assert.equal(answer.status, status);
        assert.ok(['*', 'https://any.example'].includes(answer.headers['access-control-allow-origin']), `a page cannot read this ${status}`);
    }

    test('pages may read Retry-After', async () => {
        const answer = await visitor.get('/conversations', { origin: 'https://any.example' });
        assert.match(answer.headers['access-control-expose-headers'] ?? '', /Retry-After/i);
    });

    test('an organisation that lists origins answers them with their own name and Vary', async () => {
        const guest = listed.visitor();
        for (const origin of ['https://shop.example', 'http://localhost:3000']) {
            for (const [method, path] of [['POST', '/conversations'], ['GET', '/conversations'], ['GET', '/api/bootloader']]) {
                const answer = await guest.request(method, path, { headers: { origin } });
                assert.ok(answer.status < 300, answer.text);
                assert.equal(answer.headers['access-control-allow-origin'], origin);
                assert.match(answer.headers.vary ?? '', /\borigin\b/i);
            }
        }
    });

    test('and refuses every other origin with 403, however alike, changing nothing', async () => {
        const guest = listed.visitor();
        const id = await guest.converse();
        const earlier = await server.counts();
        const strangers = ['https://evil.example', 'http://shop.example', 'https://shop.example:443', 'https://shop.example:8443', 'https://shop.example.evil.com',
            'https://evilshop.example', 'https://www.shop.example', 'https://shop.example/', 'https://shop.exampl', 'null', 'https://shop.example,https://evil.example',
            'http://localhost', 'http://localhost:30000', 'file://', 'https://shop.example@evil.example', ''];
        for (const origin of strangers) {
            const asks = [['POST', '/conversations'], ['GET', '/conversations'], ['GET', `/conversations/${id}`], ['GET', '/api/bootloader'], ['POST', `/conversations/${id}/messages`, { role: 'user', content: 'x' }]];
            for (const [method, path, body] of asks) {
                const answer = await guest.request(method, path, { headers: { origin }, body });
                assertError(answer, origin === '' ? [400, 403] : 403, origin === '' ? undefined : 'origin_forbidden');
                assert.notEqual(answer.headers['access-control-allow-origin'], origin || 'nothing');
            }
        }
        assert.deepEqual(await server.counts(), earlier);
    });

    test('a request without an Origin (a server, a command line) is not refused', async () => {
        await listed.visitor().converse();
        await listed.agent.getOk('/visitors');
    });

    test('a change of the list takes effect at once', async () => {
        const shop = await server.org();
        const guest = shop.visitor();
        const status = async () => (await guest.post('/conversations', undefined, { origin: 'https://a.example' })).status;
        assert.equal(await status(), 201);
        await server.cliOk('org', 'update', shop.key, '--origin', 'https://b.example');
        assert.equal(await status(), 403);
        await server.cliOk('org', 'update', shop.key, '--origin', 'https://a.example');
        assert.equal(await status(), 201);
        await server.cliOk('org', 'update', shop.key, '--no-origins');
        assert.equal(await status(), 201);
    });
});

describe('every answer', () => {
    test('carries the security headers and names no version, errors included', async () => {
        for (const [method, path, caller, body] of routes()) {
            const answer = await caller.request(method, path, { body });
            assert.ok(answer.status < 300, `${method} ${path}: ${answer.status}`);
            assertSafeHeaders(answer.headers, `${method} ${path}`);
            assertSafeHeaders((await caller.request('HEAD', path)).headers, `HEAD ${path}`);
            if (path !== '/visitors/me') assertSafeHeaders((await caller.request('DELETE', path)).headers, `DELETE ${path}`);
        }
        const errors = [
            await visitor.get('/nothing'), await org.anonymous.get('/conversations'), await visitor.get('/visitors'), await visitor.get(`/conversations/${NOBODY}`),
            await visitor.post('/conversations', '{'), await visitor.post('/conversations', '{}', { 'content-type': 'text/plain' }),
            await visitor.get('/conversations?limit=x'), await visitor.post(`/conversations/${conversation}/messages`, { role: 'user', content: 'x'.repeat(40000) }),
            await listed.visitor().get('/conversations', { origin: 'https://evil.example' }),
        ];
        for (const answer of errors) assertSafeHeaders(answer.headers, `${answer.status}`);
    });

    test('the library’s own errors carry them too', async () => {
        const broken = ['GET / HTTP/1.1\r\n\r\n', 'nonsense\r\n\r\n', 'POST /conversations HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n', 'POST /conversations HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n',
            `GET / HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(70_000)}\r\n\r\n`];
        for (const bytes of broken) {
            const wire = await Wire.connect(server.port);
            const answer = await wire.send(bytes).answer();
            if (answer) {
                assert.ok(answer.status >= 400 && answer.status < 500);
                assertSafeHeaders(answer.headers, JSON.stringify(bytes.slice(0, 60)));
                assertError(answer, answer.status);
            }
            wire.vanish();
        }
    });

    test('has a Date and the right Content-Length', async () => {
        for (const [method, path, caller, body] of routes()) {
            const answer = await caller.request(method, path, { body });
            assert.equal(Number(answer.headers['content-length']), answer.bytes.length);
            assert.ok(Math.abs(Date.parse(answer.headers.date) - Date.now()) < 600_000);
        }
    });

    test('sends no Strict-Transport-Security in clear text', async () => {
        assert.equal((await exchange(`${server.url}/health`)).headers['strict-transport-security'], undefined);
    });
});
