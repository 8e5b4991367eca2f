/* embed.js: who the visitor is, what is stored, window.Helvino, and a page that must notice none of it. */
import assert from 'node:assert/strict';
import { webcrypto } from 'node:crypto';
import test, { describe } from 'node:test';

import { Backend } from './backend.mjs';
import { Browser, FakeElement, FakeScript } from './browser.mjs';
import { VARIANTS } from './bundle.mjs';
import { Clock, settle } from './clock.mjs';

const ID = 'helvino_visitor_id';
const UUID = /^v_[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/;

class World {
    constructor(variant) {
        this.code = VARIANTS[variant].loader;
        this.clock = new Clock();
        this.server = new Backend(this.clock);
        this.browser = new Browser({ clock: this.clock, fetch: this.server.fetch });
    }
    /** Loads a page that includes the script; `before` may spoil the page first. */
    async open(dataset = { org: 'demo' }, before = () => {}, src = 'http://chat/embed.js') {
        const tab = this.browser.tab();
        const page = new Page(this, tab);
        before(tab.window, tab);
        page.globals = new Set(Object.getOwnPropertyNames(tab.window));
        page.include(dataset, src);
        await settle();
        return page;
    }
    get stored() {
        return Object.keys(this.browser.localStorage);
    }
}

class Page {
    constructor(world, tab) {
        Object.assign(this, { world, tab, log: [], imports: [], chatCalls: [], panelCalls: [], thrown: [] });
        tab.window.console = { log: (...line) => this.log.push(line.join(' ')), warn: (...line) => this.log.push(line.join(' ')), error() {} };
        tab.window.importModule = (url) => this.#import(url);
        tab.window.addEventListener('error', (event) => this.thrown.push(event));
    }
    include(dataset, src) {
        const script = Object.assign(new FakeScript('script'), { src, dataset });
        this.tab.document.currentScript = script;
        this.tab.run(this.world.code);
        this.tab.document.currentScript = null;
    }
    #import(url) {
        this.imports.push(url);
        if (this.failImports) return Promise.reject(new TypeError('offline'));
        return Promise.resolve({ default: url.includes('client') ? (host) => this.#client(host) : (host, chat) => this.#panel(host, chat) });
    }
    #client(host) {
        this.host = host;
        this.chat = { stop: () => this.chatCalls.push('stop'), forget: async () => ({ receipt: 'r1' }) };
        return this.chat;
    }
    async #panel(host, chat) {
        assert.equal(chat, this.chat);
        const call = (name) => () => this.panelCalls.push(name);
        return { show: call('show'), hide: call('hide'), unmount: call('unmount') };
    }
    get api() {
        return this.tab.window.Helvino;
    }
    get element() {
        return this.tab.document.documentElement.children[0];
    }
    get button() {
        return this.element?.shadowRoot.children[0];
    }
    get badge() {
        const [badge] = this.button.children;
        return badge.hidden ? null : badge.textContent;
    }
    get css() {
        return this.element.shadowRoot.adoptedStyleSheets[0].css;
    }
}

for (const variant of Object.keys(VARIANTS)) {
    const requestsOf = ({ server }) => server.requests.map(({ method, path }) => `${method} ${path}`);

    describe(`identity, ${variant}`, () => {
        test('a first visit makes an id, keeps it, and sends it with every request', async () => {
            const world = new World(variant);
            const page = await world.open();
            const id = page.api.visitorId();
            assert.match(id, UUID);
            assert.equal(world.browser.localStorage.getItem(ID), id);
            assert.deepEqual(world.stored, [ID]);
            for (const { headers } of world.server.requests) assert.deepEqual({ ...headers }, { 'x-org-key': 'demo', 'x-visitor-id': id });
            assert.deepEqual(requestsOf(world), ['GET /api/bootloader']);
        });

        test('it is there before the server has answered anything', async () => {
            const world = new World(variant);
            world.server.isDown = true;
            const page = await world.open();
            assert.match(world.browser.localStorage.getItem(ID), UUID);
            assert.equal(page.api.visitorId(), world.browser.localStorage.getItem(ID));
        });

        test('a reload and another tab are the same visitor, another browser is another one', async () => {
            const world = new World(variant);
            const ids = [(await world.open()).api.visitorId(), (await world.open()).api.visitorId()];
            world.browser = new Browser({ clock: world.clock, fetch: world.server.fetch });
            ids.push((await world.open()).api.visitorId());
            assert.equal(ids[0], ids[1]);
            assert.notEqual(ids[0], ids[2]);
        });

        test('the id that an earlier widget has kept stays; one that the server would refuse does not', async () => {
            for (const [stored, isKept] of [['v_0b9c-old.one_7', true], ['', false], ['x', false], ['v_ä', false], [`v_${'a'.repeat(79)}`, false]]) {
                const world = new World(variant);
                world.browser.localStorage.setItem(ID, stored);
                const id = (await world.open()).api.visitorId();
                if (isKept) assert.equal(id, stored);
                else assert.match(id, UUID);
            }
        });

        test('without randomUUID, without crypto, and with a crypto that throws it is as random', async () => {
            const bare = { getRandomValues: (bytes) => webcrypto.getRandomValues(bytes) };
            const broken = { getRandomValues: () => assert.fail() };
            for (const instead of [bare, undefined, broken]) {
                const world = new World(variant);
                world.browser.random = Math.random;
                const tab = world.browser.tab();
                tab.window.crypto = instead;
                const { uuid } = tab.load(VARIANTS[variant].uuid);
                const made = Array.from({ length: 500 }, () => `v_${uuid()}`);
                made.forEach((id) => assert.match(id, UUID));
                assert.equal(new Set(made).size, 500);
            }
        });

        for (const [what, spoil] of [
            ['that throws when it is asked for', (window) => Object.defineProperty(window, 'localStorage', { get: () => assert.fail() })],
            ['that is null', (window) => (window.localStorage = null)],
            ['whose getItem throws', (window) => (window.localStorage = { getItem: () => assert.fail(), setItem() {}, removeItem() {} })],
            ['that is full', (window, tab) => (tab.browser.localStorage.setItem = () => assert.fail(), (window.localStorage = { getItem: () => null, setItem: () => assert.fail() }))],
        ]) {
            test(`storage ${what}: the id is kept in memory`, async () => {
                const world = new World(variant);
                const page = await world.open(undefined, spoil);
                assert.match(page.api.visitorId(), UUID);
                assert.equal(page.api.visitorId(), page.api.visitorId());
                assert.equal(world.server.requests[0].headers['x-visitor-id'], page.api.visitorId());
                assert.ok(page.button);
            });
        }

        test('the console tells it with data-debug, and nothing without', async () => {
            const world = new World(variant);
            assert.deepEqual((await world.open()).log, []);
            const page = await world.open({ org: 'demo', debug: '' });
            assert.deepEqual(page.log, [`Helvino visitor ${page.api.visitorId()}`]);
        });

        test('after another tab has forgotten the visitor, this one is another visitor too', async () => {
            const world = new World(variant);
            const [first, second] = [await world.open(), await world.open()];
            const id = first.api.visitorId();
            world.browser.localStorage.removeItem(ID);
            assert.notEqual(second.api.visitorId(), id);
            assert.equal(first.api.visitorId(), second.api.visitorId());
        });
    });

    describe(`consent, ${variant}`, () => {
        test('it says where the id is: nowhere, in this tab, in this browser', async () => {
            for (const [consent, local, session] of [['none', 0, 0], ['session', 0, 1], ['persistent', 1, 0], [undefined, 1, 0], ['anything else', 0, 0]]) {
                const world = new World(variant);
                const page = await world.open({ org: 'demo', ...(consent && { consent }) });
                assert.match(page.api.visitorId(), UUID);
                assert.equal(page.api.visitorId(), page.api.visitorId());
                assert.deepEqual([world.stored.length, Object.keys(page.tab.session).length], [local, session], `${consent}`);
            }
        });

        test('it can be set before the script: by a global, and by a queued call', async () => {
            for (const before of [(window) => (window.HELVINO_CONSENT = 'none'), (window) => (window.Helvino = { q: [['consent', 'none']] })]) {
                const world = new World(variant);
                const page = await world.open(undefined, before);
                assert.equal(page.api.consent(), 'none');
                assert.deepEqual(world.stored, []);
            }
        });

        test('changing it moves the id, and everything else of ours, and nothing that isn’t', async () => {
            const world = new World(variant);
            world.browser.localStorage.setItem('theirs', '1');
            const page = await world.open();
            const id = page.api.visitorId();
            world.browser.localStorage.setItem('helvino_sound', 'off');
            for (const [level, local, session] of [
                ['session', ['theirs'], [ID, 'helvino_sound']],
                ['none', ['theirs'], []],
                ['persistent', ['theirs', ID, 'helvino_sound'], []],
            ]) {
                assert.equal(page.api.consent(level), level);
                assert.equal(page.api.visitorId(), id);
                assert.deepEqual(world.stored, local, level);
                assert.deepEqual(Object.keys(page.tab.session), session, level);
            }
        });

        test('an earlier visitor is recognised when consent comes after the page has loaded with "none"', async () => {
            const world = new World(variant);
            const id = (await world.open()).api.visitorId();
            const page = await world.open({ org: 'demo', consent: 'none' });
            assert.notEqual(page.api.visitorId(), id);
            assert.notEqual(world.server.requests.at(-1).headers['x-visitor-id'], id);
            page.api.consent('persistent');
            await settle();
            assert.equal(page.api.visitorId(), id);
            assert.equal(world.server.requests.at(-1).headers['x-visitor-id'], id);
        });

        test('but a visitor who has used the chat by then keeps the new id', async () => {
            const world = new World(variant);
            await world.open();
            const page = await world.open({ org: 'demo', consent: 'none' });
            const id = page.api.visitorId();
            page.api.open();
            await settle();
            page.api.consent('persistent');
            assert.equal(page.api.visitorId(), id);
            assert.equal(world.browser.localStorage.getItem(ID), id);
        });

        test('who listens to changes is told of them', async () => {
            const page = await new World(variant).open();
            page.api.open();
            await settle();
            let changes = 0;
            const off = page.host.onChange(() => changes++);
            page.api.consent('session');
            page.api.consent('session');
            off();
            page.api.consent('none');
            assert.equal(changes, 1);
        });
    });

    describe(`beginning, ${variant}`, () => {
        test('it finds its server from its own address, also below a path', async () => {
            for (const [src, base] of [
                ['https://chat.example.com/embed.js', 'https://chat.example.com'],
                ['https://example.com/chat/embed.js?v=1#x/y', 'https://example.com/chat'],
            ]) {
                const world = new World(variant);
                const asked = [];
                world.browser.network = async (url) => (asked.push(url), Response.json(world.server.boot()));
                await world.open(undefined, undefined, src);
                assert.deepEqual(asked, [`${base}/api/bootloader`]);
            }
        });

        test('a server that is away is asked again, less and less often, and the page hears nothing', async () => {
            const world = new World(variant);
            world.server.isDown = true;
            const page = await world.open();
            await world.clock.advance(600_000);
            const attempts = world.server.requests.length;
            assert.ok(attempts > 10 && attempts < 30, `${attempts} attempts in ten minutes`);
            assert.equal(page.element, undefined);
            assert.deepEqual([page.log, page.thrown], [[], []]);
            world.server.isDown = false;
            await world.clock.advance(60_000);
            assert.ok(page.button);
        });

        test('an unknown organisation is as quiet, and is asked for once', async () => {
            for (const [status, isFinal] of [[400, true], [401, true], [404, true], [408, false], [429, false], [503, false]]) {
                const world = new World(variant);
                world.server.faults.push(() => ({ status }));
                const page = await world.open({ org: 'nobody' });
                await world.clock.advance(60_000);
                assert.deepEqual([page.element, page.log, page.thrown], [undefined, [], []]);
                assert.equal(world.server.requests.length === 1, isFinal, `after ${status}`);
            }
        });

        test('the organisation’s key may come from a global', async () => {
            const world = new World(variant);
            await world.open({}, (window) => (window.HELVINO_ORG_KEY = 'acme'));
            assert.equal(world.server.requests[0].headers['x-org-key'], 'acme');
        });

        test('a visit is counted once when the organisation wants that, and never without consent', async () => {
            for (const [countVisits, consent, counted] of [[true, 'persistent', 1], [true, 'session', 1], [true, 'none', 0], [false, 'persistent', 0]]) {
                const world = new World(variant);
                world.server.bootMore = { config: { ...world.server.boot().config, countVisits } };
                await world.open({ org: 'demo', consent });
                await world.clock.advance(60_000);
                assert.equal(world.server.count('POST', '/visitors/me'), counted, `${countVisits} ${consent}`);
            }
        });

        test('nothing appears and nobody is made known where the organisation has switched it off, whatever the page calls', async () => {
            const world = new World(variant);
            world.server.bootMore = { config: { ...world.server.boot().config, enabled: false, countVisits: true, visitorCookie: true } };
            const page = await world.open();
            page.api.open();
            page.api.on('ready', () => page.thrown.push('ready'));
            await world.clock.advance(60_000);
            assert.equal(page.element, undefined);
            assert.deepEqual(page.thrown, []);
            assert.deepEqual(world.server.requests.map(({ method, path }) => `${method} ${path}`), ['GET /api/bootloader']);
        });

        describe('with a cookie', () => {
            async function open(consent = 'persistent', known) {
                const world = new World(variant);
                world.server.bootMore = { config: { ...world.server.boot().config, visitorCookie: true } };
                world.cookies = [];
                world.browser.network = async (url, init, tab) => {
                    if (!url.endsWith('/cookie')) return world.server.fetch(url, init, tab);
                    world.cookies.push(init);
                    return Response.json({ visitorId: 'v_from-the-cookie', stored: 'cookie' });
                };
                if (known) world.browser.localStorage.setItem(ID, known);
                return { world, page: await world.open({ org: 'demo', consent }) };
            }
            test('a visitor whose storage was emptied is recognised by it', async () => {
                const { world, page } = await open();
                assert.equal(page.api.visitorId(), 'v_from-the-cookie');
                assert.equal(world.browser.localStorage.getItem(ID), 'v_from-the-cookie');
                assert.deepEqual([world.cookies.length, world.cookies[0].method, world.cookies[0].credentials], [1, 'POST', 'include']);
                assert.equal(world.server.requests.at(-1).headers['x-visitor-id'], 'v_from-the-cookie');
            });
            test('a visitor who is known in this browser stays the same', async () => {
                const { world, page } = await open('persistent', 'v_mine');
                assert.equal(page.api.visitorId(), 'v_mine');
                assert.equal(world.cookies.length, 1);
            });
            test('there is none without consent', async () => {
                for (const consent of ['none', 'session']) assert.equal((await open(consent)).world.cookies.length, 0);
            });
        });
    });

    describe(`launcher, ${variant}`, () => {
        const withConfig = async (config, more = {}) => {
            const world = new World(variant);
            world.server.bootMore = { ...more, config: { ...world.server.boot().config, ...config } };
            return world.open();
        };

        test('it is a labelled button in a shadow root at the root of the page', async () => {
            const page = await new World(variant).open();
            assert.equal(page.element.tagName, 'HELVINO-WIDGET');
            assert.deepEqual([page.button.tagName, page.button.className], ['BUTTON', 'launcher']);
            assert.deepEqual(page.button.attributes, { 'aria-label': 'Chat', 'aria-expanded': 'false' });
        });

        test('position and language come from the organisation', async () => {
            assert.match((await withConfig({ position: 'left' })).css, /[;{]left:/);
            assert.match((await withConfig({ position: 'right' })).css, /[;{]right:max/);
            assert.equal((await withConfig({ language: 'tr' })).button.attributes['aria-label'], 'Sohbet');
        });

        test('what is written on the colour stands out, whatever the colour', async () => {
            const linear = (part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
            const luminance = (hex) => [0.2126, 0.7152, 0.0722].reduce((sum, weight, at) => sum + weight * linear(parseInt(hex.slice(2 * at + 1, 2 * at + 3), 16) / 255), 0);
            for (const color of ['#000000', '#ffffff', '#2563eb', '#ffcc00', '#767676', '#777777', '#ff0000', '#00ff00', '#0000ff', '#8a7f3c']) {
                const { css } = await withConfig({ color });
                const on = /--helvino-on-color:(#\w+)/.exec(css)[1] === '#000' ? 0 : 1;
                const [low, high] = [on, luminance(color)].sort((a, b) => a - b);
                assert.ok((high + 0.05) / (low + 0.05) >= 4.5, color);
            }
        });

        test('the badge tells how many are unread, also to who can’t see it', async () => {
            const page = await withConfig({}, { visitor: { conversationCount: 1, unreadCount: 2 } });
            assert.deepEqual([page.badge, page.button.attributes['aria-label']], ['2', 'Chat, 2']);
            assert.equal(page.button.children[0].attributes['aria-hidden'], 'true');
            page.api.open();
            assert.equal(page.badge, null, 'it is hidden while the panel is open');
            page.api.close();
            assert.equal(page.badge, '2');
            page.host.showUnread(0);
            assert.deepEqual([page.badge, page.button.attributes['aria-label']], [null, 'Chat']);
        });

        test('it can be hidden and shown, also before it is there', async () => {
            const world = new World(variant);
            const page = await world.open(undefined, (window) => (window.Helvino = { q: [['hide']] }));
            assert.equal(page.button.hidden, true);
            page.api.show();
            assert.equal(page.button.hidden, false);
        });

        for (const intent of ['pointerenter', 'focus', 'click']) {
            test(`${intent} loads the client and the panel, once`, async () => {
                const page = await new World(variant).open();
                assert.deepEqual(page.imports, []);
                page.button.happen(intent);
                page.button.happen(intent);
                await settle();
                assert.deepEqual(page.imports.sort(), ['http://chat/widget/client-0.js', 'http://chat/widget/panel-0.js']);
            });
        }

        test('unread news load both; conversations, or something to send, load the client', async () => {
            const unread = await withConfig({}, { visitor: { conversationCount: 1, unreadCount: 1 } });
            const returning = await withConfig({}, { visitor: { conversationCount: 1, unreadCount: 0 } });
            const fresh = await withConfig({}, { visitor: { conversationCount: 0, unreadCount: 0 } });
            const world = new World(variant);
            world.browser.localStorage.setItem('helvino_out:demo:x', '{}');
            const sending = await world.open();
            for (const page of [unread, returning, fresh, sending]) await page.world.clock.advance(5_000);
            assert.deepEqual([unread, returning, fresh, sending].map(({ imports }) => imports.length), [2, 1, 0, 1]);
        });

        test('what another tab begins to send loads the client, nothing else that is stored does', async () => {
            const world = new World(variant);
            const page = await world.open();
            const other = world.browser.tab();
            other.window.localStorage.setItem('helvino_draft', 'Hel');
            await settle();
            assert.deepEqual(page.imports, []);
            other.window.localStorage.setItem('helvino_out:demo:1', '{}');
            await settle();
            assert.deepEqual(page.imports, ['http://chat/widget/client-0.js']);
        });

        test('what could not be loaded is loaded later, and then opened if that is still wanted', async () => {
            const page = await new World(variant).open();
            page.failImports = true;
            page.api.open();
            await page.world.clock.advance(10_000);
            assert.deepEqual(page.panelCalls, []);
            page.failImports = false;
            await page.world.clock.advance(30_000);
            assert.deepEqual(page.panelCalls, ['show']);
            assert.match(page.imports.at(-1), /\?\d+$/); // browsers may remember a failed module by its address
        });

        test('its work at load lies between marks', async () => {
            const page = await new World(variant).open();
            assert.deepEqual(page.tab.marks, ['helvino:start', 'helvino:end', 'helvino:start', 'helvino:end']);
        });
    });

    describe(`window.Helvino, ${variant}`, () => {
        test('open, close, toggle and isOpen, with events', async () => {
            const page = await new World(variant).open();
            const heard = [];
            for (const event of ['open', 'close']) page.api.on(event, () => heard.push(event));
            page.api.open();
            page.api.open();
            assert.equal(page.api.isOpen(), true);
            await settle();
            page.api.toggle();
            page.button.happen('click');
            page.host.close();
            assert.equal(page.api.isOpen(), false);
            assert.deepEqual(heard, ['open', 'close', 'open', 'close']);
            assert.deepEqual(page.panelCalls, ['show', 'hide', 'show', 'hide']);
            assert.equal(page.button.attributes['aria-expanded'], 'false');
        });

        test('closing gives the focus back to the launcher when it was in the widget, and only then', async () => {
            const page = await new World(variant).open();
            const { shadowRoot } = page.element;
            for (const [active, expected] of [[page.button, page.button], [null, null]]) {
                page.api.open();
                await settle();
                shadowRoot.activeElement = active;
                page.api.close();
                assert.equal(shadowRoot.activeElement, expected);
            }
        });

        test('on() gives what ends it, and tells who comes late that it is ready', async () => {
            const page = await new World(variant).open();
            const heard = [];
            const off = page.api.on('message', (detail) => heard.push(detail));
            page.api.on('ready', () => heard.push('ready'));
            page.api.open();
            await settle();
            page.host.emit('message', 'one');
            off();
            page.host.emit('message', 'two');
            assert.deepEqual(heard, ['ready', 'one']);
        });

        test('calls from before are made up for, in their order, and q goes on taking calls', async () => {
            const world = new World(variant);
            const heard = [];
            const stub = { q: [] };
            // as pages write it: methods that push their arguments
            for (const name of ['on', 'open']) {
                stub[name] = function () {
                    stub.q.push([name, ...arguments]);
                };
            }
            stub.on('ready', () => heard.push('ready'));
            stub.on('open', () => heard.push('open'));
            stub.open();
            stub.q.push(['nonsense'], ['identify', { name: 'x' }], 7, null);
            const page = await world.open(undefined, (window) => (window.Helvino = stub));
            assert.deepEqual(heard, ['open', 'ready']);
            assert.equal(page.api, stub, 'who kept the stub has the real thing');
            assert.deepEqual(page.panelCalls, ['show']);
            stub.q.push(['close']);
            assert.equal(stub.isOpen(), false);
        });

        test('including the script twice is as including it once', async () => {
            const page = await new World(variant).open();
            const { api } = page;
            page.include({ org: 'other' }, 'http://chat/embed.js');
            await settle();
            assert.equal(page.api, api);
            assert.equal(page.tab.document.documentElement.children.length, 1);
            assert.equal(page.world.server.requests.length, 1);
        });

        test('it adds no other global', async () => {
            const page = await new World(variant).open();
            page.api.open();
            await settle();
            const added = Object.getOwnPropertyNames(page.tab.window).filter((name) => !page.globals.has(name));
            assert.deepEqual(added, ['Helvino']);
        });

        test('destroy() removes everything, and the script can be included again', async () => {
            const page = await new World(variant).open();
            const { api } = page;
            const heard = [];
            api.on('open', () => heard.push('open'));
            api.open();
            await settle();
            api.destroy();
            assert.deepEqual([page.api, page.element], [undefined, undefined]);
            assert.deepEqual([page.panelCalls.at(-1), page.chatCalls], ['unmount', ['stop']]);
            const before = page.world.server.requests.length;
            assert.equal(api.open(), undefined);
            await page.world.clock.advance(300_000);
            assert.deepEqual([heard.length, page.world.server.requests.length], [1, before]);
            page.include({ org: 'demo' }, 'http://chat/embed.js');
            await settle();
            assert.ok(page.button);
        });

        test('destroy() before the server has answered leaves nothing behind', async () => {
            const world = new World(variant);
            world.server.isDown = true;
            const page = await world.open();
            page.api.open();
            page.api.destroy();
            world.server.isDown = false;
            await world.clock.advance(300_000);
            assert.deepEqual([typeof page.element, page.panelCalls, typeof page.host], ['undefined', [], 'undefined']);
        });

        test('forget() gives the receipt, or null', async () => {
            const page = await new World(variant).open();
            assert.equal((await page.api.forget()).receipt, 'r1');
            page.chat.forget = async () => Promise.reject(new Error('offline'));
            assert.equal(await page.api.forget(), null);
        });

        test('forgetting removes what is ours and nothing else', async () => {
            const world = new World(variant);
            world.browser.localStorage.setItem('theirs', '1');
            const page = await world.open();
            page.api.open();
            await settle();
            page.host.keep.set('helvino_sound', 'off');
            page.host.forgetLocally();
            assert.deepEqual(world.stored, ['theirs']);
        });

        test('nothing is thrown into the page, whatever it gives or has broken', async () => {
            const world = new World(variant);
            const page = await world.open();
            for (const given of [undefined, null, 7, 'x', {}, [], () => assert.fail()]) {
                for (const name of ['open', 'close', 'toggle', 'isOpen', 'show', 'hide', 'on', 'consent', 'visitorId', 'identify']) page.api[name](given, given);
                page.api.q.push(given);
            }
            for (const break_ of [
                (window) => (window.fetch = () => assert.fail()),
                (window) => delete window.CSSStyleSheet,
                (window) => delete window.performance,
                (window, { document }) => (document.createElement = () => assert.fail()),
                (window) => (window.Helvino = 7),
                (window) => (window.Helvino = null),
                (window) => (window.Helvino = 'x'),
                (window) => (window.navigator = {}),
                (window) => window.eval?.('Array.prototype.filter = Array.prototype.forEach = () => { throw 1; }; Object.keys = () => { throw 1; };'),
            ]) {
                await world.open(undefined, break_);
                await world.clock.advance(10_000);
            }
        });

        test('an image of the name currentScript is not taken for the script', async () => {
            const world = new World(variant);
            const tab = world.browser.tab();
            tab.document.currentScript = Object.assign(new FakeElement('img'), { src: 'https://evil.example/embed.js', dataset: { org: 'demo' } });
            tab.run(world.code);
            await settle();
            assert.deepEqual([tab.window.Helvino, world.server.requests], [undefined, []]);
        });
    });

    describe(`what else there is, ${variant}`, () => {
        const world = () => new World(variant).browser.tab();

        test('the language is the organisation’s, else the first of the browser’s that we speak', () => {
            const { chooseLanguage } = world().load(VARIANTS[variant].language);
            for (const [setting, wanted, chosen] of [
                ['auto', ['de-CH', 'fr'], 'de'],
                ['auto', ['ja', 'ar-EG'], 'ar'],
                ['auto', ['ja'], 'en'],
                ['auto', [], 'en'],
                ['auto', ['ES'], 'es'],
                ['auto', ['est', 'tr'], 'tr'],
                ['fr', ['de'], 'fr'],
            ]) {
                assert.equal(chooseLanguage(setting, wanted), chosen, `${setting} ${wanted}`);
            }
        });

        test('an export of several pages is one document, with cut conversations whole', async () => {
            const { exportData } = world().load(VARIANTS[variant].exporting);
            const pages = [
                { visitor: { id: 'v' }, conversations: [{ id: 'a', messages: [1] }, { id: 'b', messages: [2] }], next: 'x y' },
                { visitor: { id: 'v' }, conversations: [{ id: 'b', messages: [3] }, { id: 'c', messages: [] }], next: 'z' },
                { visitor: { id: 'v' }, conversations: [{ id: 'c', messages: [4] }], next: null },
            ];
            const asked = [];
            const blob = await exportData(async (method, path) => (asked.push(path), pages[asked.length - 1]));
            assert.deepEqual(asked, ['/visitors/me/export', '/visitors/me/export?after=x%20y', '/visitors/me/export?after=z']);
            assert.equal(blob.type, 'application/json');
            assert.deepEqual(JSON.parse(await blob.text()), {
                visitor: { id: 'v' },
                conversations: [{ id: 'a', messages: [1] }, { id: 'b', messages: [2, 3] }, { id: 'c', messages: [4] }],
                next: null,
            });
        });
    });
}
