/*
 * What every browser test stands on: one Chromium for a test file, a profile (its own storage) for a visitor, a small website of
 * a customer on another port, a relay in front of the server that counts and can misbehave, and the widget as its user meets it:
 * by roles, names and texts, through the shadow root.
 *
 * Nothing sleeps for a fixed time. What a page writes to the console as an error, or throws, fails the test that opened the
 * page, unless the test said that it expects it. The layout of the panel is known to class Widget alone.
 */
import assert from 'node:assert/strict';
import { accessSync, constants, mkdirSync } from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';
import { after, before } from 'node:test';
import { PATIENCE_MS, ROOT, Server, startServer } from '../http/server.mjs';

const require = createRequire(join(ROOT, 'widget/package.json'));
const { chromium } = require('playwright-core');

export const SCREENSHOTS = join(ROOT, 'build/screenshots');
const FLAGS = [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    // A host that is no secure context, as a plain http page on the net isn't one.
    '--host-resolver-rules=MAP plain.test 127.0.0.1',
];

function chromiumPath() {
    const folders = (process.env.PATH ?? '').split(delimiter);
    for (const name of ['chromium', 'chromium-browser', 'google-chrome']) {
        for (const folder of folders) {
            try {
                accessSync(join(folder, name), constants.X_OK);
                return join(folder, name);
            } catch {
                // the next folder
            }
        }
    }
    throw new Error('there is no chromium on PATH');
}

export function launchChromium() {
    return chromium.launch({ executablePath: chromiumPath(), args: FLAGS });
}

/* ---- waiting --------------------------------------------------------------------------------------------------- */

/** Asks until `probe` gives exactly `expected`; else fails and shows how the last answer differs. */
export async function becomes(probe, expected, what) {
    const end = Date.now() + PATIENCE_MS;
    for (;;) {
        let found;
        try {
            found = await probe();
            assert.deepEqual(found, expected);
            return;
        } catch (error) {
            if (Date.now() > end) throw new assert.AssertionError({ message: `${what}: ${error.message}`, actual: found, expected });
        }
        await new Promise((wake) => setTimeout(wake, 20));
    }
}

const endings = new WeakMap();
/** Runs `task` when the test ends, the last that was asked for first: a browser goes before the server that it speaks to. */
function atEnd(t, task) {
    if (!endings.has(t)) {
        const tasks = [];
        endings.set(t, tasks);
        t.after(async () => {
            const errors = [];
            for (const each of tasks.reverse()) await Promise.resolve().then(each).catch((error) => errors.push(error));
            if (errors.length > 0) throw errors[0];
        });
    }
    endings.get(t).push(task);
}

/* ---- one world for a test file ------------------------------------------------------------------------------------ */

/**
 * Call once at the top of a test file. Gives an object whose members are there once the tests run: server (the real
 * binary), site (the customer's website), and makers of profiles and relays, which end with the test they were made for.
 */
export function worldFor({ flags = [] } = {}) {
    const world = new World();
    before(async () => {
        [world.server, world.site, world.browser] = await Promise.all([
            startServer({ flags }),
            new Site().listen(),
            launchChromium(),
        ]);
    });
    after(async () => {
        await world.browser?.close();
        await world.site?.close();
        try {
            if (world.server && !world.server.exited) await world.server.stop();
        } finally {
            world.server?.remove();
        }
    });
    return world;
}

class World {
    /** A browser profile of one visitor; a test that ends with unexpected errors in one fails. */
    async profile(t, options = {}) {
        const context = await this.browser.newContext({ locale: 'en-US', ...options });
        const profile = new Profile(this, context);
        atEnd(t, () => {
            for (const error of profile.unexpectedErrors) t.diagnostic(error);
            return profile.close();
        });
        return profile;
    }

    async relay(t, server = this.server) {
        const relay = await new Relay(server.url).listen();
        atEnd(t, () => relay.close());
        return relay;
    }

    /** A server for one test alone. */
    async ownServer(t, options) {
        const server = await startServer(options);
        atEnd(t, async () => {
            try {
                if (!server.exited) await server.stop();
            } finally {
                server.remove();
            }
        });
        return server;
    }

    /** The same database behind the same port, in a new process. */
    async startAgain(t, server, flags = []) {
        const next = await new Server({ directory: server.directory, listen: [server.url], flags }).ready();
        atEnd(t, async () => {
            if (!next.exited) await next.stop();
        });
        return next;
    }

    /** A page of the customer's website that includes the widget. See Site.put. */
    page(org, options = {}) {
        return this.site.put({ base: this.server.url, org: org?.key, ...options });
    }
}

/* ---- the customer's website ------------------------------------------------------------------------------------------ */

const TWO_LINES = ({ base, org, attributes = '' }) =>
    `<script>window.HELVINO_ORG_KEY = ${JSON.stringify(org)};</script>\n<script src="${base}/embed.js" async ${attributes}></script>`;
const ONE_LINE = ({ base, org, attributes = '' }) =>
    `<script src="${base}/embed.js" data-org="${org}" async ${attributes}></script>`;

export class Site {
    #pages = new Map();
    #count = 0;
    hits = []; // paths that somebody asked for

    async listen() {
        this.server = http.createServer((request, response) => {
            this.hits.push(request.url);
            const page = this.#pages.get(new URL(request.url, 'http://site').pathname);
            if (page) response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', ...page.headers });
            else response.writeHead(request.url === '/favicon.ico' ? 204 : 404);
            response.end(page?.html);
        });
        await new Promise((done) => this.server.listen(0, '127.0.0.1', done));
        this.port = this.server.address().port;
        this.url = `http://127.0.0.1:${this.port}`;
        return this;
    }

    close() {
        this.server.closeAllConnections?.();
        return new Promise((done) => this.server.close(done));
    }

    /**
     * A page, and its URL. `embed` is 'two' (lines), 'one' or 'none'; `before` is HTML in front of it, `body` the page's own
     * content, `attributes` go to the script tag, `headers` to the answer, `html` replaces everything.
     */
    put({ embed = 'two', before: first = '', body = '<h1>A shop</h1><p>Welcome.</p>', headers = {}, html, lang = 'en', ...rest }) {
        const lines = { two: TWO_LINES, one: ONE_LINE, none: () => '' }[embed](rest);
        const whole =
            html ??
            `<!doctype html><html lang="${lang}"><head><meta charset="utf-8">` +
                `<meta name="viewport" content="width=device-width, initial-scale=1"><title>Shop</title></head>` +
                `<body>${first}<main>${body}</main>${lines}</body></html>`;
        const path = `/page-${++this.#count}`;
        this.#pages.set(path, { html: whole, headers });
        return this.url + path;
    }
}

/* ---- between browser and server ---------------------------------------------------------------------------------------- */

/** Passes requests on, writes down which, and knows which streams are open. `rule(request)` may say otherwise:
 *  'break' the connection, 'hang', 'mute' (the answer's head comes, its body doesn't), 'lose' (passed on, then the answer is
 *  lost), 'hold' (passed on, and the answer waits for release()), 'refuse' (with 400). */
export class Relay {
    requests = []; // "GET /stream"
    streams = new Set(); // open ones
    held = []; // answers
    rule = () => 'pass';

    constructor(target) {
        this.target = new URL(target);
    }

    async listen() {
        this.sockets = new Set();
        this.server = http.createServer((request, response) => this.#pass(request, response));
        this.server.on('connection', (socket) => {
            this.sockets.add(socket);
            socket.on('close', () => this.sockets.delete(socket));
        });
        await new Promise((done) => this.server.listen(0, '127.0.0.1', done));
        this.url = `http://127.0.0.1:${this.server.address().port}`;
        return this;
    }

    close() {
        this.cut();
        return new Promise((done) => this.server.close(done));
    }

    /** Breaks every connection that is open now. */
    cut() {
        this.sockets.forEach((socket) => socket.destroy());
    }

    release() {
        this.held.splice(0).forEach((answer) => answer());
    }

    count(what) {
        return this.requests.filter((line) => line.startsWith(what)).length;
    }

    #pass(request, response) {
        const { method, url } = request;
        const rule = this.rule(request);
        this.requests.push(`${method} ${url}`);
        if (rule === 'break') return void request.socket.destroy();
        if (rule === 'hang') return;
        if (rule === 'refuse') return void this.#refuse(request, response);
        if (method === 'GET' && url.startsWith('/stream')) this.#watch(response);
        const options = { method, headers: request.headers, host: this.target.hostname, port: this.target.port, path: url };
        const onward = http.request(options, (answer) => {
            if (rule === 'lose') return void request.socket.destroy();
            if (rule === 'hold') this.held.push(() => this.#answer(response, answer));
            else this.#answer(response, answer, rule === 'mute');
        });
        onward.on('error', () => response.destroy());
        response.on('close', () => onward.destroy());
        request.pipe(onward);
    }

    /** A proxy that buffers mutes: the headers come, the body doesn't. */
    #answer(response, answer, isMute = false) {
        response.writeHead(answer.statusCode, answer.rawHeaders);
        response.flushHeaders();
        if (!isMute) answer.pipe(response);
        answer.on('error', () => response.destroy());
    }

    #refuse(request, response) {
        const { origin } = request.headers;
        request.resume();
        response.writeHead(400, { 'content-type': 'application/json', ...(origin && { 'access-control-allow-origin': origin }) });
        response.end(JSON.stringify({ error: 'Refused for a test.', code: 'bad_request' }));
    }

    #watch(response) {
        this.streams.add(response);
        response.on('close', () => this.streams.delete(response));
    }
}

/* ---- a browser profile ----------------------------------------------------------------------------------------------- */

export class Profile {
    #expected = [];
    #errors = [];

    constructor(world, context) {
        this.world = world;
        this.context = context;
        this.requests = []; // {method, url, type}
        this.dialogs = [];
        context.setDefaultTimeout(PATIENCE_MS);
        context.on('request', (request) =>
            this.requests.push({ method: request.method(), url: request.url(), type: request.resourceType() }),
        );
        context.on('console', (message) => {
            if (message.type() === 'error') this.#errors.push(`console: ${message.text()} ${message.location().url}`);
        });
        context.on('weberror', (error) => this.#errors.push(`thrown: ${error.error().stack ?? error.error()}`));
        context.on('dialog', (dialog) => {
            this.dialogs.push(dialog.message());
            dialog.dismiss().catch(() => {});
        });
    }

    /** Errors that match are part of the test. */
    expectErrors(...patterns) {
        this.#expected.push(...patterns);
    }

    get unexpectedErrors() {
        return this.#errors.filter((text) => !this.#expected.some((pattern) => pattern.test(text)));
    }

    async close() {
        await this.context.close();
        assert.deepEqual(this.unexpectedErrors, [], 'a page reported errors');
        assert.deepEqual(this.dialogs, [], 'a page opened a dialog');
    }

    /** A new tab. Without a URL it stays empty. */
    async tab(url) {
        const page = await this.context.newPage();
        const widget = new Widget(page, this);
        if (url) await page.goto(url);
        return widget;
    }

    /** How many requests went to paths that begin so. */
    requestsTo(path) {
        return this.requests.filter(({ url }) => new URL(url).pathname.startsWith(path)).length;
    }
}

/* ---- the widget as its user meets it ---------------------------------------------------------------------------------------- */

/** One tab with the widget in it. Everything that knows how the widget is built is here. */
export class Widget {
    constructor(page, profile) {
        this.page = page;
        this.profile = profile;
        this.launcher = page.locator('button.launcher');
        this.badge = page.locator('.launcher .badge');
        this.panel = page.getByRole('dialog').first();
        this.log = page.getByRole('log');
        this.input = page.locator('.composer textarea');
        this.sendButton = page.locator('.composer button');
        this.menuButton = page.locator('[aria-haspopup=menu]');
        this.menu = page.getByRole('menu');
        this.typing = page.locator('.typing');
        this.retry = page.getByRole('button', { name: 'Try again' });
        this.email = page.locator('input[type=email]');
        this.forgetDialog = page.getByRole('alertdialog');
        this.forgetWord = this.forgetDialog.getByRole('textbox');
        this.forgetButton = this.forgetDialog.locator('button').last();
        this.receipt = page.getByRole('textbox', { name: 'Receipt' });
    }

    async open() {
        await this.launcher.click();
        await this.input.waitFor();
        return this;
    }

    async write(...texts) {
        for (const text of texts) {
            await this.input.fill(text);
            await this.input.press('Enter');
        }
    }

    /** What is on screen: ["user: Hello", "assistant: Hi"]. */
    said() {
        return this.page.locator('.message:not(.typing)').evaluateAll((messages) =>
            messages.map((message) => `${message.dataset.role}: ${message.querySelector('.text').textContent}`),
        );
    }

    async shows(...lines) {
        await becomes(() => this.said(), lines, 'the messages on screen');
    }

    /** What is said about the delivery of the visitor's last message. */
    delivery() {
        return this.page.locator('.message[data-role=user]').last().locator('.meta').textContent();
    }

    async delivered(text) {
        const found = () => this.page.locator('.message[data-role=user]').last().locator('.delivery').textContent();
        await becomes(async () => (await found()).trim(), text, 'the delivery of the last message');
    }

    async unread(count) {
        const shown = async () => ((await this.badge.isVisible()) ? Number(await this.badge.textContent()) : 0);
        await becomes(shown, count, 'the number on the launcher');
    }

    async openMenu() {
        await this.menuButton.click();
        await this.menu.waitFor();
    }

    async choose(name) {
        await this.openMenu();
        await this.menu.getByRole('menuitem', { name }).or(this.menu.getByRole('menuitemcheckbox', { name })).click();
    }

    /** In whatever language. */
    async chooseForget() {
        if (!(await this.menu.isVisible())) await this.openMenu();
        await this.menu.getByRole('menuitem').last().click();
        await this.forgetDialog.waitFor();
    }

    async forget() {
        await this.chooseForget();
        await this.forgetWord.fill('forget');
        await this.forgetButton.click();
        await this.receipt.waitFor();
    }

    async showHistory() {
        await this.panel.locator('header button').first().click();
        await this.page.locator('.conversation').first().waitFor();
    }

    conversation(preview) {
        return this.page.locator('.conversation', { has: this.page.getByText(preview, { exact: true }) });
    }

    async newConversation() {
        await this.choose('New conversation');
    }

    async loadEarlier() {
        const button = this.page.getByRole('button', { name: 'Load earlier messages' });
        await button.dispatchEvent('click');
    }

    /** Title and subtitle. */
    heading() {
        return this.panel.locator('header :is(h2, bdi)').allTextContents();
    }

    /** What the panel says by itself. */
    words() {
        return this.panel.locator('[aria-label], [placeholder], [title], .welcome').evaluateAll((elements) =>
            elements.map((element) => element.placeholder || element.ariaLabel || element.title || element.textContent),
        );
    }

    /** How launcher and panel look: place, size, colours, font of each element. */
    measureLooks() {
        return this.launcher.evaluate(async (launcher) => {
            const root = launcher.getRootNode();
            await Promise.all(root.getAnimations().map(({ finished }) => finished.catch(() => {})));
            return [...root.querySelectorAll('*')]
                .filter((element) => element.getBoundingClientRect().width > 0 && !element.ownerSVGElement)
                .map((element) => {
                    const { x, y, width, height } = element.getBoundingClientRect();
                    const { color, backgroundColor, fontSize, fontFamily, display, visibility, opacity, pointerEvents } = getComputedStyle(element);
                    const style = [color, backgroundColor, fontSize, fontFamily, display, visibility, opacity, pointerEvents];
                    return [element.localName, element.getAttribute('class'), ...[x, y, width, height].map(Math.round), ...style].join(' ');
                });
        });
    }

    visitorId() {
        return this.page.evaluate(() => window.Helvino.visitorId());
    }

    storage() {
        return storageOf(this.page);
    }

    shoot(name) {
        mkdirSync(SCREENSHOTS, { recursive: true });
        return this.page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), animations: 'disabled' });
    }
}

/** Everything a page can leave behind in the browser; the widget's alone, as long as the page itself keeps nothing. */
export async function storageOf(page) {
    const own = await page.evaluate(async () => ({
        local: { ...localStorage },
        session: { ...sessionStorage },
        databases: (await indexedDB.databases()).map(({ name }) => name),
        caches: await caches.keys(),
        workers: (await navigator.serviceWorker.getRegistrations()).length,
    }));
    const cookies = (await page.context().cookies()).map(({ name, value, httpOnly, sameSite }) => ({ name, value, httpOnly, sameSite }));
    return { ...own, cookies };
}

/* ---- the organisation's side ------------------------------------------------------------------------------------------------- */

/** All that was said in an organisation, conversation by conversation: [["user: Hello", "assistant: Hi"]]. */
export async function transcripts(org) {
    const conversations = await org.agent.pages('/conversations', 'conversations');
    conversations.sort((a, b) => a.createdAt.localeCompare(b.createdAt) || a.id.localeCompare(b.id));
    return Promise.all(
        conversations.map(async ({ id }) => {
            const { messages } = await org.agent.getOk(`/conversations/${id}?limit=1000`);
            return messages.map(({ role, content }) => `${role}: ${content}`);
        }),
    );
}

/** The only conversation of an organisation, once there is one. */
export async function onlyConversation(org) {
    let list = [];
    await becomes(async () => (list = await org.agent.pages('/conversations', 'conversations')).length, 1, 'the number of conversations');
    return list[0].id;
}

export function answer(org, conversation, text) {
    return org.agent.say(conversation, text, { role: 'assistant' });
}

/** GET /stream with the organisation's token, as whoever answers holds it open. Ends with the test. */
export async function listen(t, org) {
    const events = [];
    const url = `${org.server.url}/stream`;
    const request = http.get(url, { headers: org.agent.headers });
    atEnd(t, () => request.destroy());
    const response = await new Promise((done, fail) => request.on('response', done).on('error', fail));
    assert.equal(response.statusCode, 200);
    let rest = '';
    response.on('error', () => {});
    request.on('error', () => {});
    response.setEncoding('utf8').on('data', (text) => {
        const pieces = (rest + text).split('\n\n');
        rest = pieces.pop();
        for (const piece of pieces) {
            const fields = Object.fromEntries(piece.split('\n').map((line) => line.split(/: ?(.*)/s)));
            if (fields.event) events.push({ event: fields.event, data: JSON.parse(fields.data) });
        }
    });
    const stop = () => request.destroy();
    return { events, stop, of: (name) => events.filter(({ event }) => event === name).map(({ data }) => data) };
}
