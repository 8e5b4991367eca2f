/* The stream: nothing missed, nothing twice, and something else where it doesn't get through. */
import assert from 'node:assert/strict';
import test, { describe } from 'node:test';

import { VARIANTS } from './bundle.mjs';
import { settle } from './clock.mjs';
import { World } from './pages.mjs';

const isStream = (method, path) => path.startsWith('/stream');
const sinceOf = ({ headers }) => headers['last-event-id'];
const streamsOf = ({ server }) => server.requests.filter(({ path }) => path === '/stream');

/** A page whose visitor has said "Hello". */
async function talking(variant, options) {
    const world = new World(variant);
    const page = await world.open(options);
    await page.say('Hello');
    return { world, page, server: world.server };
}

for (const variant of Object.keys(VARIANTS)) {
    describe(`stream, ${variant}`, () => {
        test('loading the client asks for nothing: only opening the panel makes the visitor known', async () => {
            const world = new World(variant);
            const page = await world.open({ shown: false });
            await world.advance(120_000);
            assert.equal(world.server.requests.length, 0);
            page.chat.setShown(true);
            await settle();
            assert.equal(world.server.count('POST', '/visitors/me'), 1);
            assert.equal(streamsOf(world).length, 1);
            assert.equal(page.now.connection, 'live');
        });

        test('reading and writing don’t wait for the stream’s code', async () => {
            const { world } = await talking(variant);
            const page = await world.open({ browser: world.browser, load: () => new Promise(() => {}), locks: false });
            assert.deepEqual(page.texts, ['Hello']);
            await page.say('Are you there?');
            assert.deepEqual([page.texts, page.deliveries], [['Hello', 'Are you there?'], ['sent', 'sent']]);
        });

        test('whoever answers has seen the question, and not what was said after', async () => {
            const { page, server } = await talking(variant);
            server.answer(page.key, 'Hi!');
            await settle();
            await page.say('And now?');
            await settle();
            assert.deepEqual(page.texts, ['Hello', 'Hi!', 'And now?']);
            assert.deepEqual(page.deliveries, ['seen', null, 'sent']);
        });

        test('answers, typing, presence and read marks come as they happen', async () => {
            const { world, page, server } = await talking(variant);
            assert.equal(page.now.online, false);
            server.setOnline(true);
            server.type(page.key, true);
            await settle();
            assert.deepEqual([page.now.online, page.now.typing], [true, true]);
            server.answer(page.key, 'Hi!');
            server.read(page.key);
            await settle();
            assert.deepEqual(page.texts, ['Hello', 'Hi!']);
            assert.deepEqual(page.deliveries, ['seen', null]);
            assert.equal(page.now.typing, false);
            assert.deepEqual(page.emitted('message').map(({ content }) => content), ['Hi!']);
            assert.equal(streamsOf(world).length, 1);
        });

        test('typing ends by itself when nobody says so', async () => {
            const { world, page, server } = await talking(variant);
            server.type(page.key, true);
            await world.advance(5_900);
            assert.equal(page.now.typing, true);
            await world.advance(200);
            assert.equal(page.now.typing, false);
        });

        test('after a break it goes on from the last id: what was missed comes once', async () => {
            const { world, page, server } = await talking(variant);
            server.answer(page.key, 'one');
            await settle();
            server.isDown = true;
            server.cut();
            await settle();
            for (const text of ['two', 'three']) server.answer(page.key, text);
            await world.advance(10_000);
            assert.deepEqual(page.texts, ['Hello', 'one']);
            assert.equal(page.now.connection, 'offline');
            server.isDown = false;
            await world.advance(30_000);
            assert.deepEqual(page.texts, ['Hello', 'one', 'two', 'three']);
            assert.equal(page.now.connection, 'live');
            const resumed = streamsOf(world).at(-1);
            const known = page.now.messages.find(({ content }) => content === 'one').seq;
            assert.ok(Number(sinceOf(resumed)) >= known && Number(sinceOf(resumed)) < page.now.messages.at(-2).seq);
            assert.deepEqual(page.emitted('message').map(({ content }) => content), ['one', 'two', 'three']);
        });

        test('its attempts are further and further apart, and begin at once when the network is back', async () => {
            const { world, page, server } = await talking(variant);
            const times = [];
            server.faults.push((method, path) => void (isStream(method, path) && times.push(world.clock.now)));
            server.isDown = true;
            server.cut();
            await world.advance(100_000);
            assert.deepEqual(times, []); // faults are asked only of a server that is up
            const attempts = streamsOf(world).length;
            assert.ok(attempts > 5 && attempts < 12, `${attempts} attempts in 100 seconds`);
            server.isDown = false;
            page.tab.setOnline(true);
            await settle();
            assert.equal(times.length, 1);
            assert.equal(page.now.connection, 'live');
        });

        test('a stream that says nothing any more is given up and resumed', async () => {
            const { world, page, server } = await talking(variant);
            server.isSilent = true;
            await world.advance(38_000);
            server.isSilent = false;
            server.streams.forEach((stream) => (stream.key = 'nobody'));
            await world.advance(2_000);
            server.answer(page.key, 'still there?');
            await settle();
            assert.deepEqual(page.texts, ['Hello', 'still there?']);
            assert.ok(streamsOf(world).length >= 2);
        });

        test('a heartbeat is enough to be alive', async () => {
            const { world } = await talking(variant);
            await world.advance(600_000);
            assert.equal(streamsOf(world).length, 1);
        });

        test('reset: everything is asked for anew', async () => {
            const { world, page, server } = await talking(variant);
            const [talk] = server.conversations.values();
            server.isDown = true;
            server.cut();
            await settle();
            // The server comes back with an older database.
            talk.messages = [{ id: 'old', conversationId: talk.id, role: 'user', content: 'Old', timestamp: '2026-01-01T00:00:00.000Z', seq: 1 }];
            server.seq = 1;
            server.isDown = false;
            await world.advance(60_000);
            assert.deepEqual(page.texts, ['Old']);
            server.answer(page.key, 'New');
            await settle();
            assert.deepEqual(page.texts, ['Old', 'New']);
        });

        test('where streams are kept back it asks every few seconds, and stops when one gets through', async () => {
            const { world, page, server } = await talking(variant);
            server.swallows = true;
            server.cut();
            await world.advance(20_000);
            assert.equal(page.now.connection, 'polling');
            server.answer(page.key, 'by polling');
            await world.advance(4_100);
            assert.deepEqual(page.texts, ['Hello', 'by polling']);
            assert.deepEqual(page.emitted('message').map(({ content }) => content), ['by polling']);
            server.swallows = false;
            await world.advance(130_000);
            assert.equal(page.now.connection, 'live');
            const asked = server.count('GET', '/conversations');
            await world.advance(60_000);
            assert.equal(server.count('GET', '/conversations'), asked);
            server.answer(page.key, 'by the stream');
            await settle();
            assert.deepEqual(page.texts, ['Hello', 'by polling', 'by the stream']);
        });

        test('an error page in place of the stream is a reason to poll too', async () => {
            const { world, page, server } = await talking(variant);
            server.faults.push((method, path) => isStream(method, path) && { status: 502, body: 'Bad gateway' });
            server.cut();
            await world.advance(10_000);
            assert.equal(page.now.connection, 'polling');
        });

        test('streams that are closed without an answer are too, and where nothing is answered it is offline', async () => {
            const { world, page, server } = await talking(variant);
            server.faults.push((method, path) => isStream(method, path) && 'lose');
            server.cut();
            await world.advance(5_000);
            assert.equal(page.now.connection, 'polling');
            server.answer(page.key, 'by polling');
            await world.advance(4_100);
            assert.deepEqual(page.texts, ['Hello', 'by polling']);
            server.isDown = true;
            await world.advance(5_000);
            assert.equal(page.now.connection, 'offline');
            server.isDown = false;
            server.faults.length = 0;
            await world.advance(31_000);
            assert.equal(page.now.connection, 'live');
        });

        test('a network that is gone is no reason to poll', async () => {
            const { world, page, server } = await talking(variant);
            server.isDown = true;
            page.tab.setOnline(false);
            server.cut();
            const before = server.count('GET', '/conversations');
            await world.advance(60_000);
            assert.equal(page.now.connection, 'offline');
            assert.equal(server.count('GET', '/conversations'), before);
        });

        test('a refusal ends it with the server’s sentence, until something changes', async () => {
            const { world, page, server } = await talking(variant);
            const refusal = { status: 403, body: { error: 'Not from this page.', code: 'origin_forbidden' } };
            server.faults.push((method, path) => isStream(method, path) && refusal);
            server.cut();
            await world.advance(2_000);
            assert.equal(page.now.problem, 'Not from this page.');
            const attempts = streamsOf(world).length;
            await world.advance(300_000);
            assert.equal(streamsOf(world).length, attempts);
            server.faults.length = 0;
            page.tab.setOnline(true);
            await settle();
            assert.deepEqual([page.now.connection, page.now.problem], ['live', null]);
        });

        test('offline is shown at once, and ends at once', async () => {
            const { page, server } = await talking(variant);
            server.isDown = true;
            page.tab.setOnline(false);
            await settle();
            assert.equal(page.now.connection, 'offline');
            server.isDown = false;
            page.tab.setOnline(true);
            await settle();
            assert.equal(page.now.connection, 'live');
        });

        test('a page that is put aside lets go of everything, and goes on where it was', async () => {
            const { page, world, server } = await talking(variant);
            page.tab.happen('pagehide');
            await settle();
            assert.equal(server.streams.size, 0);
            server.answer(page.key, 'meanwhile');
            page.tab.happen('pageshow');
            await settle();
            assert.deepEqual(page.texts, ['Hello', 'meanwhile']);
            assert.equal(server.streams.size, 1);
            assert.notEqual(sinceOf(streamsOf(world).at(-1)), undefined);
        });

        test('stop() ends it all', async () => {
            const { page, world, server } = await talking(variant);
            page.chat.stop();
            await settle();
            const before = server.requests.length;
            await world.advance(300_000);
            assert.equal(server.streams.size, 0);
            assert.equal(server.requests.length, before);
        });
    });

    describe(`history, ${variant}`, () => {
        test('the last page is loaded, and earlier ones on demand, without a gap', async () => {
            const { world, page, server } = await talking(variant);
            for (let i = 1; i < 120; i++) server.answer(page.key, `${i}`);
            await page.close();
            const later = await world.open();
            await settle();
            const all = ['Hello', ...Array.from({ length: 119 }, (_, index) => `${index + 1}`)];
            assert.deepEqual([later.texts, later.now.hasEarlier], [all.slice(-50), true]);
            await later.chat.loadEarlier();
            await later.chat.loadEarlier();
            assert.deepEqual([later.texts, later.now.hasEarlier], [all, false]);
        });

        test('the newest conversation is shown; another one can be opened, and a new one begun', async () => {
            const { page, server } = await talking(variant);
            const first = page.now.current;
            page.chat.open(null);
            assert.deepEqual([page.now.current, page.texts], [null, []]);
            await page.say('Another matter');
            const second = page.now.current;
            assert.notEqual(second, first);
            assert.deepEqual(page.now.conversations.map(({ id, preview }) => [id, preview]), [
                [second, 'Another matter'],
                [first, 'Hello'],
            ]);
            page.chat.open(first);
            await settle();
            assert.deepEqual(page.texts, ['Hello']);
            server.answer(page.key, 'To the first', first);
            await settle();
            assert.deepEqual(page.texts, ['Hello', 'To the first']);
            assert.equal(page.now.conversations[0].id, first);
        });

        test('what comes while the panel is closed is unread, and read when it is shown', async () => {
            const { world, page, server } = await talking(variant);
            page.chat.setShown(false);
            server.answer(page.key, 'one');
            server.answer(page.key, 'two');
            await settle();
            assert.deepEqual([page.now.unread, page.host.unread], [2, 2]);
            assert.equal(server.count('POST', `/conversations/${page.now.current}/read`), 0);
            page.chat.setShown(true);
            await world.advance(1_000);
            assert.deepEqual([page.now.unread, page.host.unread], [0, 0]);
            assert.equal(server.count('POST', `/conversations/${page.now.current}/read`), 1);
            assert.deepEqual(page.emitted('unread').slice(-2), [2, 0]);
        });

        test('nothing is read in a tab that is hidden', async () => {
            const { world, page, server } = await talking(variant);
            page.tab.setVisible(false);
            server.answer(page.key, 'one');
            await world.advance(10_000);
            assert.equal(page.now.unread, 1);
            page.tab.setVisible(true);
            await world.advance(1_000);
            assert.equal(page.now.unread, 0);
        });

        test('opening the panel shows the conversation with news', async () => {
            const { page, server } = await talking(variant);
            const first = page.now.current;
            page.chat.open(null);
            await page.say('Another matter');
            page.chat.setShown(false);
            server.answer(page.key, 'To the first', first);
            await settle();
            page.chat.setShown(true);
            await settle();
            assert.equal(page.now.current, first);
        });

        test('typing is told at most every three seconds, and its end once', async () => {
            const { world, page, server } = await talking(variant);
            const told = () => server.requests.filter(({ path }) => path.endsWith('/typing')).map(({ body }) => JSON.parse(body).typing);
            for (let i = 0; i < 50; i++) {
                page.chat.typed(true);
                await world.advance(100);
            }
            assert.deepEqual(told(), [true, true]);
            await page.say('done');
            assert.deepEqual(told(), [true, true, false]);
            page.chat.typed(true);
            await world.advance(10_000);
            assert.deepEqual(told(), [true, true, false, true, false]);
        });

        test('the e-mail is kept, and a refusal is told', async () => {
            const { world, page, server } = await talking(variant);
            await page.chat.setEmail('a@example.com');
            assert.equal(page.now.email, 'a@example.com');
            assert.equal((await world.open()).now.email, 'a@example.com');
            server.faults.push((method, path) => path === '/visitors/me' && { status: 400, body: { error: 'That is no address.', code: 'invalid_field' } });
            await assert.rejects(page.chat.setEmail('x'), { message: 'That is no address.' });
            assert.equal(page.now.email, 'a@example.com');
        });
    });
}
