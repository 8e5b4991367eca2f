/*
 * Backups: what is copied beside a busy server is sound and has everything that was answered before; what is restored answers as the
 * original did; whatever goes wrong leaves nothing behind; and the file of a backup is read as it is.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { before, describe } from 'node:test';

import { BINARY, eventually, helvino, helvinoOk, patiently, run, serverFor, startServer, temporaryDirectory } from '../http/server.mjs';

const strace = spawnSync('strace', ['-qq', '-o', '/dev/null', '-e', 'inject=getppid:error=EIO', 'true'], { encoding: 'utf8' });
const withoutStrace = strace.error ? 'strace is not installed' : strace.status !== 0 && 'processes cannot be traced here';

/** The one sentence that a refusal is. */
function assertRefused({ code, stderr, stdout }, pattern, status = 1) {
    assert.equal(code, status, `exit ${code}: ${stderr}`);
    assert.match(stderr, /^helvino: .*\n$/, 'not one sentence');
    assert.match(stderr, pattern);
    assert.equal(stdout, '');
}

function sequenceOf(stderr) {
    const found = /: [0-9.]+ \w+, sequence number (\d+), (\d+) rows, verified\n/.exec(stderr);
    assert.ok(found, `no line about the backup: ${stderr}`);
    return { seq: Number(found[1]), rows: Number(found[2]) };
}

async function statOf(data) {
    return JSON.parse((await helvinoOk(['stat', '--format', 'json', '--data', data])).stdout);
}

async function assertClean(data) {
    const { stdout } = await helvinoOk(['check', '--data', data]);
    assert.match(stdout, /^check: clean$/m);
}

/** Everything that the organisation can see. */
async function everything(org) {
    const conversations = await org.agent.pages('/conversations', 'conversations');
    const full = [];
    for (const { id } of conversations) full.push(await org.agent.getOk(`/conversations/${id}`));
    return { visitors: await org.agent.pages('/visitors', 'visitors'), conversations, full };
}

/** Writes until told to stop; gives what was answered with 201 before `mark` was called. */
function writers(org, count) {
    const answered = [];
    let stopped = false;
    const all = Array.from({ length: count }, async (_, number) => {
        for (let n = 0; !stopped; n++) {
            const visitor = org.visitor(`v_writer-${number}-${n % 5}`);
            const id = await visitor.converse();
            answered.push({ id, message: await visitor.say(id, `number ${n} of ${number}: ü, "quoted"\n😀`) });
        }
    });
    return {
        answered,
        async stop() {
            stopped = true;
            await Promise.all(all);
        },
    };
}

describe('beside a server', () => {
    test('a backup under load is sound, is of one moment, and has all that was answered before it began', async (t) => {
        const server = await serverFor(t);
        const org = await server.org('acme');
        const load = writers(org, 4);
        await eventually(() => load.answered.length > 100, 'a hundred answers');
        for (const number of [1, 2, 3]) {
            const before = load.answered.slice();
            const path = join(server.directory, `backup-${number}`);
            const { stdout, stderr } = await server.cli('backup', path);
            assert.equal(stdout, '');
            const { seq } = sequenceOf(stderr);
            await assertClean(path);
            const stat = await statOf(path);
            assert.equal(stat.seq, seq);
            assert.equal(stat.freeBytes, 0, 'the copy is compact');
            assert.equal(statSync(path).mode & 0o777, 0o600);
            assert.deepEqual(readdirSync(server.directory).filter((name) => name.endsWith('.partial')), []);

            const directory = temporaryDirectory();
            await helvinoOk(['restore', path, '--data', join(directory, 'data')]);
            const again = await startServer({ directory });
            try {
                const same = again.adopt(org);
                for (const { id, message } of before) assert.deepEqual((await same.agent.getOk(`/conversations/${id}`)).messages[0], message);
                assert.equal((await again.counts()).conversations, stat.tables.conversations.rows);
            } finally {
                await again.stop();
            }
        }
        await load.stop();
    });

    test('what is restored gives the same answers and goes on from there', async (t) => {
        const server = await serverFor(t);
        const org = await server.org('acme');
        const load = writers(org, 2);
        await eventually(() => load.answered.length > 30, 'thirty answers');
        await load.stop();
        const wanted = await everything(org);
        const path = join(server.directory, 'backup');
        await server.cliOk('backup', path);
        await org.visitor('v_later').converse(); // not in the backup

        const directory = temporaryDirectory();
        mkdirSync(join(directory, 'data'), { mode: 0o700 }); // an empty one is fine too
        await helvinoOk(['restore', path, '--data', join(directory, 'data')]);
        assert.equal(statSync(join(directory, 'data', 'data.mdb')).mode & 0o777, 0o600);
        const again = await serverFor(t, { directory });
        const same = again.adopt(org);
        assert.deepEqual(await everything(same), wanted);
        const visitor = same.visitor('v_writer-0-0');
        await visitor.say(await visitor.converse(), 'after the restore');
        await again.check();
    });
});

describe('the file of a backup', () => {
    const directory = temporaryDirectory();
    const data = join(directory, 'data'), backup = join(directory, 'backup');
    const SMALL = ['--visitors', '300'];
    before(async () => {
        await helvinoOk(['generate', ...SMALL, '--data', data]);
        await helvinoOk(['backup', backup, '--data', data]);
    });

    test('is read by stat, check, org list and backup, and is not changed by it', async () => {
        const bytes = readFileSync(backup);
        assert.equal((await statOf(backup)).tables.visitors.rows, 300);
        await assertClean(backup);
        assert.match((await helvinoOk(['org', 'list', '--data', backup])).stdout, /generated/);
        const second = join(directory, 'second');
        await helvinoOk(['backup', second, '--data', backup]);
        await assertClean(second);
        assert.ok(readFileSync(backup).equals(bytes));
        assert.deepEqual(readdirSync(directory).sort(), ['backup', 'data', 'second']);
    });

    test('can be in a directory that is read-only, on media that are, or behind a link', async (t) => {
        const folder = join(directory, 'closed');
        mkdirSync(folder);
        symlinkSync(backup, join(folder, 'link'));
        await assertClean(join(folder, 'link'));
        const script = `mount -t tmpfs none "${folder}" && cp "${backup}" "${folder}/b" && mkdir "${folder}/d" && cp "${backup}" "${folder}/d/data.mdb" && mount -o remount,ro "${folder}" && exec "$@"`;
        const probe = spawnSync('unshare', ['-m', 'sh', '-c', script, 'sh', 'true'], { encoding: 'utf8' });
        if (probe.status !== 0) return t.skip(`no file system can be mounted here: ${probe.stderr || probe.error}`);
        for (const place of ['b', 'd']) {
            for (const command of ['check', 'stat']) {
                const result = await run('unshare', ['-m', 'sh', '-c', script, 'sh', BINARY, command, '--data', join(folder, place)]);
                assert.equal(result.code, 0, result.stderr);
            }
        }
    });

    test('is for reading only, and a data.mdb beside its locks means its directory', async () => {
        for (const words of [['org', 'create', 'other'], ['generate'], ['org', 'delete', 'generated', '--yes']]) {
            assertRefused(await helvino([...words, '--data', backup]), /is a file; this needs a directory/);
        }
        assertRefused(await helvino(['serve', '--data', backup, '--listen', 'http://127.0.0.1:0']), /is not a directory/);
        assert.equal((await statOf(join(data, 'data.mdb'))).readersMax, (await statOf(data)).readersMax);
        assertRefused(await helvino(['restore', join(data, 'data.mdb'), '--data', join(directory, 'x')]), /helvino backup/);
    });

    test('a user who may not write to the directory gets a sentence that says what to do', async (t) => {
        const folder = temporaryDirectory();
        const theirs = join(folder, 'data');
        await helvinoOk(['restore', backup, '--data', theirs]);
        copyFileSync(backup, join(folder, 'backup'));
        for (const [path, mode] of [[folder, 0o755], [theirs, 0o755], [join(theirs, 'data.mdb'), 0o644], [join(folder, 'backup'), 0o644]]) chmodSync(path, mode);
        const as = ['--reuid', '65534', '--clear-groups', BINARY];
        const probe = spawnSync('setpriv', [...as, 'version'], { encoding: 'utf8' });
        if (probe.status !== 0) return t.skip(`another user can't be taken on here: ${probe.stderr || probe.error}`);
        assertRefused(await run('setpriv', [...as, 'stat', '--data', theirs]), /lock\.mdb can't be opened for writing.*server's user/);
        const read = await run('setpriv', [...as, 'stat', '--data', join(folder, 'backup')]);
        assert.equal(read.code, 0, read.stderr);
    });

    test('root restores, gives the directory away and looks into it: it is still its owner\'s', async (t) => {
        const folder = temporaryDirectory();
        const theirs = join(folder, 'data');
        const { stderr } = await helvinoOk(['restore', backup, '--data', theirs]);
        const as = ['--reuid', '65534', '--clear-groups', BINARY];
        const probe = spawnSync('setpriv', [...as, 'version'], { encoding: 'utf8' });
        if (probe.status !== 0) return t.skip(`another user can't be taken on here: ${probe.stderr || probe.error}`);
        assert.match(stderr, /belongs to root now.*chown -R USER/);
        chmodSync(folder, 0o755);
        for (const path of [theirs, join(theirs, 'data.mdb')]) chownSync(path, 65534, 65534);
        await assertClean(theirs);
        const change = await run('setpriv', [...as, 'org', 'create', 'other', '--data', theirs]);
        assert.equal(change.code, 0, change.stderr);
    });

    test('goes through a pipe and back, and is verified before its first byte', async () => {
        const copy = join(directory, 'piped');
        const { code, stderr } = await run('sh', ['-c', `"${BINARY}" backup - --data "${data}" | tee "${copy}" | "${BINARY}" restore - --data "${directory}/from-pipe"`], { env: { TMPDIR: directory } });
        assert.equal(code, 0, stderr);
        assert.match(stderr, /helvino: standard output: .* verified/);
        assert.ok(readFileSync(copy).equals(readFileSync(backup)), 'the same snapshot gives the same bytes');
        assert.ok(readFileSync(copy).equals(readFileSync(join(directory, 'from-pipe', 'data.mdb'))));
        assert.deepEqual(readdirSync(directory).filter((name) => name.startsWith('helvino-backup')), []);
    });

    test('nobody reads: the pipe breaks, and that is all', async () => {
        const { stderr } = await run('sh', ['-c', `"${BINARY}" backup - --data "${data}" | true`]);
        assert.doesNotMatch(stderr, /verified|error/i);
    });
});

describe('refusals leave everything as it was', () => {
    const directory = temporaryDirectory();
    const data = join(directory, 'data'), backup = join(directory, 'backup');
    before(async () => {
        await helvinoOk(['generate', '--visitors', '200', '--data', data]);
        await helvinoOk(['backup', backup, '--data', data]);
    });

    test('a backup replaces nothing: no file, no directory, no link', async () => {
        const path = join(directory, 'precious');
        writeFileSync(path, 'precious');
        assertRefused(await helvino(['backup', path, '--data', data]), /is there already/);
        assert.equal(readFileSync(path, 'utf8'), 'precious');
        assertRefused(await helvino(['backup', directory, '--data', data]), /is a directory/);
        symlinkSync(join(directory, 'nowhere'), join(directory, 'link'));
        assertRefused(await helvino(['backup', join(directory, 'link'), '--data', data]), /is there already/);
        assertRefused(await helvino(['backup', join(directory, 'no', 'such', 'place'), '--data', data]), /No such file or directory/);
    });

    test('what an interrupted backup left is replaced; a link in its place is not followed', async () => {
        const path = join(directory, 'again');
        writeFileSync(`${path}.partial`, 'a leftover');
        await helvinoOk(['backup', path, '--data', data]);
        assert.ok(!existsSync(`${path}.partial`));
        await assertClean(path);
        const victim = join(directory, 'victim');
        writeFileSync(victim, 'mine');
        symlinkSync(victim, join(directory, 'trap.partial'));
        assertRefused(await helvino(['backup', join(directory, 'trap'), '--data', data]), /trap\.partial is there already/);
        assert.equal(readFileSync(victim, 'utf8'), 'mine');
    });

    test('there is nothing to back up', async () => {
        assertRefused(await helvino(['backup', join(directory, 'x'), '--data', join(directory, 'nothing')]), /there is no database in/);
        assertRefused(await helvino(['backup', '-', '--data', join(directory, 'nothing')]), /there is no database in/);
        assert.ok(!existsSync(join(directory, 'x')) && !existsSync(join(directory, 'x.partial')));
    });

    test('a directory that is not empty is not restored into', async () => {
        const before = readFileSync(join(data, 'data.mdb'));
        assertRefused(await helvino(['restore', backup, '--data', data]), /is not empty/);
        assert.ok(readFileSync(join(data, 'data.mdb')).equals(before));
        assertRefused(await helvino(['restore', backup, '--data', backup]), /is not a directory/);
        const open = join(directory, 'open');
        mkdirSync(open);
        chmodSync(open, 0o777);
        assertRefused(await helvino(['restore', backup, '--data', open]), /everybody may write/);
    });

    const broken = {
        'a text file': () => Buffer.from('This is no database.\n'.repeat(1000)),
        'an empty file': () => Buffer.alloc(0),
        'a truncated backup': (bytes) => bytes.subarray(0, bytes.length - 8192),
        'a backup of which there is only the beginning': (bytes) => bytes.subarray(0, 10_000),
        'zeros behind a sound beginning': (bytes) => Buffer.concat([bytes.subarray(0, 8192), Buffer.alloc(bytes.length - 8192)]),
    };
    for (const [name, make] of Object.entries(broken)) {
        test(`${name} is not restored, from a file or from a pipe, and nothing is left of the attempt`, async () => {
            const path = join(directory, name.replaceAll(' ', '-'));
            const made = join(directory, 'made'), empty = join(directory, `empty-${name.length}`);
            const bytes = make(readFileSync(backup));
            writeFileSync(path, bytes);
            mkdirSync(empty);
            for (const target of [made, empty]) {
                for (const [source, input] of [[path, ''], ['-', bytes]]) {
                    const { code, stderr } = await helvino(['restore', source, '--data', target], { input });
                    assert.equal(code, 1, stderr);
                    assert.match(stderr, /^helvino: /m);
                    assert.doesNotMatch(stderr, /\.partial|verified|Sanitizer/);
                }
            }
            assert.ok(!existsSync(made), 'the new directory is gone');
            assert.deepEqual(readdirSync(empty), []);
        });
    }

    test('a damaged record: neither a backup nor a restore, and a sentence names it', async () => {
        const bytes = Buffer.from(readFileSync(backup));
        const at = bytes.indexOf(Buffer.from('Mozilla/5.0'));
        assert.ok(at > 0);
        bytes[at] ^= 1;
        const path = join(directory, 'bitten');
        writeFileSync(path, bytes);
        for (const words of [['restore', path, '--data', join(directory, 'y')], ['backup', join(directory, 'z'), '--data', path], ['backup', '-', '--data', path]]) {
            const { code, stderr, stdout } = await helvino(words);
            assert.equal(code, 1, stderr);
            assert.match(stderr, /^helvino: visitors c[0-9a-z]{24}: the checksum disagrees$/m);
            if (words[0] === 'backup') assert.match(stderr, /not kept; ".* check --data .*" lists them/);
            assert.equal(stdout, '', 'nothing unverified leaves');
        }
        for (const name of ['y', 'z', 'z.partial']) assert.ok(!existsSync(join(directory, name)), name);
    });
});

describe('when it can\'t be finished', () => {
    const directory = temporaryDirectory();
    const data = join(directory, 'data'), backup = join(directory, 'backup');
    before(async () => {
        await helvinoOk(['generate', '--visitors', process.env.HELVINO_MODE === 'asan' ? '3000' : '15000', '--data', data]);
        await helvinoOk(['backup', backup, '--data', data]);
    });

    /** Starts, waits for the unfinished file, interrupts; gives how it ended. */
    async function interrupted(words, unfinished, signal) {
        const child = spawn(BINARY, words, { stdio: ['ignore', 'ignore', 'pipe'] });
        let stderr = '';
        child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
        const end = new Promise((done) => child.on('close', (code, by) => done({ code, by, stderr })));
        await eventually(() => existsSync(unfinished) || child.exitCode !== null, 'the unfinished file');
        child.kill(signal);
        return patiently(end, 'the end after a signal');
    }

    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
        test(`${signal} during a backup or a restore leaves nothing: status 130`, async () => {
            const path = join(directory, 'interrupted');
            const first = await interrupted(['backup', path, '--data', data], `${path}.partial`, signal);
            assert.deepEqual(first, { code: 130, by: null, stderr: '' });
            const target = join(directory, 'restored');
            const second = await interrupted(['restore', backup, '--data', target], join(target, 'data.mdb.partial'), signal);
            assert.deepEqual(second, { code: 130, by: null, stderr: '' });
            assert.deepEqual(readdirSync(directory).sort(), ['backup', 'data']);
            await assertClean(data);
        });
    }

    test('a full disk: a sentence, and nothing is left', async (t) => {
        const folder = temporaryDirectory();
        const small = (...words) => run('unshare', ['-m', 'sh', '-c', `mount -t tmpfs -o size=2m,mode=700 none "${folder}" && "$@"; code=$?; ls -A "${folder}"; exit $code`, 'sh', ...words], { env: { TMPDIR: folder } });
        const probe = await small('true');
        if (probe.code !== 0) return t.skip(`no file system can be mounted here: ${probe.stderr}`);
        for (const words of [['backup', join(folder, 'x'), '--data', data], ['backup', '-', '--data', data], ['restore', backup, '--data', join(folder, 'new')], ['restore', backup, '--data', folder]]) {
            assertRefused(await small(BINARY, ...words), /No space left on device/);
        }
    });

    /* What is not synced is not there after a power cut: the bytes first, then the name, and a new directory's name too. */
    test('what a command has made is on the disk when it ends', { skip: withoutStrace }, async () => {
        const folder = temporaryDirectory(), log = join(temporaryDirectory(), 'log');
        const syncs = async (...words) => {
            const { code, stderr } = await run('strace', ['-f', '-y', '-qq', '-o', log, '-e', 'trace=fsync,fdatasync', BINARY, ...words], { env: { ASAN_OPTIONS: `${process.env.ASAN_OPTIONS ?? ''}:detect_leaks=0` } });
            assert.equal(code, 0, stderr);
            return [...readFileSync(log, 'utf8').matchAll(/sync\(\d+<([^>]*)>\)/g)].map(([, path]) => path.replace(`${folder}`, 'FOLDER'));
        };
        assert.deepEqual((await syncs('backup', join(folder, 'backup'), '--data', data)).slice(-2), ['FOLDER/backup.partial', 'FOLDER']);
        const restored = await syncs('restore', backup, '--data', join(folder, 'new'));
        for (const path of ['FOLDER/new/data.mdb.partial', 'FOLDER/new', 'FOLDER']) assert.ok(restored.includes(path), path);
        for (const format of ['ndjson', 'sqlite']) {
            const exported = await syncs('dump', 'export', '--format', format, '--data', data, '-o', join(folder, format));
            const wanted = format === 'ndjson' ? ['FOLDER', 'FOLDER/ndjson/messages.ndjson.partial', 'FOLDER/ndjson'] : ['FOLDER/sqlite.partial', 'FOLDER'];
            for (const path of wanted) assert.ok(exported.includes(path), path);
        }
    });

    test('who writes to a place where another one is writing is refused, and takes nothing away', async () => {
        const path = join(directory, 'twice');
        for (const words of [['backup', path], ['dump', 'export', '--format', 'sqlite', '-o', path], ['dump', 'export', '--format', 'sql', '-o', path]]) {
            const result = await run('flock', [`${path}.partial`, BINARY, ...words, '--data', data]); // another one, to whom the file belongs
            assertRefused(result, words[0] === 'backup' ? /being written by somebody else/ : /twice/);
            assert.ok(existsSync(`${path}.partial`) && !existsSync(path));
        }
        await helvinoOk(['dump', 'export', '--format', 'sqlite', '-o', path, '--data', data]); // nobody holds it any more
        assert.ok(!existsSync(`${path}.partial`));
        for (const name of [path, `${path}.manifest.json`]) rmSync(name);
    });

    test('a backup\'s file that grows shorter later is told, never followed', async () => {
        const path = join(directory, 'cut');
        copyFileSync(backup, path);
        truncateSync(path, 100_000);
        for (const command of ['stat', 'check']) assertRefused(await helvino([command, '--data', path]), /is truncated/);
    });
});
