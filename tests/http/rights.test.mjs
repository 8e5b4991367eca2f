/*
 * The rights matrix: every route of routes.def by every kind of caller. What is expected is written down here for people to read, in
 * two tables: what each kind of caller may of each class of routes, and of each route its class, what is sent, and where it differs.
 * Nothing of it is asked of the server; a route without a row here fails, and so does a row without its route.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after, before, describe } from 'node:test';

import { Caller, eventually, Org, PASSWORD, ROOT, startServer, tokenOf } from './server.mjs';
import { NOBODY } from './shapes.mjs';
import { MailServer } from './smtp.mjs';
import { open } from './sse.mjs';
import { codeOf } from './totp.mjs';

/* ---- who may what --------------------------------------------------------------------------------------------------- */

/*
 * ok: 2xx. own: 2xx where the route names nothing, since it is about the caller's own organisation then; 404 where it names what
 * belongs to the organisation "acme". A "+" stands for what is not a GET. Everything that is named belongs to "acme", and what a
 * visitor can have there to the visitor of the third line.
 */
const MAY = `
                               OPEN  ORG  ORG+  CALLER  CALLER+  VISITOR  SELF  SELF+  READ  WRITE  ADMIN  OWNER  AGENT
nobody                         ok    401  401   401     401      401      401   401    401   401    401    401    401
org key only                   ok    ok   ok    404     404      401      401   401    401   401    401    401    401
visitor                        ok    ok   ok    ok      ok       ok       ok    ok     401   401    401    401    401
another visitor                ok    ok   ok    404     404      ok       ok    ok     401   401    401    401    401
visitor of another org         ok    ok   ok    404     404      ok       ok    ok     401   401    401    401    401
token read                     ok    ok   403   ok      403      ok       401   403    ok    403    403    403    401
token write                    ok    ok   ok    ok      ok       ok       401   401    ok    ok     403    403    401
token admin                    ok    ok   ok    ok      ok       ok       401   401    ok    ok     ok     403    401
agent                          ok    ok   ok    ok      ok       ok       401   401    ok    ok     403    403    ok
admin                          ok    ok   ok    ok      ok       ok       401   401    ok    ok     ok     403    ok
owner                          ok    ok   ok    ok      ok       ok       401   401    ok    ok     ok     ok     ok
token of another org           ok    ok   ok    404     404      ok       401   401    own   own    own    403    401
the same, naming acme          ok    401  401   401     401      401      401   401    401   401    401    401    401
owner of another org           ok    ok   ok    404     404      ok       401   401    own   own    own    own    ok
one more, naming acme          ok    403  403   403     403      403      403   403    403   403    403    403    ok
revoked token                  ok    401  401   401     401      401      401   401    401   401    401    401    401
expired token                  ok    401  401   401     401      401      401   401    401   401    401    401    401
disabled agent                 ok    401  401   401     401      401      401   401    401   401    401    401    401
ended session                  ok    401  401   401     401      401      401   401    401   401    401    401    401
`;

/*
 * [route, class, {of, body, ...}]. `of` is what ":id" names, `uses` says that a request which is let in uses it up, and `but` is where
 * callers are answered otherwise than MAY says; `reads` is said of what changes nothing in spite of its method. `body`, `query` and
 * `headers` may be functions of the world. In the order in which they are tried: what ends its caller comes last.
 */
const SAME_SITE = { origin: 'https://acme.example', 'sec-fetch-site': 'same-origin' };
const HOOK = { url: 'http://127.0.0.1:1/', events: ['visitor.erased'], enabled: false };
const SECRET = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP'; // of second factors
const ROWS = [
    ['POST /conversations', 'ORG'],
    ['GET /conversations', 'VISITOR'],
    ['GET /conversations/counts', 'READ'],
    ['POST /conversations/bulk', 'WRITE', { body: async (world) => ({ ids: [await world.thing('conversation')], change: { priority: 'low' } }) }],
    ['GET /conversations/:id', 'CALLER', { of: 'conversation' }],
    ['PATCH /conversations/:id', 'WRITE', { of: 'conversation', body: { addTags: ['seen'] } }],
    ['POST /conversations/:id/notes', 'WRITE', { of: 'conversation', body: { content: 'a note' } }],
    ['GET /conversations/:id/transcript', 'CALLER', { of: 'conversation' }],
    ['POST /conversations/:id/messages', 'CALLER', { of: 'conversation', body: (world, { isOrg }) => ({ role: isOrg ? 'assistant' : 'user', content: 'a message' }) }],
    ['POST /conversations/:id/read', 'CALLER', { of: 'conversation', body: { seq: 1 } }],
    ['POST /conversations/:id/typing', 'CALLER', { of: 'conversation' }],
    ['GET /stream', 'VISITOR'],
    ['POST /visitors/me', 'SELF'],
    ['GET /visitors/me', 'SELF'],
    ['GET /visitors/me/export', 'SELF'],
    ['POST /visitors/me/cookie', 'SELF', { headers: SAME_SITE }],
    ['DELETE /visitors/me/cookie', 'SELF', { headers: SAME_SITE }],
    ['GET /visitors', 'READ'],
    ['GET /visitors/:id', 'READ', { of: 'someVisitor' }],
    ['GET /visitors/:id/export', 'READ', { of: 'someVisitor' }],
    ['PATCH /visitors/:id', 'WRITE', { of: 'someVisitor', uses: true, body: { blocked: true } }],
    ['DELETE /visitors/:id', 'ADMIN', { of: 'someVisitor', uses: true }],
    ['GET /replies', 'READ'],
    ['POST /replies', 'WRITE', { body: (world) => ({ shortcut: world.fresh(), text: 'Hello' }) }],
    ['GET /replies/:id', 'READ', { of: 'reply' }],
    ['PATCH /replies/:id', 'WRITE', { of: 'reply', body: { text: 'Good evening' } }],
    ['GET /replies/:id/text', 'READ', { of: 'reply' }],
    ['DELETE /replies/:id', 'WRITE', { of: 'reply', uses: true }],
    ['GET /search', 'READ', { query: '?q=message' }],
    ['GET /agents', 'READ'],
    ['POST /agents', 'ADMIN', { body: (world) => ({ email: `${world.fresh()}@acme.example`, name: 'New', role: 'agent' }) }],
    ['PATCH /agents/:id', 'ADMIN', { of: 'invited', body: { role: 'agent' } }],
    ['POST /agents/:id/link', 'ADMIN', { of: 'invited' }],
    ['DELETE /agents/:id', 'ADMIN', { of: 'invited', uses: true }],
    ['GET /tokens', 'ADMIN'],
    ['POST /tokens', 'ADMIN', { body: { name: 'a program', scope: 'read' } }],
    ['DELETE /tokens/:id', 'ADMIN', { of: 'token', uses: true }],
    ['GET /organization', 'READ'],
    ['PATCH /organization', 'ADMIN', { body: { name: 'A name' } }],
    ['GET /retention/preview', 'ADMIN'],
    ['GET /security', 'ADMIN'],
    ['GET /audit', 'ADMIN'],
    ['GET /webhooks', 'ADMIN'],
    ['POST /webhooks', 'ADMIN', { body: HOOK }],
    ['GET /webhooks/:id', 'ADMIN', { of: 'webhook' }],
    ['PATCH /webhooks/:id', 'ADMIN', { of: 'webhook', body: { description: 'changed' } }],
    ['POST /webhooks/:id/secret', 'ADMIN', { of: 'webhook' }],
    ['POST /webhooks/:id/test', 'ADMIN', { of: 'webhook' }],
    ['GET /webhooks/:id/deliveries', 'ADMIN', { of: 'webhook' }],
    ['POST /webhooks/:id/deliveries/:delivery/retry', 'ADMIN', { of: 'failing' }],
    ['DELETE /webhooks/:id', 'ADMIN', { of: 'webhook', uses: true }],
    ['GET /api/bootloader', 'ORG'],
    ['GET /health', 'OPEN'],
    ['GET /metrics', 'OPEN'],
    ['GET /openapi.json', 'OPEN'],
    ['GET /embed.js', 'OPEN'],
    ['GET /widget/:file', 'OPEN'],
    ['GET /account', 'OPEN'],
    ['GET /inbox', 'OPEN'],
    ['GET /demo', 'OPEN'],
    ['POST /session', 'OPEN', { body: ({ door }) => ({ email: door, password: PASSWORD }) }],
    ['POST /links', 'OPEN', { body: async (world) => ({ token: await world.link() }), reads: true }],
    ['POST /password', 'OPEN', { body: async (world) => ({ token: await world.usedLink(), password: PASSWORD }) }],
    ['POST /password/forgotten', 'OPEN', { body: (world) => ({ email: `${world.fresh()}@nowhere.example` }), headers: (world) => ({ 'x-forwarded-for': world.elsewhere() }) }],
    // The server is set up already, in before() and with this link.
    ['POST /setup', 'OPEN', { body: ({ setup }) => setup, but: { everybody: 410 } }],
    ['GET /session', 'AGENT'],
    ['GET /sessions', 'AGENT'],
    // One of the agent's: the session of somebody else is not there.
    ['DELETE /sessions/:id', 'AGENT', { of: 'session', uses: true, but: { admin: 404, owner: 404, 'owner of another org': 404, 'one more, naming acme': 404 } }],
    ['PATCH /agents/me', 'AGENT', { body: { name: 'Renamed' } }],
    ['POST /agents/me/password', 'AGENT', { body: (world, { password }) => ({ password, newPassword: password }) }],
    ['POST /agents/me/second-factor', 'AGENT'],
    ['PUT /agents/me/second-factor', 'AGENT', { body: (world, { password }) => ({ password, secret: SECRET, code: codeOf(SECRET, world.step) }) }],
    ['DELETE /agents/me/second-factor', 'AGENT', { body: (world, { password }) => ({ password, code: codeOf(SECRET, world.step + 1) }) }],
    ['DELETE /visitors/me', 'SELF'],
    ['DELETE /sessions', 'AGENT'],
    ['DELETE /session', 'AGENT'],
];

/*
 * What the audit log has of each change that is made: of all that is for administrators, and of what agents do about themselves; null
 * where it has nothing.
 */
const ACTS = {
    'PATCH /visitors/:id': 'visitor.blocked',
    'DELETE /visitors/:id': 'visitor.erased',
    'POST /agents': 'agent.created',
    'PATCH /agents/:id': 'member.role',
    'POST /agents/:id/link': 'agent.link',
    'DELETE /agents/:id': 'member.removed',
    'POST /tokens': 'token.created',
    'DELETE /tokens/:id': 'token.revoked',
    'PATCH /organization': 'org.updated',
    'POST /webhooks': 'webhook.created',
    'PATCH /webhooks/:id': 'webhook.updated',
    'POST /webhooks/:id/secret': 'webhook.secret',
    'POST /webhooks/:id/test': null, // changes nothing
    'POST /webhooks/:id/deliveries/:delivery/retry': null, // what would happen later happens now
    'DELETE /webhooks/:id': 'webhook.deleted',
    'PATCH /agents/me': 'agent.updated',
    'POST /agents/me/password': 'agent.password',
    'POST /agents/me/second-factor': null, // nothing is kept before it is switched on
    'PUT /agents/me/second-factor': 'agent.second_factor.on',
    'DELETE /agents/me/second-factor': 'agent.second_factor.off',
    'DELETE /session': 'session.ended',
    'DELETE /sessions': 'session.ended',
    'DELETE /sessions/:id': 'session.ended',
};

/* ---- the tables as data --------------------------------------------------------------------------------------------- */

const [CLASSES, ...KINDS] = MAY.trim().split('\n').map((line, i) => (i === 0 ? line.trim().split(/ +/) : { kind: line.slice(0, 31).trim(), cells: line.slice(31).trim().split(/ +/) }));
const isChange = (route) => !route.startsWith('GET ');
const columnOf = (route, who) => (isChange(route) && ['ORG', 'CALLER', 'SELF'].includes(who) ? `${who}+` : who);

/** What is expected: 'ok' or a status. */
function expectedOf(kind, [route, who, { of, but = {} } = {}]) {
    const exception = but[kind] ?? but.everybody;
    const cell = KINDS.find((each) => each.kind === kind).cells[CLASSES.indexOf(columnOf(route, who))];
    if (exception !== undefined && cell === 'ok') return exception;
    return cell === 'own' ? (of === undefined ? 'ok' : 404) : cell === 'ok' ? cell : Number(cell);
}

/* ---- the world it is tried in ---------------------------------------------------------------------------------------- */

class World {
    #things = new Map();
    #number = 0;

    async begin() {
        this.mails = await new MailServer().ready;
        const mail = ['--smtp-url', `smtp://127.0.0.1:${this.mails.port}`, '--smtp-from', 'noreply@acme.example', '--public-url', 'https://acme.example'];
        this.server = await startServer({ flags: ['--trusted-proxies', '127.0.0.1', '--visitor-cookie', 'on', '--webhook-allow-private', '--demo', ...mail] });
        this.nobody = new Caller(this.server, {});
        this.setup = { token: await this.server.setupToken(), email: 'owner@acme.example', name: 'Owner', password: PASSWORD, orgKey: 'acme', orgName: 'Acme' };
        assert.equal((await this.nobody.post('/setup', this.setup)).status, 201);
        this.owner = await this.#logIn(this.setup.email, 'acme');
        this.acme = new Org(this.server, 'acme', (await this.#token(this.owner, 'admin')).token);
        this.other = await this.server.org('other');
        this.callers = { ...this.#visitors(), ...(await this.#tokens()), ...(await this.#agents()) };
        this.delivery = await this.#waitingDelivery();
        await eventually(async () => (await this.callers['expired token'].get('/organization')).status === 401, 'the end of a token');
        this.panel = Object.values(JSON.parse(readFileSync(join(ROOT, 'build/widget/manifest.json'), 'utf8'))).find(({ path }) => path.startsWith('/widget/')).path.slice('/widget/'.length);
        return this;
    }

    /* ---- callers ---- */

    #visitors() {
        this.visitor = this.acme.visitor();
        return {
            nobody: this.nobody,
            'org key only': this.acme.anonymous,
            visitor: this.visitor,
            'another visitor': this.acme.visitor(),
            'visitor of another org': this.other.visitor(),
        };
    }

    async #token(by, scope, more = {}) {
        const answer = await by.post('/tokens', { name: `of scope ${scope}`, scope, ...more });
        assert.equal(answer.status, 201, answer.text);
        return answer.json;
    }
    #bearer({ token, id }, key) {
        return Object.assign(new Caller(this.server, { authorization: `Bearer ${token}`, ...(key && { 'x-org-key': key }) }), { id, isOrg: true, ofAcme: id !== undefined });
    }

    async #tokens() {
        const callers = {};
        for (const scope of ['read', 'write', 'admin']) callers[`token ${scope}`] = this.#bearer(await this.#token(this.owner, scope), 'acme');
        const foreign = { token: (await this.server.cliOk('org', 'token', 'create', 'other', '--scope', 'admin')).trim() };
        const revoked = await this.#token(this.owner, 'admin');
        assert.equal((await this.owner.request('DELETE', `/tokens/${revoked.id}`)).status, 204);
        const expired = this.#bearer(await this.#token(this.owner, 'admin', { expiresAt: new Date(Date.now() + 2000).toISOString() })); // by the end of begin()
        return { ...callers, 'token of another org': this.#bearer(foreign), 'the same, naming acme': this.#bearer(foreign, 'acme'), 'revoked token': this.#bearer(revoked), 'expired token': expired };
    }

    /** A caller and not a browser: it keeps the cookie that the server has taken back. */
    async #logIn(email, key) {
        const answer = await this.nobody.post('/session', { email, password: PASSWORD });
        assert.equal(answer.status, 201, answer.text);
        const cookie = answer.headers['set-cookie'][0].split(';')[0];
        return Object.assign(new Caller(this.server, { cookie, 'x-csrf-token': answer.json.csrfToken, ...(key && { 'x-org-key': key }) }), { id: answer.json.agent.id, isOrg: true, ofAcme: email.endsWith('@acme.example'), password: PASSWORD });
    }
    async #join(email, org, role) {
        await this.server.choosePassword(await this.server.cliOk('agent', 'create', email, '--org', org, '--role', role));
    }
    async #hire(email, role, key = 'acme', org = key) {
        await this.#join(email, org, role);
        return this.#logIn(email, key);
    }

    async #agents() {
        this.door = 'door@acme.example';
        const callers = {
            agent: await this.#hire('agent@acme.example', 'agent'),
            admin: await this.#hire('admin@acme.example', 'admin'),
            owner: this.owner,
            'owner of another org': await this.#hire('owner@other.example', 'owner', null, 'other'),
            'one more, naming acme': await this.#hire('second@other.example', 'owner', 'acme', 'other'),
            'disabled agent': await this.#hire('disabled@acme.example', 'owner'),
            'ended session': await this.#hire(this.door, 'owner'),
        };
        await this.server.cliOk('agent', 'disable', 'disabled@acme.example');
        assert.equal((await callers['ended session'].request('DELETE', '/session')).status, 204);
        return callers;
    }

    /* ---- what is asked for ---- */

    fresh() {
        return `n${++this.#number}`;
    }
    elsewhere() {
        return `198.51.100.${++this.#number % 256}`;
    }
    /** Of now, and it stays so: the code of this step and the one after it are good for the next half minute. */
    get step() {
        return (this.firstStep ??= Math.floor(Date.now() / 30_000));
    }

    async #made(path, body) {
        const answer = await this.owner.post(path, body);
        assert.equal(answer.status, 201, `POST ${path}: ${answer.text}`);
        return answer.json;
    }
    async usedLink() {
        return tokenOf((await this.#made('/agents', { email: `${this.fresh()}@acme.example`, name: 'New', role: 'agent' })).link);
    }
    async link() {
        return (this.unused ??= await this.usedLink());
    }

    #makers = {
        conversation: async () => {
            const id = await this.visitor.converse();
            await this.visitor.say(id, 'a message');
            return id;
        },
        someVisitor: async () => (await this.acme.visitor().post('/visitors/me')).json.id,
        reply: async () => (await this.#made('/replies', { shortcut: this.fresh(), text: 'Hello' })).id,
        invited: async () => (await this.#made('/agents', { email: `${this.fresh()}@acme.example`, name: 'New', role: 'agent' })).id,
        token: async () => (await this.#token(this.owner, 'read')).id,
        webhook: async () => (await this.#made('/webhooks', HOOK)).id,
        failing: async () => (await this.#made('/webhooks', { ...HOOK, events: ['conversation.created'], enabled: true })).id,
        session: async () => {
            await this.#logIn('agent@acme.example');
            const { sessions } = await this.callers.agent.getOk('/sessions');
            return sessions.find(({ current }) => !current).id;
        },
    };

    async thing(name) {
        if (!this.#things.has(name)) this.#things.set(name, await this.#makers[name]());
        return this.#things.get(name);
    }
    used(name) {
        this.#things.delete(name);
    }

    async #waitingDelivery() {
        const id = await this.thing('failing');
        await this.thing('conversation');
        return eventually(async () => (await this.owner.getOk(`/webhooks/${id}/deliveries`)).waiting[0]?.id, 'a delivery that waits');
    }

    /* ---- asking ---- */

    /** Asks, and notes who has been let in: of acme, and with a name of its own. */
    async try(kind, row, options) {
        const caller = this.callers[kind];
        const answer = await this.ask(caller, row, options);
        answer.isLetIn = answer.status >= 200 && answer.status < 300;
        if (answer.isLetIn && caller.ofAcme) this.letIn.push([row[0], caller.id]);
        return answer;
    }
    letIn = [];

    /** The request of a row as this caller sends it; `id` may stand in for what the row is about. */
    async ask(caller, [route, , row = {}], { id, method = route.split(' ')[0], ...more } = {}) {
        const [, pattern] = route.split(' ');
        const given = (value) => (typeof value === 'function' ? value(this, caller) : value);
        if (route === 'GET /stream' && method === 'GET') return this.#listen(caller, more);
        if (row.of !== undefined) id ??= await this.thing(row.of);
        const path = pattern.replace(':id', id).replace(':delivery', this.delivery).replace(':file', this.panel);
        return caller.request(method, path + (row.query ?? ''), { body: await given(row.body), headers: { ...given(row.headers), ...more.headers } });
    }
    async #listen(caller, { headers }) {
        const stream = await open(caller, { headers });
        stream.close();
        return { status: stream.status, text: 'a stream' };
    }
}

let world;
before(async () => {
    world = await new World().begin();
});
after(async () => {
    await world.server.check();
    await world.server.stop();
    world.server.remove();
    await world.mails.close();
});

/* ---- the matrix ------------------------------------------------------------------------------------------------------ */

/** Of a row those answers that were not as expected, as sentences. */
async function wrongOf(row) {
    const wrong = [];
    for (const { kind } of KINDS) {
        const expected = expectedOf(kind, row);
        const answer = await world.try(kind, row);
        if (answer.isLetIn && row[2]?.uses) world.used(row[2].of);
        if (expected === 'ok' ? !answer.isLetIn : answer.status !== expected) wrong.push(`${row[0]} by ${kind}: expected ${expected}, got ${answer.status} ${answer.text.slice(0, 200)}`);
        else if (expected === 404 && row[2]?.of !== undefined) {
            const nothing = await world.ask(world.callers[kind], row, { id: NOBODY });
            if (nothing.status !== 404 || nothing.text !== answer.text) wrong.push(`${row[0]} by ${kind}: another answer than for what does not exist: ${answer.text}, ${nothing.status} ${nothing.text}`);
        }
    }
    return wrong;
}

describe('the table of rights', () => {
    const DEFINED = [...readFileSync(join(ROOT, 'src/api/routes.def'), 'utf8').matchAll(/^ROUTE\((\w+), "([^"]+)", (\w+),/gm)].map(([, method, pattern, who]) => [`${method} ${pattern}`, who]);

    test('has a row for every route of routes.def, of the same class, and no other', () => {
        const here = new Map(ROWS), there = new Map(DEFINED);
        assert.ok(there.size > 70, 'routes.def has another form than this test knows');
        for (const [route, who] of there) {
            assert.ok(here.has(route), `${route} of routes.def has no row in the rights matrix (ROWS in rights.test.mjs): say there who may, and what to send.`);
            assert.equal(here.get(route), who, `${route} is for ${who} in routes.def, and for ${here.get(route)} in the rights matrix: which one is right?`);
        }
        for (const route of here.keys()) assert.ok(there.has(route), `${route} is a row of the rights matrix, but no route of routes.def any more: remove it.`);
        assert.equal(here.size, ROWS.length, 'a route has two rows');
    });

    test('has a cell for every kind of caller and class', () => {
        for (const { kind, cells } of KINDS) {
            assert.equal(cells.length, CLASSES.length, `the line of ${kind}`);
            assert.ok(world.callers[kind] !== undefined, `nobody is ${kind}`);
            for (const cell of cells) assert.match(cell, /^(ok|own|401|403|404)$/);
        }
        for (const [route, who, { but = {} } = {}] of ROWS) {
            assert.ok(CLASSES.includes(columnOf(route, who)), `${who} is no class`);
            for (const kind of Object.keys(but)) assert.ok(kind === 'everybody' || KINDS.some((each) => each.kind === kind), `${kind} is nobody`);
        }
    });
});

/* Before the matrix, which ends with logging out. */
describe('a page of another site, with the cookie of an owner who is logged in,', () => {
    const EVIL = { origin: 'https://evil.example' };
    const changes = ROWS.filter(([route, , { reads } = {}]) => isChange(route) && !reads);
    /** By route. */
    const statusesOf = async (caller, headers, rows) => Object.fromEntries(await Promise.all(rows.map(async (row) => [row[0], (await world.ask(caller, row, { headers })).status])));
    const all = (rows, status) => Object.fromEntries(rows.map(([route]) => [route, status]));
    /** What would be different if one of the requests had been let in. */
    const seen = async () => {
        const paths = ['/organization', '/agents', '/replies', '/webhooks', '/tokens', '/audit?limit=1', '/sessions', `/conversations/${await world.thing('conversation')}`];
        return (await Promise.all(paths.map((path) => world.owner.getOk(path)))).map((answer) => JSON.stringify(answer));
    };

    /** It can neither send x-org-key nor read the session's token. */
    const page = (csrf) => world.owner.with({ 'x-org-key': undefined, 'x-csrf-token': csrf });
    async function assertChangesNothing(status, headers, csrf) {
        for (const [, , { of } = {}] of inside) if (of !== undefined) await world.thing(of);
        const before = await seen();
        assert.deepEqual(await statusesOf(page(csrf), headers, inside), all(inside, status));
        assert.deepEqual(await seen(), before);
    }
    const inside = changes.filter(([, who]) => who !== 'OPEN'), door = changes.filter(([, who]) => who === 'OPEN');

    test('changes nothing without the token of the session', () => assertChangesNothing(403, {}));
    test('changes nothing without the token, whatever origin it names', () => assertChangesNothing(403, EVIL));
    test('changes nothing with the token of another session', () => assertChangesNothing(403, {}, world.callers.admin.headers['x-csrf-token']));
    test('changes nothing even with the token, since the browser says that it is another site', async () => {
        for (const site of ['cross-site', 'same-site']) await assertChangesNothing(401, { ...EVIL, 'sec-fetch-site': site }, world.owner.headers['x-csrf-token']);
    });
    test('logs nobody in or out, and chooses no password', async () => {
        for (const site of ['cross-site', 'same-site']) assert.deepEqual(await statusesOf(page(), { ...EVIL, 'sec-fetch-site': site }, door), all(door, 403));
        for (const type of ['text/plain', null]) assert.deepEqual(await statusesOf(page(), { ...EVIL, 'content-type': type }, door), all(door, 415));
    });
});

describe('by every kind of caller', () => {
    for (const row of ROWS) test(`${row[0]}, which is for ${row[1]}`, async () => assert.deepEqual(await wrongOf(row), []));
});

describe('by every kind of caller, HEAD', () => {
    test('is answered as GET is', async () => {
        const wrong = [];
        for (const row of ROWS.filter(([route]) => !isChange(route)))
            for (const { kind } of KINDS) {
                const [get, head] = await Promise.all(['GET', 'HEAD'].map((method) => world.ask(world.callers[kind], row, { method })));
                if (head.status !== get.status) wrong.push(`${row[0]} by ${kind}: ${get.status}, and ${head.status} to HEAD`);
            }
        assert.deepEqual(wrong, []);
    });
});

describe('the audit log of all that', () => {
    test('names for every act of the table who it was, and from where', async () => {
        const isAudited = ([route, who]) => isChange(route) && ['ADMIN', 'OWNER', 'AGENT'].includes(who);
        for (const [route] of ROWS.filter(isAudited)) assert.ok(route in ACTS, `${route} is not in ACTS of rights.test.mjs: say there what the audit log has of it.`);
        for (const route of Object.keys(ACTS)) assert.ok(ROWS.some(([each]) => each === route), `${route} of ACTS is no route.`);
        const entries = await world.acme.agent.pages('/audit', 'entries');
        const missing = world.letIn.filter(([route, id]) => ACTS[route] && !entries.some(({ action, actorId, actorName, address }) => action === ACTS[route] && actorId === id && actorName !== null && address === '127.0.0.1'));
        assert.deepEqual(missing, []);
        assert.ok(world.letIn.filter(([route]) => ACTS[route]).length > 40);
    });
});
