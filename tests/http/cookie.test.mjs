/* /visitors/me/cookie (--visitor-cookie): the visitor's key in a cookie of the server's own site, and for nobody else. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { before, after, describe } from 'node:test';

import { run, serverFor, startServer, temporaryDirectory } from './server.mjs';
import { assertError, assertSafeHeaders } from './shapes.mjs';

const PATH = '/visitors/me/cookie';
const ORIGIN = 'https://www.shop.example';
const FROM_PAGE = { origin: ORIGIN, 'sec-fetch-site': 'same-site' };

let server, off, org, listed;
before(async () => {
    server = await startServer({ flags: ['--visitor-cookie', 'on'] });
    off = await startServer();
    org = await server.org('acme', '--origin', ORIGIN);
    listed = await server.org('listed', '--origin', ORIGIN);
});
after(async () => {
    for (const one of [server, off]) {
        await one.stop();
        one.remove();
    }
});

const keep = (visitor, headers) => visitor.request('POST', PATH, { headers: { ...FROM_PAGE, ...headers } });
const drop = (visitor, headers) => visitor.request('DELETE', PATH, { headers: { ...FROM_PAGE, ...headers } });
const setOf = (answer) => {
    assert.ok((answer.headers['set-cookie'] ?? []).length <= 1, 'two cookies');
    return answer.headers['set-cookie']?.[0];
};

describe('with --visitor-cookie', () => {
    test('the bootloader says so', async () => {
        assert.equal((await org.anonymous.getOk('/api/bootloader', FROM_PAGE)).config.visitorCookie, true);
    });

    test('the key that is sent is kept for 400 days, out of reach of scripts', async () => {
        for (const site of ['same-site', 'same-origin']) {
            const visitor = org.visitor();
            const answer = await keep(visitor, { 'sec-fetch-site': site });
            assert.equal(answer.status, 200, answer.text);
            assert.deepEqual(answer.json, { visitorId: visitor.key, stored: 'cookie' });
            assert.equal(setOf(answer), `helvino_visitor_id_acme=${visitor.key}; Max-Age=34560000; Path=/; HttpOnly; SameSite=Lax`);
            assertSafeHeaders(answer.headers, 'the cookie', { credentials: 'true' });
        }
    });

    test('a key that the cookie holds wins over the one that is sent, and its time begins anew', async () => {
        const [old, fresh] = [org.visitor(), org.visitor()];
        for (const cookie of [`helvino_visitor_id_acme=${old.key}`, `a=b; helvino_visitor_id_acme=${old.key}; c=d`, `helvino_visitor_id_listed=v_x;helvino_visitor_id_acme=${old.key}`]) {
            const answer = await keep(fresh, { cookie });
            assert.equal(answer.json.visitorId, old.key);
            assert.match(setOf(answer), new RegExp(`^helvino_visitor_id_acme=${old.key}; Max-Age=34560000;`));
        }
    });

    test('a cookie that holds no valid key, or two, is put in order', async () => {
        const visitor = org.visitor();
        for (const value of ['', 'x', 'v_', 'v_a b', '"v_a"', `v_${'x'.repeat(79)}`, 'v_one; helvino_visitor_id_acme=v_two', 'v_a,v_b']) {
            const answer = await keep(visitor, { cookie: `helvino_visitor_id_acme=${value}` });
            assert.equal(answer.json.visitorId, visitor.key, value);
            assert.ok(setOf(answer).includes(visitor.key));
        }
    });

    test('the cookie of one organisation gives nothing to a page of another', async () => {
        const [old, fresh] = [org.visitor(), listed.visitor()];
        const cookie = `helvino_visitor_id_acme=${old.key}; helvino_visitor_id=${old.key}; helvino_visitor_id_liste=${old.key}; helvino_visitor_id_listedd=${old.key}`;
        const answer = await keep(fresh, { cookie });
        assert.equal(answer.json.visitorId, fresh.key);
        assert.ok(setOf(answer).startsWith(`helvino_visitor_id_listed=${fresh.key};`));
    });

    test('it makes nobody known, and is no credential of any other route', async () => {
        const [old, fresh] = [org.visitor(), org.visitor()];
        const id = await old.converse();
        await keep(fresh);
        assert.equal(await org.seen(fresh.key), undefined);
        const cookie = `helvino_visitor_id_acme=${old.key}`;
        assertError(await org.anonymous.get(`/conversations/${id}`, { cookie }), 404, 'not_found');
        assertError(await org.anonymous.get('/visitors/me', { cookie }), 401, 'visitor_required');
        assertError(await org.anonymous.request('POST', PATH, { headers: { ...FROM_PAGE, cookie } }), 401, 'visitor_required');
    });

    test('DELETE removes it, and so does being erased', async () => {
        const visitor = org.visitor();
        const gone = 'helvino_visitor_id_acme=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax';
        const answer = await drop(visitor);
        assert.equal(answer.status, 204);
        assert.equal(answer.text, '');
        assert.equal(setOf(answer), gone);
        await visitor.converse();
        for (const visitors of [1, 0]) {
            const erased = await visitor.request('DELETE', '/visitors/me');
            assert.equal(erased.json.visitors, visitors);
            assert.equal(setOf(erased), gone);
        }
    });

    test('only pages of the same site get it, and what is no browser does not', async () => {
        const visitor = org.visitor();
        const cookie = 'helvino_visitor_id_acme=v_secret-of-the-cookie';
        for (const site of ['cross-site', 'none', '', 'Same-Site', 'same-site, cross-site', undefined])
            for (const act of [keep, drop]) {
                const answer = await act(visitor, { cookie, 'sec-fetch-site': site });
                assertError(answer, 403, 'origin_forbidden', /of its site when the organisation lists their origin/);
                assert.equal(setOf(answer), undefined);
                assert.ok(!answer.text.includes('secret'));
            }
        assertError(await keep(visitor, { 'sec-fetch-site': ['same-site', 'same-site'] }), 400, 'invalid_header', /sec-fetch-site is there twice/);
    });

    test('where the organisation lists no origin, only a page of the server itself gets it', async () => {
        const open = await server.org('open');
        const cookie = 'helvino_visitor_id_open=v_secret-of-the-cookie';
        for (const act of [keep, drop]) {
            const answer = await act(open.visitor(), { cookie });
            assertError(answer, 403, 'origin_forbidden', /lists their origin/);
            assert.equal(setOf(answer), undefined);
            assert.ok(!answer.text.includes('secret'));
        }
        assert.equal((await keep(open.visitor(), { cookie, 'sec-fetch-site': 'same-origin' })).json.visitorId, 'v_secret-of-the-cookie');
        for (const [site, has] of [['same-site', false], ['same-origin', true], ['cross-site', false]])
            assert.equal((await open.anonymous.getOk('/api/bootloader', { 'sec-fetch-site': site })).config.visitorCookie, has, site);
    });

    test('only pages that name themselves and that the organisation admits', async () => {
        const cookie = 'helvino_visitor_id_listed=v_secret-of-the-cookie';
        for (const [shop, origin] of [[org, undefined], [org, 'null'], [listed, undefined], [listed, 'null'], [listed, 'https://shop.example'], [listed, 'https://www.shop.example.evil.example'], [listed, 'http://www.shop.example']])
            for (const act of [keep, drop]) {
                const answer = await act(shop.visitor(), { cookie, origin });
                assertError(answer, 403, 'origin_forbidden');
                assert.equal(setOf(answer), undefined);
                assert.ok(!answer.text.includes('secret'));
                assert.equal(answer.headers['access-control-allow-credentials'], undefined);
                assert.equal(answer.headers['access-control-allow-origin'], undefined);
            }
        for (const shop of [org, listed]) {
            const answer = await keep(shop.visitor());
            assert.equal(answer.headers['access-control-allow-origin'], ORIGIN);
            assert.equal(answer.headers['access-control-allow-credentials'], 'true');
            assert.match(answer.headers.vary, /\borigin\b/i);
        }
    });

    test('credentials are allowed here alone, the preflight included', async () => {
        const visitor = org.visitor();
        const preflight = (path) => visitor.request('OPTIONS', path, { headers: { ...FROM_PAGE, 'access-control-request-method': 'POST', 'access-control-request-headers': 'x-org-key,x-visitor-id' } });
        const answer = await preflight(PATH);
        assert.equal(answer.status, 204);
        assert.equal(answer.headers['access-control-allow-origin'], ORIGIN);
        assertSafeHeaders(answer.headers, 'the preflight', { credentials: 'true' });
        for (const method of ['POST', 'DELETE']) assert.match(answer.headers['access-control-allow-methods'], new RegExp(`\\b${method}\\b`));
        for (const path of ['/visitors/me', '/visitors/me/export', '/conversations', '/api/bootloader', '/stream']) {
            assertSafeHeaders((await preflight(path)).headers, path);
            if (path !== '/stream') assertSafeHeaders((await visitor.get(path, FROM_PAGE)).headers, path);
        }
    });

    test('over TLS it is Secure, under a name that only this server can set', async (t) => {
        const directory = temporaryDirectory();
        const [key, cert] = [join(directory, 'key.pem'), join(directory, 'cert.pem')];
        const made = await run('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-keyout', key, '-out', cert, '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']);
        assert.equal(made.code, 0, made.stderr);
        const secure = await serverFor(t, { listen: ['https://127.0.0.1:0'], flags: ['--tls-cert', cert, '--tls-key', key, '--visitor-cookie', 'on'] });
        const visitor = (await secure.org('acme', '--origin', ORIGIN)).visitor();
        const send = (cookie) => visitor.request('POST', PATH, { headers: { ...FROM_PAGE, cookie }, ca: readFileSync(cert), agent: false });
        const answer = await send('helvino_visitor_id_acme=v_of-a-neighbour');
        assert.equal(answer.json.visitorId, visitor.key, 'a cookie that a neighbour of the domain may have set was believed');
        assert.equal(setOf(answer), `__Host-helvino_visitor_id_acme=${visitor.key}; Max-Age=34560000; Path=/; HttpOnly; SameSite=Lax; Secure`);
        assert.equal((await send('__Host-helvino_visitor_id_acme=v_own')).json.visitorId, 'v_own');
    });

    test('behind a proxy that is trusted to say so it is the same', async (t) => {
        const behind = await serverFor(t, { flags: ['--visitor-cookie', 'on', '--trusted-proxies', '127.0.0.1'] });
        const shop = await behind.org('acme', '--origin', ORIGIN);
        const visitor = shop.visitor();
        const insecure = `helvino_visitor_id_acme=${visitor.key}; Max-Age=34560000; Path=/; HttpOnly; SameSite=Lax`;
        for (const proto of ['https', 'HTTPS', ['http', 'https']]) {
            const answer = await keep(visitor, { 'x-forwarded-proto': proto, cookie: 'helvino_visitor_id_acme=v_of-a-neighbour' });
            assert.equal(answer.json.visitorId, visitor.key, 'a cookie that a neighbour of the domain may have set was believed');
            assert.equal(setOf(answer), `__Host-${insecure}; Secure`);
        }
        for (const proto of [undefined, '', 'http', 'httpsx', 'https, http', ['https', 'http']])
            assert.equal(setOf(await keep(visitor, { 'x-forwarded-proto': proto })), insecure, String(proto));
        const stranger = org.visitor(); // of a server that trusts nobody
        assert.ok(setOf(await keep(stranger, { 'x-forwarded-proto': 'https' })).startsWith('helvino_visitor_id_acme='));
    });

    test('two keys are refused', async () => {
        const visitor = org.visitor();
        assertError(await visitor.request('POST', PATH, { headers: { ...FROM_PAGE, 'x-visitor-id': [visitor.key, 'v_two'] } }), 400, 'invalid_header', /x-visitor-id is there twice/);
    });
});

describe('without it', () => {
    test('there is no such route, no cookie and no credentials', async () => {
        const shop = await off.org();
        const visitor = shop.visitor();
        for (const act of [keep, drop]) {
            const answer = await act(visitor);
            assertError(answer, 404, 'not_found');
            assertSafeHeaders(answer.headers);
            assert.equal(setOf(answer), undefined);
        }
        const preflight = await visitor.request('OPTIONS', PATH, { headers: { ...FROM_PAGE, 'access-control-request-method': 'POST' } });
        assertSafeHeaders(preflight.headers);
        assert.equal((await shop.anonymous.getOk('/api/bootloader')).config.visitorCookie, false);
    });
});
