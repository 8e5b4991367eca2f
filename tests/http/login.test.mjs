/* What strangers try at the door: guessing passwords, asking who has an account, borrowing somebody's cookie from another page,
 * crowding the one thread that hashes, looking for secrets, and reaching from one organisation into another. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { before, after, describe } from 'node:test';

import { Browser, Caller, eventually, helvinoOk, Org, PASSWORD, run, serverFor, startServer, temporaryDirectory, tokenOf } from './server.mjs';
import { assertError, assertSafeHeaders, NOBODY } from './shapes.mjs';
import { Wire, requestBytes } from './raw.mjs';
import { listen } from './sse.mjs';
import { codeOf, currentStep } from './totp.mjs';

const WRONG = 'not the password at all';
const BEHIND_PROXY = { flags: ['--trusted-proxies', '127.0.0.1'] };

let server, org, other, owner, otherOwner;
before(async () => {
    server = await startServer({ ...BEHIND_PROXY, flags: [...BEHIND_PROXY.flags, '--log-level', 'debug'] });
    [org, other] = [await server.org('acme'), await server.org('other')];
    owner = await server.join('owner@acme.example', org, 'owner');
    otherOwner = await server.join('owner@other.example', other, 'owner');
});
after(async () => {
    await server.check();
    await server.stop();
    server.remove();
});

let host = 0;
/** An address that nobody had before. */
const freshAddress = () => ({ 'x-forwarded-for': `198.18.${++host >> 8}.${host & 255}` });
const elsewhere = (on = server) => new Browser(on, freshAddress());
let number = 0;
const freshEmail = () => `new-${++number}@example.com`;
/** Somebody who has a password, without having logged in. */
async function makeAgent(email = freshEmail(), key = 'acme', on = server) {
    await on.choosePassword(await on.cliOk('agent', 'create', email, '--org', key));
    return email;
}
const assertLimited = (answer) => {
    assertError(answer, 429, 'rate_limited');
    assert.match(answer.headers['retry-after'], /^[1-9][0-9]*$/);
    return Number(answer.headers['retry-after']);
};

/* ---- guessing ---------------------------------------------------------------------------------------------------- */

describe('guessing at a password', () => {
    /** Makes it fail until it has to wait: at once after as many as are free, unless the machine is so slow that the wait is over
     *  before the next try; the waits grow. Gives Retry-After. */
    async function failUntilLimited(free, send, refusal = 'login_failed') {
        for (let i = 0; i < free + 8; ++i) {
            const answer = await send(i);
            if (answer.status === 429) return assertLimited(answer);
            assertError(answer, [401, 403], refusal);
        }
        assert.fail('no limit came');
    }
    const guess = (email) => failUntilLimited(5, () => elsewhere().logIn(email, WRONG));

    test('keeps nobody out who has chosen a new password by a link, however long the wait had become', async () => {
        const email = await makeAgent();
        await guess(email);
        const chosen = 'one that nobody has guessed at';
        await server.choosePassword(await server.cliOk('agent', 'reset', email), { password: chosen });
        assert.equal((await elsewhere().logIn(email, chosen)).status, 201);
    });

    test('at one account gets slower and slower, from wherever it comes, and hits no other account', async () => {
        const [email, neighbour] = [await makeAgent(), await makeAgent()];
        await guess(email);
        assertLimited(await elsewhere().logIn(email));
        assertLimited(await elsewhere().logIn(email.toUpperCase()));
        assert.equal((await elsewhere().logIn(neighbour)).status, 201);
        await eventually(async () => (await elsewhere().logIn(email, WRONG)).status === 401, 'the end of the wait');
        assert.ok((await guess(email)) >= 2, 'the next wait is longer');
        await eventually(async () => (await elsewhere().logIn(email)).status === 201, 'the end of that wait');
        for (let i = 0; i < 3; ++i) assertError(await elsewhere().logIn(email, WRONG), 401, 'login_failed');
        assert.equal((await elsewhere().logIn(email)).status, 201, 'a log-in forgives what was before it');
    });

    test('does not keep its owner out where it is logged in already', async () => {
        const email = await makeAgent();
        const home = freshAddress();
        const browser = new Browser(server, home);
        assert.equal((await browser.logIn(email)).status, 201);
        await guess(email);
        assertLimited(await elsewhere().logIn(email));
        assert.equal((await new Browser(server, home).logIn(email)).status, 201);
        assertLimited(await elsewhere().logIn(email));
        await failUntilLimited(5, () => new Browser(server, home).logIn(email, WRONG));
        assertLimited(await new Browser(server, home).logIn(email));
        assert.equal((await browser.get('/session')).status, 200);
    });

    test('at an address that nobody has is answered in the same way', async () => {
        const [known, unknown] = [await makeAgent(), freshEmail()];
        for (const email of [known, unknown]) {
            await guess(email);
            assertLimited(await elsewhere().logIn(email));
        }
    });

    test('from one address, which of IPv6 is a whole network, gets slower too, and hits no other address', async () => {
        const at = (address) => new Browser(server, { 'x-forwarded-for': address });
        const email = await makeAgent();
        const answers = await Promise.all(Array.from({ length: 19 }, (_, i) => at(`2001:db8:7:7:${i}::${i + 1}`).logIn(freshEmail(), WRONG)));
        for (const answer of answers) assertError(answer, 401, 'login_failed');
        await failUntilLimited(1, (i) => at(`2001:db8:7:7:ffff::${i}`).logIn(freshEmail(), WRONG));
        assertLimited(await at('2001:db8:7:7::9').logIn(email));
        assert.equal((await at('2001:db8:7:8::1').logIn(email)).status, 201);
    });

    test('by many tries at once is no way around it', async () => {
        const email = await makeAgent();
        const answers = await Promise.all(Array.from({ length: 30 }, () => elsewhere().logIn(email, WRONG)));
        const statuses = answers.map(({ status }) => status);
        const looked = statuses.filter((status) => status === 401).length;
        assert.ok(looked >= 5 && looked <= 8, `${looked} of 30 were looked at`);
        assert.equal(statuses.filter((status) => status === 429).length, 30 - looked);
    });

    test('from a browser that is logged in already is guarded like a log-in', async () => {
        const email = await makeAgent();
        const browser = elsewhere();
        assert.equal((await browser.logIn(email)).status, 201);
        const { secret } = (await browser.post('/agents/me/second-factor')).json;
        const tries = [
            () => browser.post('/agents/me/password', { password: WRONG, newPassword: 'another long password' }),
            async () => browser.request('PUT', '/agents/me/second-factor', { body: { password: WRONG, secret, code: codeOf(secret, await currentStep()) } }),
        ];
        await failUntilLimited(5, (i) => tries[i % 2](), 'password_wrong');
        for (const password of [PASSWORD, WRONG]) assertLimited(await browser.post('/agents/me/password', { password, newPassword: 'another long password' }));
        assert.equal((await browser.get('/session')).status, 200);
    });

    test('is written down, with the address and nothing of what was tried', async () => {
        const from = freshAddress();
        await new Browser(server, from).logIn('somebody@secret.example', 'a password for nobody to see');
        const line = await server.logged((lines) => lines.find(({ event, address }) => event === 'a log-in failed' && address === from['x-forwarded-for']), 'the failure');
        assert.equal(line.why, 'login_failed');
        assert.ok(!/secret\.example|for nobody to see/.test(server.log));
    });

    test('begins anew when the server starts again, and sessions go on', async (t) => {
        const first = await startServer(BEHIND_PROXY);
        t.after(() => first.remove());
        await first.cliOk('org', 'create', 'acme');
        const email = await makeAgent('a@example.com', 'acme', first);
        const browser = await first.browser(email);
        for (let i = 0; i < 5; ++i) await elsewhere(first).logIn(email, WRONG);
        assertLimited(await elsewhere(first).logIn(email));
        await first.stop();
        const second = await startServer({ ...BEHIND_PROXY, directory: first.directory });
        const same = Object.assign(new Browser(second), { cookie: browser.cookie, csrf: browser.csrf });
        assert.equal((await same.getOk('/session')).agent.email, email);
        assert.equal((await same.request('PATCH', '/agents/me', { body: { name: 'Still me' } })).status, 204);
        assert.equal((await elsewhere(second).logIn(email)).status, 201);
        await second.stop();
    });
});

/* ---- who has an account ------------------------------------------------------------------------------------------ */

/** Of each kind the address of an account that can't be entered by this password. */
const KINDS = {
    'a wrong password': () => makeAgent(),
    'an unknown address': async () => freshEmail(),
    'a disabled account': async () => {
        const email = await makeAgent();
        await server.cliOk('agent', 'disable', email);
        return email;
    },
    'an invited one': async () => {
        const email = freshEmail();
        await server.cliOk('agent', 'create', email, '--org', 'acme');
        return email;
    },
};

describe('whether an address has an account', () => {
    test('is not told by the answer, byte for byte', async () => {
        const answers = new Map();
        for (const [kind, make] of Object.entries(KINDS)) {
            const email = await make();
            const wire = await Wire.connect(server.port);
            const body = JSON.stringify({ email, password: kind === 'a disabled account' ? PASSWORD : WRONG });
            const answer = await wire.send(requestBytes('POST', '/session', { ...freshAddress(), 'Content-Type': 'application/json' }, body)).answer();
            wire.vanish();
            assert.equal(answer.status, 401);
            assertSafeHeaders(answer.headers);
            answers.set(kind, answer.whole.toString('latin1').replace(/^date: .*\r\n/im, ''));
        }
        const [first] = answers.values();
        for (const [kind, bytes] of answers) assert.equal(bytes, first, kind);
        assert.ok(!/set-cookie/i.test(first));
    });

    /* Interleaved, so that whatever else the machine does hits all kinds alike, and the quicker quarter of each, since that only ever
     * adds; what is asked for is that none is in another class. */
    test('is not told by the time that the answer takes', async () => {
        const times = new Map(Object.keys(KINDS).map((kind) => [kind, []]));
        const emails = new Map();
        for (let round = 0; round < 20; ++round)
            for (const [kind, make] of Object.entries(KINDS)) {
                if (round % 5 === 0) emails.set(kind, await make()); // five failures are free
                const [email, browser] = [emails.get(kind), elsewhere()];
                const began = process.hrtime.bigint();
                const answer = await browser.logIn(email, WRONG);
                times.get(kind).push(Number(process.hrtime.bigint() - began));
                assert.equal(answer.status, 401);
            }
        const quarters = [...times].map(([kind, list]) => [kind, list.sort((a, b) => a - b)[list.length / 4]]);
        const [low, high] = [Math.min(...quarters.map(([, time]) => time)), Math.max(...quarters.map(([, time]) => time))];
        assert.ok(high < 2 * low, `the times differ: ${quarters.map(([kind, time]) => `${kind} ${(time / 1e6).toFixed(1)} ms`).join(', ')}`);
    });
});

/* ---- the cookie in other hands ----------------------------------------------------------------------------------- */

describe('a page of somebody else', () => {
    /** Every route that a session may use to change something, as [method, path]. */
    async function changingRoutes() {
        const { paths } = await owner.getOk('/openapi.json');
        const all = Object.entries(paths).flatMap(([path, methods]) =>
            Object.entries(methods)
                .filter(([method, { security }]) => !['get', 'head', 'parameters'].includes(method) && security.some((each) => 'session' in each))
                .map(([method]) => [method.toUpperCase(), path.replace(/\{[^}]+\}/g, NOBODY)]),
        );
        assert.ok(all.length > 20 && all.some(([method, path]) => method === 'DELETE' && path === '/session'));
        return all;
    }
    const everything = async () => JSON.stringify([await server.counts(), (await owner.getOk('/organization')).updatedAt]);

    test('changes nothing without the token of the session, nor with the token of another one', async () => {
        const foreign = (await server.browser('owner@acme.example')).csrf;
        const before = await everything();
        for (const [method, path] of await changingRoutes())
            for (const csrf of [undefined, '', foreign, otherOwner.csrf, owner.csrf.slice(1), `${owner.csrf}x`, 'x'.repeat(32)])
                assertError(await owner.request(method, path, { body: {}, headers: { 'x-csrf-token': csrf } }), 403, 'csrf');
        assertError(await owner.request('DELETE', '/session', { headers: { 'x-csrf-token': [owner.csrf, owner.csrf] } }), 400, 'invalid_header', /x-csrf-token is there twice/);
        assert.equal(await everything(), before);
        assert.equal((await owner.get('/session')).status, 200);
    });

    test('has no session at all, whatever it knows: not of another site, and not of a neighbour', async () => {
        const before = await everything();
        for (const site of ['cross-site', 'same-site', 'Same-Origin', ''])
            for (const [method, path] of [...(await changingRoutes()), ['GET', '/session'], ['GET', '/sessions'], ['GET', '/conversations'], ['GET', '/stream']]) {
                const answer = await owner.request(method, path, { body: method === 'GET' ? undefined : {}, headers: { 'sec-fetch-site': site } });
                assert.equal(answer.status, 401, `${method} ${path} of ${site}: ${answer.status} ${answer.text}`);
                assert.equal(answer.headers['access-control-allow-credentials'], undefined);
            }
        assert.equal(await everything(), before);
    });

    test('can neither log anybody in nor choose a password, by no kind of form', async () => {
        const email = await makeAgent();
        const body = JSON.stringify({ email, password: PASSWORD });
        for (const path of ['/session', '/password', '/setup']) {
            for (const site of ['cross-site', 'same-site'])
                assertError(await elsewhere().request('POST', path, { body, headers: { 'sec-fetch-site': site, 'content-type': 'application/json' } }), 403, 'origin_forbidden');
            for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'text/plain; charset=application/json', null])
                assertError(await elsewhere().request('POST', path, { body, headers: { 'content-type': type } }), 415, 'unsupported_media_type');
        }
        for (const site of ['same-origin', 'none']) assert.equal((await elsewhere().request('POST', '/session', { body, headers: { 'sec-fetch-site': site } })).status, 201);
    });

    test('is told by its preflight that it may not send what the cookie needs', async () => {
        const answer = await owner.request('OPTIONS', '/agents', { headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST', 'access-control-request-headers': 'x-csrf-token, content-type' } });
        assert.equal(answer.status, 204);
        assert.equal(answer.headers['access-control-allow-credentials'], undefined);
        assert.doesNotMatch(answer.headers['access-control-allow-headers'] ?? '', /csrf|cookie/i);
        const read = await owner.get('/session', { origin: 'https://evil.example' });
        assert.equal(read.headers['access-control-allow-origin'], undefined, 'what a session reads is for no other page');
    });
});

describe('the cookie of a session', () => {
    test('is never the one that was planted before the log-in', async () => {
        const email = await makeAgent();
        const attacker = await server.browser('owner@other.example');
        for (const planted of [attacker.cookie, 'helvino_session=x', `helvino_session=${NOBODY}_${'A'.repeat(43)}`]) {
            const victim = elsewhere();
            victim.cookie = planted;
            assert.equal((await victim.logIn(email)).status, 201);
            assert.notEqual(victim.cookie, planted);
            assert.equal((await victim.getOk('/session')).agent.email, email);
            const again = Object.assign(elsewhere(), { cookie: planted });
            const answer = await again.get('/session');
            if (planted === attacker.cookie) assert.equal(answer.json.agent.email, 'owner@other.example');
            else assertError(answer, 401, 'session_invalid');
        }
        const two = Object.assign(elsewhere(), { cookie: `${owner.cookie}; ${attacker.cookie}` });
        assertError(await two.get('/session'), 401, 'session_required');
    });

    test('is new at each log-in, out of reach of scripts, and sent by pages of the server alone', async () => {
        const email = await makeAgent();
        const values = new Set();
        for (let i = 0; i < 3; ++i) {
            const [line, ...more] = (await elsewhere().logIn(email)).headers['set-cookie'];
            assert.deepEqual(more, []);
            const [, value] = /^helvino_session=(c[0-9a-z]{24}_[\w-]{43}); Max-Age=1209600; Path=\/; HttpOnly; SameSite=Strict$/.exec(line) ?? assert.fail(line);
            values.add(value).add(value.slice(26));
        }
        assert.equal(values.size, 6);
    });

    test('is Secure over TLS, under a name that only this server can set', async (t) => {
        const directory = temporaryDirectory();
        const [key, cert] = [join(directory, 'key.pem'), join(directory, 'cert.pem')];
        const made = await run('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-keyout', key, '-out', cert, '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']);
        assert.equal(made.code, 0, made.stderr);
        const secure = await serverFor(t, { listen: ['https://127.0.0.1:0'], flags: ['--tls-cert', cert, '--tls-key', key] });
        const tls = { ca: readFileSync(cert), agent: false };
        const send = (browser, method, path, body, headers) => browser.request(method, path, { body, headers, ...tls });
        const token = await secure.setupToken();
        const browser = new Browser(secure);
        const setUp = await send(browser, 'POST', '/setup', { token, email: 'a@example.com', name: 'A', password: PASSWORD, orgKey: 'shop', orgName: 'Shop' });
        assert.equal(setUp.status, 201, setUp.text);
        const answer = await send(browser, 'POST', '/session', { email: 'a@example.com', password: PASSWORD });
        const [, value] = /^__Host-helvino_session=([^;]+); Max-Age=1209600; Path=\/; HttpOnly; SameSite=Strict; Secure$/.exec(answer.headers['set-cookie'][0]) ?? assert.fail(answer.headers['set-cookie'][0]);
        assert.equal((await send(browser, 'GET', '/session')).status, 200);
        assertError(await send(browser, 'GET', '/session', undefined, { cookie: `helvino_session=${value}` }), 401, 'session_required');
        const ended = await send(browser, 'DELETE', '/session', undefined, { 'x-csrf-token': answer.json.csrfToken });
        assert.equal(ended.headers['set-cookie'][0], '__Host-helvino_session=; Max-Age=0; Path=/; HttpOnly; SameSite=Strict; Secure');
    });

    test('is the same behind a proxy that is trusted to say so, and behind no other', async (t) => {
        const email = await makeAgent();
        const over = (proto, on = server) => new Browser(on, { ...freshAddress(), 'x-forwarded-proto': proto });
        const secure = over('https');
        const [line] = (await secure.logIn(email)).headers['set-cookie'];
        assert.match(line, /^__Host-helvino_session=.*; HttpOnly; SameSite=Strict; Secure$/);
        assert.equal((await secure.get('/session')).status, 200);
        assertError(await secure.get('/session', { cookie: secure.cookie.replace('__Host-', '') }), 401, 'session_required');
        for (const proto of ['http', '', ['https', 'http']]) assert.match((await over(proto).logIn(email)).headers['set-cookie'][0], /^helvino_session=.*SameSite=Strict$/);
        const stranger = await serverFor(t);
        await stranger.cliOk('org', 'create', 'acme');
        await makeAgent(email, 'acme', stranger);
        assert.match((await over('https', stranger).logIn(email)).headers['set-cookie'][0], /^helvino_session=.*SameSite=Strict$/);
    });
});

/* ---- secrets ------------------------------------------------------------------------------------------------------ */

describe('secrets', () => {
    test('of passwords, sessions, tokens, links and second factors are in no answer but the one that gives them, and nowhere else', async () => {
        const secrets = new Map();
        const keep = (what, secret) => secrets.set(secret, what);
        const email = freshEmail();
        const password = 'canary of a password 0123456789';
        const invited = await owner.post('/agents', { email, name: 'Canary', role: 'admin' });
        const link = tokenOf(invited.json.link);
        keep('the link that was used', link.slice(30));
        await server.choosePassword(link, { password });
        keep('the password', password);
        const browser = elsewhere();
        assert.equal((await browser.logIn(email, password)).status, 201);
        keep('the cookie', browser.cookie.slice(-43));
        const program = (await owner.post('/tokens', { name: 'canary', scope: 'admin' })).json;
        keep('the token', program.token.slice(30));
        const { json: waiting } = await owner.post('/agents', { email: freshEmail(), name: 'Waiting', role: 'agent' });
        keep('the link that nobody has used', tokenOf(waiting.link).slice(30));
        keep('the link of the shell', tokenOf(await server.cliOk('agent', 'reset', email)).slice(30));
        const guarded = await makeAgent();
        const careful = await server.browser(guarded);
        const { secret } = (await careful.post('/agents/me/second-factor')).json;
        keep('the secret of a second factor', secret);
        await elsewhere().logIn(email, 'canary of a wrong password');
        keep('a wrong password', 'canary of a wrong password');

        const seen = new Map();
        const look = (where, text) => seen.set(where, text);
        const stream = await listen(new Org(server, 'acme', program.token).agent);
        const { paths } = await owner.getOk('/openapi.json');
        const callers = { owner, canary: browser, token: new Org(server, 'acme', program.token).agent, nobody: new Caller(server, {}), anonymous: org.anonymous };
        for (const [name, caller] of Object.entries(callers))
            for (const [path, methods] of Object.entries(paths)) {
                if (!('get' in methods) || path === '/stream') continue;
                for (const id of path.includes('{') ? [NOBODY, invited.json.id, program.id, program.token, link] : ['']) {
                    const answer = await caller.get(path.replace(/\{[^}]+\}/g, id));
                    look(`GET ${path} for ${name}`, JSON.stringify(answer.headers) + answer.text);
                }
            }
        for (const body of [{ token: link }, { token: link, password }, { email, password: WRONG, code: secret }, { password, [password]: password }])
            for (const path of ['/links', '/password', '/setup', '/session', '/agents/me/password', '/agents', '/tokens'])
                for (const caller of [browser, elsewhere()]) {
                    const answer = await caller.post(path, body);
                    if (answer.status >= 400) look(`POST ${path} with ${Object.keys(body)}`, JSON.stringify(answer.headers) + answer.text);
                }
        const tables = [...(await helvinoOk(['help', 'tables'])).stdout.matchAll(/^ {2}([a-z_]+)$/gm)].map(([, name]) => name);
        assert.ok(['agents', 'sessions', 'tokens', 'audit', 'members'].every((name) => tables.includes(name)), tables.join());
        for (const name of tables) {
            const columns = JSON.parse(await server.cliOk('dump', 'sql', `SELECT name FROM pragma_table_xinfo('${name}')`, '--format', 'json')).map((column) => `"${column.name}"`);
            look(`dump sql ${name}`, await server.cliOk('dump', 'sql', `SELECT ${columns} FROM "${name}"`, '--format', 'json'));
        }
        for (const format of ['ndjson', 'csv', 'sql', 'sqlite']) {
            const target = join(temporaryDirectory(), 'export');
            await server.cliOk('dump', 'export', '--format', format, '--output', target);
            const names = ['ndjson', 'csv'].includes(format) ? readdirSync(target).map((each) => join(target, each)) : [target];
            for (const each of names) look(`dump export ${format}`, readFileSync(each, 'latin1'));
        }
        for (const words of ['agent list', 'agent list --format json', 'org token list acme', 'org token list acme --format json', 'org show acme', 'org list', 'stat', 'check', 'dump report overview --org acme', 'dump report visitors --org acme'])
            look(words, await server.cliOk(...words.split(' ')));
        look('the stream', JSON.stringify(stream.events));
        look('the log', server.log);
        stream.close();

        assert.ok(seen.size > 100);
        for (const [where, text] of seen) {
            for (const [canary, what] of secrets) assert.ok(!text.includes(canary), `${what} stands in ${where}`);
            assert.ok(!/\$argon2|passwordHash|secretHash|totpSecret|recoveryHashes/.test(text), `a hash stands in ${where}`);
        }
        const kept = readFileSync(join(server.data, 'data.mdb'), 'latin1');
        assert.ok(kept.includes('$argon2id$'));
        for (const [canary, what] of secrets) assert.ok(!kept.includes(canary), `${what} stands in the database`);
    });
});

/* ---- the thread that hashes ------------------------------------------------------------------------------------------ */

describe('more log-ins than can be looked at', () => {
    const hashing = async () => Number(/^helvino_passwords ([0-9]+)$/m.exec((await new Caller(server, {}).get('/metrics')).text)[1]);

    test('wait in a bounded queue: what is beyond it is told to come back, and nobody else waits for it', async () => {
        const health = new Caller(server, {});
        const done = [];
        const flood = Array.from({ length: 80 }, () => elsewhere().logIn(freshEmail(), WRONG).then((answer) => (done.push(answer.status), answer)));
        await eventually(() => done.includes(503), 'the queue to be full');
        const alive = await health.getOk('/health');
        const conversation = await org.visitor().converse();
        assert.ok(alive.ok && conversation);
        assert.ok(done.filter((status) => status === 401).length < 32, 'everybody waited for the hashes');
        const answers = await Promise.all(flood);
        const [served, refused] = [401, 503].map((wanted) => answers.filter(({ status }) => status === wanted));
        assert.equal(served.length + refused.length, 80);
        assert.ok(served.length >= 32, `only ${served.length} were served`);
        for (const answer of refused) {
            assertError(answer, 503, 'queue_full', /passwords/);
            assert.match(answer.headers['retry-after'], /^[1-9][0-9]*$/);
        }
        assert.match((await health.get('/metrics')).text, /^helvino_limit_hits_total\{limit="passwords"\} [1-9]/m);
    });

    test('by strangers keep nobody out who is known: where it is logged in already, or by a link', async () => {
        const [email, forgetful] = [await makeAgent(), await makeAgent()];
        const home = freshAddress();
        const browser = new Browser(server, home);
        assert.equal((await browser.logIn(email)).status, 201);
        const link = await server.cliOk('agent', 'reset', forgetful);
        let left = 80;
        const done = [];
        const flood = Array.from({ length: left }, () => elsewhere().logIn(freshEmail(), WRONG).then(({ status }) => (--left, done.push(status))));
        await eventually(() => done.includes(503), 'the queue to be full');
        const [again, , changed] = await Promise.all([
            new Browser(server, home).logIn(email),
            server.choosePassword(link),
            browser.post('/agents/me/password', { password: PASSWORD, newPassword: 'quite another one, which is long' }),
        ]);
        assert.deepEqual([again.status, changed.status], [201, 204]);
        assert.ok(left > 0, 'they waited for all who had come before');
        await Promise.all(flood);
    });

    test('that were never looked at, or whose client has gone, are nobody\'s failure', async () => {
        const email = await makeAgent();
        const home = freshAddress();
        const flood = Array.from({ length: 40 }, () => elsewhere().logIn(freshEmail(), WRONG));
        await eventually(async () => (await hashing()) >= 31, 'the queue to be full');
        const refused = await Promise.all(Array.from({ length: 12 }, () => new Browser(server, home).logIn(email)));
        assert.ok(refused.filter(({ status }) => status === 503).length > 5, 'the queue was not full');
        await Promise.all(flood);
        for (let gone = 0; gone < 8; ++gone) {
            const wire = await Wire.connect(server.port);
            wire.send(requestBytes('POST', '/session', { ...home, 'Content-Type': 'application/json' }, JSON.stringify({ email, password: PASSWORD })));
            await eventually(async () => (await hashing()) > 0, 'the password to be looked at');
            wire.vanish();
            await eventually(async () => (await hashing()) === 0, 'the password to have been looked at');
        }
        assert.equal((await new Browser(server, home).logIn(email)).status, 201);
    });

    test('end with the server, whether they were looked at or not', async (t) => {
        for (const deadline of ['1', '30']) {
            const doomed = await startServer({ ...BEHIND_PROXY, flags: [...BEHIND_PROXY.flags, '--stop-deadline', deadline] });
            t.after(() => doomed.remove());
            await doomed.cliOk('org', 'create', 'acme');
            const email = await makeAgent('a@example.com', 'acme', doomed);
            const outcomes = Array.from({ length: 16 }, (_, i) =>
                elsewhere(doomed).logIn(i % 4 ? freshEmail() : email, i % 4 ? WRONG : PASSWORD).then(({ status }) => status, (error) => error.code),
            );
            await eventually(async () => /^helvino_passwords [1-9]/m.test((await new Caller(doomed, {}).get('/metrics')).text), 'the first of them');
            await doomed.stop();
            for (const outcome of await Promise.all(outcomes)) assert.ok([201, 401, 503, 'ECONNRESET', 'ECONNREFUSED'].includes(outcome), String(outcome));
            assert.doesNotMatch(doomed.log, /"level":"error"/);
        }
    });

    test('come too late when the account is disabled, or its password changed, meanwhile', async (t) => {
        const single = await serverFor(t, { ...BEHIND_PROXY, loops: 1 }); // which takes requests in the order of their coming
        await single.cliOk('org', 'create', 'acme');
        const [gone, changed] = ['gone@example.com', 'changed@example.com'];
        for (const email of [gone, changed]) await makeAgent(email, 'acme', single);
        const link = await single.cliOk('agent', 'reset', changed);
        const taken = () => new Caller(single, {}).getOk('/health');
        const flood = Array.from({ length: 8 }, () => elsewhere(single).logIn(freshEmail(), WRONG));
        await taken();
        const choosing = single.choosePassword(link, { password: 'the new one of its owner' });
        await taken();
        const late = [gone, changed].map((email) => elsewhere(single).logIn(email)); // with what is still right as they come
        await taken();
        await single.cliOk('agent', 'disable', gone);
        await choosing;
        for (const answer of await Promise.all(late)) assertError(answer, 401, 'login_failed');
        await Promise.all(flood);
        const browser = await single.browser(changed, 'the new one of its owner');
        assert.equal((await browser.getOk('/sessions')).sessions.length, 1);
    });
});

/* ---- from one organisation into another ------------------------------------------------------------------------------ */

describe('an admin of one organisation', () => {
    test('gets no hold of an agent of another by inviting it, be it active or only invited', async () => {
        const waiting = freshEmail();
        const invited = await otherOwner.post('/agents', { email: waiting, name: 'Waiting Owner', role: 'owner' });
        assert.equal(invited.status, 201);
        for (const email of ['owner@other.example', 'OWNER@other.example', waiting])
            assertError(await owner.post('/agents', { email, name: 'X', role: 'agent' }), 409, 'email_taken', /operator/);
        const { agents } = await owner.getOk('/agents');
        assert.ok(!agents.some(({ email }) => email === waiting || /other\.example/.test(email)));
        assert.equal((await new Caller(server, {}).post('/links', { token: tokenOf(invited.json.link) })).json.email, waiting, 'its own link was ended');
        await server.choosePassword(invited.json.link);
        assert.equal((await server.browser(waiting)).session.organizations[0].key, 'other');
    });

    test('makes no account in somebody\'s name that another organisation then lets in', async () => {
        const victim = freshEmail();
        const squatted = await owner.post('/agents', { email: victim, name: 'Squatter', role: 'agent' });
        await server.choosePassword(squatted.json.link);
        assertError(await otherOwner.post('/agents', { email: victim, name: 'The real one', role: 'admin' }), 409, 'email_taken');
        assert.equal((await owner.request('DELETE', `/agents/${squatted.json.id}`)).status, 204);
        const real = await otherOwner.post('/agents', { email: victim, name: 'The real one', role: 'admin' });
        assert.equal(real.status, 201, real.text);
        assertError(await elsewhere().logIn(victim), 401, 'login_failed');
    });

    test('gives no link to somebody who works for another one too, chosen password or not', async () => {
        const both = freshEmail();
        await server.cliOk('agent', 'create', both, '--org', 'acme');
        const link = await server.cliOk('agent', 'create', both, '--org', 'other', '--role', 'owner');
        const { id } = (await owner.getOk('/agents')).agents.find(({ email }) => email === both);
        assertError(await owner.post(`/agents/${id}/link`), 403, 'right_forbidden', /another organisation/);
        await server.choosePassword(link);
        assertError(await owner.post(`/agents/${id}/link`), 403, 'right_forbidden');
        const browser = await server.browser(both);
        assertError(await browser.get('/agents'), 401, 'org_unknown', /several organisations/);
        assertError(await browser.get('/audit', { 'x-org-key': 'acme' }), 403, 'right_forbidden');
        assert.equal((await browser.get('/audit', { 'x-org-key': 'other' })).status, 200);
    });

    test('is nobody in another one, whatever key its requests name', async () => {
        const routes = ['/conversations', '/visitors', '/agents', '/tokens', '/organization', '/audit', '/stream'];
        for (const path of routes) {
            assertError(await owner.get(path, { 'x-org-key': 'other' }), 403, 'not_a_member');
            assertError(await owner.get(path, { 'x-site-id': 'other' }), 403, 'not_a_member');
            assertError(await owner.get(path, { 'x-org-key': 'acme', 'x-site-id': 'other' }), 400, 'invalid_header');
            assertError(await owner.get(path, { 'x-org-key': ['acme', 'other'] }), 400, 'invalid_header');
            assertError(await owner.get(path, { authorization: `Bearer ${org.token}`, 'x-org-key': 'other' }), 401, 'token_invalid');
        }
        assertError(await owner.post('/agents', { email: freshEmail(), name: 'X', role: 'agent' }, { 'x-org-key': 'other' }), 403, 'not_a_member');
        /* A token speaks for its own organisation, whoever's cookie comes along. */
        assert.equal((await owner.getOk('/organization', { authorization: `Bearer ${other.token}` })).key, 'other');
        assertError(await owner.get('/audit', { authorization: `Bearer ${other.token}` }), 403, 'right_forbidden');
    });

    test('finds nothing of another one by its id', async () => {
        const visitor = other.visitor();
        const conversation = await visitor.converse();
        const { visitorId } = await visitor.getOk(`/conversations/${conversation}`);
        const { id: agentId } = otherOwner.session.agent;
        const [{ id: sessionId }] = (await otherOwner.getOk('/sessions')).sessions;
        const tries = [
            ['GET', `/conversations/${conversation}`], ['GET', `/visitors/${visitorId}`], ['POST', `/conversations/${conversation}/messages`, { role: 'assistant', content: 'x' }],
            ['PATCH', `/agents/${agentId}`, { role: 'agent' }], ['DELETE', `/agents/${agentId}`], ['POST', `/agents/${agentId}/link`], ['DELETE', `/tokens/${other.token.slice(4, 29)}`], ['DELETE', `/sessions/${sessionId}`],
        ];
        const all = new Org(server, 'acme', (await owner.post('/tokens', { name: 'all', scope: 'admin' })).json.token).agent;
        for (const [method, path, body] of tries) {
            assertError(await owner.request(method, path, { body }), 404, 'not_found');
            if (!path.startsWith('/sessions')) assertError(await all.request(method, path, { body }), 404, 'not_found');
        }
        assert.equal((await otherOwner.get('/session')).status, 200);
        assert.equal((await other.agent.get(`/conversations/${conversation}`)).status, 200);
    });
});
