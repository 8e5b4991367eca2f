/* `helvino search` and `helvino reindex`: the same index from the shell, beside the server and without one. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import test from 'node:test';

import { BINARY, eventually, helvino, helvinoOk, patiently, serverFor, temporaryDirectory } from './server.mjs';

const rowsOf = (text) => text.split('\n').slice(1, -1).map((line) => line.split(/ {2,}/));

test('search shows the newest messages with the words, beside the server and of a backup', async (t) => {
    const server = await serverFor(t);
    const org = await server.org('acme');
    const visitor = org.visitor();
    const id = await visitor.converse();
    await visitor.say(id, 'Where is\nmy Gelée parcel?');
    await org.agent.say(id, 'The gelee parcel is late', { role: 'assistant' });
    await visitor.say(id, 'Thanks');
    const rows = rowsOf(await server.cliOk('search', 'acme', 'gelee par'));
    assert.deepEqual(rows.map(([, conversation, role, text]) => [conversation, role, text]), [
        [id, 'assistant', 'The gelee parcel is late'],
        [id, 'user', 'Where is my Gelée parcel?'],
    ]);
    assert.match(rows[0][0], /^\d{4}-\d\d-\d\d \d\d:\d\d$/);
    assert.equal(rowsOf(await server.cliOk('search', 'acme', 'gelee', '--limit', '1')).length, 1);
    assert.deepEqual(rowsOf(await server.cliOk('search', 'acme', '"parcel gelee"')), []);
    const backup = join(server.directory, 'backup');
    await server.cliOk('backup', backup);
    const { stdout } = await helvinoOk(['search', 'acme', 'thanks', '--data', backup]);
    assert.equal(rowsOf(stdout).length, 1);
});

test('search says what is wrong with what it was asked', async (t) => {
    const server = await serverFor(t);
    await server.org('acme');
    for (const [args, sentence] of [
        [['acme', '...'], /^helvino: there must be 1 to 16 words to search for\n$/],
        [['acme', 'a '.repeat(17)], /^helvino: there must be 1 to 16 words to search for\n$/],
        [['other', 'word'], /^helvino: there is no organisation "other"/],
    ]) {
        const { code, stdout, stderr } = await server.cli('search', ...args);
        assert.equal(code, 1);
        assert.equal(stdout, '');
        assert.match(stderr, sentence);
    }
    assert.equal((await server.cli('search', 'acme')).code, 2);
});

test('what an index finds is the same when it was built anew, without a server', async () => {
    const data = join(temporaryDirectory(), 'data');
    await helvinoOk(['generate', '--visitors', '300', '--data', data]);
    const find = async (text) => (await helvinoOk(['search', 'generated', text, '--limit', '10000', '--data', data])).stdout;
    await helvinoOk(['reindex', '--data', data]);
    const questions = ['order ', 'siparis', 'bestellung nicht', '"the order"', 'zurich', 'a b'];
    const first = await Promise.all(questions.map(find));
    assert.ok(rowsOf(first[0]).length > 300);
    const { stdout, stderr } = await helvinoOk(['reindex', '--data', data]);
    assert.deepEqual([stdout, stderr], ['', '']);
    assert.deepEqual(await Promise.all(questions.map(find)), first);
    assert.match((await helvinoOk(['check', '--data', data])).stdout, /^check: clean$/m);
});

test('reindex beside a server can be interrupted: the server goes on with it', async (t) => {
    const directory = temporaryDirectory();
    await helvinoOk(['generate', '--visitors', '3000', '--data', join(directory, 'data')]);
    const server = await serverFor(t, { directory });
    const { agent } = server.adopt({ key: 'generated', token: await server.token('generated') });
    const child = spawn(BINARY, ['reindex', '--data', server.data], { stdio: ['ignore', 'pipe', 'pipe'] });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
    const end = new Promise((done) => child.on('close', (code) => done(code)));
    await eventually(async () => !(await agent.getOk('/search?q=order')).complete, 'an index that is being built');
    child.kill('SIGINT');
    const code = await patiently(end, 'the end of reindex');
    if (code === 130) assert.match(stderr, /^helvino: the server goes on with it/);
    else assert.equal(code, 0); /* it was faster */
    await eventually(async () => (await agent.getOk('/search?q=order')).complete, 'a complete index');
    const { messages } = await agent.getOk('/search?q=order%20&limit=100&kind=messages');
    assert.equal(messages.length, 100);
    await server.check();
});

test('reindex needs a database', async () => {
    const { code, stderr } = await helvino(['reindex', '--data', join(temporaryDirectory(), 'none')]);
    assert.equal(code, 1);
    assert.match(stderr, /^helvino: there is no database in /);
});
