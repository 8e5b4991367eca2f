/* The page of the inbox: what a browser lets it do, and what it may not. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { startServer } from './server.mjs';

let server;
before(async () => {
    server = await startServer();
});
after(async () => {
    await server.stop();
    server.remove();
});

const page = () => fetch(`${server.url}/inbox`);

test('the policy lets nothing in that is not the server’s own, and nothing inline', async () => {
    const { status, headers } = await page();
    assert.equal(status, 200);
    const policy = Object.fromEntries(
        headers
            .get('content-security-policy')
            .split(';')
            .map((each) => each.trim().split(/\s+/))
            .map(([name, ...values]) => [name, values.join(' ')]),
    );
    assert.equal(policy['default-src'], "'none'");
    for (const name of ['script-src', 'style-src', 'connect-src', 'form-action']) assert.equal(policy[name], "'self'", name);
    for (const name of ['frame-ancestors', 'base-uri']) assert.equal(policy[name], "'none'", name);
    assert.equal(policy['require-trusted-types-for'], "'script'");
    assert.doesNotMatch(headers.get('content-security-policy'), /unsafe|\*|http:|https:/);
});

test('no frame, no referrer, no opener, and none of the devices', async () => {
    const { headers } = await page();
    assert.equal(headers.get('x-frame-options'), 'DENY');
    assert.equal(headers.get('referrer-policy'), 'no-referrer');
    assert.equal(headers.get('cross-origin-opener-policy'), 'same-origin');
    assert.equal(headers.get('x-content-type-options'), 'nosniff');
    for (const device of ['camera', 'microphone', 'geolocation']) assert.match(headers.get('permissions-policy'), new RegExp(`${device}=\\(\\)`));
});

test('its files are there, for ever and compressed; the page itself is asked for anew', async () => {
    const answer = await page();
    assert.match(answer.headers.get('cache-control'), /no-cache|no-store|max-age=0/);
    const html = await answer.text();
    assert.doesNotMatch(html, /<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=/);
    const files = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => new URL(path, `${server.url}/inbox`));
    assert.ok(files.length >= 4);
    for (const url of files) {
        const file = await fetch(url, { headers: { 'accept-encoding': 'br' } });
        assert.equal(file.status, 200, url.href);
        assert.match(file.headers.get('cache-control'), /immutable/);
    }
});
