/* Sending: in order, until it is answered, exactly once. */
import assert from 'node:assert/strict';
import test, { describe } from 'node:test';

import { VARIANTS } from './bundle.mjs';
import { settle } from './clock.mjs';
import { World } from './pages.mjs';

const isMessage = (method, path) => method === 'POST' && path.endsWith('/messages');
const isCreation = (method, path) => method === 'POST' && path === '/conversations';

/* The first `count` requests that match get the fault. */
const firstOf = (matches, count, fault) => (method, path) => (matches(method, path) && count-- > 0 ? fault : undefined);

for (const variant of Object.keys(VARIANTS)) {
    describe(`outbox, ${variant}`, () => {
        test('a first message begins a conversation, and is shown as sending and then as sent', async () => {
            const world = new World(variant);
            const page = await world.open();
            world.server.faults.push((method, path) => isCreation(method, path) && 'hang');
            await page.say('Hello');
            assert.deepEqual([page.texts, page.deliveries, page.now.current], [['Hello'], ['sending'], null]);
            world.server.faults.length = 0;
            await world.advance(60_000);
            assert.deepEqual([page.texts, page.deliveries], [['Hello'], ['sent']]);
            assert.equal(page.now.current, [...world.server.conversations.keys()][0]);
            assert.equal(page.emitted('sent').length, 1);
        });

        test('answers that get lost after the deed don’t double anything', async () => {
            const world = new World(variant);
            world.server.faults.push(firstOf(isCreation, 3, 'lose'), firstOf(isMessage, 3, 'lose'));
            const page = await world.open();
            await page.say('one');
            await page.say('two');
            await world.advance(300_000);
            assert.deepEqual(world.server.said(page.key), ['one', 'two']);
            assert.equal(world.server.conversations.size, 1);
            assert.deepEqual([page.texts, page.deliveries], [['one', 'two'], ['sent', 'sent']]);
            assert.deepEqual(page.outbox, []);
        });

        test('what is written offline is kept in order, over a reload, and sent when the network is back', async () => {
            const world = new World(variant);
            const first = await world.open();
            await first.say('zero');
            world.server.isDown = true;
            world.server.cut();
            for (const text of ['one', 'two', 'three']) await first.say(text);
            await first.close();
            const page = await world.open({ shown: false });
            assert.deepEqual(page.texts, ['one', 'two', 'three']);
            assert.deepEqual(page.deliveries, ['sending', 'sending', 'sending']);
            world.server.isDown = false;
            page.tab.setOnline(true);
            await settle();
            assert.deepEqual(world.server.said(page.key), ['zero', 'one', 'two', 'three']);
            assert.deepEqual(page.texts, ['zero', 'one', 'two', 'three']);
        });

        test('a page that goes away while it sends leaves nothing undone and nothing twice', async () => {
            for (const doomed of [isCreation, isMessage]) {
                const world = new World(variant);
                const first = await world.open();
                let isGone = false;
                world.server.faults.push((method, path) => {
                    if (isGone || !doomed(method, path)) return undefined;
                    isGone = true;
                    first.tab.isClosed = true; // the server does it, the page never hears of it
                    return undefined;
                });
                await first.say('Hello');
                await first.close();
                const page = await world.open();
                await world.advance(60_000);
                assert.deepEqual(world.server.said(page.key), ['Hello']);
                assert.equal(world.server.conversations.size, 1);
                assert.deepEqual(page.texts, ['Hello']);
            }
        });

        test('a refusal fails the message with the server’s sentence, and the next one is sent', async () => {
            const world = new World(variant);
            const page = await world.open();
            await page.say('fine');
            const refusal = { status: 400, body: { error: 'The text is not good.', code: 'bad' } };
            world.server.faults.push(firstOf(isMessage, 1, refusal));
            await page.say('bad');
            await page.say('good');
            assert.deepEqual(page.texts, ['fine', 'good', 'bad']);
            const [failed] = page.now.messages.filter(({ delivery }) => delivery === 'failed');
            assert.equal(failed.why, 'The text is not good.');
            page.chat.retry(failed.key);
            await settle();
            assert.deepEqual(page.deliveries, ['sent', 'sent', 'sent']);
            assert.deepEqual(world.server.said(page.key), ['fine', 'good', 'bad']);
        });

        test('a failed message can be discarded, also from storage', async () => {
            const world = new World(variant);
            world.server.faults.push((method, path) => isMessage(method, path) && { status: 400 });
            const page = await world.open();
            await page.say('bad');
            page.chat.discard(page.now.messages[0].key);
            assert.deepEqual([page.texts, page.outbox], [[], []]);
        });

        test('what may pass is tried again: 401, 408, 409, 429, 500 and 503', async () => {
            for (const status of [401, 408, 409, 429, 500, 503]) {
                const world = new World(variant);
                world.server.faults.push(firstOf(isMessage, 2, { status }));
                const page = await world.open();
                await page.say('Hello');
                await world.advance(60_000);
                assert.deepEqual(page.deliveries, ['sent'], `after ${status}`);
            }
        });

        test('Retry-After is waited for', async () => {
            const world = new World(variant);
            const page = await world.open();
            world.server.faults.push(firstOf(isMessage, 1, { status: 429, headers: { 'retry-after': '40' } }));
            await page.say('Hello');
            await world.advance(39_000);
            assert.deepEqual(page.deliveries, ['sending']);
            await world.advance(1_000);
            assert.deepEqual(page.deliveries, ['sent']);
        });

        test('the waits grow, each by half by chance, up to half a minute', async () => {
            const world = new World(variant);
            const page = await world.open();
            const times = [];
            world.server.faults.push((method, path) => isCreation(method, path) && (times.push(world.clock.now), { status: 503 }));
            await page.say('Hello');
            await world.advance(120_000);
            const waits = times.slice(1).map((time, index) => time - times[index]);
            assert.deepEqual(waits.slice(0, 7), [750, 1500, 3000, 6000, 12000, 22500, 22500]); // random() gives 0.5
        });

        test('an answer that never comes is given up after half a minute, and asked for again', async () => {
            const world = new World(variant);
            const page = await world.open();
            world.server.faults.push(firstOf(isMessage, 1, 'hang'));
            await page.say('Hello');
            await world.advance(29_000);
            assert.deepEqual(page.deliveries, ['sending']);
            await world.advance(3_000);
            assert.deepEqual(page.deliveries, ['sent']);
        });

        test('a conversation that is gone: the message fails, and trying again begins another one', async () => {
            const world = new World(variant);
            const page = await world.open();
            await page.say('one');
            world.server.conversations.clear();
            await page.say('two');
            const failed = page.now.messages.find(({ delivery }) => delivery === 'failed');
            assert.equal(failed.content, 'two');
            page.chat.retry(failed.key);
            await settle();
            assert.deepEqual(world.server.said(page.key), ['two']);
            assert.deepEqual([page.texts, page.deliveries], [['two'], ['sent']]);
        });

        test('it holds a hundred messages, or 256 KB, and none that the server would not take', async () => {
            const world = new World(variant);
            world.server.isDown = true;
            const page = await world.open();
            assert.equal(await page.say('ä'.repeat(16_385)), 'too_long');
            assert.equal(await page.say('ä'.repeat(16_384)), null);
            for (let i = 1; i < 100; i++) assert.equal(page.chat.send(`${i}`), null);
            assert.equal(await page.say('one more'), 'outbox_full');
            assert.equal(page.texts.length, 100);
            const other = new World(variant);
            other.server.isDown = true;
            const full = await other.open();
            for (let i = 0; i < 4; i++) assert.equal(full.chat.send('x'.repeat(32_768)), null);
            assert.equal(full.chat.send('x'), 'outbox_full');
        });

        test('something damaged in storage is thrown away, and the rest is sent', async () => {
            const world = new World(variant);
            world.server.isDown = true;
            const first = await world.open();
            await first.say('whole');
            await first.close();
            world.browser.localStorage.setItem('helvino_out:demo:broken', '{');
            world.server.isDown = false;
            const page = await world.open();
            await settle();
            assert.deepEqual(world.server.said(page.key), ['whole']);
            assert.deepEqual(page.outbox, []);
        });
    });
}
