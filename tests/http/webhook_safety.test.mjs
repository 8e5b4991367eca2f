/*
 * What a webhook can't be made to do: ask the machine or its network for something, by an address, a name, a name that
 * changes its mind, or a redirect; trust a certificate that it should not; or tell a proxy.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import test, { describe } from 'node:test';

import { BINARY, ROOT, run, serverFor } from './server.mjs';
import { adminOrg, receiverFor, webhookFor } from './receiver.mjs';

const probe = spawnSync('unshare', ['-m', '-n', 'sh', '-c', 'ip link set lo up && mount -t tmpfs none /mnt'], { encoding: 'utf8' });
const skip = probe.status === 0 ? false : `no network of one’s own can be made here: ${probe.stderr || probe.error}`;

/** In a network where only this machine is, and has public addresses. */
async function inNamespace(scenario) {
    const result = await run('unshare', ['-m', '-n', process.execPath, join(ROOT, 'tests/http/webhook_namespace.mjs'), scenario], { env: { HELVINO_BIN: BINARY } });
    assert.equal(result.code, 0, `${scenario}:\n${result.stdout}${result.stderr}`);
}

describe('a webhook of everybody', { skip }, () => {
    test('is reached by its name, over TLS that is checked', () => inNamespace('delivered'));
    test('is reached over IPv6', () => inNamespace('ipv6'));
    test('can’t have a name that stands for a private address, in any form', () => inNamespace('private names'));
    test('can’t have a name that changes its mind', () => inNamespace('rebinding'));
    test('is reached at its public address when it has others too', () => inNamespace('mixed'));
    test('can’t lead anywhere by a redirect', () => inNamespace('redirect'));
    test('must have a certificate that is trusted, and its own', () => inNamespace('certificates'));
    test('is told directly, whatever the environment says of proxies', () => inNamespace('proxies'));
});

describe('a mail server elsewhere', { skip }, () => {
    test('must offer STARTTLS, or is told neither a password nor a mail', () => inNamespace('mail'));
});

describe('a redirect', () => {
    test('is an answer and not followed, with --webhook-allow-private too', async (t) => {
        const server = await serverFor(t, { flags: ['--webhook-allow-private'] });
        const org = await adminOrg(server);
        const target = await receiverFor(t);
        const receiver = await receiverFor(t, { answer: () => ({ status: 302, headers: { location: target.url } }) });
        const webhook = await webhookFor(org, receiver.url, ['message.created']);
        await org.agent.say(await org.visitor().converse(), 'hello', { role: 'assistant' });
        await receiver.received(2);
        const { waiting } = await org.agent.getOk(`/webhooks/${webhook.id}/deliveries`);
        assert.equal(waiting[0].lastStatus, 302);
        assert.equal(target.connections, 0);
    });
});

describe('a server without the flag', () => {
    test('tells no private address that was let in when it had the flag', async (t) => {
        const first = await serverFor(t, { flags: ['--webhook-allow-private'] });
        const org = await adminOrg(first);
        const receiver = await receiverFor(t);
        const webhook = await webhookFor(org, receiver.url, ['message.created']);
        await first.stop();
        const second = await serverFor(t, { directory: first.directory });
        const same = second.adopt(org);
        assert.equal((await same.agent.post(`/webhooks/${webhook.id}/test`)).json.delivered, false);
        assert.equal(receiver.connections, 0);
    });

    test('says which certificates can’t be used', async () => {
        for (const [file, sentence] of [['/nowhere.pem', /can't be read/], ['/etc/hostname', /no certificate/]]) {
            const result = await run(BINARY, ['serve', '--data', '/nonexistent/x', '--ca-file', file]);
            assert.notEqual(result.code, 0);
            assert.match(result.stderr, sentence);
        }
        const variable = await run(BINARY, ['serve', '--data', '/nonexistent/x'], { env: { SSL_CERT_FILE: '/nowhere.pem' } });
        assert.match(variable.stderr, /SSL_CERT_FILE names \/nowhere.pem/);
    });
});
