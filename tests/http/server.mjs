/*
 * What every HTTP and fault test stands on: a real server on a port of its own and a data directory of its own, the command
 * line of the same binary, and callers that speak to it.
 *
 * HELVINO_BIN names the binary (default: build/release/helvino). Nothing here sleeps for a fixed time: it waits for the
 * log line, the exit or the answer, and gives up after PATIENCE_MS, which only a hanging server ever reaches.
 */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = resolve(fileURLToPath(import.meta.url), '../../..');
export const BINARY = resolve(ROOT, process.env.HELVINO_BIN ?? 'build/release/helvino');
export const PATIENCE_MS = Number(process.env.HELVINO_TEST_PATIENCE_MS ?? 60_000);

const running = new Set();
const directories = new Set();
process.on('exit', () => {
    running.forEach((child) => child.kill('SIGKILL'));
    directories.forEach((directory) => rmSync(directory, { recursive: true, force: true }));
});

/** Resolves like `promise`, or fails with a sentence when it takes longer than anybody would wait. */
export function patiently(promise, what, patience_ms = PATIENCE_MS) {
    let timer;
    const limit = new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error(`gave up waiting for ${what}`)), patience_ms);
    });
    return Promise.race([promise, limit]).finally(() => clearTimeout(timer));
}

/** Asks again until `probe` gives something truthy, which is the result. */
export async function eventually(probe, what, patience_ms = PATIENCE_MS) {
    const end = Date.now() + patience_ms;
    for (;;) {
        const found = await probe();
        if (found) return found;
        if (Date.now() > end) throw new Error(`never happened: ${what}`);
        await new Promise((wake) => setTimeout(wake, 10));
    }
}

/** A new directory, gone at the latest when this process ends. */
export function temporaryDirectory() {
    const directory = mkdtempSync(join(tmpdir(), 'helvino-test-'));
    directories.add(directory);
    return directory;
}

/** Runs a program to its end; never throws for its exit code. */
export function run(program, args, { env, input, cwd } = {}) {
    return patiently(
        new Promise((done) => {
            const child = execFile(
                program,
                args,
                { env: { ...process.env, ...env }, cwd, maxBuffer: 64 << 20 },
                (error, stdout, stderr) => {
                    const code = error ? (typeof error.code === 'number' ? error.code : null) : 0;
                    done({ code, signal: error?.signal ?? null, stdout, stderr, error });
                },
            );
            child.stdin?.on('error', () => {});
            child.stdin?.end(input ?? '');
        }),
        `${program} ${args.join(' ')}`,
    );
}

/** The command line of the binary under test. */
export function helvino(args, options) {
    return run(BINARY, args, options);
}

export async function helvinoOk(args, options) {
    const result = await helvino(args, options);
    assert.equal(result.code, 0, `helvino ${args.join(' ')}: exit ${result.code ?? result.signal}\n${result.stderr}`);
    return result;
}

let visitorNumber = 0;
/** A visitor key that nobody had before. */
export function freshVisitorKey() {
    return `v_${randomBytes(12).toString('hex')}-${++visitorNumber}`;
}

/* ---- speaking to it ------------------------------------------------------------------------------------------ */

/** One request over node:http, with exactly the given headers. Gives {status, headers, rawHeaders, text, json}. */
export function exchange(url, { method = 'GET', headers = {}, body, agent, ca, signal } = {}) {
    const secure = url.startsWith('https:');
    const answer = new Promise((done, fail) => {
        const options = { method, headers, agent, signal };
        if (secure) Object.assign(options, { ca, rejectUnauthorized: ca !== undefined });
        if (method === 'DELETE' && body !== undefined) options.headers = { 'content-length': Buffer.byteLength(body), ...headers }; // node does not
        const request = (secure ? https : http).request(url, options, (response) => {
            const parts = [];
            response.on('data', (part) => parts.push(part));
            response.on('error', fail);
            response.on('end', () => done(new Answer(response, Buffer.concat(parts))));
        });
        request.on('error', fail);
        request.end(body);
    });
    return patiently(answer, `${method} ${url}`);
}

class Answer {
    constructor(response, bytes) {
        this.status = response.statusCode;
        this.headers = response.headers;
        this.rawHeaders = response.rawHeaders;
        this.bytes = bytes;
    }
    get text() {
        return this.bytes.toString('utf8');
    }
    get json() {
        return JSON.parse(this.text);
    }
}

/** Somebody who calls the API: a set of headers that goes with every request. */
export class Caller {
    constructor(server, headers) {
        this.server = server;
        this.headers = headers;
    }
    with(headers) {
        return new Caller(this.server, { ...this.headers, ...headers });
    }
    request(method, path, { body, headers = {}, agent = this.server.agent, ...rest } = {}) {
        const all = { ...this.headers, ...headers };
        for (const name of Object.keys(all)) if (all[name] === undefined) delete all[name];
        let bytes = body;
        if (body !== undefined && typeof body !== 'string' && !Buffer.isBuffer(body)) bytes = JSON.stringify(body);
        if (bytes !== undefined && !Object.keys(all).some((name) => name.toLowerCase() === 'content-type')) {
            all['content-type'] = 'application/json';
        }
        if (all['content-type'] === null) delete all['content-type'];
        return exchange(this.server.url + path, { method, headers: all, body: bytes, agent, ...rest });
    }
    get(path, headers) {
        return this.request('GET', path, { headers });
    }
    post(path, body, headers) {
        return this.request('POST', path, { body, headers });
    }
    async getOk(path, headers) {
        const answer = await this.get(path, headers);
        assert.equal(answer.status, 200, `GET ${path}: ${answer.status} ${answer.text}`);
        return answer.json;
    }
    /** Creates a conversation and gives its id. */
    async converse(headers) {
        const answer = await this.post('/conversations', undefined, headers);
        assert.equal(answer.status, 201, `POST /conversations: ${answer.status} ${answer.text}`);
        return answer.json.id;
    }
    /** Writes a message and gives it as the server answered it. */
    async say(conversation, content, { role = 'user', clientId } = {}) {
        const answer = await this.post(`/conversations/${conversation}/messages`, { role, content, clientId });
        assert.equal(answer.status, 201, `POST message: ${answer.status} ${answer.text}`);
        return answer.json;
    }
    /** Follows the cursor of a list to its end. */
    async pages(path, member, limit = 100) {
        const all = [];
        let cursor = null;
        do {
            const before = cursor === null ? '' : `&before=${encodeURIComponent(cursor)}`;
            const page = await this.getOk(`${path}?limit=${limit}${before}`);
            assert.ok(page[member].length <= limit, `a page of ${path} holds more than its limit`);
            all.push(...page[member]);
            cursor = page.next;
        } while (cursor !== null);
        return all;
    }
}

export const PASSWORD = 'a few words that nobody puts together';

/** What a link that is good once carries behind '#': of a path, a URL, or what the shell has printed. */
export function tokenOf(link) {
    const [token] = /hvl_[\w-]+$/m.exec(link.trim()) ?? assert.fail(`no link: ${link}`);
    return token;
}

/** An agent's browser: it keeps the cookie, and sends the session's token with whatever changes something. */
export class Browser extends Caller {
    constructor(server, headers = {}) {
        super(server, headers);
        this.cookie = undefined;
        this.csrf = undefined;
    }
    with(headers) {
        return Object.assign(new Browser(this.server, { ...this.headers, ...headers }), { cookie: this.cookie, csrf: this.csrf, session: this.session });
    }
    async request(method, path, { headers = {}, ...rest } = {}) {
        const csrf = ['GET', 'HEAD'].includes(method) ? undefined : this.csrf;
        const answer = await super.request(method, path, { ...rest, headers: { cookie: this.cookie, 'x-csrf-token': csrf, ...headers } });
        for (const line of answer.headers['set-cookie'] ?? []) this.#keep(line);
        return answer;
    }
    #keep(line) {
        const [pair, ...attributes] = line.split('; ');
        this.cookie = attributes.includes('Max-Age=0') ? undefined : pair;
    }
    /** Gives the answer; when it is a session, this is logged in. */
    async logIn(email, password = PASSWORD, more = {}) {
        const answer = await this.post('/session', { email, password, ...more });
        if (answer.status === 201) {
            this.session = answer.json;
            this.csrf = answer.json.csrfToken;
        }
        return answer;
    }
}

/** An organisation as its owner holds it: the public key and a secret token. */
export class Org {
    constructor(server, key, token) {
        this.server = server;
        this.key = key;
        this.token = token;
        this.anonymous = new Caller(server, { 'x-org-key': key });
        this.agent = new Caller(server, { 'x-org-key': key, authorization: `Bearer ${token}` });
    }
    visitor(key = freshVisitorKey()) {
        const caller = new Caller(this.server, { 'x-org-key': this.key, 'x-visitor-id': key });
        caller.key = key;
        return caller;
    }
    /** What the organisation sees of the visitor with this key, or undefined. */
    async seen(visitorKey) {
        return (await this.agent.pages('/visitors', 'visitors')).find((visitor) => visitor.visitorKey === visitorKey);
    }
}

/* ---- the process --------------------------------------------------------------------------------------------- */

/**
 * A process that is expected to say "listening" on standard error. `wrapper` is a command line put before the binary
 * (strace, unshare); `listen` is a list of listener URLs; `flags` go to `helvino serve`.
 */
export class Server {
    constructor({
        directory = temporaryDirectory(),
        listen = ['http://127.0.0.1:0'],
        loops = 2,
        rateLimit = 'off',
        flags = [],
        env = {},
        wrapper = [],
    } = {}) {
        this.directory = directory;
        this.data = join(directory, 'data');
        this.log = '';
        this.output = '';
        this.agent = new http.Agent({ keepAlive: true, maxSockets: 64, timeout: 5000 }); // idle sockets go before the server closes them
        const args = ['serve', '--data', this.data, '--loops', String(loops), '--rate-limit', rateLimit];
        for (const url of listen) args.push('--listen', url);
        const [program, ...rest] = [...wrapper, BINARY, ...args, '--log-format', 'json', ...flags];
        this.listenerCount = listen.length;
        this.child = spawn(program, rest, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
        running.add(this.child);
        this.listeners = [];
        this.watchers = new Set();
        this.child.stderr.setEncoding('utf8').on('data', (text) => this.#hear(text));
        this.child.stdout.setEncoding('utf8').on('data', (text) => (this.output += text));
        this.exit = new Promise((done) => {
            this.child.on('error', (error) => done({ code: null, signal: null, error }));
            this.child.on('close', (code, signal) => {
                running.delete(this.child);
                this.exited = { code, signal };
                this.watchers.forEach((watch) => watch());
                done(this.exited);
            });
        });
    }

    #hear(text) {
        this.log += text;
        this.watchers.forEach((watch) => watch());
    }

    /** The log's complete lines as objects; what is not JSON comes as {text}. */
    get lines() {
        return this.log
            .split('\n')
            .slice(0, -1)
            .map((line) => {
                try {
                    return JSON.parse(line);
                } catch {
                    return { text: line };
                }
            });
    }

    /** Waits until the log has satisfied `found` (given the lines), or fails when the process ends before. */
    logged(found, what) {
        return patiently(
            new Promise((done, fail) => {
                const watch = () => {
                    const result = found(this.lines);
                    if (!result && !this.exited) return;
                    this.watchers.delete(watch);
                    if (result) done(result);
                    else fail(new Error(`the server ended (${JSON.stringify(this.exited)}) before ${what}:\n${this.log}`));
                };
                this.watchers.add(watch);
                watch();
            }),
            `${what}; the log so far:\n${this.log}`,
        );
    }

    async ready() {
        this.listeners = await this.logged((lines) => {
            const urls = lines.filter((line) => line.event === 'listening').map((line) => line.url);
            return urls.length >= this.listenerCount && urls;
        }, 'listening');
        this.url = this.listeners[0];
        this.port = Number(new URL(this.url.replace(/^redirect:/, 'http:')).port);
        return this;
    }

    get pid() {
        return this.child.pid;
    }

    cli(...args) {
        return helvino([...args, '--data', this.data]);
    }

    async cliOk(...args) {
        return (await helvinoOk([...args, '--data', this.data])).stdout;
    }

    /** Creates an organisation and a token for it through the command line, while the server runs. */
    async org(key = `org-${randomBytes(4).toString('hex')}`, ...flags) {
        await this.cliOk('org', 'create', key, ...flags);
        return new Org(this, key, await this.token(key));
    }

    async token(key) {
        return (await this.cliOk('org', 'token', 'create', key)).trim();
    }

    /** The part behind '#' of the link that makes the first owner, which a server prints that nobody can log in to. */
    async setupToken() {
        return tokenOf(await this.logged((lines) => lines.find((line) => /nobody can log in yet/.test(line.event))?.url, 'the link to set it up'));
    }

    /** A browser that is logged in. */
    async browser(email, password = PASSWORD, more) {
        const browser = new Browser(this);
        const answer = await browser.logIn(email, password, more);
        assert.equal(answer.status, 201, `POST /session: ${answer.status} ${answer.text}`);
        return browser;
    }

    /** Chooses the password that a link is good for. */
    async choosePassword(link, more = {}) {
        const answer = await new Caller(this, {}).post('/password', { token: tokenOf(link), password: PASSWORD, ...more });
        assert.equal(answer.status, 204, `POST /password: ${answer.status} ${answer.text}`);
    }

    /** Makes somebody an agent of the organisation through the shell; gives its browser, logged in. */
    async join(email, org, role = 'agent') {
        await this.choosePassword(await this.cliOk('agent', 'create', email, '--org', org.key ?? org, '--role', role));
        return this.browser(email);
    }

    /** The same organisation seen through this process, after a restart. */
    adopt(org) {
        return new Org(this, org.key, org.token);
    }

    signal(name) {
        this.child.kill(name);
    }

    async ended(what = 'the end of the server') {
        return patiently(this.exit, `${what}; its log:\n${this.log.slice(-4000)}`);
    }

    /** SIGTERM, and the promise that goes with it: exit code 0. */
    async stop() {
        this.agent.destroy();
        if (!this.exited) this.signal('SIGTERM');
        const end = await this.ended();
        assert.deepEqual(end, { code: 0, signal: null }, `the server did not end well; its log:\n${this.log.slice(-8000)}`);
    }

    async kill() {
        this.agent.destroy();
        this.signal('SIGKILL');
        return this.ended();
    }

    /** Whatever became of the test: no process and no file is left. */
    remove() {
        if (!this.exited) this.signal('SIGKILL');
        this.agent.destroy();
        rmSync(this.directory, { recursive: true, force: true });
    }

    async check() {
        const result = await this.cli('check');
        assert.equal(result.code, 0, `check found something broken:\n${result.stdout}${result.stderr}`);
        assert.match(result.stdout, /clean/);
        return result.stdout;
    }

    async counts() {
        return statCounts(JSON.parse(await this.cliOk('stat', '--format', 'json')));
    }
}

/** Rows by table name out of `stat --format json`. */
function statCounts(stat) {
    const rows = {};
    for (const [name, table] of Object.entries(stat.tables)) rows[name] = table.rows;
    return rows;
}

export async function startServer(options) {
    assert.ok(existsSync(BINARY), `there is no ${BINARY}; build it or set HELVINO_BIN`);
    return new Server(options).ready();
}

/** A server for one test or one file: stopped (exit code 0 is asserted) and removed when `t` ends. */
export async function serverFor(t, options) {
    const server = await startServer(options);
    t.after(async () => {
        try {
            if (!server.exited) await server.stop();
        } finally {
            server.remove();
        }
    });
    return server;
}
