/* Many tabs of one browser: one stream, one sender, the same to be seen in all, and one tone. */
import assert from 'node:assert/strict';
import test, { describe } from 'node:test';

import { VARIANTS } from './bundle.mjs';
import { settle } from './clock.mjs';
import { World } from './pages.mjs';

async function tabs(variant, count, options) {
    const world = new World(variant);
    const pages = [];
    for (let i = 0; i < count; i++) pages.push(await world.open(options));
    return { world, pages, server: world.server, key: pages[0].key };
}

const leaderOf = ({ browser }, pages) => pages.find(({ tab }) => tab === browser.locks.holder('helvino:'));
const othersOf = (world, pages) => pages.filter((page) => page !== leaderOf(world, pages));
const streamsOf = ({ server }) => server.requests.filter(({ path }) => path === '/stream');

function assertAllShow(pages, texts) {
    for (const page of pages) assert.deepEqual(page.texts, texts);
}

for (const variant of Object.keys(VARIANTS)) {
    describe(`tabs, ${variant}`, () => {
        test('twelve tabs have one stream, and show the same', async () => {
            const { world, pages, server, key } = await tabs(variant, 12);
            await pages[7].say('Hello from the eighth');
            server.answer(key, 'Hi!');
            server.read(key);
            server.type(key, true);
            await settle();
            assert.equal(streamsOf(world).length, 1);
            assertAllShow(pages, ['Hello from the eighth', 'Hi!']);
            for (const page of pages) {
                assert.deepEqual(page.deliveries, ['seen', null]);
                assert.deepEqual([page.now.typing, page.now.connection], [true, 'live']);
                assert.deepEqual(page.emitted('message').map(({ content }) => content), ['Hi!']);
            }
        });

        test('all write at once: each message arrives once, those of one tab in its order', async () => {
            const { pages, server, key } = await tabs(variant, 5);
            await pages[0].say('start');
            for (const round of [1, 2, 3]) pages.forEach((page, index) => page.chat.send(`${index}.${round}`));
            await settle();
            await settle();
            const said = server.said(key);
            assert.equal(said.length, 16);
            assert.equal(new Set(said).size, 16);
            for (const index of [0, 1, 2, 3, 4]) {
                assert.deepEqual(said.filter((text) => text.startsWith(`${index}.`)), [1, 2, 3].map((round) => `${index}.${round}`));
            }
            assert.equal(server.conversations.size, 1);
            assertAllShow(pages, said);
        });

        test('only the leader sends', async () => {
            const { world, pages, server } = await tabs(variant, 4);
            await othersOf(world, pages)[1].say('Hello');
            const senders = new Set(server.requests.filter(({ method, path }) => method === 'POST' && path.startsWith('/conversations')).map(({ tab }) => tab));
            assert.deepEqual([...senders], [leaderOf(world, pages).tab]);
        });

        test('when the leader closes, another goes on where it was: no gap, nothing twice', async () => {
            const { world, pages, server, key } = await tabs(variant, 4);
            await pages[0].say('Hello');
            for (let round = 1; round <= 3; round++) {
                const leader = leaderOf(world, pages);
                pages.splice(pages.indexOf(leader), 1);
                await leader.close();
                server.answer(key, `after leader ${round}`);
                await settle();
                assert.equal(server.streams.size, 1);
                assert.notEqual(streamsOf(world).at(-1).headers['last-event-id'], undefined);
            }
            assertAllShow(pages, ['Hello', 'after leader 1', 'after leader 2', 'after leader 3']);
            assert.equal(pages[0].emitted('message').length, 3);
        });

        test('what the leader had not sent yet is sent by the next one', async () => {
            const { world, pages, server, key } = await tabs(variant, 3);
            await pages[0].say('Hello');
            server.isDown = true;
            server.cut();
            const [writer] = othersOf(world, pages);
            await writer.say('written in another tab');
            await leaderOf(world, pages).say('written in the leader');
            const leader = leaderOf(world, pages);
            pages.splice(pages.indexOf(leader), 1);
            await leader.close();
            server.isDown = false;
            await world.advance(60_000);
            assert.deepEqual(server.said(key).sort(), ['Hello', 'written in another tab', 'written in the leader']);
            assertAllShow(pages, server.said(key));
        });

        test('a leader that the system put to sleep is replaced, and follows when it wakes up', async () => {
            const { world, pages, server, key } = await tabs(variant, 2);
            await pages[0].say('Hello');
            const sleeper = leaderOf(world, pages);
            const other = othersOf(world, pages)[0];
            sleeper.tab.setVisible(false);
            sleeper.tab.sleep();
            await world.advance(70_000);
            assert.equal(leaderOf(world, pages), other);
            server.answer(key, 'are you there?');
            await settle();
            assert.deepEqual(other.texts, ['Hello', 'are you there?']);
            await other.say('yes');
            assert.deepEqual(server.said(key), ['Hello', 'are you there?', 'yes']);
        });

        test('a leader that is awake keeps its place', async () => {
            const { world, pages } = await tabs(variant, 3);
            const leader = leaderOf(world, pages);
            leader.tab.setVisible(false);
            await world.advance(600_000);
            assert.equal(leaderOf(world, pages), leader);
        });

        test('a tab that is opened later shows what the others show', async () => {
            const { world, pages, server, key } = await tabs(variant, 2);
            await pages[0].say('Hello');
            server.answer(key, 'Hi!');
            await settle();
            pages.push(await world.open());
            server.answer(key, 'And you?');
            await settle();
            assertAllShow(pages, ['Hello', 'Hi!', 'And you?']);
        });

        test('what one tab reads is read in all', async () => {
            const { world, pages, server, key } = await tabs(variant, 3, { shown: false });
            pages[0].chat.setShown(true);
            await pages[0].say('Hello');
            pages[0].chat.setShown(false);
            server.answer(key, 'Hi!');
            await settle();
            assert.deepEqual(pages.map(({ host }) => host.unread), [1, 1, 1]);
            pages[2].chat.setShown(true);
            await world.advance(1_000);
            assert.deepEqual(pages.map(({ host }) => host.unread), [0, 0, 0]);
        });

        test('polling by the leader reaches all tabs', async () => {
            const { world, pages, server, key } = await tabs(variant, 3);
            await pages[0].say('Hello');
            server.swallows = true;
            server.cut();
            await world.advance(25_000);
            server.answer(key, 'by polling');
            await world.advance(5_000);
            assertAllShow(pages, ['Hello', 'by polling']);
            for (const page of pages) assert.equal(page.now.connection, 'polling');
        });

        test('news rings once, in hidden tabs the title tells it too, and both end when they are looked at', async () => {
            const { world, pages, server, key } = await tabs(variant, 6);
            await pages[0].say('Hello');
            for (const { tab } of pages) tab.setVisible(false);
            server.answer(key, 'one');
            server.answer(key, 'two');
            await world.advance(1_000);
            assert.equal(pages.reduce((sum, { tab }) => sum + tab.tones, 0), 1);
            for (const { tab } of pages) assert.equal(tab.document.title, '(2) A page');
            pages[3].tab.setVisible(true);
            await world.advance(1_000);
            for (const { tab } of pages) assert.equal(tab.document.title, 'A page');
        });

        test('nothing rings while one tab is looked at, or when sound is off', async () => {
            const { world, pages, server, key } = await tabs(variant, 3);
            await pages[0].say('Hello');
            pages[0].tab.setVisible(false);
            pages[1].tab.setVisible(false);
            server.answer(key, 'seen in the third');
            await world.advance(5_000);
            pages[2].tab.setVisible(false);
            pages[1].chat.setSound(false);
            server.answer(key, 'in silence');
            await world.advance(5_000);
            assert.equal(pages.reduce((sum, { tab }) => sum + tab.tones, 0), 0);
            assert.equal(pages[0].tab.document.title, '(1) A page');
            pages[1].chat.setSound(true);
            server.answer(key, 'aloud');
            await world.advance(5_000);
            assert.equal(pages.reduce((sum, { tab }) => sum + tab.tones, 0), 1);
        });

        test('a tab that nobody has touched may not ring, so another one does', async () => {
            const { world, pages, server, key } = await tabs(variant, 3);
            await pages[0].say('Hello');
            for (const { tab } of pages) {
                tab.setVisible(false);
                tab.window.navigator.userActivation.hasBeenActive = tab === pages[2].tab;
            }
            server.answer(key, 'ring');
            await world.advance(5_000);
            assert.deepEqual(pages.map(({ tab }) => tab.tones), [0, 0, 1]);
        });

        test('the page’s own title is left as it is', async () => {
            const { world, pages, server, key } = await tabs(variant, 1);
            const [{ tab }] = pages;
            await pages[0].say('Hello');
            tab.document.title = '(7) Inbox';
            tab.setVisible(false);
            server.answer(key, 'one');
            await world.advance(1_000);
            assert.equal(tab.document.title, '(1) (7) Inbox');
            tab.document.title = '(8) Inbox';
            tab.setVisible(true);
            await settle();
            assert.equal(tab.document.title, '(8) Inbox');
        });

        test('the visitor’s key is in no name that other code could see', async () => {
            const { world, key } = await tabs(variant, 2);
            for (const name of world.browser.channelNames) assert.ok(!name.includes(key) && !name.includes(key.slice(2, 10)), name);
        });

        for (const consent of ['session', 'none']) {
            test(`with consent "${consent}" each tab is a visitor of its own`, async () => {
                const { world, pages, server } = await tabs(variant, 2, { consent });
                await pages[0].say('from the first');
                await pages[1].say('from the second');
                assert.deepEqual(pages.map(({ texts }) => texts), [['from the first'], ['from the second']]);
                assert.equal(server.visitors.size, 2);
                assert.equal(world.browser.channelNames.size, 0);
                assert.deepEqual(Object.keys(world.browser.localStorage), []);
            });
        }

        test('without Web Locks each tab has a stream of its own, but only while it is visible', async () => {
            const { world, pages, server, key } = await tabs(variant, 3, { locks: false });
            await pages[0].say('Hello');
            assert.equal(server.streams.size, 3);
            pages[0].tab.setVisible(false);
            pages[1].tab.setVisible(false);
            await settle();
            assert.equal(server.streams.size, 1);
            server.answer(key, 'Hi!');
            await world.advance(31_000);
            assertAllShow(pages, ['Hello', 'Hi!']);
            pages[0].tab.setVisible(true);
            await settle();
            assert.equal(server.streams.size, 2);
            assert.equal(server.said(key).length, 2);
        });

        test('where Web Locks are refused, as in a frame without an origin, a tab is alone', async () => {
            const world = new World(variant);
            const locks = { request: async () => Promise.reject(new DOMException('no origin', 'SecurityError')) };
            const page = await world.open({ before: (tab) => (tab.window.navigator.locks = locks) });
            await page.say('Hello');
            world.server.answer(page.key, 'Hi!');
            await settle();
            assert.deepEqual(page.texts, ['Hello', 'Hi!']);
            page.tab.setVisible(false);
            await settle();
            assert.equal(world.server.streams.size, 0);
        });

        test('who is forgotten is nobody until it writes or opens the panel anew', async () => {
            const { world, pages, server } = await tabs(variant, 1);
            const [page] = pages;
            const show = (shown) => page.chat.setShown((page.host.isShown = shown));
            const forget = async () => {
                show(true);
                await page.say('Hello');
                page.chat.setShown(false); // the menu's page covers the conversation
                await Promise.all([page.chat.forget(), world.advance(1_000)]);
                page.chat.setShown(true);
                await world.advance(1_000);
                assert.equal(server.visitors.size, 0);
            };
            await forget();
            await page.say('I am back');
            assert.equal(server.visitors.size, 1);
            await forget();
            show(false);
            show(true);
            await settle();
            assert.equal(server.visitors.size, 1);
            await forget();
            await page.chat.setEmail('me@shop.example');
            assert.equal(server.visitors.size, 1);
        });

        test('forget me: nothing is left on the server, in storage or in any tab, and nothing comes back', async () => {
            const { world, pages, server, key } = await tabs(variant, 4);
            await pages[0].say('a secret');
            server.answer(key, 'noted');
            server.isDown = true;
            server.cut();
            await othersOf(world, pages)[0].say('never sent');
            server.isDown = false;
            const forgetter = othersOf(world, pages)[1];
            const receipt = await Promise.race([forgetter.chat.forget(), world.advance(30_000).then(() => 'it hangs')]);
            assert.equal(receipt.receipt, 'r1');
            await world.advance(120_000);
            assert.equal(server.visitors.has(key), false);
            assert.equal(server.conversations.size, 0);
            for (const page of pages) {
                assert.deepEqual([page.texts, page.now.conversations, page.now.unread], [[], [], 0]);
                assert.notEqual(page.key, key);
            }
            assert.equal(new Set(pages.map((page) => page.key)).size, 1);
            assert.deepEqual(Object.keys(world.browser.localStorage), ['helvino_visitor_id']);
            assert.deepEqual(forgetter.emitted('forget').map(({ receipt: id }) => id), ['r1']);
            await pages[0].say('Somebody else');
            await world.advance(1_000);
            assertAllShow(pages, ['Somebody else']);
            assert.equal(server.visitors.has(key), false);
        });

        test('forget me that fails forgets nothing, and all tabs go on', async () => {
            const { world, pages, server, key } = await tabs(variant, 3);
            await pages[0].say('Hello');
            server.faults.push((method) => method === 'DELETE' && { status: 503 });
            await Promise.all([assert.rejects(pages[1].chat.forget()), world.advance(45_000)]);
            server.answer(key, 'still here');
            await world.advance(1_000);
            assertAllShow(pages, ['Hello', 'still here']);
            assert.equal(server.streams.size, 1);
        });

        test('forget me lets the leader finish what it sends before anything is erased', async () => {
            const { world, pages, server, key } = await tabs(variant, 2);
            let answer;
            const network = world.browser.network;
            world.browser.network = async (...given) => {
                const [url, { method } = {}] = given;
                if (method === 'POST' && url.endsWith('/conversations')) await new Promise((done) => (answer = done));
                return network(...given);
            };
            leaderOf(world, pages).chat.send('on its way');
            await settle();
            const forgotten = othersOf(world, pages)[0].chat.forget();
            await settle();
            assert.equal(server.count('DELETE', '/visitors/me'), 0);
            answer();
            await settle();
            await forgotten;
            await world.advance(60_000);
            assert.equal(server.visitors.has(key), false);
            assert.equal(server.conversations.size, 0);
        });
    });
}
