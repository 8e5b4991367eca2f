/* Text is text: whatever somebody writes or an organisation is called, nothing of it runs, loads or changes a page. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Site, answer, becomes, onlyConversation, transcripts, worldFor } from './browser.mjs';
import { payloads } from './payloads.mjs';

const world = worldFor();

async function canaryFor(t) {
    const canary = await new Site().listen();
    t.after(() => canary.close());
    return canary;
}

/** What must not be anywhere in the page, its shadow roots included: elements that run, load or navigate, and handlers. */
function dangers(page) {
    return page.evaluate(() => {
        const found = [];
        const visit = (root) => {
            for (const element of root.querySelectorAll('*')) {
                if (element.shadowRoot) visit(element.shadowRoot);
                const name = element.localName;
                const own = name === 'script' && (element.src.endsWith('/embed.js') || element.text.startsWith('window.HELVINO_ORG_KEY'));
                if (own) continue;
                if (/^(script|iframe|frame|object|embed|base|img|image|video|audio|source|math|use|foreignobject|template|style|marquee)$/i.test(name) && root !== document)
                    found.push(element.outerHTML.slice(0, 200));
                if (/^(script|iframe|object|embed|base|img)$/.test(name) && root === document) found.push(element.outerHTML.slice(0, 200));
                for (const { name: attribute, value } of element.attributes) {
                    if (/^on/.test(attribute) || attribute === 'srcdoc' || (attribute === 'style' && /url|fixed|image/.test(value))) found.push(`${name} ${attribute}="${value}"`);
                    if (/^(href|src|action|formaction|xlink:href)$/.test(attribute) && !/^(https?:|mailto:|#)/.test(value) && name !== 'use')
                        found.push(`${name} ${attribute}="${value}"`);
                }
            }
        };
        visit(document);
        if (window.__pwned) found.push('code ran');
        if ({}.polluted) found.push('the prototype of all objects');
        return found;
    });
}

test('no text of either side runs, loads or changes anything, and each is shown as it was written', async (t) => {
    const canary = await canaryFor(t);
    const org = await world.server.org();
    const widget = await (await world.profile(t)).tab(world.page(org));
    const texts = payloads(canary.url);
    assert.ok(texts.length >= 60 && new Set(texts).size === texts.length);
    const navigations = [];
    await widget.open();
    widget.page.on('framenavigated', (frame) => navigations.push(frame.url()));
    await widget.write('begin');
    await widget.delivered('Sent');
    const conversation = await onlyConversation(org);
    const expected = ['user: begin'];
    for (const text of texts) {
        await widget.write(text);
        expected.push(`user: ${text}`);
    }
    await widget.delivered('Sent');
    assert.deepEqual(await transcripts(org), [expected]);
    for (const text of texts) {
        await answer(org, conversation, text);
        expected.push(`assistant: ${text}`);
    }
    const tail = async () => (await widget.said()).slice(-texts.length);
    await becomes(tail, expected.slice(-texts.length), 'the answers on screen');
    const shown = await widget.said();
    assert.deepEqual(shown, expected.slice(-shown.length));
    assert.deepEqual(await dangers(widget.page), []);
    // The same again out of the database, in the list of conversations, and with the mouse over every one.
    await widget.page.reload();
    await widget.open();
    await becomes(async () => (await widget.said()).at(-1), expected.at(-1), 'the last message');
    assert.deepEqual(await dangers(widget.page), []);
    await widget.showHistory();
    assert.deepEqual(await dangers(widget.page), []);
    assert.deepEqual(canary.hits, []);
    assert.deepEqual(navigations.length, 1, `navigations: ${navigations}`); // the reload
    assert.deepEqual(widget.profile.dialogs, []);
    assert.equal(widget.page.context().pages().length, 1);
});

test('the list of conversations shows every preview as text', async (t) => {
    const canary = await canaryFor(t);
    const org = await world.server.org();
    const widget = await (await world.profile(t)).tab(world.page(org));
    const visitor = org.visitor(await widget.visitorId());
    const texts = payloads(canary.url).filter((text) => text.length < 90 && !/[\n\t\u2028\u202e\u2066\u0001]/.test(text));
    for (const text of texts) await visitor.say(await visitor.converse(), text);
    await widget.page.reload();
    await widget.open();
    await widget.showHistory();
    await widget.conversation(texts.at(-1)).waitFor();
    assert.deepEqual(await dangers(widget.page), []);
    assert.deepEqual(canary.hits, []);
});

test('title, subtitle and name of an organisation are text', async (t) => {
    const canary = await canaryFor(t);
    const org = await world.server.org();
    const titles = payloads(canary.url).filter((text) => Buffer.byteLength(text) < 400 && !/[\u0000-\u001f\u2028]/.test(text));
    for (const text of titles.filter((_, index) => index % 9 === 0)) {
        await world.server.cliOk('org', 'update', org.key, `--widget-title=${text}`, `--widget-subtitle=${text}`, `--name=${text}`);
        const widget = await (await world.profile(t)).tab(world.page(org));
        await widget.open();
        await becomes(async () => (await widget.heading())[0], text, 'the title');
        assert.ok((await widget.heading()).includes(text));
        assert.deepEqual(await dangers(widget.page), []);
        await widget.profile.context.close();
    }
    assert.deepEqual(canary.hits, []);
});

test('addresses in messages become links, safe ones only', async (t) => {
    const org = await world.server.org();
    const widget = await (await world.profile(t)).tab(world.page(org));
    await widget.open();
    const cases = [
        ['see https://example.com/a?b=c&d=e#f.', ['https://example.com/a?b=c&d=e#f']],
        ['(http://example.com/x_(y)), twice: https://example.org!', ['http://example.com/x_(y)', 'https://example.org/']],
        ['“https://example.com/ü”', ['https://example.com/%C3%BC']],
        ['write to ada@example.com', null], // may be a mailto link, or none
        ['javascript:alert(1) JAVASCRIPT://example.com data:text/html,x vbscript:x file:///etc/passwd', []],
        ['https:// http://', []],
        ['https://example.com/"onmouseover="alert(1)', null],
        ['no.link here.either', []],
    ];
    for (const [text] of cases) await widget.write(text);
    await widget.shows(...cases.map(([text]) => `user: ${text}`));
    const found = await widget.page.locator('.message').evaluateAll((messages) =>
        messages.map((message) =>
            [...message.querySelectorAll('a')].map((link) => ({ href: link.href, rel: link.rel, target: link.target, protocol: link.protocol })),
        ),
    );
    cases.forEach(([text, expected], index) => {
        const links = found[index];
        if (expected) assert.deepEqual(links.map(({ href }) => href), expected, text);
        for (const { protocol, rel, target } of links) {
            assert.match(protocol, /^(https?|mailto):$/);
            assert.match(rel, /noopener/);
            assert.match(rel, /noreferrer/);
            assert.match(rel, /nofollow/);
            assert.equal(target, '_blank');
        }
    });
});

test('letters that change the direction stay inside their message', async (t) => {
    const org = await world.server.org();
    const widget = await (await world.profile(t)).tab(world.page(org));
    await widget.open();
    await widget.write('\u202eabc', 'مرحبا');
    await widget.shows('user: \u202eabc', 'user: مرحبا');
    const isolation = await widget.page
        .locator('.message .text')
        .evaluateAll((texts) => texts.map((text) => getComputedStyle(text).unicodeBidi));
    for (const value of isolation) assert.match(value, /isolate|plaintext/);
});
