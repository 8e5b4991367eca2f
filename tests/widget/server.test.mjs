/* The client against the real server: what both promise together. */
import assert from 'node:assert/strict';
import test, { after, before, describe } from 'node:test';

import { eventually, Server, startServer } from '../http/server.mjs';
import { Browser } from './browser.mjs';
import { VARIANTS } from './bundle.mjs';
import { realClock } from './clock.mjs';
import { hostFor, Page } from './pages.mjs';

/** A browser that counts its streams. */
function newBrowser() {
    const browser = new Browser({ clock: realClock });
    browser.streams = 0;
    browser.network = (url, init) => {
        if (url.endsWith('/stream')) browser.streams++;
        return fetch(url, init);
    };
    return browser;
}

/** A page of a browser that asks the real server. */
async function open(variant, org, { browser = newBrowser(), shown = true } = {}) {
    const { server } = org;
    const tab = browser.tab();
    const host = hostFor(tab, VARIANTS[variant], { base: server.url, orgKey: org.key });
    host.boot = await org.visitor(host.visitorId()).getOk('/api/bootloader');
    const chat = tab.load(VARIANTS[variant].client).default(host);
    if (shown) chat.setShown(true);
    return Object.assign(new Page({ server }, tab, host, chat), { browser });
}

function leave({ chat, tab }) {
    chat.stop();
    tab.close();
}

const shows = (page, texts) => eventually(() => JSON.stringify(page.texts) === JSON.stringify(texts), `${texts} in place of ${page.texts}`);
const isLive = (page) => eventually(() => page.now.connection === 'live', 'a stream');

for (const variant of Object.keys(VARIANTS)) {
    describe(`with the real server, ${variant}`, () => {
        let server, org;
        const pages = [];
        const openPage = async (options) => {
            const page = await open(variant, org, options);
            pages.push(page);
            return page;
        };
        before(async () => {
            server = await startServer();
            org = await server.org();
        });
        after(async () => {
            pages.forEach(leave);
            await server.check();
            await server.stop();
            server.remove();
        });

        test('a conversation, seen from both sides', async () => {
            const page = await openPage();
            await page.say('Hello');
            await isLive(page);
            await eventually(() => page.deliveries[0] === 'sent', 'that it is sent');
            const { seq } = await org.agent.say(page.now.current, 'Hi!', { role: 'assistant' });
            await shows(page, ['Hello', 'Hi!']);
            await eventually(async () => (await org.agent.getOk(`/conversations/${page.now.current}`)).visitorReadSeq >= seq, 'that it is read');
            assert.equal((await org.agent.post(`/conversations/${page.now.current}/read`, { seq })).status, 200);
            await eventually(() => page.deliveries[0] === 'seen', 'that it is seen');
            assert.equal((await org.agent.post(`/conversations/${page.now.current}/typing`, { typing: true })).status, 204);
            await eventually(() => page.now.typing, 'typing');
            assert.equal(page.now.online, true);
            page.chat.typed(true);
            await page.chat.setEmail('a@example.com');
            assert.equal((await org.seen(page.key)).email, 'a@example.com');
        });

        test('twelve tabs: one stream, the same to be seen, and the next leader goes on', async () => {
            const first = await openPage();
            await first.say('from the first');
            const tabs = [first];
            for (let i = 1; i < 12; i++) tabs.push(await openPage({ browser: first.browser }));
            for (const page of tabs) await shows(page, ['from the first']);
            tabs.slice(1).forEach((page, index) => page.chat.send(`${index}`));
            await eventually(() => tabs.every((page) => page.texts.length === 12 && page.deliveries.every((delivery) => delivery === 'sent')), 'all messages everywhere');
            const answer = await org.agent.say(first.now.current, 'all of you?', { role: 'assistant' });
            assert.equal(first.browser.streams, 1);
            first.tab.close();
            await org.agent.say(answer.conversationId, 'still?', { role: 'assistant' });
            const { messages } = await org.agent.getOk(`/conversations/${answer.conversationId}`);
            assert.equal(messages.length, 14);
            for (const page of tabs.slice(1)) await shows(page, messages.map(({ content }) => content));
            assert.equal(first.browser.streams, 2);
        });

        test('an export is what was said', async () => {
            const page = await openPage();
            await page.say('my data');
            await eventually(() => page.deliveries[0] === 'sent', 'that it is sent');
            const { exportData } = page.tab.load(VARIANTS[variant].exporting);
            const { conversations } = JSON.parse(await (await exportData(page.chat.ask)).text());
            assert.deepEqual(conversations.map(({ messages }) => messages.map(({ content }) => content)), [['my data']]);
        });

        test('a visitor who is forgotten is nowhere, and doesn’t come back', async () => {
            const page = await openPage();
            const other = await openPage({ browser: page.browser });
            const { key } = page;
            await page.say('a secret');
            await shows(other, ['a secret']);
            const receipt = await page.chat.forget();
            assert.deepEqual([receipt.visitors, receipt.conversations, receipt.messages], [1, 1, 1]);
            await shows(other, []);
            await other.say('somebody else');
            await shows(page, ['somebody else']);
            assert.equal(await org.seen(key), undefined);
        });

        test('a long history, page by page', async () => {
            const page = await openPage();
            await page.say('0');
            await eventually(() => page.deliveries[0] === 'sent', 'that it is sent');
            for (let i = 1; i < 120; i++) await org.agent.say(page.now.current, `${i}`, { role: 'assistant' });
            const later = await openPage();
            assert.deepEqual(later.texts, []);
            page.tab.close();
            const again = await openPage({ browser: page.browser });
            const all = Array.from({ length: 120 }, (_, index) => `${index}`);
            await shows(again, all.slice(-50));
            await again.chat.loadEarlier();
            await again.chat.loadEarlier();
            assert.deepEqual(again.texts, all);
            assert.equal(again.now.hasEarlier, false);
        });
    });

    test(`killed and started again in the middle of a conversation: nothing is lost and nothing doubled, ${variant}`, async (t) => {
        const first = await startServer();
        t.after(() => first.remove());
        const org = await first.org();
        const page = await open(variant, org);
        t.after(() => leave(page));
        await page.say('before');
        await shows(page, ['before']);
        await eventually(() => page.deliveries[0] === 'sent', 'that it is sent');
        for (let i = 0; i < 20; i++) page.chat.send(`${i}`);
        await eventually(() => page.deliveries.filter((delivery) => delivery === 'sent').length > 3, 'some of them to be sent');
        await first.kill();
        page.chat.send('while it is away');
        const again = await new Server({ directory: first.directory, listen: [first.url] }).ready();
        t.after(async () => {
            await again.stop();
        });
        const conversation = page.now.current;
        const reborn = again.adopt(org);
        await reborn.agent.say(conversation, 'back again', { role: 'assistant' });
        const expected = ['before', ...Array.from({ length: 20 }, (_, index) => `${index}`), 'while it is away'];
        await eventually(() => page.now.messages.length === 23 && page.deliveries.every((delivery) => delivery !== 'sending'), 'everything to be answered');
        const { messages } = await reborn.agent.getOk(`/conversations/${conversation}`);
        assert.deepEqual(messages.filter(({ role }) => role === 'user').map(({ content }) => content), expected);
        assert.deepEqual(page.texts, messages.map(({ content }) => content));
    });
}
