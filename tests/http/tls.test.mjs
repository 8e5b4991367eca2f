/* TLS from the start: versions, certificates of both kinds, renewal without dropping anybody, the redirect and ACME challenges. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, rmSync, symlinkSync, writeFileSync, copyFileSync, readFileSync } from 'node:fs';
import https from 'node:https';
import net from 'node:net';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import test, { before, after, describe } from 'node:test';
import tls from 'node:tls';

import { Caller, eventually, exchange, patiently, run, Server, serverFor, startServer, temporaryDirectory } from './server.mjs';
import { assertSafeHeaders } from './shapes.mjs';
import { Wire, requestBytes } from './raw.mjs';

const directory = temporaryDirectory();
after(() => rmSync(directory, { recursive: true, force: true }));

/** A self-signed certificate for localhost; gives the paths. */
async function certificate(name, kind, subject = name) {
    const [key, cert] = [join(directory, `${name}.key`), join(directory, `${name}.pem`)];
    const keyArgs = kind === 'rsa' ? ['-newkey', 'rsa:2048'] : ['-newkey', 'ec', '-pkeyopt', `ec_paramgen_curve:${kind}`];
    const made = await run('openssl', ['req', '-x509', ...keyArgs, '-nodes', '-days', '2', '-keyout', key, '-out', cert, '-subj', `/CN=${subject}`, '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']);
    assert.equal(made.code, 0, made.stderr);
    return { key, cert };
}

/** A leaf signed by an intermediate that is signed by a root: `chain` holds leaf and intermediate. */
async function chained() {
    const at = (file) => join(directory, `chain-${file}`);
    const openssl = async (...args) => assert.equal((await run('openssl', args)).code, 0, args.join(' '));
    await openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-keyout', at('root.key'), '-out', at('root.pem'), '-subj', '/CN=Test Root', '-addext', 'basicConstraints=critical,CA:TRUE');
    writeFileSync(at('ca.ext'), 'basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign\n');
    writeFileSync(at('leaf.ext'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
    for (const [name, subject, issuer, ext] of [['middle', 'Test Intermediate', 'root', 'ca.ext'], ['leaf', 'localhost', 'middle', 'leaf.ext']]) {
        await openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', at(`${name}.key`), '-out', at(`${name}.csr`), '-subj', `/CN=${subject}`);
        await openssl('x509', '-req', '-in', at(`${name}.csr`), '-CA', at(`${issuer}.pem`), '-CAkey', at(`${issuer}.key`), '-CAcreateserial', '-days', '2', '-extfile', at(ext), '-out', at(`${name}.pem`));
    }
    writeFileSync(at('full.pem'), readFileSync(at('leaf.pem'), 'utf8') + readFileSync(at('middle.pem'), 'utf8'));
    return { cert: at('full.pem'), key: at('leaf.key'), root: readFileSync(at('root.pem')) };
}

const sClient = (port, ...args) => run('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, '-servername', 'localhost', ...args]);
const tlsServer = ({ cert, key }, options = {}) => ({ listen: ['https://127.0.0.1:0'], ...options, flags: ['--tls-cert', cert, '--tls-key', key, ...(options.flags ?? [])] });

/** The common name that a new connection is shown. */
async function shownName(port) {
    const wire = await Wire.connect(port, { secure: true, servername: 'localhost' });
    const name = wire.socket.getPeerCertificate().subject.CN;
    wire.vanish();
    return name;
}

describe('a TLS listener', () => {
    for (const kind of ['prime256v1', 'secp384r1', 'rsa']) {
        test(`serves the API with a certificate of kind ${kind}`, async (t) => {
            const pair = await certificate(`kind-${kind}`, kind);
            const server = await serverFor(t, tlsServer(pair));
            assert.match(server.url, /^https:/);
            const org = await server.org();
            const agent = new https.Agent({ ca: readFileSync(pair.cert), keepAlive: true, servername: 'localhost' });
            t.after(() => agent.destroy());
            const headers = { 'x-org-key': org.key, 'x-visitor-id': 'v_tls' };
            const answer = await exchange(`${server.url}/conversations`, { method: 'POST', headers, agent, ca: readFileSync(pair.cert) });
            assert.equal(answer.status, 201, answer.text);
            const curl = await run('curl', ['-sS', '--cacert', pair.cert, '-H', `x-org-key: ${org.key}`, '-H', 'x-visitor-id: v_tls', `https://localhost:${server.port}/conversations`, '--resolve', `localhost:${server.port}:127.0.0.1`]);
            assert.equal(curl.code, 0, curl.stderr);
            assert.equal(JSON.parse(curl.stdout).conversations.length, 1);
        });
    }

    test('speaks TLS 1.2 and 1.3 and refuses what is older', async (t) => {
        const server = await serverFor(t, tlsServer(await certificate('versions', 'prime256v1')));
        for (const version of ['-tls1_2', '-tls1_3']) {
            const session = await sClient(server.port, version);
            assert.equal(session.code, 0, `${version}: ${session.stderr}`);
            assert.match(session.stdout, version === '-tls1_2' ? /TLSv1\.2/ : /TLSv1\.3/);
        }
        for (const version of ['-tls1', '-tls1_1']) {
            const session = await sClient(server.port, version, '-cipher', 'ALL:@SECLEVEL=0');
            assert.notEqual(session.code, 0, `${version} was accepted`);
            assert.match(session.stderr + session.stdout, /alert|protocol version|Cipher is \(NONE\)/i);
        }
        for (const cipher of ['NULL', 'RC4', '3DES', 'aNULL', 'EXPORT']) {
            const session = await sClient(server.port, '-tls1_2', '-cipher', `${cipher}:@SECLEVEL=0`);
            assert.doesNotMatch(session.stdout, /Cipher is (?!\(NONE\))\S/, `${cipher} was accepted`);
        }
    });

    test('offers http/1.1 alone by ALPN', async (t) => {
        const server = await serverFor(t, tlsServer(await certificate('alpn', 'prime256v1')));
        for (const offer of [['h2', 'http/1.1'], ['http/1.1'], ['http/1.1', 'h2', 'http/1.0']]) {
            const wire = await Wire.connect(server.port, { secure: true, ALPNProtocols: offer });
            assert.equal(wire.socket.alpnProtocol, 'http/1.1');
            assert.equal((await wire.send(requestBytes('GET', '/health')).answer()).status, 200);
            wire.vanish();
        }
        const h2 = await sClient(server.port, '-alpn', 'h2,h2-16,spdy/3');
        assert.doesNotMatch(h2.stdout, /ALPN protocol: h2/);
        const none = await Wire.connect(server.port, { secure: true });
        assert.equal((await none.send(requestBytes('GET', '/health')).answer()).status, 200);
        none.vanish();
    });

    test('sends the whole chain, so that a client that knows only the root believes it', async (t) => {
        const pair = await chained();
        const server = await serverFor(t, tlsServer(pair));
        const wire = await Wire.connect(server.port, { secure: true, rejectUnauthorized: true, ca: pair.root, servername: 'localhost' });
        assert.ok(wire.socket.authorized);
        wire.vanish();
    });

    test('says Strict-Transport-Security when asked to, on errors too', async (t) => {
        const pair = await certificate('hsts', 'prime256v1');
        const ca = readFileSync(pair.cert);
        const on = await serverFor(t, tlsServer(pair, { flags: ['--hsts', 'on'] }));
        const off = await serverFor(t, tlsServer(pair, { flags: ['--hsts', 'off'] }));
        for (const path of ['/health', '/nothing']) {
            const secure = await exchange(on.url + path, { ca });
            assert.match(secure.headers['strict-transport-security'] ?? '', /max-age=[1-9][0-9]{5,}/);
            assertSafeHeaders(secure.headers);
            const plain = await exchange(off.url + path, { ca });
            assert.equal(plain.headers['strict-transport-security'], undefined);
            assertSafeHeaders(plain.headers);
        }
    });

    test('survives noise: clear text, half a handshake, a renegotiation, a key update, a client that leaves', async (t) => {
        const pair = await certificate('noise', 'prime256v1');
        const server = await serverFor(t, tlsServer(pair, { loops: 1, flags: ['--request-deadline', '2'] }));
        for (const bytes of ['GET / HTTP/1.1\r\nHost: x\r\n\r\n', Buffer.from('160301', 'hex'), Buffer.alloc(20_000, 0x16), Buffer.from('1603010005010000ff', 'hex'), Buffer.from('15030100020100', 'hex'), '']) {
            const wire = await Wire.connect(server.port);
            wire.send(bytes);
            if (bytes.length > 100) await wire.closed();
            wire.vanish();
        }
        const half = await Wire.connect(server.port);
        half.send(Buffer.from('16030100', 'hex'));
        await run('openssl', ['s_client', '-connect', `127.0.0.1:${server.port}`, '-tls1_2'], { input: 'R\n' });
        const updated = await run('openssl', ['s_client', '-connect', `127.0.0.1:${server.port}`, '-tls1_3'], { input: 'K\nGET /health HTTP/1.1\nHost: x\n\n' });
        assert.ok(updated.code !== undefined);
        for (let i = 0; i < 20; i++) {
            const wire = await Wire.connect(server.port, { secure: true });
            wire.send('GET /heal');
            if (i % 2) wire.vanish();
            else wire.socket.destroy();
        }
        assert.equal((await exchange(`${server.url}/health`, { ca: readFileSync(pair.cert) })).status, 200);
        half.vanish();
    });

    test('clear text on its port is told so, whatever it asks, and the connection ends', async (t) => {
        const pair = await certificate('clear', 'prime256v1');
        const server = await serverFor(t, tlsServer(pair, { loops: 1, flags: ['--request-deadline', '2', '--hsts', 'on'] }));
        const requests = [requestBytes('GET', '/health'), requestBytes('POST', '/conversations', {}, '{}'), requestBytes('OPTIONS', '*'), 'GET /health HTTP/1.0\r\n\r\n', 'NONSENSE\r\n\r\n', 'GET http://other.example/ HTTP/1.1\r\nHost: x\r\n\r\n', Buffer.concat([requestBytes('GET', '/health'), requestBytes('GET', '/health')])];
        for (const bytes of requests) {
            const wire = await Wire.connect(server.port);
            const answer = await wire.send(bytes).answer();
            assert.equal(answer?.status, 400, String(bytes));
            assert.deepEqual(JSON.parse(answer.text), { error: 'This port speaks TLS; use https://.', code: 'tls_required' });
            assert.equal(answer.headers['strict-transport-security'], undefined);
            assertSafeHeaders(answer.headers);
            await wire.closed();
            assert.equal(wire.rest.length, 0);
            wire.vanish();
        }
        const silent = await Wire.connect(server.port);
        await silent.closed();
        assert.equal(silent.rest.length, 0, 'who says nothing hears nothing');
        silent.vanish();
        const waiting = await Wire.connect(server.port);
        assert.equal((await exchange(`${server.url}/health`, { ca: readFileSync(pair.cert) })).status, 200);
        await server.stop();
        await waiting.closed();
        waiting.vanish();
    });

    test('a broken record in one segment with the end of the handshake ends the connection, and nothing before it is done', async (t) => {
        const server = await serverFor(t, tlsServer(await certificate('junk', 'prime256v1'), { loops: 1 }));
        const org = await server.org();
        const raw = net.connect(server.port, '127.0.0.1');
        const held = []; // all that follows the ClientHello
        let hasSaidHello = false;
        const holder = new Duplex({
            read() {},
            write(bytes, _, done) {
                if (hasSaidHello) held.push(bytes);
                else raw.write(bytes);
                hasSaidHello = true;
                done();
            },
        });
        raw.on('error', () => {});
        raw.on('data', (bytes) => holder.push(bytes));
        const client = tls.connect({ socket: holder, rejectUnauthorized: false, minVersion: 'TLSv1.3' });
        client.on('error', () => {});
        await patiently(once(client, 'secureConnect'), 'the handshake');
        const request = requestBytes('POST', '/conversations', { 'x-org-key': org.key });
        await new Promise((sent) => client.write(Buffer.concat([request, request]), sent));
        raw.write(Buffer.concat([...held, Buffer.from('1703030020', 'hex'), Buffer.alloc(32, 'z')]));
        await patiently(once(raw, 'close'), 'the end of the connection');
        client.destroy();
        assert.equal((await server.counts()).conversations, 0);
    });

    test('large bodies go both ways', async (t) => {
        const pair = await certificate('large', 'prime256v1');
        const server = await serverFor(t, tlsServer(pair));
        const org = await server.org();
        const ca = readFileSync(pair.cert);
        const headers = { 'x-org-key': org.key, 'content-type': 'application/json' };
        const { id } = (await exchange(`${server.url}/conversations`, { method: 'POST', headers, ca })).json;
        const content = '😀'.repeat(8192);
        for (let i = 0; i < 20; i++) assert.equal((await exchange(`${server.url}/conversations/${id}/messages`, { method: 'POST', headers, ca, body: JSON.stringify({ role: 'user', content }) })).status, 201);
        const read = (await exchange(`${server.url}/conversations/${id}`, { headers, ca })).json;
        assert.ok(read.messages.every((message) => message.content === content));
        assert.equal(read.messages.length, 20);
    });

    test('stops cleanly with open connections', async (t) => {
        const pair = await certificate('stop', 'prime256v1');
        const server = await startServer(tlsServer(pair));
        t.after(() => server.remove());
        const wires = await Promise.all(Array.from({ length: 5 }, () => Wire.connect(server.port, { secure: true })));
        for (const wire of wires.slice(2)) assert.equal((await wire.send(requestBytes('GET', '/health')).answer()).status, 200);
        await server.stop();
        wires.forEach((wire) => wire.vanish());
    });
});

describe('renewal', () => {
    test('SIGHUP shows the new certificate to new connections while an open one keeps working', async (t) => {
        const [first, second] = [await certificate('first', 'prime256v1', 'first'), await certificate('second', 'rsa', 'second')];
        const live = { cert: join(directory, 'live.pem'), key: join(directory, 'live.key') };
        const put = (pair) => [copyFileSync(pair.cert, live.cert), copyFileSync(pair.key, live.key)];
        put(first);
        const server = await serverFor(t, tlsServer(live));
        assert.equal(await shownName(server.port), 'first');
        const open = await Wire.connect(server.port, { secure: true });
        assert.equal((await open.send(requestBytes('GET', '/health')).answer()).status, 200);

        put(second);
        assert.equal(await shownName(server.port), 'first', 'it changed without being told');
        server.signal('SIGHUP');
        await eventually(async () => (await shownName(server.port)) === 'second', 'the new certificate');
        for (let i = 0; i < 8; i++) assert.equal(await shownName(server.port), 'second', 'a loop still shows the old one');
        for (let i = 0; i < 3; i++) assert.equal((await open.send(requestBytes('GET', '/health')).answer()).status, 200, 'the open connection was dropped');

        put(first);
        server.signal('SIGHUP');
        await eventually(async () => (await shownName(server.port)) === 'first', 'the first certificate again');
        open.vanish();
    });

    test('a bad file is logged and the old certificate stays', async (t) => {
        const pair = await certificate('stays', 'prime256v1', 'stays');
        const other = await certificate('other', 'prime256v1', 'other');
        const live = { cert: join(directory, 'bad.pem'), key: join(directory, 'bad.key') };
        copyFileSync(pair.cert, live.cert);
        copyFileSync(pair.key, live.key);
        const server = await serverFor(t, tlsServer(live));
        const open = await Wire.connect(server.port, { secure: true });
        const bads = [() => writeFileSync(live.cert, 'nonsense'), () => writeFileSync(live.cert, ''), () => rmSync(live.cert), () => copyFileSync(other.cert, live.cert)];
        for (const bad of bads) {
            bad();
            const earlier = server.lines.length;
            server.signal('SIGHUP');
            await server.logged((lines) => lines.slice(earlier).some((line) => ['error', 'warn'].includes(line.level)), 'a complaint about the certificate');
            assert.equal(await shownName(server.port), 'stays');
        }
        assert.equal((await open.send(requestBytes('GET', '/health')).answer()).status, 200);
        open.vanish();
    });

    test('the log says until when a certificate is good, and warns before it ends and after', async (t) => {
        const pair = await certificate('dated', 'prime256v1');
        const live = { cert: join(directory, 'dated-live.pem'), key: pair.key };
        const request = join(directory, 'dated.csr');
        const openssl = async (...args) => assert.equal((await run('openssl', args)).code, 0, args.join(' '));
        await openssl('req', '-new', '-key', pair.key, '-subj', '/CN=dated', '-out', request);
        const sign = (days) => openssl('x509', '-req', '-in', request, '-signkey', pair.key, '-days', String(days), '-out', live.cert);
        await sign(30);
        const server = await serverFor(t, tlsServer(live));
        for (const [days, warning] of [[30, null], [6, /ends within 7 days/], [-1, /has expired/]]) {
            await sign(days);
            const earlier = server.lines.length;
            server.signal('SIGHUP');
            const news = await server.logged((lines) => {
                const fresh = lines.slice(earlier);
                return fresh.length >= (warning ? 2 : 1) && fresh;
            }, 'the new certificate');
            assert.equal(news[0].event, 'TLS certificate loaded');
            const expected = Date.now() + days * 86_400_000;
            assert.ok(Math.abs(Date.parse(news[0].not_after) - expected) < 600_000, news[0].not_after);
            if (warning) assert.match(news[1].event, warning);
            if (warning) assert.equal(news[1].level, 'warn');
        }
        const loads = server.lines.filter((line) => line.event === 'TLS certificate loaded').length;
        assert.equal(loads, 4, 'once at the start, once for each signal');
        assert.equal(server.lines.filter((line) => line.level === 'warn').length, 2, server.log);
    });

    test('SIGHUP under load drops nobody', async (t) => {
        const pair = await certificate('load', 'prime256v1');
        const server = await serverFor(t, tlsServer(pair));
        const org = await server.org();
        let done = false;
        const wires = await Promise.all(Array.from({ length: 8 }, () => Wire.connect(server.port, { secure: true })));
        const workers = wires.map(async (wire) => {
            let count = 0;
            while (!done || count < 50) {
                const answer = await wire.send(requestBytes('POST', '/conversations', { 'x-org-key': org.key })).answer();
                assert.ok(answer, 'a connection was dropped');
                assert.equal(answer.status, 201);
                count++;
            }
        });
        for (let i = 0; i < 20; i++) {
            server.signal('SIGHUP');
            await shownName(server.port);
        }
        done = true;
        await Promise.all(workers);
        wires.forEach((wire) => wire.vanish());
    });

    test('SIGHUP without TLS does no harm', async (t) => {
        const server = await serverFor(t);
        for (let i = 0; i < 5; i++) server.signal('SIGHUP');
        await new Caller(server, {}).getOk('/health');
    });

    test('a start with a bad certificate ends with a sentence and exit code 1', async (t) => {
        const pair = await certificate('start', 'prime256v1');
        const other = await certificate('start-other', 'prime256v1');
        const nonsense = join(directory, 'nonsense.pem');
        writeFileSync(nonsense, 'nonsense');
        const cases = [{ cert: nonsense, key: pair.key }, { cert: pair.cert, key: nonsense }, { cert: join(directory, 'missing'), key: pair.key }, { cert: pair.cert, key: other.key }];
        for (const files of cases) {
            const server = new Server(tlsServer(files));
            t.after(() => server.remove());
            const end = await server.ended();
            assert.equal(end.code, 1, server.log);
            assert.match(server.log, /certificate|key/i);
            if (files.cert === nonsense) assert.match(server.log, /nonsense\.pem cannot be used: it holds no certificate in PEM/);
            if (files.key === nonsense) assert.match(server.log, /nonsense\.pem cannot be used: it holds no key in PEM/);
        }
        const without = new Server({ listen: ['https://127.0.0.1:0'] });
        t.after(() => without.remove());
        assert.ok([1, 2].includes((await without.ended()).code));
        assert.match(without.log, /tls-cert/);
    });
});

describe('several listeners, the redirect and ACME', () => {
    let server, acme, pair;
    before(async () => {
        acme = join(directory, 'acme');
        mkdirSync(join(acme, 'sub'), { recursive: true });
        mkdirSync(join(acme, '.hidden'));
        writeFileSync(join(acme, 'token-1_A'), 'token-1_A.thumbprint');
        writeFileSync(join(directory, 'outside'), 'outside');
        writeFileSync(join(acme, 'sub', 'inner'), 'inner');
        symlinkSync('/etc/passwd', join(acme, 'link'));
        pair = await certificate('many', 'prime256v1');
        server = await startServer({ listen: ['https://127.0.0.1:0', 'http://127.0.0.1:0', 'redirect://127.0.0.1:0', 'http://[::1]:0'], flags: ['--tls-cert', pair.cert, '--tls-key', pair.key, '--acme-dir', acme] });
    });
    after(async () => {
        await server.stop();
        server.remove();
    });

    const portOf = (index) => Number(new URL(server.listeners[index].replace(/^redirect:/, 'http:')).port);

    test('one server listens in clear text, with TLS and on IPv6 at once', async () => {
        const org = await server.org();
        const headers = { 'x-org-key': org.key };
        for (const url of [server.listeners[1], server.listeners[3]]) assert.equal((await exchange(`${url}/conversations`, { method: 'POST', headers })).status, 201);
        assert.equal((await exchange(`${server.listeners[0]}/conversations`, { method: 'POST', headers, ca: readFileSync(pair.cert) })).status, 201);
    });

    test('the redirect listener sends everybody to https on the same host with 308', async () => {
        for (const [method, path] of [['GET', '/'], ['GET', '/conversations?limit=3&x=%20'], ['POST', '/conversations'], ['HEAD', '/health'], ['DELETE', '/x']]) {
            const wire = await Wire.connect(portOf(2));
            const answer = await wire.send(requestBytes(method, path, { Host: 'chat.example:8080' }, method === 'POST' ? '{}' : undefined)).answer({ head: method === 'HEAD' });
            assert.equal(answer.status, 308, `${method} ${path}`);
            const target = new URL(answer.headers.location);
            assert.equal(target.protocol, 'https:');
            assert.equal(target.hostname, 'chat.example');
            assert.equal(target.port, new URL(server.listeners[0]).port, 'the port of the first https:// listener');
            assert.equal(target.pathname + target.search, path);
            assertSafeHeaders(answer.headers, '308');
            wire.vanish();
        }
    });

    test('the redirect cannot be led astray by Host or path', async () => {
        const hosts = ['evil.example\tx', 'a@evil.example', 'evil.example/path', 'evil.example?x', 'evil.example#x', 'a b', '', '[::1]:80', '[::1', 'x"y', '<script>', '..', 'a,b', '%0d%0aSet-Cookie:x', 'x\u0001', 'xn--e1afmkfd.example', '127.0.0.1:1'];
        for (const host of hosts) {
            const wire = await Wire.connect(portOf(2));
            const answer = await wire.send(Buffer.from(`GET //evil.example/%2e%2e\\x HTTP/1.1\r\nHost: ${host}\r\n\r\n`, 'latin1')).answer();
            if (answer) {
                assert.ok([308, 400, 404].includes(answer.status), `${host}: ${answer.status}`);
                if (answer.status === 308) {
                    assert.match(answer.headers.location, /^https:\/\/[A-Za-z0-9.[\]:-]+\//, `${host}: ${answer.headers.location}`);
                    assert.equal(new URL(answer.headers.location).username, '');
                }
                assert.equal(answer.headers['set-cookie'], undefined);
            }
            wire.vanish();
        }
    });

    test('the redirect listener never serves the API', async () => {
        const org = await server.org();
        const earlier = (await server.counts()).conversations;
        const wire = await Wire.connect(portOf(2));
        const answer = await wire.send(requestBytes('POST', '/conversations', { 'x-org-key': org.key }, '{}')).answer();
        assert.equal(answer.status, 308);
        assert.equal((await server.counts()).conversations, earlier);
        wire.vanish();
    });

    test('an ACME challenge is served, also over TLS and in clear text, as it is in the file', async () => {
        for (const url of [`http://127.0.0.1:${portOf(2)}`, server.listeners[1]]) {
            const answer = await exchange(`${url}/.well-known/acme-challenge/token-1_A`);
            assert.equal(answer.status, 200, url);
            assert.equal(answer.text, 'token-1_A.thumbprint');
            assertSafeHeaders(answer.headers, 'ACME');
            const head = await exchange(`${url}/.well-known/acme-challenge/token-1_A`, { method: 'HEAD' });
            assert.equal(head.status, 200);
        }
        writeFileSync(join(acme, 'fresh'), 'fresh.thumbprint');
        assert.equal((await exchange(`http://127.0.0.1:${portOf(2)}/.well-known/acme-challenge/fresh`)).text, 'fresh.thumbprint');
    });

    test('nothing outside the challenge directory comes out, whatever the path says', async () => {
        const names = ['../outside', '..%2foutside', '%2e%2e/outside', '%2e%2e%2foutside', '..%5coutside', './token-1_A/../../outside', 'sub/../../outside', '%2fetc%2fpasswd', '/etc/passwd', '//etc/passwd', 'link', 'sub', 'sub/inner', '', '.', '..', '.hidden',
            'token-1_A%00', 'token-1_A%00.txt', 'token-1_A/', '..;/outside', '%c0%ae%c0%ae/outside', '%252e%252e%252foutside', 'x'.repeat(300), 'x'.repeat(5000), '~root', '*', 'token-1_A?../outside'];
        for (const port of [portOf(2), portOf(1)]) {
            for (const name of names) {
                const wire = await Wire.connect(port);
                const answer = await wire.send(Buffer.from(`GET /.well-known/acme-challenge/${name} HTTP/1.1\r\nHost: x\r\n\r\n`, 'latin1')).answer();
                assert.ok(answer, `no answer for ${name}`);
                if (name === 'token-1_A?../outside') assert.ok([200, 400, 404].includes(answer.status));
                else assert.ok([308, 400, 404].includes(answer.status), `${name}: ${answer.status}`);
                assert.doesNotMatch(answer.text, /outside|root:|inner/, `${name} came out`);
                wire.vanish();
            }
            for (const path of ['/.well-known/acme-challenge/../../conversations', '/.well-known/../outside', '/.well-known/acme-challenge', '/x/../.well-known/acme-challenge/token-1_A']) {
                const wire = await Wire.connect(port);
                const answer = await wire.send(Buffer.from(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`)).answer();
                assert.ok([308, 400, 401, 404].includes(answer.status), `${path}: ${answer.status}`);
                wire.vanish();
            }
        }
    });

    test('an ACME directory may be the root of a web server, and then too nothing else comes out', async (t) => {
        const root = join(directory, 'webroot');
        const deep = join(root, '.well-known', 'acme-challenge');
        mkdirSync(deep, { recursive: true });
        writeFileSync(join(deep, 'token-2'), 'token-2.thumbprint');
        writeFileSync(join(root, '.well-known', 'beside'), 'outside');
        symlinkSync('/etc/passwd', join(deep, 'link'));
        const linked = join(directory, 'linked');
        mkdirSync(linked);
        symlinkSync(join(root, '.well-known'), join(linked, '.well-known'));
        const ask = async (port, name) => await exchange(`http://127.0.0.1:${port}/.well-known/acme-challenge/${name}`);

        const other = await serverFor(t, { flags: ['--acme-dir', root] });
        const answer = await ask(other.port, 'token-2');
        assert.equal(answer.status, 200);
        assert.equal(answer.text, 'token-2.thumbprint');
        for (const name of ['link', 'beside', 'acme-challenge', '.well-known', '..']) assert.equal((await ask(other.port, name)).status, 404, name);
        const astray = await serverFor(t, { flags: ['--acme-dir', linked] });
        assert.equal((await ask(astray.port, 'token-2')).status, 404, 'a symbolic link was followed');
    });

    test('what cannot work is refused at the start with a sentence', async (t) => {
        const file = join(directory, 'a-file');
        writeFileSync(file, '');
        const cases = [
            [{ flags: ['--acme-dir', join(directory, 'not-there')] }, /ACME directory .*not-there cannot be used: No such file or directory/],
            [{ flags: ['--acme-dir', file] }, /ACME directory .* cannot be used: Not a directory/],
            [{ listen: ['redirect://127.0.0.1:0'] }, /redirect:\/\/ listener needs an https:\/\/ listener/],
            [{ listen: [`http://127.0.0.1:${portOf(1)}`] }, new RegExp(`cannot listen on http://127\\.0\\.0\\.1:${portOf(1)}: Address already in use; another program has this port`)],
            [{ listen: ['http://[2001:db8::1]:4000'] }, /cannot listen on http:\/\/\[2001:db8::1\]:4000: .*; this machine does not have the address/],
        ];
        for (const [options, sentence] of cases) {
            const other = new Server(options);
            t.after(() => other.remove());
            assert.notEqual((await other.ended()).code, 0);
            assert.match(other.log, sentence);
        }
    });

    test('the redirect listener has the same walls: broken requests, Transfer-Encoding, deadlines', async () => {
        for (const bytes of ['GET / HTTP/1.1\r\n\r\n', 'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 'nonsense\r\n\r\n', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab']) {
            const wire = await Wire.connect(portOf(2));
            const answer = await wire.send(bytes).answer();
            assert.ok(answer === null || [400, 411].includes(answer.status), `${JSON.stringify(bytes)}: ${answer?.status}`);
            await wire.closed();
            wire.vanish();
        }
    });
});

test('a TLS client is told apart from a clear-text one by nothing but the wire', async (t) => {
    const pair = await certificate('same', 'prime256v1');
    const server = await serverFor(t, { listen: ['https://127.0.0.1:0', 'http://127.0.0.1:0'], flags: ['--tls-cert', pair.cert, '--tls-key', pair.key, '--hsts', 'off'] });
    const secure = await exchange(`${server.listeners[0]}/nothing`, { ca: readFileSync(pair.cert) });
    const plain = await exchange(`${server.listeners[1]}/nothing`);
    delete secure.headers.date;
    delete plain.headers.date;
    assert.deepEqual(secure.headers, plain.headers);
    assert.equal(secure.text, plain.text);
});
