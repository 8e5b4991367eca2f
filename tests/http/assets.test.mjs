/* The files of the widget, as the server gives them: the bytes that were built, in the form that was asked for, and for how long they may be kept. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test, { after, before, describe } from 'node:test';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';

import { exchange, ROOT, startServer } from './server.mjs';
import { assertError } from './shapes.mjs';

const folder = `${ROOT}/build/widget`;
const files = Object.values(JSON.parse(readFileSync(`${folder}/manifest.json`, 'utf8')));
const widget = files.filter((file) => !file.path.includes('demo'));
const built = (file, suffix = '') => readFileSync(`${folder}/${file.file}${suffix}`);

let server, plain;
before(async () => {
    server = await startServer({ flags: ['--demo'] });
    plain = await startServer();
});
after(async () => {
    for (const each of [server, plain]) {
        await each.stop();
        each.remove();
    }
});

const get = (path, headers, options) => exchange(server.url + path, { headers, agent: server.agent, ...options });

describe('a file', () => {
    test('is there under every name that the build gave', async () => {
        assert.ok(widget.some(({ path }) => path === '/embed.js'));
        assert.ok(widget.some(({ path }) => /^\/widget\/panel-[0-9a-f]{12}\.js$/.test(path)));
        for (const file of files) {
            const answer = await get(file.path);
            assert.equal(answer.status, 200, file.path);
            assert.deepEqual(answer.bytes, built(file), file.path);
            assert.equal(answer.headers['content-encoding'], undefined);
            assert.equal(answer.headers['content-type'], file.contentType);
            assert.equal(answer.headers['x-content-type-options'], 'nosniff');
        }
    });

    test('comes in gzip and brotli to those who take them, and is the same file then', async () => {
        for (const file of files) {
            const gzip = await get(file.path, { 'accept-encoding': 'gzip, deflate' });
            assert.equal(gzip.headers['content-encoding'], 'gzip');
            assert.deepEqual(gzip.bytes, built(file, '.gz'));
            assert.deepEqual(gunzipSync(gzip.bytes), built(file));
            const brotli = await get(file.path, { 'accept-encoding': 'gzip, deflate, br, zstd' });
            assert.equal(brotli.headers['content-encoding'], 'br');
            assert.deepEqual(brotli.bytes, built(file, '.br'));
            assert.deepEqual(brotliDecompressSync(brotli.bytes), built(file));
        }
    });

    test('comes plain to those who take nothing else, or who say it in two lines', async () => {
        for (const accepted of ['', 'identity', 'zstd', 'br;q=0, gzip;q=0.0', '*;q=0', ['gzip', 'br']]) {
            const answer = await get('/embed.js', { 'accept-encoding': accepted });
            assert.equal(answer.headers['content-encoding'], undefined, String(accepted));
            assert.deepEqual(answer.bytes, built({ file: 'embed.js' }));
        }
    });

    test('tells caches that its form depends on who asks', async () => {
        for (const file of files) {
            for (const accepted of ['identity', 'gzip', 'br']) {
                const { headers } = await get(file.path, { 'accept-encoding': accepted });
                assert.equal(headers.vary, 'Accept-Encoding');
            }
        }
    });

    test('has a tag for each form, and is not sent again to those who have it', async () => {
        for (const file of files) {
            const tags = new Set();
            for (const accepted of ['identity', 'gzip', 'br']) {
                const first = await get(file.path, { 'accept-encoding': accepted });
                tags.add(first.headers.etag);
                for (const tag of [first.headers.etag, `W/${first.headers.etag}`, `"other", ${first.headers.etag}`, '*']) {
                    const again = await get(file.path, { 'accept-encoding': accepted, 'if-none-match': tag });
                    assert.equal(again.status, 304, `${file.path} ${accepted} ${tag}`);
                    assert.equal(again.bytes.length, 0);
                    assert.equal(again.headers.etag, first.headers.etag);
                    assert.equal(again.headers['cache-control'], first.headers['cache-control']);
                    assert.equal(again.headers.vary, first.headers.vary);
                }
                const stale = await get(file.path, { 'accept-encoding': accepted, 'if-none-match': '"other"' });
                assert.equal(stale.status, 200);
            }
            assert.equal(tags.size, 3, `${file.path}: ${[...tags]}`);
            for (const tag of tags) assert.match(tag, /^"[0-9a-f]{16}"$/);
        }
    });

    test('is kept for ever when its name changes with its content, and asked for again otherwise', async () => {
        for (const { path, contentType } of files) {
            const { headers } = await get(path);
            const expected = path.startsWith('/widget/')
                ? 'public, max-age=31536000, immutable'
                : contentType.startsWith('text/html')
                  ? 'no-cache'
                  : 'public, max-age=300, must-revalidate';
            assert.equal(headers['cache-control'], expected, path);
        }
    });

    test('may be read and timed by any page, whoever asked first', async () => {
        for (const { path } of widget) {
            for (const headers of [{}, { origin: 'https://shop.example' }]) {
                const answer = await get(path, headers);
                const allowed = answer.rawHeaders.filter((name) => name.toLowerCase() === 'access-control-allow-origin');
                assert.equal(allowed.length, 1);
                assert.equal(answer.headers['access-control-allow-origin'], '*');
                assert.equal(answer.headers['access-control-allow-credentials'], undefined);
                assert.equal(answer.headers['timing-allow-origin'], '*');
                assert.equal(answer.headers['cross-origin-resource-policy'], 'cross-origin');
            }
        }
    });

    test('tells its length without its bytes to HEAD', async () => {
        for (const file of files) {
            const answer = await get(file.path, { 'accept-encoding': 'br' }, { method: 'HEAD' });
            assert.equal(answer.status, 200);
            assert.equal(answer.bytes.length, 0);
            assert.equal(Number(answer.headers['content-length']), built(file, '.br').length);
        }
    });

    test('is the same with a query, which a page adds that asks again', async () => {
        for (const file of files) assert.deepEqual((await get(`${file.path}?1`)).bytes, built(file), file.path);
    });

    test('is there under a name of another build too, for now: an older loader asks for it', async () => {
        for (const file of files.filter(({ path }) => /^\/widget\/.*-[0-9a-f]{12}\./.test(path))) {
            const old = file.path.replace(/-[0-9a-f]{12}\./, '-0123456789ab.');
            const answer = await get(old, { 'accept-encoding': 'gzip' });
            assert.equal(answer.status, 200, old);
            assert.deepEqual(gunzipSync(answer.bytes), built(file));
            assert.equal(answer.headers['content-type'], file.contentType);
            assert.equal(answer.headers['cache-control'], 'no-store');
            assert.equal(answer.headers['access-control-allow-origin'], '*');
            if (file.path.includes('demo')) assertError(await exchange(plain.url + old, { agent: plain.agent }), 404, 'not_found');
            for (const hash of ['0123456789aB', '0123456789a', '0123456789abc', '0123456789a%62', '0123456789a-', '', '../56789ab.js'])
                assertError(await get(file.path.replace(/[0-9a-f]{12}/, hash)), 404, 'not_found');
        }
        for (const path of ['/widget/none-0123456789ab.js', '/widget/client-0123456789ab.css', '/widget/embed-0123456789ab.js', '/widget/-0123456789ab.js'])
            assertError(await get(path), 404, 'not_found');
    });

    test('that was never built is not there', async () => {
        const [known] = widget.filter(({ path }) => path.startsWith('/widget/client-'));
        for (const path of ['/widget/', '/widget/embed.js', '/widget/none.js', `${known.path}.gz`, `${known.path}/`, '/widget/..%2fembed.js']) {
            assertError(await get(path), 404, 'not_found');
        }
    });
});

describe('the loader', () => {
    test('names the client and the panel of the same build, and the panel the languages', () => {
        const path = (entry) => files.find((file) => file.file.startsWith(entry)).path;
        const loader = built({ file: 'embed.js' }).toString();
        for (const entry of ['client-', 'panel-']) assert.ok(loader.includes(path(entry)), path(entry));
        const panel = built(files.find((file) => file.file.startsWith('panel-'))).toString();
        const languages = files.filter((file) => file.file.startsWith('lang-'));
        const codes = languages.map(({ file }) => file.slice(5, 7));
        for (const code of ['ar', 'de', 'es', 'fr', 'tr']) assert.ok(codes.includes(code), code);
        for (const language of languages) assert.ok(panel.includes(language.path), language.path);
    });
});

describe('the demo page', () => {
    test('allows nothing inline, nothing from elsewhere, and no frame', async () => {
        const { headers, text } = await get('/demo');
        const policy = headers['content-security-policy'];
        assert.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';/);
        assert.match(policy, /base-uri 'none'; form-action 'none'; frame-ancestors 'none'$/);
        assert.doesNotMatch(policy, /unsafe|\*|https?:/);
        assert.doesNotMatch(text, /<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)/);
    });

    test('loads files of this server alone, and they are there', async () => {
        const { text } = await get('/demo');
        const linked = [...text.matchAll(/\s(?:src|href)="([^"]+)"/g)].map(([, path]) => path);
        assert.ok(linked.includes('/embed.js'));
        for (const path of linked) assert.equal((await get(path)).status, 200, path);
    });

    test('is there with --demo only, its files too', async () => {
        for (const { path } of files) {
            const answer = await exchange(plain.url + path, { agent: plain.agent });
            if (path.includes('demo')) assertError(answer, 404, 'not_found');
            else assert.equal(answer.status, 200, path);
        }
    });
});
