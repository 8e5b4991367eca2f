/*
 * Run by webhook_safety.test.mjs inside a network of its own, where only lo exists and has, besides its own addresses,
 * some of the public internet: so the server runs as it does for everybody, without --webhook-allow-private, and nothing
 * leaves the machine. The argument names the scenario; a failed assertion is the exit status.
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execFileSync } from 'node:child_process';

import { NameServer } from './dns.mjs';
import { MailServer } from './smtp.mjs';
import { Receiver, adminOrg, deliveriesOf, verify, webhookFor } from './receiver.mjs';
import { eventually, helvino, startServer, temporaryDirectory } from './server.mjs';

const PUBLIC = ['93.184.216.34', '93.184.216.35'];
const PUBLIC_IPV6 = '2606:2800:220:1::34';
const PORT = 8443;

const sh = (program, ...args) => execFileSync(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
sh('ip', 'link', 'set', 'lo', 'up');
for (const address of PUBLIC) sh('ip', 'address', 'add', `${address}/32`, 'dev', 'lo');
let hasIpv6 = true;
try {
    sh('ip', 'address', 'add', `${PUBLIC_IPV6}/128`, 'dev', 'lo', 'nodad');
} catch {
    hasIpv6 = false;
}

const directory = temporaryDirectory();
const at = (name) => join(directory, name);
writeFileSync(at('resolv.conf'), 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\n');
writeFileSync(at('hosts'), '127.0.0.1 localhost\n127.0.0.1 in-hosts.test\n');
writeFileSync(at('nsswitch.conf'), 'hosts: files dns\n');
for (const name of ['resolv.conf', 'hosts', 'nsswitch.conf']) sh('mount', '--bind', at(name), `/etc/${name}`);

/** A new root, and a certificate by it for hooks.test. */
function certificate() {
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    const quiet = { stdio: 'ignore' };
    execFileSync('openssl', ['req', '-x509', ...key, '-days', '2', '-keyout', at('root.key'), '-out', at('root.pem'), '-subj', '/CN=Root', '-addext', 'basicConstraints=critical,CA:TRUE'], quiet);
    execFileSync('openssl', ['req', ...key, '-keyout', at('leaf.key'), '-out', at('leaf.csr'), '-subj', '/CN=leaf'], quiet);
    writeFileSync(at('ext'), 'subjectAltName=DNS:hooks.test\n');
    execFileSync('openssl', ['x509', '-req', '-in', at('leaf.csr'), '-CA', at('root.pem'), '-CAkey', at('root.key'), '-CAcreateserial', '-days', '2', '-extfile', at('ext'), '-out', at('leaf.pem')], quiet);
    return { key: readFileSync(at('leaf.key')), cert: readFileSync(at('leaf.pem')) };
}

const tls = certificate();
const closes = [];
const closing = (thing) => (closes.push(thing), thing);
const receive = async (host, options = {}) => closing(await new Receiver({ host, port: PORT, tls, ...options }).ready);
const names = async (answers) => closing(await new NameServer(answers).ready);

async function serve(...flags) {
    const server = await startServer({ flags: ['--ca-file', at('root.pem'), ...flags] });
    closes.push({ close: () => server.stop().finally(() => server.remove()) });
    return { server, org: await adminOrg(server) };
}

/** Sends one message and waits for its first try; gives what the API shows of it. */
async function tryOnce(org, url = `https://hooks.test:${PORT}/`) {
    const webhook = await webhookFor(org, url, ['message.created']);
    await org.agent.say(await org.visitor().converse(), 'hello', { role: 'assistant' });
    return eventually(async () => {
        const { waiting, delivered } = await deliveriesOf(org, webhook);
        const [delivery] = [...waiting, ...delivered];
        return delivery?.tries > 0 && { ...delivery, webhook };
    }, 'a first try');
}

async function ping(org, url) {
    const webhook = await webhookFor(org, url, ['visitor.erased']);
    return (await org.agent.post(`/webhooks/${webhook.id}/test`)).json;
}

const scenarios = {
    /** The way it is meant to be: a name, its public address, a certificate by a known root. */
    async delivered() {
        const receiver = await receive(PUBLIC[0]);
        await names({ 'hooks.test': [PUBLIC[0]] });
        const { org } = await serve();
        const delivery = await tryOnce(org);
        assert.equal(delivery.lastStatus, 200);
        verify(receiver.deliveries[0].headers, receiver.deliveries[0].raw, delivery.webhook.secret);
        assert.equal(receiver.deliveries[0].headers.host, `hooks.test:${PORT}`);
    },

    async ipv6() {
        if (!hasIpv6) return;
        const receiver = await receive(PUBLIC_IPV6);
        await names({ 'hooks.test': [PUBLIC_IPV6] });
        const { org } = await serve();
        assert.equal((await tryOnce(org)).lastStatus, 200);
        assert.equal(receiver.deliveries.length, 1);
    },

    async 'private names'() {
        const receivers = [await receive('127.0.0.1'), ...(hasIpv6 ? [await receive('::1')] : [])];
        const answers = {
            'loopback.test': ['127.0.0.1'],
            'loopback6.test': ['::1'],
            'mapped.test': ['::ffff:7f00:1'],
            'nat64.test': ['64:ff9b::7f00:1'],
            'sixtofour.test': ['2002:7f00:1::1'],
            'metadata.test': ['169.254.169.254'],
            'unspecified.test': ['0.0.0.0', '::'],
            'private.test': ['10.1.2.3', '192.168.1.1', '172.16.0.1', 'fd00::1'],
            'shared.test': ['100.64.1.1'],
        };
        const server = await names(answers);
        const { org } = await serve();
        for (const name of Object.keys(answers)) {
            const result = await ping(org, `https://${name}:${PORT}/`);
            assert.equal(result.failure, 'address_refused', `${name}: ${JSON.stringify(result)}`);
            assert.ok(server.questions.some((question) => question.name === name));
        }
        // A name of this machine's own list, which no name server is asked for.
        assert.equal((await ping(org, `https://in-hosts.test:${PORT}/`)).failure, 'address_refused');
        assert.equal((await ping(org, `https://nowhere.test:${PORT}/`)).failure, 'name_unknown');
        for (const receiver of receivers) assert.equal(receiver.connections, 0);
    },

    /** Public when somebody looks first, and the machine itself when the connection is made. */
    async rebinding() {
        const outside = await receive(PUBLIC[0]);
        const inside = await receive('127.0.0.1');
        let asked = 0;
        await names({ 'hooks.test': (type) => (type === 28 ? [] : asked++ === 0 ? [PUBLIC[0]] : ['127.0.0.1']) });
        const { server, org } = await serve();
        assert.equal((await tryOnce(org)).lastStatus, 200);
        assert.equal(outside.deliveries.length, 1);
        // The first answer's connection would be used again: the receiver ends it, and another process asks anew.
        await outside.close();
        closes.splice(closes.indexOf(outside), 1);
        const [webhook] = (await org.agent.getOk('/webhooks')).webhooks;
        const result = await server.cli('webhook', 'test', org.key, webhook.id, '--ca-file', at('root.pem'));
        assert.equal(result.code, 1);
        assert.match(result.stderr, /private or special/);
        assert.ok(asked >= 2);
        assert.equal(inside.connections, 0);
    },

    /** One of each: what is public may be used, what is not never. */
    async mixed() {
        const outside = await receive(PUBLIC[0]);
        const inside = await receive('127.0.0.1');
        await names({ 'hooks.test': ['127.0.0.1', PUBLIC[0]] });
        const { org } = await serve();
        for (let i = 0; i < 5; i++) await ping(org, `https://hooks.test:${PORT}/`);
        assert.ok(outside.deliveries.length > 0);
        assert.equal(inside.connections, 0);
    },

    async redirect() {
        const inside = await receive('127.0.0.1');
        const targets = [`https://127.0.0.1:${PORT}/`, `https://localhost:${PORT}/`, `http://169.254.169.254/latest/`, 'file:///etc/passwd'];
        let number = 0;
        const outside = await receive(PUBLIC[0], { answer: () => ({ status: [301, 302, 307, 308][number % 4], headers: { location: targets[number++ % 4] } }) });
        await names({ 'hooks.test': [PUBLIC[0]] });
        const { org } = await serve();
        for (const status of [301, 302, 307, 308]) {
            const result = await ping(org, `https://hooks.test:${PORT}/`);
            assert.deepEqual([result.delivered, result.status], [false, status]);
        }
        assert.equal(outside.deliveries.length, 4);
        assert.equal(inside.connections, 0);
    },

    async certificates() {
        const receiver = await receive(PUBLIC[0]);
        await names({ 'hooks.test': [PUBLIC[0]], 'other.test': [PUBLIC[0]] });
        const { server, org } = await serve();
        assert.equal((await ping(org, `https://hooks.test:${PORT}/`)).delivered, true);
        assert.equal((await ping(org, `https://other.test:${PORT}/`)).failure, 'certificate_refused', 'another name');
        assert.equal((await ping(org, `https://${PUBLIC[0]}:${PORT}/`)).failure, 'certificate_refused', 'an address');
        const [webhook] = (await org.agent.getOk('/webhooks')).webhooks;
        certificate(); // another root
        const result = await server.cli('webhook', 'test', org.key, webhook.id, '--ca-file', at('root.pem'));
        assert.equal(result.code, 1);
        assert.match(result.stderr, /not trusted/);
        assert.equal(receiver.deliveries.length, 1);
    },

    /** A mail server that is elsewhere must offer STARTTLS; without it nothing is said that matters. */
    async mail() {
        await names({ 'hooks.test': [PUBLIC[0]], 'clear.test': [PUBLIC[1]] });
        const login = { user: 'mailer', password: 'secret' };
        writeFileSync(at('password'), 'secret');
        const flags = ['--smtp-from', 'x@example.com', '--smtp-user', 'mailer', '--smtp-password-file', at('password'), '--ca-file', at('root.pem')];
        const offers = closing(await new MailServer({ host: PUBLIC[0], port: 587, tlsOptions: tls, login }).ready);
        const clear = closing(await new MailServer({ host: PUBLIC[1], port: 587, login }).ready);
        const sent = await helvino(['mail', 'test', 'a@example.org', '--smtp-url', 'smtp://hooks.test', ...flags]);
        assert.equal(sent.code, 0, sent.stderr);
        assert.deepEqual([offers.mails[0].secure, offers.mails[0].user], [true, 'mailer']);
        const refused = await helvino(['mail', 'test', 'a@example.org', '--smtp-url', 'smtp://clear.test', ...flags]);
        assert.equal(refused.code, 1);
        assert.match(refused.stderr, /No TLS connection/);
        assert.ok(!clear.commands.includes('AUTH') && !clear.commands.includes('MAIL'), clear.commands.join());
    },

    /** An environment that would send everything through somebody else. */
    async proxies() {
        const proxy = closing(await new Receiver({ host: '127.0.0.1', port: 3128 }).ready);
        const receiver = await receive(PUBLIC[0]);
        await names({ 'hooks.test': [PUBLIC[0]] });
        for (const name of ['http_proxy', 'https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY']) process.env[name] = proxy.url;
        const { org } = await serve();
        assert.equal((await ping(org, `https://hooks.test:${PORT}/`)).delivered, true);
        assert.equal(proxy.connections, 0);
        assert.equal(receiver.deliveries.length, 1);
    },
};

try {
    await scenarios[process.argv[2]]();
} finally {
    for (const thing of closes.reverse()) await thing.close();
}
