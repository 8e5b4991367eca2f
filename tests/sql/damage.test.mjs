/*
 * Damaged input: whatever is found in the place of a database, reading it gives a sentence and exit code 1, or the right
 * rows where the damage isn't met. Never a crash, never an endless wait, never a wrong row without a word.
 */
import assert from 'node:assert/strict';
import { closeSync, copyFileSync, mkdirSync, openSync, readFileSync, rmSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import test, { before, describe } from 'node:test';

import { helvino, helvinoOk, run, temporaryDirectory } from '../http/server.mjs';
import { assertSentence, importRows } from './database.mjs';
import { makeDataset, Random } from './dataset.mjs';

// A fault in the middle of a look at the file is left by a jump: what was open then stays open for the rest of the process.
process.env.ASAN_OPTIONS = `${process.env.ASAN_OPTIONS ?? ''}:detect_leaks=0`;

const PAGE = 4096;
const SEED = Number(process.env.HELVINO_SEED ?? 5);
/** Flipped bits: so many pages, drawn. */
const PAGES = process.env.HELVINO_MODE === 'asan' ? 60 : 200;
/** Every table along its key, along its other indexes, and joined. */
const EVERYTHING = `SELECT * FROM organizations; SELECT * FROM visitors; SELECT * FROM conversations; SELECT * FROM messages; SELECT * FROM aliases;
SELECT "lastSeenAt", id FROM visitors ORDER BY "lastSeenAt" DESC; SELECT "updatedAt", id FROM conversations ORDER BY "updatedAt";
SELECT v.id, c.id, c."messageCount" FROM visitors v JOIN conversations c ON c."visitorId" = v.id;`;

const directory = temporaryDirectory();
let pristine;
let size;
const right = {}; // what each command says of the undamaged file

/** The commands under test: given a place, {what, result, output}; the export's output is one file of it. */
const COMMANDS = {
    sql: (data) => helvino(['dump', 'sql', EVERYTHING, '--data', data, '--format', 'csv']),
    report: (data) => helvino(['dump', 'report', 'overview', '--data', data, '--format', 'csv', '--since', '2026-01-01', '--until', '2026-02-01']),
    export: async (data) => {
        const folder = join(directory, `export-${Math.random()}`);
        const result = await helvino(['dump', 'export', '--data', data, '-o', folder]);
        if (result.code === 0) result.stdout = ['visitors', 'conversations', 'messages'].map((name) => readFileSync(join(folder, `${name}.ndjson`), 'utf8')).join('');
        rmSync(folder, { recursive: true, force: true });
        return result;
    },
};

before(async () => {
    const data = await importRows(makeDataset(SEED), directory);
    pristine = join(directory, 'pristine.mdb');
    copyFileSync(join(data, 'data.mdb'), pristine);
    size = readFileSync(pristine).length;
    for (const [name, command] of Object.entries(COMMANDS)) {
        const { code, stdout, stderr } = await command(data);
        assert.equal(code, 0, stderr);
        right[name] = stdout;
    }
});

/** A data directory of its own with this data.mdb: a change of the pristine file's copy. */
function damaged(name, change) {
    const folder = join(directory, name);
    mkdirSync(folder, { recursive: true });
    const path = join(folder, 'data.mdb');
    copyFileSync(pristine, path);
    change(path);
    return folder;
}

async function assertRefused(data, sentence = /./) {
    for (const [name, command] of Object.entries(COMMANDS)) {
        const result = await command(data);
        assert.equal(result.code, 1, `${name} of ${data}: ${result.code ?? result.signal}\n${result.stderr.slice(0, 4000)}`);
        assertSentence(result, `${name} of ${data}`);
        assert.match(result.stderr, sentence);
    }
}

/** Fine if it is refused, fine if it is all right. Gives how many answers differ, which only `mayDiffer` lets pass. */
async function assertHonest(data, what, mayDiffer = false) {
    let different = 0;
    for (const [name, command] of Object.entries(COMMANDS)) {
        const result = await command(data);
        const described = `${name}, ${what}: ${result.code ?? result.signal}\n${result.stderr.slice(0, 4000)}`;
        assert.ok(result.code === 0 || result.code === 1, described);
        if (result.code === 1) assertSentence(result, described);
        else if (result.stdout !== right[name]) ++different;
        assert.ok(different === 0 || mayDiffer, `${name}, ${what}: other rows than before, and not a word of it`);
    }
    return different;
}

/* ---- what is no database -------------------------------------------------------------------------------------- */

describe('what is no database', () => {
    test('a directory without one, and a place that there is not', async () => {
        const empty = join(directory, 'empty');
        mkdirSync(empty);
        await assertRefused(empty, /no database/);
        await assertRefused(join(directory, 'nowhere'), /nowhere/);
    });

    const CONTENTS = {
        'nothing at all': Buffer.alloc(0),
        'a text': Buffer.from('SELECT * FROM visitors;\n'.repeat(2000)),
        'one letter': Buffer.from('x'),
        'zeros': Buffer.alloc(16 * PAGE),
        'ones': Buffer.alloc(16 * PAGE, 255),
        'a database of another program': Buffer.concat([Buffer.from('SQLite format 3\0'), Buffer.alloc(8 * PAGE, 7)]),
        'noise': Buffer.from(new Random(SEED).text('\0\u0001\u0002abc\u00ff', 64 * 1024), 'latin1'),
    };
    for (const [what, bytes] of Object.entries(CONTENTS)) {
        test(`${what}, as data.mdb and as the file of a backup`, async () => {
            const folder = damaged(`no-${what.replaceAll(' ', '-')}`, (path) => writeFileSync(path, bytes));
            await assertRefused(folder);
            const file = join(directory, `file-${what.replaceAll(' ', '-')}`);
            writeFileSync(file, bytes);
            await assertRefused(file);
        });
    }

    test('a directory, a device and a pipe in the place of a file', async () => {
        const folder = join(directory, 'folder-in-place');
        mkdirSync(join(folder, 'data.mdb'), { recursive: true });
        await assertRefused(folder);
        await assertRefused('/dev/null');
        await assertRefused('/dev/zero');
        const pipe = join(directory, 'pipe');
        assert.equal((await run('mkfifo', [pipe])).code, 0);
        await assertRefused(pipe);
    });
});

/* ---- another format ------------------------------------------------------------------------------------------- */

const CRC32C = Array.from({ length: 256 }, (_, byte) => {
    let value = byte;
    for (let bit = 0; bit < 8; ++bit) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1;
    return value >>> 0;
});
const crc32c = (bytes) => ~bytes.reduce((crc, byte) => CRC32C[(crc ^ byte) & 255] ^ (crc >>> 8), 0xffffffff) >>> 0;

/** Writes another format number, with its checksum, wherever the file has one. */
function writeFormat(path, format) {
    const bytes = readFileSync(path);
    const [table, key] = [Buffer.from('meta'), Buffer.from('format')];
    const value = Buffer.alloc(8);
    const checksum = Buffer.alloc(4);
    let found = 0;
    for (let at = bytes.indexOf(key); at >= 0; at = bytes.indexOf(key, at + 1)) {
        const stored = bytes.subarray(at + key.length, at + key.length + 12);
        checksum.writeUInt32LE(crc32c(Buffer.concat([table, key, stored.subarray(4)])));
        if (!stored.subarray(0, 4).equals(checksum)) continue;
        value.writeBigUInt64BE(BigInt(format));
        checksum.writeUInt32LE(crc32c(Buffer.concat([table, key, value])));
        Buffer.concat([checksum, value]).copy(bytes, at + key.length);
        ++found;
    }
    assert.ok(found > 0, 'there is no format number in the file');
    writeFileSync(path, bytes);
}

test('a database of a newer format is refused, and said to be one', async () => {
    await assertRefused(damaged('newer', (path) => writeFormat(path, 99)), /format 99.*newer/);
});

test('one without a format number is refused', async () => {
    await assertRefused(damaged('zero', (path) => writeFormat(path, 0)), /format/);
});

/* ---- damage --------------------------------------------------------------------------------------------------- */

test('a file that was cut off, at many lengths', async () => {
    const random = new Random(SEED);
    const lengths = new Set([1, 100, PAGE - 1, PAGE, PAGE + 1, 2 * PAGE - 1, 2 * PAGE, 2 * PAGE + 1, 3 * PAGE, 10 * PAGE, size - 1, size - PAGE, size - PAGE + 1]);
    while (lengths.size < 40) lengths.add(random.below(size / PAGE) * PAGE + (random.chance(0.5) ? 0 : random.below(PAGE)));
    for (const length of lengths) {
        const folder = damaged('cut', (path) => truncateSync(path, length));
        await assertHonest(folder, `cut at ${length} of ${size}`);
        await assertHonest(join(folder, 'data.mdb'), `a backup cut at ${length} of ${size}`);
    }
});

/** Writes over a part of the file, whose right content is `bytes`; gives what mends it. */
function overwrite(path, bytes, offset, content) {
    const write = (part) => {
        const file = openSync(path, 'r+');
        writeSync(file, part, 0, part.length, offset);
        closeSync(file);
    };
    write(content);
    return () => write(bytes.subarray(offset, offset + content.length));
}

const flip = (path, bytes, offset, bit) => overwrite(path, bytes, offset, Buffer.of(bytes[offset] ^ (1 << bit)));

/** Where in a page the bit is: its header and its list of places decide more than the rest. */
const drawOffset = (random) => (random.chance(0.35) ? random.below(64) : random.below(PAGE));

/**
 * LMDB's branch pages hold copies of keys that lead to a leaf, and nothing tells a wrong one from a right one: a row that is
 * looked up by its key may then not be found. All other pages have to be honest.
 */
const isBranch = (bytes, page) => (bytes.readUInt16LE(page * PAGE + 10) & 0x01) !== 0;

test(`a flipped bit in each of ${PAGES} pages`, async () => {
    const bytes = readFileSync(pristine);
    let different = 0;
    const random = new Random(SEED);
    const folder = damaged('flipped', () => {});
    const pages = Array.from({ length: Math.floor(size / PAGE) }, (_, page) => page);
    while (pages.length > PAGES) pages.splice(2 + random.below(pages.length - 2), 1); // the first two are the most important
    for (const page of pages) {
        const [offset, bit] = [page * PAGE + drawOffset(random), random.below(8)];
        const mend = flip(join(folder, 'data.mdb'), bytes, offset, bit);
        different += await assertHonest(folder, `bit ${bit} of byte ${offset % PAGE} in page ${page}, seed ${SEED}`, isBranch(bytes, page));
        mend();
    }
    assert.ok(different <= 3, `${different} wrong answers out of branch pages`);
    await assertHonest(folder, 'mended');
});

test('pages full of noise, zeros, or of another page', async () => {
    const bytes = readFileSync(pristine);
    const random = new Random(SEED + 1);
    for (let i = 0; i < PAGES / 5; ++i) {
        const page = 2 + random.below(size / PAGE - 2);
        const other = random.below(size / PAGE);
        const content = random.pick([Buffer.alloc(PAGE), Buffer.from(random.text('\0\u0001abc\u00ff', PAGE), 'latin1'),
            bytes.subarray(other * PAGE, (other + 1) * PAGE)]);
        const folder = damaged('page', (path) => {
            const changed = Buffer.from(bytes);
            content.copy(changed, page * PAGE);
            writeFileSync(path, changed);
        });
        await assertHonest(folder, `page ${page} overwritten, round ${i} of seed ${SEED}`);
    }
});

/** What a crash leaves where a block never reached the disk. LMDB would count two thousand million keys in such a page. */
test('pages of zeros, all through the file', async () => {
    const bytes = readFileSync(pristine);
    const zeros = Buffer.alloc(PAGE);
    const folder = damaged('zeros', () => {});
    const stride = Math.max(1, Math.floor((6 * size) / PAGE / PAGES));
    for (let page = 2; page < size / PAGE; page += stride) {
        const mend = overwrite(join(folder, 'data.mdb'), bytes, page * PAGE, zeros);
        await assertHonest(folder, `page ${page} of zeros`);
        mend();
    }
});

test('the undamaged file as a backup under any name has the same rows', async () => {
    const file = join(directory, 'any name.backup');
    copyFileSync(pristine, file);
    for (const [name, command] of Object.entries(COMMANDS)) assert.equal((await command(file)).stdout, right[name], name);
    await helvinoOk(['check', '--data', file]);
});
