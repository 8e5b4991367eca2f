/* The page that hosts the widget: it can't break the widget, and the widget doesn't touch it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answer, becomes, onlyConversation, transcripts, worldFor } from './browser.mjs';

const world = worldFor();

/** A whole chat, as proof that the widget works where it is. */
async function chats(widget, org) {
    await widget.open();
    await widget.write('question');
    await widget.shows('user: question');
    await widget.delivered('Sent');
    await answer(org, await onlyConversation(org), 'answer');
    await widget.shows('user: question', 'assistant: answer');
    await becomes(() => transcripts(org), [['user: question', 'assistant: answer']], 'what the server has');
}

/** Errors that reach the page itself. */
const NOISE = `<script>window.noise = []; addEventListener('error', (event) => event.message && noise.push(event.message));
    addEventListener('unhandledrejection', ({ reason }) => noise.push(String(reason && reason.stack || reason)));</script>`;
const noise = (widget) => widget.page.evaluate(() => window.noise);

/* ---- Content-Security-Policy --------------------------------------------------------------------------------------- */

test('the strictest policy that lets the server in is enough, and nothing violates it', async (t) => {
    const org = await world.server.org();
    const { host } = new URL(world.server.url);
    const profile = await world.profile(t);
    await profile.context.addInitScript(() => {
        window.__violations = [];
        document.addEventListener('securitypolicyviolation', (event) =>
            window.__violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`),
        );
    });
    const policy = `default-src 'none'; script-src ${host}; connect-src ${host}; img-src ${host}`;
    const policies = [policy, `${policy}; require-trusted-types-for 'script'; trusted-types 'none'; base-uri 'none'; form-action 'none'; sandbox allow-scripts allow-same-origin allow-downloads`];
    for (const header of policies) {
        const own = await world.server.org();
        const url = world.page(own, { embed: 'one', headers: { 'content-security-policy': header } });
        const widget = await profile.tab(url);
        await chats(widget, own);
        await widget.menuButton.click();
        await widget.menu.waitFor();
        await widget.page.keyboard.press('Escape');
        await widget.page.evaluate(() => window.Helvino.close());
        assert.deepEqual(await widget.page.evaluate(() => window.__violations), []);
        await widget.page.close();
    }
    await world.server.cliOk('org', 'update', org.key, '--widget-language', 'ar');
    const widget = await profile.tab(world.page(org, { embed: 'one', headers: { 'content-security-policy': policy } }));
    await widget.open();
    assert.deepEqual(await widget.page.evaluate(() => window.__violations), []);
});

/* ---- hostile pages -------------------------------------------------------------------------------------------------- */

const RESETS = `<style>
    * { all: unset !important; display: none !important; visibility: hidden !important; opacity: 0 !important; font-size: 3px !important }
    *, *::before, *::after { animation: none !important; transition: none !important; pointer-events: none !important }
    html, body { display: block !important; visibility: visible !important; opacity: 1 !important }
    div, span, button, textarea, input, ul, li, section, main, header, footer, form, p, a, svg, path {
        position: static !important; width: 1px !important; height: 1px !important; overflow: hidden !important; float: left !important;
        color: red !important; background: yellow !important; transform: scale(0) !important; z-index: -1 !important; clip-path: inset(50%) !important }
    body > div:empty, div:not([class]), body > :not(main) { display: none !important }
    :root { --color: red; --accent: red; font-size: 4px }
</style>`;

test('global style sheets of the page change nothing of the widget', async (t) => {
    const org = await world.server.org();
    const other = await world.server.org();
    const profile = await world.profile(t);
    const calm = await profile.tab(world.page(other));
    const widget = await profile.tab(world.page(org, { before: RESETS }));
    const looks = async (at) => {
        await at.open();
        return at.measureLooks();
    };
    assert.deepEqual(await looks(widget), await looks(calm));
    await widget.shoot('hostile-css');
    await chats(await reopen(widget), org);
});

async function reopen(widget) {
    await widget.page.reload();
    return widget;
}

const HOSTILE_SCRIPTS = {
    'enumerable additions to the built-in prototypes': () => {
        for (const { prototype } of [Object, Array, String, Function, Number, RegExp, Promise]) {
            prototype.extend = function () {
                return 'extended';
            };
            prototype.each = prototype.extend;
        }
    },
    'a library that gives arrays and strings a toJSON': () => {
        Array.prototype.toJSON = function () {
            return `[${this.join(',')}]`;
        };
        String.prototype.toJSON = function () {
            return `"${this}"`;
        };
        Array.prototype.filter = ((filter) =>
            function (...args) {
                return filter.apply(this, args);
            })(Array.prototype.filter);
        Array.from = (from) => Array.prototype.slice.call(from);
    },
    'an analytics script that wraps fetch and XMLHttpRequest': () => {
        const original = window.fetch;
        window.__calls = [];
        window.fetch = function (input, init) {
            window.__calls.push(String(input.url ?? input));
            return original.call(window, input, { ...init }).then((response) => {
                response.clone().body?.cancel();
                return response;
            });
        };
        XMLHttpRequest.prototype.open = () => {
            throw new Error('no requests here');
        };
    },
    'a polyfill that replaces Promise, timers and observers': () => {
        const Native = window.Promise;
        window.Promise = class ZoneAwarePromise extends Native {
            static get [Symbol.species]() {
                return Native;
            }
        };
        const { setTimeout: later, requestAnimationFrame: frame } = window;
        window.setTimeout = (run, ...rest) => later.call(window, () => run(), ...rest);
        window.requestAnimationFrame = (run) => frame.call(window, (now) => run(now));
        window.queueMicrotask = (run) => void Native.resolve().then(run);
    },
    'a page that overwrites what it does not need': () => {
        Element.prototype.remove = function () {
            this.parentNode.removeChild(this);
            return this;
        };
        console.log = console.info = console.debug = () => {
            throw new Error('quiet');
        };
        window.name = 'frame';
        window.open = () => null;
        window.print = window.stop = null;
        window.$ = window._ = window.h = window.t = window.e = 'taken';
        window.define = Object.assign(() => {}, { amd: {} });
        window.module = { exports: {} };
        window.exports = window.module.exports;
        window.require = () => {
            throw new Error('no such module');
        };
    },
    'missing Web Locks, BroadcastChannel and randomUUID': () => {
        Object.defineProperty(Navigator.prototype, 'locks', { get: () => undefined });
        delete window.BroadcastChannel;
        delete Crypto.prototype.randomUUID;
    },
    'storage that throws on access': () => {
        for (const name of ['localStorage', 'sessionStorage', 'indexedDB']) {
            Object.defineProperty(window, name, {
                get() {
                    throw new DOMException('The operation is insecure.', 'SecurityError');
                },
            });
        }
        Object.defineProperty(Document.prototype, 'cookie', {
            get() {
                throw new DOMException('The operation is insecure.', 'SecurityError');
            },
        });
    },
    'storage that is full': () => {
        Storage.prototype.setItem = () => {
            throw new DOMException('The quota has been exceeded.', 'QuotaExceededError');
        };
    },
    'key handlers of the page that swallow what is typed': () => {
        for (const type of ['keydown', 'keypress', 'keyup']) {
            document.addEventListener(type, (event) => event.key.length === 1 && event.preventDefault());
            window.addEventListener(type, () => {
                throw new Error('a shortcut of the page ran');
            });
        }
    },
};

for (const [name, script] of Object.entries(HOSTILE_SCRIPTS)) {
    test(`the chat works beside ${name}`, async (t) => {
        const org = await world.server.org();
        const widget = await (await world.profile(t)).tab();
        await widget.page.goto(world.page(org, { before: `${NOISE}<script>(${script})();</script>` }));
        await chats(widget, org);
        await widget.input.pressSequentially('typed by hand');
        assert.equal(await widget.input.inputValue(), 'typed by hand');
        assert.deepEqual(await noise(widget), []);
    });
}

test('ids and names of the page that shadow globals are no obstacle', async (t) => {
    const org = await world.server.org();
    const names = ['Helvino', 'helvino', 'helvino-widget', 'HELVINO', 'launcher', 'panel', 'root', 'host', 'widget', 'fetch', 'crypto', 'config'];
    const before =
        NOISE +
        names.map((name) => `<a id="${name}" href="https://shadow.example/${name}"></a><a id="${name}" name="x"></a>`).join('') +
        '<form name="head"><input name="appendChild"><input name="href"></form><img name="scripts"><form id="location"></form>' +
        '<form name="activeElement"></form><img name="title"><form name="body"><input name="append"></form>';
    const widget = await (await world.profile(t)).tab(world.page(org, { before, embed: 'one' }));
    await chats(widget, org);
    assert.deepEqual(await noise(widget), []);
});

test('in a frame without an origin, where every storage really throws, the chat works', async (t) => {
    const org = await world.server.org();
    const inner = world.page(org, { before: NOISE });
    const profile = await world.profile(t);
    const tab = await profile.tab(world.site.put({ embed: 'none', body: `<iframe sandbox="allow-scripts" src="${inner}" width="900" height="700"></iframe>` }));
    const frame = tab.page.frameLocator('iframe');
    await frame.locator('button.launcher').click();
    await frame.locator('textarea').fill('from a frame');
    await frame.locator('textarea').press('Enter');
    await becomes(() => transcripts(org), [['user: from a frame']], 'what the server has');
    await answer(org, await onlyConversation(org), 'into a frame');
    await frame.getByRole('log').getByText('into a frame').waitFor();
    // Such a frame may submit no forms either.
    await frame.locator('textarea').fill('by the button');
    await frame.getByRole('button', { name: 'Send' }).click();
    await becomes(async () => (await transcripts(org))[0].at(-1), 'user: by the button', 'the last message');
    await frame.locator('[aria-haspopup=menu]').click();
    await frame.getByRole('menuitem', { name: 'Forget me' }).click();
    await frame.getByRole('textbox').fill('forget');
    await frame.getByRole('textbox').press('Enter');
    await frame.getByRole('textbox', { name: 'Receipt' }).waitFor();
    assert.deepEqual(await tab.page.frames()[1].evaluate(() => window.noise), []);
});

test('on a plain http page, without randomUUID and Web Locks, the chat works', async (t) => {
    const org = await world.server.org();
    const widget = await (await world.profile(t)).tab(world.page(org, { before: NOISE }).replace('127.0.0.1', 'plain.test'));
    assert.equal(await widget.page.evaluate(() => isSecureContext || 'randomUUID' in crypto || 'locks' in navigator), false);
    await chats(widget, org);
    assert.match(await widget.visitorId(), /^v_[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.deepEqual(await noise(widget), []);
});

test('a page in quirks mode, without a head, with the script first, gets its chat', async (t) => {
    const org = await world.server.org();
    const html = `<script src="${world.server.url}/embed.js" data-org="${org.key}"></script><p>old`;
    const widget = await (await world.profile(t)).tab(world.site.put({ html }));
    await chats(widget, org);
});

test('a page of xhtml gets its chat', async (t) => {
    const org = await world.server.org();
    const html = `<html xmlns="http://www.w3.org/1999/xhtml"><head><title>x</title></head><body><p>strict</p>
        <script src="${world.server.url}/embed.js" data-org="${org.key}" async="async"></script></body></html>`;
    const widget = await (await world.profile(t)).tab(world.site.put({ html, headers: { 'content-type': 'application/xhtml+xml' } }));
    await chats(widget, org);
});

/* ---- what the widget does to the page ---------------------------------------------------------------------------------- */

test('the widget adds one global, touches no prototype, and leaves the page as it was', async (t) => {
    const org = await world.server.org();
    const look = () => {
        const names = (object) => Reflect.ownKeys(object).map(String).sort();
        const prototypes = [Object, Array, String, Promise, Function, Event, Node, Element, HTMLElement, Document, Window, Storage, History];
        return {
            globals: names(window),
            prototypes: prototypes.map(({ prototype }) => names(prototype)),
            page: document.querySelector('main').outerHTML,
            head: document.head.innerHTML,
            attributes: [document.documentElement, document.body].map((element) => [...element.attributes].map(({ name, value }) => `${name}=${value}`)),
            sheets: document.styleSheets.length + document.adoptedStyleSheets.length,
            title: document.title,
            cookie: document.cookie,
            url: location.href.replace(/\d+$/, ''),
            history: history.length,
        };
    };
    const plain = await (await world.profile(t)).tab(world.site.put({ embed: 'none' }));
    const expected = await plain.page.evaluate(look);
    const widget = await (await world.profile(t)).tab(world.page(org, { embed: 'one' }));
    await chats(widget, org);
    const found = await widget.page.evaluate(look);
    assert.deepEqual(
        found.globals.filter((name) => !expected.globals.includes(name)),
        ['Helvino'],
    );
    assert.deepEqual({ ...found, globals: null }, { ...expected, globals: null });
});

test('nothing of the page moves when the widget comes, opens, gets news, and closes', async (t) => {
    const org = await world.server.org();
    const profile = await world.profile(t);
    await profile.context.addInitScript(() => {
        window.__shifts = [];
        const take = (list) =>
            list.getEntries().forEach(({ value, sources }) => {
                const moved = sources.map(({ node }) => node).filter(Boolean); // what moves within the shadow root is null
                window.__shifts.push([value, moved.map(({ nodeName }) => nodeName)]);
            });
        new PerformanceObserver(take).observe({ type: 'layout-shift', buffered: true });
    });
    const body = Array.from({ length: 80 }, (_, line) => `<p>Line ${line} of a page that is longer than the window.</p>`).join('');
    const widget = await profile.tab(world.page(org, { body }));
    const painted = () => widget.page.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(() => done(window.__shifts)))));
    const place = () => widget.page.locator('p').first().boundingBox();
    await widget.launcher.waitFor();
    assert.deepEqual(await painted(), []);
    const before = await place();
    await chats(widget, org);
    assert.deepEqual(await place(), before);
    await widget.page.evaluate(() => window.Helvino.close());
    await widget.input.waitFor({ state: 'hidden' });
    assert.deepEqual(await place(), before);
    assert.deepEqual((await painted()).filter(([, moved]) => moved.length > 0), []);
});

test('the script may be there twice: there is one widget', async (t) => {
    const org = await world.server.org();
    const widget = await (await world.profile(t)).tab(
        world.page(org, { body: `<h1>Twice</h1><script src="${world.server.url}/embed.js" data-org="${org.key}"></script>${NOISE}` }),
    );
    await chats(widget, org);
    assert.equal(await widget.page.locator('button.launcher').count(), 1);
    assert.deepEqual(await noise(widget), []);
});

/** What the page has asked for before is answered: requests of one page to one server come back in about their order. */
async function answered(widget) {
    await widget.page.waitForLoadState('load');
    for (let turn = 0; turn < 3; turn++) await widget.page.evaluate((url) => fetch(url).then((answer) => answer.text()), `${world.server.url}/health`);
}

test('errors stay inside: no key, an unknown organisation, a server that fails or is not there', async (t) => {
    const profile = await world.profile(t);
    profile.expectErrors(/Failed to load resource|net::ERR|blocked by CORS|^console: .*[Hh]elvino/);
    const relay = await world.relay(t);
    const calls = () => {
        for (const name of ['open', 'toggle', 'show', 'hide', 'close', 'destroy']) window.Helvino?.[name]();
        return window.Helvino?.isOpen();
    };
    const pages = {
        'no key': world.site.put({ before: NOISE, html: `<body>${NOISE}<script src="${world.server.url}/embed.js"></script>` }),
        'unknown organisation': world.page({ key: 'nobody-here' }, { before: NOISE }),
        'a key that is none': world.page({ key: '☃ <b>' }, { before: NOISE }),
    };
    for (const [name, url] of Object.entries(pages)) {
        const widget = await profile.tab(url);
        await answered(widget);
        assert.equal(await widget.launcher.isVisible(), false, name);
        await widget.page.evaluate(calls);
        assert.deepEqual(await noise(widget), [], name);
        await widget.page.close();
    }
    const org = await world.server.org();
    for (const rule of ['break', 'refuse']) {
        relay.rule = ({ url }) => (url.startsWith('/embed.js') ? 'pass' : rule);
        const widget = await profile.tab(world.page(org, { base: relay.url, before: NOISE }));
        await becomes(() => relay.requests.some((line) => line.endsWith('/api/bootloader')), true, 'that the server was asked');
        await answered(widget);
        await widget.page.evaluate(calls);
        assert.deepEqual(await noise(widget), [], rule);
        await widget.page.close();
        relay.requests.length = 0;
    }
});

test('an organisation that does not exist is asked for once', async (t) => {
    const profile = await world.profile(t);
    profile.expectErrors(/Failed to load resource/);
    await profile.context.clock.install();
    const widget = await profile.tab(world.page({ key: 'nobody-here' }));
    await becomes(() => profile.requestsTo('/api/bootloader') > 0, true, 'that the server was asked');
    for (let minute = 0; minute < 5; minute++) {
        await answered(widget);
        await profile.context.clock.runFor(60_000);
    }
    await answered(widget);
    assert.equal(profile.requestsTo('/api/bootloader'), 1);
});

/* ---- window.Helvino ---------------------------------------------------------------------------------------------------------- */

test('the page can open, close, toggle, hide and show the chat, and hears what happens', async (t) => {
    const org = await world.server.org();
    const widget = await (await world.profile(t)).tab(world.page(org));
    await widget.launcher.waitFor();
    const call = (name, ...args) => widget.page.evaluate(([method, rest]) => window.Helvino[method](...rest), [name, args]);
    await widget.page.evaluate(() => {
        window.heard = [];
        for (const event of ['open', 'close', 'message', 'sent', 'unread', 'forget']) window.Helvino.on(event, () => window.heard.push(event));
        window.Helvino.on('open', () => {
            throw new Error('a listener of the page that fails');
        });
    });
    const heard = (event) => becomes(() => widget.page.evaluate((name) => window.heard.includes(name), event), true, `the event ${event}`);
    widget.profile.expectErrors(/a listener of the page that fails/);
    assert.equal(await call('isOpen'), false);
    await call('open');
    await widget.input.waitFor();
    assert.equal(await call('isOpen'), true);
    await heard('open');
    await widget.write('hello');
    await heard('sent');
    await answer(org, await onlyConversation(org), 'hi');
    await heard('message');
    await call('toggle');
    await widget.input.waitFor({ state: 'hidden' });
    assert.equal(await call('isOpen'), false);
    await heard('close');
    await answer(org, await onlyConversation(org), 'there?');
    await heard('unread');
    await call('toggle');
    await widget.input.waitFor();
    await call('close');
    await widget.input.waitFor({ state: 'hidden' });
    await call('hide');
    await widget.launcher.waitFor({ state: 'hidden' });
    await call('show');
    await widget.launcher.waitFor();
    await call('identify', { name: 'reserved' });
});

test('what is no listener is taken for none, and no error reaches the page', async (t) => {
    const org = await world.server.org();
    const widget = await (await world.profile(t)).tab(world.page(org));
    await widget.launcher.waitFor();
    await widget.page.evaluate(() => {
        for (const odd of [undefined, null, 7, 'text', {}]) window.Helvino.on('open', odd);
        window.Helvino.open();
    });
    await widget.input.waitFor();
});

test('the focus goes back to the page\'s own button when that one has opened the chat', async (t) => {
    const org = await world.server.org();
    const own = '<button id="own" onclick="Helvino.open()">Talk to us</button>';
    const widget = await (await world.profile(t)).tab(world.page(org, { body: own }));
    await widget.launcher.waitFor();
    const hasFocus = (locator) => becomes(() => locator.evaluate((it) => it.getRootNode().activeElement === it), true, 'the focus');
    for (const opener of [widget.page.locator('#own'), widget.launcher]) {
        await opener.focus();
        await widget.page.keyboard.press('Enter');
        await widget.input.waitFor();
        await hasFocus(widget.input);
        await widget.page.keyboard.press('Escape');
        await widget.input.waitFor({ state: 'hidden' });
        await hasFocus(opener);
    }
});

test('calls that were made before the script had loaded are made once it has', async (t) => {
    const org = await world.server.org();
    const before = `<script>
        window.Helvino = window.Helvino || { q: [] };
        for (const name of ['open', 'close', 'toggle', 'on', 'consent', 'show', 'hide'])
            Helvino[name] ||= (...rest) => void Helvino.q.push([name, ...rest]);
        window.heard = [];
        Helvino.on('ready', () => heard.push('ready'));
        Helvino.consent('session');
        Helvino.open();
    </script>`;
    const widget = await (await world.profile(t)).tab(world.page(org, { before }));
    await widget.input.waitFor();
    await becomes(() => widget.page.evaluate(() => window.heard), ['ready'], 'what the page heard');
    assert.deepEqual((await widget.storage()).local, {});
});

test('destroy leaves no node, no timer, no request and no listener; the script can come again', async (t) => {
    const org = await world.server.org();
    const relay = await world.relay(t);
    const profile = await world.profile(t);
    await profile.context.addInitScript(() => {
        const timers = new Set();
        window.__timers = timers;
        const { setTimeout: later, setInterval: every, clearTimeout: forget } = window;
        window.setTimeout = (run, ...rest) => {
            const id = later(() => (timers.delete(id), run()), ...rest);
            timers.add(id);
            return id;
        };
        window.setInterval = (...all) => {
            const id = every(...all);
            timers.add(id);
            return id;
        };
        window.clearTimeout = window.clearInterval = (id) => (timers.delete(id), forget(id));
        window.__listeners = [];
        const isOurs = () => /embed\.js|\/widget\//.test(new Error().stack); // the test's tool listens too
        for (const target of [window, document]) {
            const [add, remove] = [target.addEventListener, target.removeEventListener];
            const drop = (type) => window.__listeners.splice(window.__listeners.indexOf(type), 1);
            target.addEventListener = function (type, listener, options) {
                if (isOurs()) {
                    window.__listeners.push(type);
                    if (options?.signal) add.call(options.signal, 'abort', () => drop(type));
                }
                return add.call(this, type, listener, options);
            };
            target.removeEventListener = function (type, ...rest) {
                if (isOurs()) drop(type);
                return remove.call(this, type, ...rest);
            };
        }
    });
    const widget = await profile.tab(world.page(org, { base: relay.url, embed: 'none' }));
    const html = () => widget.page.evaluate(() => document.documentElement.outerHTML.replace(/<script[^>]*><\/script>/g, ''));
    const before = await html();
    const include = () => widget.page.addScriptTag({ url: `${relay.url}/embed.js` });
    await widget.page.evaluate((key) => (window.HELVINO_ORG_KEY = key), org.key);
    await include();
    await chats(widget, org);
    await becomes(() => relay.streams.size, 1, 'the number of streams');
    const conversation = await onlyConversation(org);
    const isRead = async () => {
        const { visitorReadSeq, lastMessage } = await org.agent.getOk(`/conversations/${conversation}`);
        return visitorReadSeq === lastMessage.seq;
    };
    await becomes(isRead, true, 'that the answer is read');
    await widget.page.evaluate(() => window.Helvino.destroy());
    assert.equal(await html(), before);
    await becomes(() => relay.streams.size, 0, 'the number of streams');
    const requests = relay.requests.length;
    await becomes(() => widget.page.evaluate(() => window.__timers.size), 0, 'the number of timers');
    await becomes(() => widget.page.evaluate(() => window.__listeners), [], 'the listeners on window and document');
    await answer(org, conversation, 'to nobody');
    await widget.page.evaluate(() => window.dispatchEvent(new Event('online')));
    assert.equal(relay.requests.length, requests);

    await include();
    await widget.unread(1);
    await widget.open();
    await widget.shows('user: question', 'assistant: answer', 'assistant: to nobody');
});

test('the visitor\'s id is in the console only where the page asks for it', async (t) => {
    const org = await world.server.org();
    const profile = await world.profile(t);
    const lines = [];
    profile.context.on('console', (message) => lines.push(message.text()));
    const quiet = await profile.tab(world.page(org));
    await quiet.launcher.waitFor();
    assert.deepEqual(lines, []);
    const loud = await profile.tab(world.page(org, { attributes: 'data-debug' }));
    await loud.launcher.waitFor();
    const key = await loud.visitorId();
    await becomes(() => lines.some((line) => line.includes(key)), true, 'the line in the console');
});
