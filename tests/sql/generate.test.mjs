/* Invented data: the same for everybody, exactly as many rows as were asked for, and sound. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';

import { eventually, BINARY, helvino, helvinoOk, patiently, serverFor, temporaryDirectory } from '../http/server.mjs';

const directory = temporaryDirectory();
let number = 0;

async function generated(...flags) {
    const data = join(directory, `data-${++number}`);
    await helvinoOk(['generate', '--data', data, ...flags]);
    return data;
}

async function rowsOf(data) {
    const { tables, seq } = JSON.parse((await helvinoOk(['stat', '--format', 'json', '--data', data])).stdout);
    return { seq, ...Object.fromEntries(Object.entries(tables).map(([name, { rows }]) => [name, rows])) };
}

/** Of the compact copy, which depends on the rows alone. */
async function digestOf(data) {
    const path = `${data}.backup`;
    await helvinoOk(['backup', path, '--data', data]);
    return createHash('sha256').update(readFileSync(path)).digest('hex');
}

async function assertClean(data) {
    assert.match((await helvinoOk(['check', '--data', data])).stdout, /^check: clean$/m);
}

test('the same numbers and seed give the same bytes; another seed or organisation gives others', async () => {
    const numbers = ['--visitors', '400', '--conversations', '1000', '--messages', '3000'];
    const first = await digestOf(await generated(...numbers, '--seed', '7'));
    assert.equal(await digestOf(await generated(...numbers, '--seed', '7')), first);
    assert.notEqual(await digestOf(await generated(...numbers, '--seed', '8')), first);
    assert.notEqual(await digestOf(await generated(...numbers, '--seed', '7', '--org', 'other')), first);
});

for (const [visitors, conversations, messages] of [[1, 1, 0], [1, 1, 1], [1, 50, 7], [3, 3, 1000], [200, 200, 0], [500, 5000, 1], [700, 703, 12345]]) {
    test(`exactly ${visitors} visitors, ${conversations} conversations, ${messages} messages`, async () => {
        const data = await generated('--visitors', `${visitors}`, '--conversations', `${conversations}`, '--messages', `${messages}`);
        const rows = await rowsOf(data);
        assert.equal(rows.visitors, visitors);
        assert.equal(rows.conversations, conversations);
        assert.ok(rows.messages >= messages, 'the table holds clientIds too');
        await assertClean(data);
    });
}

test('without further numbers: three conversations and ten messages for each visitor, and few stale index entries', async () => {
    const data = await generated('--visitors', '2000');
    const rows = await rowsOf(data);
    assert.equal(rows.conversations, 6000);
    assert.equal(rows.visitor_by_seen, 2000);
    assert.equal(rows.conversation_by_activity, 6000);
    assert.equal(rows.conversation_by_updated, 6000);
    await assertClean(data);
});

test('the data is as an organisation\'s would be: a year, people who return, answers, texts of many kinds', async (t) => {
    const folder = temporaryDirectory();
    await helvinoOk(['generate', '--visitors', '300', '--data', join(folder, 'data')]);
    const server = await serverFor(t, { directory: folder });
    const org = { key: 'generated', token: await server.token('generated') };
    const { agent } = server.adopt(org);
    const visitors = await agent.pages('/visitors', 'visitors');
    const conversations = await agent.pages('/conversations', 'conversations');
    assert.equal(visitors.length, 300);
    assert.equal(conversations.length, 900);
    assert.equal(conversations.reduce((sum, one) => sum + one.messageCount, 0), 3000);
    assert.ok(conversations.some((one) => one.messageCount === 0) && conversations.some((one) => one.messageCount > 12));
    const counts = visitors.map((visitor) => visitor.conversationCount);
    assert.ok(counts.filter((count) => count === 1).length > 120, 'many come once');
    assert.ok(Math.max(...counts) >= 12, 'few come often');

    const [begin, end] = [Date.parse('2025-01-01T00:00:00Z'), Date.parse('2026-01-01T00:00:00Z')];
    const texts = [];
    const roles = new Set();
    for (const { id } of conversations) {
        const { messages, createdAt } = await agent.getOk(`/conversations/${id}`);
        let before = Date.parse(createdAt);
        assert.ok(before >= begin);
        for (const { role, content, timestamp } of messages) {
            assert.ok(Date.parse(timestamp) >= before && Date.parse(timestamp) < end);
            before = Date.parse(timestamp);
            roles.add(role);
            texts.push(content);
        }
    }
    assert.deepEqual([...roles].sort(), ['assistant', 'user']);
    const lengths = texts.map((text) => Buffer.byteLength(text));
    assert.ok(Math.min(...lengths) >= 1 && Math.max(...lengths) <= 600 && Math.max(...lengths) > 300);
    for (const what of [/ı/, /"/, /,/, /\n/, /\p{Extended_Pictographic}/u, /é/]) assert.ok(texts.some((text) => what.test(text)), `${what}`);
});

test('an organisation that is there is left alone; another one is added beside it', async () => {
    const data = await generated('--visitors', '50');
    const before = await rowsOf(data);
    const again = await helvino(['generate', '--visitors', '50', '--data', data]);
    assert.equal(again.code, 1);
    assert.match(again.stderr, /^helvino: there is an organisation "generated" already; name another one with --org\n$/);
    assert.deepEqual(await rowsOf(data), before);
    await helvinoOk(['generate', '--visitors', '50', '--org', 'second', '--data', data]);
    assert.equal((await rowsOf(data)).visitors, 100);
    await assertClean(data);
});

test('numbers that can\'t be are refused, and no directory is made', async () => {
    const data = join(directory, 'never');
    for (const flags of [['--visitors', '10', '--conversations', '9'], ['--org', 'no spaces'], ['--visitors', '0'], ['--seed', '-1']]) {
        const { code, stderr } = await helvino(['generate', ...flags, '--data', data]);
        assert.equal(code, 2, stderr);
        assert.match(stderr, /^helvino: .*\n$/);
    }
    assert.ok(!existsSync(data));
});

test('it works beside a server, and can be stopped: what is there is sound and can be removed', async (t) => {
    const server = await serverFor(t);
    const org = await server.org('acme');
    const child = spawn(BINARY, ['generate', '--visitors', '1000000', '--data', server.data], { stdio: ['ignore', 'ignore', 'pipe'] });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
    const end = new Promise((done) => child.on('close', (code) => done(code)));
    await eventually(async () => (await server.counts()).conversations > 0, 'the first invented conversations');
    await org.visitor().converse();
    child.kill('SIGINT');
    assert.equal(await patiently(end, 'the end of generate'), 130);
    assert.match(stderr, /^helvino: the organisation "generated" has a part of the data; this removes it: .* org delete generated --yes .*\n$/);
    await server.check();
});
