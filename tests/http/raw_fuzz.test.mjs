/*
 * The requests of raw_corpus.mjs, broken at random: bits flipped, parts cut, doubled, mixed, sent in pieces, by clients that leave
 * whenever they like. No answer may be a 500, none may be unreadable, and the server must live and be clean.
 * HELVINO_FUZZ_SEED repeats a run; HELVINO_FUZZ_REQUESTS makes it longer.
 */
import assert from 'node:assert/strict';
import test from 'node:test';

import { cases, ORG } from './raw_corpus.mjs';
import { Wire } from './raw.mjs';
import { serverFor } from './server.mjs';

const SEED = Number(process.env.HELVINO_FUZZ_SEED ?? Date.now() % 1_000_000_007);
const REQUESTS = Number(process.env.HELVINO_FUZZ_REQUESTS ?? 5000);

/** mulberry32 */
function generator(seed) {
    return (below) => {
        seed = (seed + 0x6d2b79f5) | 0;
        let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
        t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
        return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4294967296) * below);
    };
}

const TOKENS = ['\r\n', '\n', '\r', ' ', '\t', '\0', ':', 'Content-Length: 5\r\n', 'Transfer-Encoding: chunked\r\n', 'Host: x\r\n', '%00', '..', '/', '?', '&', '{', '}', '[', ']', '"', '\\', '\\ud800', '\\u0000', 'v_', 'HTTP/1.1', 'GET ', 'POST ', '0', '-1',
    '99999999999999999999', ',', ';', '\xff', '\x80', 'Expect: 100-continue\r\n', 'Connection: close\r\n', '\r\n\r\n', 'X-Visitor-Id: v_fuzz\r\n', 'Idempotency-Key: k\r\n', 'Origin: null\r\n', '?limit=', '&after=', '"role":"user",', '"clientId":"x",'].map((token) => Buffer.from(token, 'latin1'));

function mutated(bytes, seeds, random) {
    for (let changes = 1 + random(5); changes > 0; changes--) {
        const at = random(bytes.length + 1);
        const other = seeds[random(seeds.length)];
        const from = random(other.length);
        const [head, tail] = [bytes.subarray(0, at), bytes.subarray(at)];
        switch (random(6)) {
            case 0:
                bytes = Buffer.from(bytes);
                if (bytes.length) bytes[at % bytes.length] ^= 1 << random(8);
                break;
            case 1:
                bytes = Buffer.concat([head, TOKENS[random(TOKENS.length)], tail]);
                break;
            case 2:
                bytes = Buffer.concat([head, tail.subarray(random(20))]);
                break;
            case 3:
                bytes = Buffer.concat([head, bytes.subarray(random(at + 1), at), tail]);
                break;
            case 4:
                bytes = Buffer.concat([head, other.subarray(from, from + random(300))]);
                break;
            default:
                bytes = Buffer.concat([bytes, other]);
        }
    }
    return bytes;
}

/** The same, but only in the body, with a Content-Length that fits: what gets through to the JSON. */
function mutatedBody(bytes, seeds, random) {
    const end = bytes.indexOf('\r\n\r\n');
    const head = bytes.toString('latin1', 0, Math.max(end, 0));
    if (end < 0 || !/^Content-Length: \d+$/im.test(head)) return mutated(bytes, seeds, random);
    const body = mutated(bytes.subarray(end + 4), seeds, random);
    return Buffer.concat([Buffer.from(`${head.replace(/^Content-Length: \d+$/im, `Content-Length: ${body.length}`)}\r\n\r\n`, 'latin1'), body]);
}

test(`${REQUESTS} requests broken at random (seed ${SEED}) get proper answers or none, and do no harm`, async (t) => {
    const server = await serverFor(t, { flags: ['--request-deadline', '1', '--connections-per-address', '5000'] });
    const org = await server.org(ORG);
    const context = { conversation: await org.anonymous.converse(), org };
    // Without HEAD, whose answers cannot be read without knowing what they answer.
    const seeds = cases.map(({ bytes }) => (typeof bytes === 'function' ? bytes(context) : Buffer.from(bytes, 'latin1'))).filter((bytes) => bytes.length < 3000 && !bytes.includes('HEAD'));
    const random = generator(SEED);
    const seen = new Map();
    let left = REQUESTS;

    async function play() {
        const bytes = (random(2) ? mutated : mutatedBody)(seeds[random(seeds.length)], seeds, random);
        const text = () => JSON.stringify(bytes.toString('latin1'));
        const wire = await Wire.connect(server.port);
        const cut = random(3) ? bytes.length : random(bytes.length + 1);
        wire.send(bytes.subarray(0, cut));
        await new Promise((later) => setImmediate(later));
        wire.send(bytes.subarray(cut));
        if (random(4)) wire.halfClose();
        for (let more = random(8); more > 0; more--) {
            const answer = await wire.answer().catch((error) => assert.fail(`${error.message} for ${text()}`));
            if (!answer) break;
            seen.set(answer.status, (seen.get(answer.status) ?? 0) + 1);
            assert.ok(answer.status < 500 || answer.status === 505, `${answer.status} ${answer.text} for ${text()}`);
        }
        if (random(2)) wire.vanish();
        else wire.reset();
    }
    await Promise.all(
        Array.from({ length: 40 }, async () => {
            while (left-- > 0 && !server.exited) await play();
        }),
    );
    assert.equal(server.exited, undefined, `the server ended:\n${server.log.slice(-8000)}`);
    for (const status of [201, 400, 411]) assert.ok(seen.get(status) > 0, `no ${status} among ${JSON.stringify([...seen])}`);
    await org.visitor().converse();
    await server.check();
});
