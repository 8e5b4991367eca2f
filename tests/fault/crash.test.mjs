/*
 * A crash at every step of what writes to disk, one after the other: strace kills the process at its N-th system call on the data
 * file, in the first start, in a commit, in the command line's own transaction. Whatever the step, the next start finds a database that is
 * clean and holds everything that was answered.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import test from 'node:test';

import { BINARY, helvino, helvinoOk, run, Server, startServer, temporaryDirectory } from '../http/server.mjs';

const probe = spawnSync('strace', ['-qq', '-o', '/dev/null', '-e', 'inject=getppid:error=EIO', 'true'], { encoding: 'utf8' });
const skip = probe.error ? 'strace is not installed' : probe.status !== 0 && `processes cannot be traced here: ${probe.stderr.trim()}`;
const env = { ASAN_OPTIONS: `${process.env.ASAN_OPTIONS ?? ''}:detect_leaks=0` };

/** Killed at the n-th `call`, of those on `paths` when there are any. */
function killedAt(call, n, ...paths) {
    return ['strace', '-D', '-f', '-qq', '-o', '/dev/null', ...paths.flatMap((path) => ['-P', path]), '-e', `trace=${call}`, '-e', `inject=${call}:signal=KILL:when=${n}`];
}

/** Every call of `calls` up to its `most`-th time. */
function* steps(calls, most) {
    for (const call of calls) for (let n = 1; n <= most; n++) yield [call, n];
}

test('a crash at every step of the first start: the next start works', { skip }, async () => {
    let crashes = 0;
    for (const call of ['mkdir', 'openat', 'flock', 'ftruncate', 'pwrite64', 'writev', 'fdatasync', 'fsync', 'fallocate']) {
        for (let n = 1, survived = false; !survived; n++) {
            const directory = temporaryDirectory();
            const crashing = new Server({ directory, env, wrapper: killedAt(call, n) });
            survived = await crashing.ready().then(() => true, () => false);
            if (survived) crashing.signal('SIGKILL');
            else crashes++;
            await crashing.ended();
            const server = await startServer({ directory });
            const org = await server.org('acme');
            await org.visitor().converse();
            await server.check();
            await server.stop();
            server.remove();
            assert.ok(n < 100, `${call} without end`);
        }
    }
    assert.ok(crashes > 12, `only ${crashes} crashes`);
});

test('a crash at every step of commits: everything answered is there', { skip }, async () => {
    const directory = temporaryDirectory();
    const first = await startServer({ directory });
    const org = await first.org('acme');
    await first.cliOk('agent', 'create', 'a@example.com', '--org', 'acme'); // else each start writes a link
    await first.stop();
    const kept = [];
    const data = join(directory, 'data', 'data.mdb');
    for (const [call, n] of steps(['writev', 'pwrite64', 'fdatasync'], 12)) {
        const step = `${call}-${n}`;
        const crashing = await startServer({ directory, env, loops: 1, wrapper: killedAt(call, n, data) });
        const visitor = crashing.adopt(org).visitor(`v_crash-${n % 3}`);
        try {
            for (let m = 0; m < 60; m++) {
                const id = await visitor.converse({ 'idempotency-key': `${step}-${m}` });
                const conversation = { id, messages: [] };
                kept.push(conversation);
                conversation.messages.push(await visitor.say(id, `${step}/${m} ✓ ${'x'.repeat(m * 97)}`, { clientId: `a${m}` }));
                conversation.messages.push(await visitor.say(id, 'and again', { clientId: `b${m}` }));
            }
            assert.fail(`step ${step} never came`);
        } catch (error) {
            assert.match(String(error.code), /^(ECONNRESET|ECONNREFUSED|EPIPE)$/, error.stack);
        }
        assert.equal((await crashing.ended()).signal, 'SIGKILL');
        const server = await startServer({ directory });
        await server.check();
        for (const { id, messages } of kept.slice(-40)) {
            const stored = await server.adopt(org).agent.getOk(`/conversations/${id}`);
            assert.deepEqual(stored.messages.slice(0, messages.length), messages);
        }
        await server.stop();
    }
    const last = await startServer({ directory });
    const listed = new Set((await last.adopt(org).agent.pages('/conversations', 'conversations')).map((item) => item.id));
    for (const { id } of kept) assert.ok(listed.has(id), 'an answered conversation is gone');
    await last.check();
    await last.stop();
});

test('a crash of the command line at every step, beside a running server: the server does not notice, and the command was done or not', { skip }, async () => {
    const server = await startServer();
    const org = await server.org('acme');
    const visitor = org.visitor();
    const crash = (call, n, ...args) => {
        const [program, ...rest] = [...killedAt(call, n, join(server.data, 'data.mdb')), BINARY, ...args, '--data', server.data];
        return run(program, rest, { env });
    };
    let crashes = 0;
    for (const [call, n] of steps(['writev', 'pwrite64', 'fdatasync'], 2)) {
        const name = `made-${call}-${n}`;
        const result = await crash(call, n, 'org', 'create', name);
        crashes += result.signal === 'SIGKILL';
        await visitor.converse();
        await server.check();
        const exists = (await helvino(['org', 'show', name, '--data', server.data])).code === 0;
        if (result.code === 0) assert.ok(exists, 'it said that it was done');
        if (!exists) await helvinoOk(['org', 'create', name, '--data', server.data]);
    }
    for (const [call, n] of steps(['writev', 'pwrite64', 'fdatasync'], 4)) {
        const doomed = await server.org(`doomed-${call}-${n}`);
        await Promise.all(
            Array.from({ length: 30 }, async () => {
                const guest = doomed.visitor();
                await guest.say(await guest.converse(), 'x'.repeat(2000));
            }),
        );
        const result = await crash(call, n, 'org', 'delete', doomed.key, '--yes');
        crashes += result.signal === 'SIGKILL';
        await visitor.converse();
        await server.check();
        const answer = await doomed.agent.get('/conversations');
        if (result.code === 0) assert.equal(answer.status, 401, 'it said that it was done');
        else assert.ok([200, 401].includes(answer.status));
        if (answer.status === 200) await server.cliOk('org', 'delete', doomed.key, '--yes');
        await server.cliOk('org', 'create', doomed.key);
        await server.check();
    }
    assert.ok(crashes > 5, `only ${crashes} crashes`);
    await server.stop();
    server.remove();
});
