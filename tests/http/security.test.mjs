/* GET /security: the program's look at itself finds what is wrong, of whom, and that it has been put right. */
import assert from 'node:assert/strict';
import { chmodSync } from 'node:fs';
import test from 'node:test';

import { adminOrg, receiverFor, webhookFor } from './receiver.mjs';
import { Caller, eventually, PASSWORD, serverFor } from './server.mjs';
import { assertError } from './shapes.mjs';
import { codeOf, currentStep } from './totp.mjs';

/** By id. */
async function look(caller) {
    const { version, checkedAt, checks } = await caller.getOk('/security');
    assert.match(version, /^[0-9]/);
    assert.ok(Date.parse(checkedAt) > 0);
    for (const check of checks) {
        assert.deepEqual(Object.keys(check).sort(), ['count', 'id', 'names', 'ok', 'severity']);
        assert.ok(['high', 'medium', 'low'].includes(check.severity));
    }
    return new Map(checks.map(({ id, ...check }) => [id, check]));
}

const founds = async (caller) => [...(await look(caller))].filter(([, { ok }]) => !ok).map(([id]) => id).sort();

test('it is for whoever administers', async (t) => {
    const server = await serverFor(t);
    const org = await adminOrg(server);
    const writer = new Caller(server, { authorization: `Bearer ${await server.token(org.key)}` });
    assertError(await writer.get('/security'), 403, 'right_forbidden');
    assertError(await org.visitor().get('/security'), 401, 'token_required');
    assertError(await org.anonymous.get('/security'), 401, 'token_required');
    await look(org.agent);
});

test('what the server was started with', async (t) => {
    const plain = await serverFor(t, { flags: ['--webhook-allow-private', '--demo'] });
    const found = await look((await adminOrg(plain)).agent);
    for (const id of ['no_tls', 'no_mail', 'rate_limits_off', 'webhooks_private', 'demo_on']) assert.equal(found.get(id).ok, false, id);
    assert.equal(found.get('no_tls').severity, 'low', 'for this machine alone');
    assert.equal(found.has('page_without_tls'), false);

    const proxied = await serverFor(t, { rateLimit: 'on', flags: ['--trusted-proxies', '127.0.0.1'] });
    const { agent } = await adminOrg(proxied);
    const better = await look(agent);
    for (const id of ['no_tls', 'rate_limits_off', 'webhooks_private', 'demo_on']) assert.equal(better.get(id).ok, true, id);
    assert.equal(better.get('page_without_tls').ok, false);
    assert.equal((await look(agent.with({ 'x-forwarded-proto': 'https' }))).get('page_without_tls').ok, true);

    const open = await serverFor(t, { listen: ['http://0.0.0.0:0'] });
    assert.equal((await look((await adminOrg(open)).agent)).get('no_tls').severity, 'high');
});

test('a data directory that others may read', async (t) => {
    const server = await serverFor(t);
    const { agent } = await adminOrg(server);
    assert.equal((await look(agent)).get('data_readable').ok, true);
    chmodSync(server.data, 0o755);
    assert.deepEqual((await look(agent)).get('data_readable'), { ok: false, severity: 'high', count: 0, names: [] });
    chmodSync(server.data, 0o700);
    assert.equal((await look(agent)).get('data_readable').ok, true);
});

test('settings of the organisation, and that each is put right by what it asks for', async (t) => {
    const server = await serverFor(t);
    const { agent } = await adminOrg(server);
    const patch = (body) => agent.request('PATCH', '/organization', { body });
    const steps = [
        ['addresses_full', { addresses: 'full' }, { addresses: 'truncated' }],
        ['open_origins', {}, { allowedOrigins: ['https://shop.example'] }],
        ['retention_off', {}, { retention: { messages: 365 } }],
    ];
    for (const [id, wrong, right] of steps) {
        assert.equal((await patch(wrong)).status, 200);
        assert.ok((await founds(agent)).includes(id), id);
        assert.equal((await patch(right)).status, 200);
        assert.ok(!(await founds(agent)).includes(id), id);
    }
    await patch({ addresses: 'full' });
    assert.ok((await founds(agent)).includes('addresses_full'), 'messages alone end, the visitors with their addresses stay');
    await patch({ retention: { visitors: 365 } });
    assert.ok(!(await founds(agent)).includes('addresses_full'));
});

test('admins without a second factor, and a single owner, by their addresses', async (t) => {
    const server = await serverFor(t);
    const org = await adminOrg(server);
    assert.deepEqual((await look(org.agent)).get('admins_without_second_factor'), { ok: true, severity: 'high', count: 0, names: [] });
    const browser = await server.join('owner@example.com', org, 'owner');
    await server.join('agent@example.com', org, 'agent');
    await org.agent.post('/agents', { name: 'Invited', email: 'invited@example.com', role: 'admin' });
    const found = await look(org.agent);
    assert.deepEqual(found.get('admins_without_second_factor'), { ok: false, severity: 'high', count: 1, names: ['owner@example.com'] });
    assert.deepEqual(found.get('single_owner'), { ok: false, severity: 'low', count: 1, names: ['owner@example.com'] });

    const { secret } = (await browser.post('/agents/me/second-factor')).json;
    const answer = await browser.request('PUT', '/agents/me/second-factor', { body: { secret, code: codeOf(secret, await currentStep()), password: PASSWORD } });
    assert.equal(answer.status, 201, answer.text);
    await server.join('second@example.com', org, 'owner');
    const next = await look(org.agent);
    assert.deepEqual(next.get('admins_without_second_factor').names, ['second@example.com']);
    assert.equal(next.get('single_owner').ok, true);
});

test('tokens: endless ones that administer, by name; those of others are nobody’s business', async (t) => {
    const server = await serverFor(t);
    const [org, other] = [await adminOrg(server), await adminOrg(server)];
    const asking = (await server.join('owner@example.com', org, 'owner')).with({ 'x-org-key': org.key });
    await other.agent.post('/tokens', { name: 'of another', scope: 'admin' });
    for (let i = 0; i < 12; i++) assert.equal((await asking.post('/tokens', { name: `token ${i}`, scope: 'admin' })).status, 201);
    await asking.post('/tokens', { name: 'reader', scope: 'read' });
    await asking.post('/tokens', { name: 'ends', scope: 'admin', expiresAt: new Date(Date.now() + 86_400_000).toISOString() });
    const { count, names } = (await look(asking)).get('tokens_never_expiring');
    assert.equal(count, 13, 'twelve, and the one that the shell has made');
    assert.equal(names.length, 10);
    assert.ok(!names.includes('of another') && !names.includes('reader') && !names.includes('ends'));
    for (const id of ['tokens_unused', 'tokens_old']) assert.equal((await look(asking)).get(id).ok, true, id);
});

test('a webhook whose receiver is gone', async (t) => {
    const server = await serverFor(t, { flags: ['--webhook-allow-private'] });
    const org = await adminOrg(server);
    const receiver = await receiverFor(t, { answer: () => 410 });
    const webhook = await webhookFor(org, `${receiver.url}/hook`, ['message.created']);
    assert.equal((await look(org.agent)).get('webhooks_failing').ok, true);
    const visitor = org.visitor();
    await visitor.say(await visitor.converse(), 'Hello');
    await eventually(async () => (await org.agent.getOk(`/webhooks/${webhook.id}`)).disabledBecause === 'gone', 'that it is gone');
    assert.deepEqual((await look(org.agent)).get('webhooks_failing'), { ok: false, severity: 'medium', count: 1, names: [`${receiver.url}/hook`] });
    await org.agent.request('DELETE', `/webhooks/${webhook.id}`);
    assert.equal((await look(org.agent)).get('webhooks_failing').ok, true);
});
