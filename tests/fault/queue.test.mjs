/*
 * A disk that takes seconds: what is waiting to be written has a limit, and beyond it clients are asked to come again. Nobody gets a
 * 201 for what is not kept, and reading goes on all the while.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import test from 'node:test';

import { eventually, serverFor } from '../http/server.mjs';
import { assertError } from '../http/shapes.mjs';
import { Wire, requestBytes } from '../http/raw.mjs';

const probe = spawnSync('strace', ['-qq', '-o', '/dev/null', '-e', 'inject=getppid:error=EIO', 'true'], { encoding: 'utf8' });
const skip = probe.error ? 'strace is not installed' : probe.status !== 0 && `processes cannot be traced here: ${probe.stderr.trim()}`;
const env = { ASAN_OPTIONS: `${process.env.ASAN_OPTIONS ?? ''}:detect_leaks=0` };

/** A sync of data.mdb takes `seconds`: every one, or of each thread those that `when` says. */
function slowDisk(directory, seconds, when = '1+') {
    return ['strace', '-D', '-f', '--seccomp-bpf', '-qq', '-o', '/dev/null', '-P', join(directory, 'data', 'data.mdb'), '-e', 'trace=fdatasync', '-e', `inject=fdatasync:delay_enter=${seconds}s:when=${when}`];
}

test('when more waits to be written than the queue takes: 503 with Retry-After, and exactly what was answered 201 is there', { skip }, async (t) => {
    // 64 MiB may wait; 2,600 messages of 32 KiB are 81.
    const first = await serverFor(t);
    const org = await first.org('acme');
    const id = await org.anonymous.converse();
    await first.stop();
    const server = await serverFor(t, {
        directory: first.directory,
        env,
        flags: ['--connections-max', '6000', '--connections-per-address', '6000', '--request-deadline', '120'],
        wrapper: slowDisk(first.directory, 8, '1'),
    });
    const same = server.adopt(org);
    const bytes = requestBytes('POST', `/conversations/${id}/messages`, { 'X-Org-Key': org.key, 'Content-Type': 'application/json' }, JSON.stringify({ role: 'user', content: 'q'.repeat(32768) }));
    const wires = await Promise.all(Array.from({ length: 2600 }, () => Wire.connect(server.port)));
    t.after(() => wires.forEach((wire) => wire.vanish()));
    const answers = wires.map((wire) => wire.send(bytes).answer());

    const refused = await Promise.any(answers.map(async (answer) => ((await answer)?.status === 503 ? answer : Promise.reject(new Error()))));
    assertError(refused, 503, 'queue_full');
    assert.match(refused.headers['retry-after'] ?? '', /^[1-9][0-9]*$/);
    assert.equal((await same.anonymous.getOk(`/conversations/${id}?limit=1`)).id, id, 'reading waits for the disk');
    assert.match((await same.anonymous.get('/metrics')).text, /^helvino_\w*(limit|queue)\w*(\{[^}]*\})? [1-9]/m);

    let created = 0;
    for (const answer of await Promise.all(answers)) {
        assert.ok(answer, 'a connection was dropped without an answer');
        if (answer.status === 201) created++;
        else assertError(answer, 503, 'queue_full');
    }
    assert.ok(created > 0 && created < 2600, `${created} of 2600`);
    await eventually(async () => (await same.anonymous.getOk(`/conversations/${id}?limit=1`)).messageCount >= created, 'all of them');
    assert.equal((await same.anonymous.getOk(`/conversations/${id}?limit=1`)).messageCount, created);
    await server.check();
});

test('SIGTERM while the disk is slow: what was taken is finished, and the exit code is 0', { skip }, async (t) => {
    const first = await serverFor(t);
    const org = await first.org('acme');
    await first.stop();
    const server = await serverFor(t, { directory: first.directory, env, wrapper: slowDisk(first.directory, 1) });
    const wires = await Promise.all(Array.from({ length: 32 }, () => Wire.connect(server.port)));
    const answers = wires.map((wire) => wire.send(requestBytes('POST', '/conversations', { 'X-Org-Key': org.key })).answer());
    await eventually(async () => /^helvino_queue_commands [1-9]/m.test((await server.adopt(org).anonymous.get('/metrics')).text), 'something waits');
    server.agent.destroy();
    server.signal('SIGTERM');
    const created = [];
    for (const answer of await Promise.all(answers)) {
        if (answer?.status === 201) created.push(answer.json.id);
        else if (answer) {
            assertError(answer, 503, answer.json.code === 'stopping' ? 'stopping' : 'outcome_unknown');
            assert.match(answer.headers['retry-after'] ?? '', /^[1-9][0-9]*$/);
        }
    }
    assert.ok(created.length > 0, 'nobody was answered');
    assert.deepEqual(await server.ended(), { code: 0, signal: null });
    const again = await serverFor(t, { directory: first.directory });
    for (const id of created) assert.equal((await again.adopt(org).agent.getOk(`/conversations/${id}`)).id, id);
    await again.check();
});

test('SIGTERM while the server tidies up after itself: exit code 0', { skip }, async (t) => {
    const first = await serverFor(t);
    const org = await first.org('acme');
    const id = await org.anonymous.converse();
    await first.stop();
    const server = await serverFor(t, {
        directory: first.directory,
        env,
        flags: ['--connections-max', '3000', '--connections-per-address', '3000'],
        wrapper: slowDisk(first.directory, 1),
    });
    // Each message leaves a stale entry behind in the index of activity; from 1,000 on they are swept.
    const bytes = requestBytes('POST', `/conversations/${id}/messages`, { 'X-Org-Key': org.key, 'Content-Type': 'application/json' }, '{"role":"user","content":"x"}');
    const wires = await Promise.all(Array.from({ length: 1400 }, () => Wire.connect(server.port)));
    for (const answer of await Promise.all(wires.map((wire) => wire.send(bytes).answer()))) assert.equal(answer?.status, 201);
    wires.forEach((wire) => wire.vanish());
    await eventually(async () => /^helvino_queue_commands [1-9]/m.test((await server.adopt(org).anonymous.get('/metrics')).text), 'a sweep is being written');
    await server.stop();
    const again = await serverFor(t, { directory: first.directory });
    assert.equal((await again.adopt(org).agent.getOk(`/conversations/${id}?limit=1`)).messageCount, 1400);
    await again.check();
});

test('clients that leave while their write waits for the disk harm nobody, and their writes are whole or not there', { skip }, async (t) => {
    const first = await serverFor(t);
    const org = await first.org('acme');
    await first.stop();
    const server = await serverFor(t, { directory: first.directory, env, wrapper: slowDisk(first.directory, 1) });
    const same = server.adopt(org);
    for (let round = 0; round < 3; round++) {
        const wires = await Promise.all(Array.from({ length: 60 }, () => Wire.connect(server.port)));
        wires.forEach((wire, n) => {
            wire.send(requestBytes('POST', '/conversations', { 'X-Org-Key': org.key, 'X-Visitor-Id': `v_leaver-${n}`, 'Content-Type': 'application/json' }, '{}'));
            // A second request that is still unread when the connection goes.
            if (n % 3 === 0) wire.send(requestBytes('GET', '/conversations', { 'X-Org-Key': org.key, 'X-Visitor-Id': `v_leaver-${n}` }));
        });
        await eventually(async () => /^helvino_queue_commands [1-9]/m.test((await same.anonymous.get('/metrics')).text), 'something waits');
        wires.forEach((wire, n) => (n % 2 ? wire.reset() : wire.vanish()));
    }
    const id = await same.visitor().converse();
    assert.equal((await same.agent.getOk(`/conversations/${id}`)).id, id);
    await server.check();
});
