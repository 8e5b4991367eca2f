/* Agents as they come and go: the first owner, invitations, sessions, the second factor, tokens, settings, and the audit log
 * that knows of all of it. What strangers try at the door is in login.test.mjs. */
import assert from 'node:assert/strict';
import test, { before, after, describe } from 'node:test';

import { Browser, Caller, eventually, Org, PASSWORD, serverFor, startServer, tokenOf } from './server.mjs';
import { assertError, assertId, assertSafeHeaders, assertTime, ID, NOBODY } from './shapes.mjs';
import { listen } from './sse.mjs';
import { codeOf, currentStep } from './totp.mjs';

const nobody = (server) => new Caller(server, {});
let host = 0;
/** A browser at an address of its own: what fails there makes nobody else wait. */
const elsewhere = (headers) => new Browser(server, { 'x-forwarded-for': `198.18.${++host >> 8}.${host & 255}`, ...headers });
const OTHER_PASSWORD = 'quite another one, which is long';

/* ---- the first owner ----------------------------------------------------------------------------------------- */

describe('a server that nobody can log in to', () => {
    const owner = { email: 'owner@example.com', name: 'Olga Owner', password: PASSWORD, orgKey: 'shop', orgName: 'A Shop' };

    test('prints a link that makes the first owner and its organisation, once', async (t) => {
        const server = await serverFor(t);
        const token = await server.setupToken();
        const shown = await nobody(server).post('/links', { token });
        assert.equal(shown.status, 200);
        const { expiresAt, ...rest } = shown.json;
        assert.deepEqual(rest, { kind: 'setup', email: null, name: null });
        assertTime(expiresAt);
        assert.equal(server.output, '', 'a service keeps the link in its log');

        const made = await nobody(server).post('/setup', { token, ...owner });
        assert.equal(made.status, 201, made.text);
        assertId(made.json.agentId);
        const browser = await server.browser('OWNER@example.com');
        const { agent, organizations } = browser.session;
        assert.deepEqual(agent, { id: made.json.agentId, email: 'owner@example.com', name: 'Olga Owner', secondFactor: false, recoveryCodesLeft: 0 });
        assert.deepEqual(organizations.map(({ id, ...each }) => each), [{ key: 'shop', name: 'A Shop', role: 'owner' }]);
        for (const [path, more] of [['/links', {}], ['/setup', owner], ['/password', { password: PASSWORD }]])
            assertError(await nobody(server).post(path, { token, ...more }), 410, 'link_invalid');
    });

    test('takes its link for nothing less, and lets the mistakes be mended', async (t) => {
        const server = await serverFor(t);
        const token = await server.setupToken();
        const tries = [
            [{ email: 'owner' }, /"email" must be an e-mail address/], [{ email: undefined }, /"email"/], [{ name: '' }, /"name"/], [{ name: 'a\nb' }, /one line/],
            [{ orgKey: 'a shop' }, /"orgKey" must be 1 to 64 characters/], [{ orgKey: '' }, /"orgKey"/], [{ orgName: 7 }, /"orgName"/],
            [{ password: 'short' }, /at least 10 characters/], [{ password: 'ééééé' }, /at least 10 characters/], [{ password: 'aaaaaaaaaaaa' }, /too easy/],
            [{ password: 'owner@example.com' }, /too easy/], [{ password: 'x'.repeat(257) }, /"password"/],
        ];
        for (const [change, sentence] of tries) assertError(await nobody(server).post('/setup', { token, ...owner, ...change }), 400, 'invalid_field', sentence);
        for (const wrong of [`${token.slice(0, -1)}${token.at(-1) === 'A' ? 'B' : 'A'}`, token.replace('hvl_', 'hvt_'), token.slice(4), `${token}x`, 'hvl_'])
            assertError(await nobody(server).post('/setup', { ...owner, token: wrong }), 410, 'link_invalid');
        assertError(await nobody(server).post('/setup', owner), 400, 'invalid_field', /"token"/);
        assert.equal((await nobody(server).post('/setup', { token, ...owner })).status, 201);
    });

    test('of many who use the link at the same time one becomes the owner', async (t) => {
        const server = await serverFor(t);
        const token = await server.setupToken();
        const answers = await Promise.all(Array.from({ length: 6 }, (_, i) => nobody(server).post('/setup', { token, ...owner, email: `o${i}@example.com`, orgKey: `shop-${i}` })));
        assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 410, 410, 410, 410, 410]);
        const counts = await server.counts();
        assert.deepEqual([counts.agents, counts.members, counts.orgs], [1, 1, 1]);
    });

    test('prints another one at its next start, and none once somebody can log in', async (t) => {
        const first = await startServer();
        t.after(() => first.remove());
        const old = await first.setupToken();
        await first.stop();
        const second = await startServer({ directory: first.directory });
        const token = await second.setupToken();
        assertError(await nobody(second).post('/setup', { ...owner, token: old }), 410, 'link_invalid');
        assert.equal((await nobody(second).post('/setup', { ...owner, token })).status, 201);
        await second.stop();
        const third = await startServer({ directory: first.directory });
        await nobody(third).getOk('/health');
        assert.doesNotMatch(third.log, /nobody can log in|hvl_/);
        await third.stop();
    });

    test('takes over an organisation that is there already, with what is in it, while it has no agent', async (t) => {
        const server = await serverFor(t);
        const org = await server.org('shop');
        const id = await org.visitor().converse();
        const token = await server.setupToken();
        assert.equal((await nobody(server).post('/setup', { token, ...owner, orgName: 'Not its name' })).status, 201);
        const browser = await server.browser('owner@example.com');
        assert.equal(browser.session.organizations[0].name, 'shop');
        assert.equal((await browser.getOk(`/conversations/${id}`)).id, id);
    });

    test('makes nobody an owner by that link when the shell was quicker', async (t) => {
        const server = await serverFor(t);
        const token = await server.setupToken();
        await server.cliOk('org', 'create', 'shop');
        await server.cliOk('agent', 'create', 'a@example.com', '--org', 'shop');
        assertError(await nobody(server).post('/setup', { token, ...owner }), 409, 'conflict', /set up already/);
        assert.equal((await server.counts()).agents, 1);
    });
});

/* ---- one server for what follows -------------------------------------------------------------------------------- */

let server, org, other, owner, admin, agent, otherOwner;
before(async () => {
    server = await startServer({ flags: ['--trusted-proxies', '127.0.0.1'] });
    [org, other] = [await server.org('acme'), await server.org('other')];
    owner = await server.join('owner@acme.example', org, 'owner');
    admin = await server.join('admin@acme.example', org, 'admin');
    agent = await server.join('agent@acme.example', org, 'agent');
    otherOwner = await server.join('owner@other.example', other, 'owner');
});
after(async () => {
    await server.check();
    await server.stop();
    server.remove();
});

let number = 0;
const freshEmail = () => `new-${++number}@example.com`;
/** Invites somebody; gives its id and the link. */
async function invite(by, role = 'agent', email = freshEmail()) {
    const answer = await by.post('/agents', { email, name: 'New Somebody', role });
    assert.equal(answer.status, 201, answer.text);
    assert.match(answer.json.link, /^\/account#hvl_/);
    return { email, ...answer.json };
}
/** Somebody who was invited, has accepted and is logged in. */
async function newcomer(role = 'agent', by = owner) {
    const invited = await invite(by, role);
    await server.choosePassword(invited.link);
    const browser = Object.assign(elsewhere(), { id: invited.id, email: invited.email });
    assert.equal((await browser.logIn(invited.email)).status, 201);
    return browser;
}
const listed = async (id, by = owner) => (await by.getOk('/agents')).agents.find((each) => each.id === id);

/* ---- invitations ------------------------------------------------------------------------------------------------- */

describe('an invitation', () => {
    test('makes somebody an agent who chooses name and password by a link, once', async () => {
        const invited = await invite(admin, 'agent');
        assert.deepEqual((({ createdAt, lastLoginAt, ...rest }) => rest)(await listed(invited.id)), {
            id: invited.id, name: 'New Somebody', role: 'agent', email: invited.email, disabled: false, invited: true, online: false, secondFactor: false,
        });
        const shown = await nobody(server).post('/links', { token: tokenOf(invited.link) });
        assert.deepEqual((({ expiresAt, ...rest }) => rest)(shown.json), { kind: 'invitation', email: invited.email, name: 'New Somebody' });
        assertSafeHeaders(shown.headers);
        assertError(await elsewhere().logIn(invited.email), 401, 'login_failed');
        await server.choosePassword(invited.link, { name: 'As I am called' });
        const browser = await server.browser(invited.email);
        assert.equal(browser.session.agent.name, 'As I am called');
        const seen = await listed(invited.id);
        assert.deepEqual([seen.invited, seen.name], [false, 'As I am called']);
        assertTime(seen.lastLoginAt);
        for (const path of ['/links', '/password'])
            assertError(await nobody(server).post(path, { token: tokenOf(invited.link), password: PASSWORD }), 410, 'link_invalid');
    });

    test('of many who use its link at the same time one chooses the password', async () => {
        const invited = await invite(owner);
        const passwords = Array.from({ length: 6 }, (_, i) => `number ${i} of some passwords`);
        const answers = await Promise.all(passwords.map((password) => nobody(server).post('/password', { token: tokenOf(invited.link), password })));
        assert.deepEqual(answers.map(({ status }) => status).sort(), [204, 410, 410, 410, 410, 410]);
        await server.browser(invited.email, passwords[answers.findIndex(({ status }) => status === 204)]);
    });

    test('can be given again while nobody has used it, and the link before is dead then', async () => {
        const invited = await invite(owner);
        const again = await admin.post(`/agents/${invited.id}/link`);
        assert.equal(again.status, 201, again.text);
        assert.notEqual(again.json.link, invited.link);
        assertError(await nobody(server).post('/links', { token: tokenOf(invited.link) }), 410, 'link_invalid');
        await server.choosePassword(again.json.link);
        assertError(await admin.post(`/agents/${invited.id}/link`), 403, 'right_forbidden', /has chosen a password/);
        await server.browser(invited.email);
    });

    test('of whoever is an agent already is refused', async () => {
        const invited = await invite(owner);
        for (const email of [invited.email, invited.email.toUpperCase(), 'agent@acme.example'])
            assertError(await owner.post('/agents', { email, name: 'X', role: 'agent' }), 409, 'conflict', /agent of the organisation already/);
    });

    test('names an address, a name and a role', async () => {
        for (const [change, sentence] of [
            [{ email: 'x' }, /"email"/], [{ email: null }, /"email"/], [{ name: '' }, /"name"/], [{ name: 'x'.repeat(201) }, /200 bytes/], [{ name: 'a\u009bb' }, /one line/],
            [{ role: 'boss' }, /agent, admin or owner/], [{ role: undefined }, /"role"/], [{ role: 'OWNER' }, /agent, admin or owner/],
        ])
            assertError(await owner.post('/agents', { email: freshEmail(), name: 'X', role: 'agent', ...change }), 400, 'invalid_field', sentence);
    });

    test('of whoever has left begins anew: neither the old password nor the old second factor is good for anything', async () => {
        const once = await newcomer();
        assert.equal((await owner.request('DELETE', `/agents/${once.id}`)).status, 204);
        const again = await invite(owner, 'admin', once.email);
        assert.equal(again.id, once.id);
        assertError(await once.get('/session'), 401, 'session_invalid');
        assertError(await elsewhere().logIn(once.email), 401, 'login_failed');
        await server.choosePassword(again.link, { password: OTHER_PASSWORD });
        assert.equal((await server.browser(once.email, OTHER_PASSWORD)).session.organizations[0].role, 'admin');
    });
});

describe('agents of an organisation', () => {
    test('are listed for all of its side; who can log in how is for admins', async () => {
        for (const [caller, isAdmin] of [[owner, true], [admin, true], [agent, false], [org.agent, false]]) {
            const found = (await caller.getOk('/agents')).agents.find(({ email }) => email === 'admin@acme.example');
            assert.equal('secondFactor' in found, isAdmin);
            assert.equal('lastLoginAt' in found, isAdmin);
            assert.ok(!JSON.stringify(found).includes('argon2'));
        }
    });

    test('have their roles changed by admins, and what is about owners is for owners', async () => {
        const [one, boss] = [await newcomer(), await newcomer('owner')];
        const setRole = (by, id, role) => by.request('PATCH', `/agents/${id}`, { body: { role } });
        assert.equal((await setRole(admin, one.id, 'admin')).status, 204);
        assert.equal((await listed(one.id)).role, 'admin');
        assert.equal((await one.getOk('/audit')).entries.length > 0, true);
        assertError(await setRole(admin, one.id, 'owner'), 403, 'right_forbidden', /Only an owner makes owners/);
        assertError(await setRole(admin, boss.id, 'agent'), 403, 'right_forbidden', /about owners/);
        assertError(await admin.request('DELETE', `/agents/${boss.id}`), 403, 'right_forbidden', /about owners/);
        assertError(await admin.post('/agents', { email: freshEmail(), name: 'X', role: 'owner' }), 403, 'right_forbidden', /Only an owner makes owners/);
        assert.equal((await setRole(owner, one.id, 'agent')).status, 204);
        assertError(await one.get('/audit'), 403, 'right_forbidden');
        for (const id of [NOBODY, 'x', otherOwner.session.agent.id]) {
            assertError(await setRole(owner, id, 'agent'), 404, 'not_found');
            assertError(await owner.request('DELETE', `/agents/${id}`), 404, 'not_found');
            assertError(await owner.post(`/agents/${id}/link`), 404, 'not_found');
        }
        assert.equal((await owner.request('DELETE', `/agents/${boss.id}`)).status, 204);
    });

    test('are never without an owner', async () => {
        const alone = await server.org();
        const last = await server.join('last@alone.example', alone, 'owner');
        const { id } = last.session.agent;
        for (const answer of [await last.request('PATCH', `/agents/${id}`, { body: { role: 'agent' } }), await last.request('DELETE', `/agents/${id}`)])
            assertError(answer, 409, 'last_owner');
        const invited = await invite(last, 'owner');
        assertError(await last.request('DELETE', `/agents/${id}`), 409, 'last_owner');
        await server.choosePassword(invited.link);
        assert.equal((await last.request('DELETE', `/agents/${id}`)).status, 204);
        assertError(await last.get('/agents'), 403, 'not_a_member');
    });

    test('lose every right and their stream when they are removed', async () => {
        const one = await newcomer();
        const stream = await listen(one.with({ cookie: one.cookie }));
        assert.equal((await one.get('/conversations')).status, 200);
        assert.equal((await owner.request('DELETE', `/agents/${one.id}`)).status, 204);
        assertError(await one.get('/conversations'), 403, 'not_a_member');
        await stream.end();
        assert.equal((await one.getOk('/session')).organizations.length, 0, 'an agent of nothing can still log in');
    });

    test('lose it too when they are disabled, log out, or end that session elsewhere', async () => {
        const ends = [
            (one) => server.cliOk('agent', 'disable', one.email),
            (one) => one.request('DELETE', '/session'),
            async (one) => (await server.browser(one.email)).request('DELETE', '/sessions'),
            async (one) => server.choosePassword(await server.cliOk('agent', 'reset', one.email)),
        ];
        await Promise.all(
            ends.map(async (end) => {
                const one = await newcomer();
                const stream = await listen(one.with({ cookie: one.cookie }));
                await end(one);
                await stream.end();
            }),
        );
    });
});

/* ---- oneself ------------------------------------------------------------------------------------------------------- */

describe('an agent about itself', () => {
    test('changes its name', async () => {
        const one = await newcomer();
        assert.equal((await one.request('PATCH', '/agents/me', { body: { name: 'Renamed' } })).status, 204);
        assert.equal((await one.getOk('/session')).agent.name, 'Renamed');
        assertError(await one.request('PATCH', '/agents/me', { body: { name: '' } }), 400, 'invalid_field');
        assertError(await one.request('PATCH', '/agents/me', {}), 400, 'invalid_json');
    });

    test('changes its password by the old one, and all other sessions end', async () => {
        const one = await newcomer();
        const second = await server.browser(one.email);
        const change = (password, newPassword) => one.post('/agents/me/password', { password, newPassword });
        assertError(await change('not it at all', OTHER_PASSWORD), 403, 'password_wrong');
        assertError(await change(PASSWORD, 'short'), 400, 'invalid_field', /at least 10 characters/);
        assertError(await change(PASSWORD, one.email), 400, 'invalid_field', /too easy/);
        assert.equal((await second.get('/session')).status, 200);
        assert.equal((await change(PASSWORD, OTHER_PASSWORD)).status, 204);
        assert.equal((await one.get('/session')).status, 200);
        assertError(await second.get('/session'), 401, 'session_invalid');
        assertError(await elsewhere().logIn(one.email), 401, 'login_failed');
        await server.browser(one.email, OTHER_PASSWORD);
    });

    test('is let in again by a link of the shell when the password is forgotten', async () => {
        const one = await newcomer();
        const first = await server.cliOk('agent', 'reset', one.email), link = await server.cliOk('agent', 'reset', one.email);
        assertError(await nobody(server).post('/links', { token: tokenOf(first) }), 410, 'link_invalid');
        const shown = await nobody(server).post('/links', { token: tokenOf(link) });
        assert.equal(shown.json.kind, 'reset');
        assert.equal((await one.get('/session')).status, 200, 'a link that nobody has used ends nothing');
        await server.choosePassword(link, { password: OTHER_PASSWORD });
        assertError(await one.get('/session'), 401, 'session_invalid');
        assertError(await elsewhere().logIn(one.email), 401, 'login_failed');
        await server.browser(one.email, OTHER_PASSWORD);
    });
});

describe('sessions', () => {
    test('are listed with when, from where and by which browser, and end one by one or all at once', async () => {
        const one = await newcomer();
        const others = [];
        for (const name of ['Firefox', 'Safari', 'curl']) {
            const browser = elsewhere({ 'user-agent': name });
            assert.equal((await browser.logIn(one.email)).status, 201);
            others.push(browser);
        }
        const { sessions } = await one.getOk('/sessions');
        assert.equal(sessions.length, 4);
        assert.equal(sessions.filter(({ current }) => current).length, 1);
        assert.deepEqual(sessions.map(({ userAgent }) => userAgent).sort(), ['Firefox', 'Safari', 'curl', null].sort());
        for (const { id, address, createdAt, lastUsedAt } of sessions) {
            assertId(id);
            assertTime(createdAt);
            assertTime(lastUsedAt);
            assert.match(address, /^198\.18\./);
        }
        const end = (id) => one.request('DELETE', `/sessions/${id}`);
        assert.equal((await end(sessions.find(({ userAgent }) => userAgent === 'Safari').id)).status, 204);
        assertError(await others[1].get('/session'), 401, 'session_invalid');
        assert.equal((await others[0].get('/session')).status, 200);
        const foreign = (await owner.getOk('/sessions')).sessions[0].id;
        for (const id of [foreign, NOBODY, 'x', sessions.find(({ userAgent }) => userAgent === 'Safari').id]) assertError(await end(id), 404, 'not_found');
        assert.equal((await owner.get('/session')).status, 200);
        assert.equal((await one.request('DELETE', '/sessions')).status, 204);
        assert.deepEqual((await one.getOk('/sessions')).sessions.map(({ current }) => current), [true]);
        for (const browser of [others[0], others[2]]) assertError(await browser.get('/session'), 401, 'session_invalid');
    });

    test('end by logging out, and the browser forgets the cookie', async () => {
        const one = await newcomer();
        const [cookie, { csrf }] = [one.cookie, one];
        const answer = await one.request('DELETE', '/session');
        assert.equal(answer.status, 204);
        assert.deepEqual(answer.headers['set-cookie'], ['helvino_session=; Max-Age=0; Path=/; HttpOnly; SameSite=Strict']);
        assertError(await one.get('/session'), 401, 'session_required');
        const replayed = Object.assign(elsewhere(), { cookie, csrf });
        const refused = await replayed.get('/session');
        assertError(refused, 401, 'session_invalid');
        assert.match(refused.headers['set-cookie'][0], /^helvino_session=; Max-Age=0;/);
    });

    test('of one agent are twenty at most; one more ends the oldest', async () => {
        const one = await newcomer();
        const second = await server.browser(one.email);
        for (let i = 0; i < 19; ++i) await server.browser(one.email);
        assertError(await one.get('/session'), 401, 'session_invalid');
        assert.equal((await second.getOk('/sessions')).sessions.length, 20);
    });
});

/* ---- the second factor --------------------------------------------------------------------------------------------- */

describe('a second factor', () => {
    /** Switches it on by the code of the step before this one, so that two more are good at once. */
    async function switchOn(one) {
        const made = (await one.post('/agents/me/second-factor')).json;
        const step = await currentStep();
        const answer = await one.request('PUT', '/agents/me/second-factor', { body: { secret: made.secret, code: codeOf(made.secret, step - 1), password: PASSWORD } });
        assert.equal(answer.status, 201, answer.text);
        return { ...made, ...answer.json, step };
    }

    test('is switched on by a code of it and the password, and asked for at the next log-in', async () => {
        const one = await newcomer();
        const offered = (await one.post('/agents/me/second-factor')).json;
        assert.match(offered.secret, /^[A-Z2-7]{32}$/);
        assert.equal(offered.uri, `otpauth://totp/Helvino:${encodeURIComponent(one.email)}?secret=${offered.secret}&issuer=Helvino`);
        assert.equal((await one.getOk('/session')).agent.secondFactor, false, 'nobody is locked out by half of it');
        const set = (body) => one.request('PUT', '/agents/me/second-factor', { body: { secret: offered.secret, password: PASSWORD, ...body } });
        const step = await currentStep();
        assertError(await set({ code: codeOf(offered.secret, step - 5) }), 401, 'second_factor_invalid');
        assertError(await set({ code: codeOf(offered.secret, step), password: 'not the password' }), 403, 'password_wrong');
        assertError(await set({ code: codeOf(offered.secret, step), secret: 'A'.repeat(31) + '1' }), 400, 'invalid_field', /"secret"/);
        assertError(await set({}), 400, 'invalid_field', /"code"/);
        const { secret, recoveryCodes } = await switchOn(one);
        assert.equal(new Set(recoveryCodes).size, 10);
        for (const code of recoveryCodes) assert.match(code, /^[A-Z2-7]{5}-[A-Z2-7]{5}$/);
        assert.deepEqual((({ secondFactor, recoveryCodesLeft }) => [secondFactor, recoveryCodesLeft])((await one.getOk('/session')).agent), [true, 10]);
        assert.equal((await listed(one.id)).secondFactor, true);
        assertError(await one.post('/agents/me/second-factor'), 409, 'conflict', /already/);
        assertError(await set({ secret, code: codeOf(secret, step) }), 409, 'conflict', /already/);
        const browser = elsewhere();
        assertError(await browser.logIn(one.email), 401, 'second_factor_required');
        assert.equal(browser.cookie, undefined);
        assertError(await browser.logIn(one.email, 'not the password', { code: codeOf(secret, step) }), 401, 'login_failed');
        assert.equal((await browser.logIn(one.email, PASSWORD, { code: codeOf(secret, step) })).status, 201);
    });

    test('takes each code once, also when two use it at the same moment', async () => {
        const one = await newcomer();
        const { secret, step } = await switchOn(one);
        assertError(await elsewhere().logIn(one.email, PASSWORD, { code: codeOf(secret, step - 1) }), 401, 'second_factor_invalid');
        const answers = await Promise.all([1, 2, 3].map(() => elsewhere().logIn(one.email, PASSWORD, { code: codeOf(secret, step) })));
        assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 401, 401]);
        assertError(await elsewhere().logIn(one.email, PASSWORD, { code: codeOf(secret, step) }), 401, 'second_factor_invalid');
        assert.equal((await elsewhere().logIn(one.email, PASSWORD, { code: codeOf(secret, step + 1) })).status, 201);
        assertError(await elsewhere().logIn(one.email, PASSWORD, { code: codeOf(secret, step) }), 401, 'second_factor_invalid');
    });

    test('takes each recovery code once, as people type it', async () => {
        const one = await newcomer();
        const { recoveryCodes } = await switchOn(one);
        const typed = [recoveryCodes[0], recoveryCodes[1].toLowerCase(), recoveryCodes[2].replace('-', ''), recoveryCodes[3].replace('-', ' ')];
        for (const [used, code] of typed.entries()) {
            const browser = elsewhere();
            assert.equal((await browser.logIn(one.email, PASSWORD, { code })).status, 201, code);
            assert.equal(browser.session.agent.recoveryCodesLeft, 9 - used);
        }
        assertError(await elsewhere().logIn(one.email, PASSWORD, { code: recoveryCodes[0] }), 401, 'second_factor_invalid');
        const answers = await Promise.all([1, 2, 3].map(() => elsewhere().logIn(one.email, PASSWORD, { code: recoveryCodes[9] })));
        assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 401, 401]);
    });

    test('does not let whoever has the password guess at codes', async () => {
        const one = await newcomer();
        const { secret, step } = await switchOn(one);
        const wrong = ['000000', '111111', '222222', '333333', '444444', '555555'].filter((code) => ![-1, 0, 1, 2].some((off) => codeOf(secret, step + off) === code));
        let limited;
        for (const code of [...wrong, ...wrong]) {
            const answer = await elsewhere().logIn(one.email, PASSWORD, { code });
            if (answer.status === 401) assertError(answer, 401, 'second_factor_invalid');
            else limited ??= answer;
        }
        assertError(limited, 429, 'rate_limited');
        assert.match(limited.headers['retry-after'], /^[1-9][0-9]*$/);
        assert.equal((await one.get('/session')).status, 200, 'a session that is open is not hit');
    });

    test('is switched off by a code and the password, not by one of them', async () => {
        const one = await newcomer();
        assertError(await one.request('DELETE', '/agents/me/second-factor', { body: { code: '123456', password: PASSWORD } }), 409, 'conflict', /There is no second factor/);
        const { secret, step, recoveryCodes } = await switchOn(one);
        const off = (body) => one.request('DELETE', '/agents/me/second-factor', { body });
        assertError(await off({ password: PASSWORD }), 401, 'second_factor_required');
        assertError(await off({ password: PASSWORD, code: codeOf(secret, step - 1) }), 401, 'second_factor_invalid');
        assertError(await off({ password: 'not the password', code: codeOf(secret, step) }), 403, 'password_wrong');
        assertError(await off({ code: codeOf(secret, step) }), 400, 'invalid_field', /"password"/);
        assert.equal((await off({ password: PASSWORD, code: recoveryCodes[5] })).status, 204);
        const browser = await server.browser(one.email);
        assert.deepEqual([browser.session.agent.secondFactor, browser.session.agent.recoveryCodesLeft], [false, 0]);
    });

    test('that is lost with its recovery codes is taken off by the shell alone', async () => {
        const one = await newcomer();
        await switchOn(one);
        await server.choosePassword(await server.cliOk('agent', 'reset', one.email));
        assertError(await elsewhere().logIn(one.email), 401, 'second_factor_required');
        await server.choosePassword(await server.cliOk('agent', 'reset', one.email, '--no-second-factor'));
        await server.browser(one.email);
    });
});

/* ---- tokens --------------------------------------------------------------------------------------------------------- */

describe('access tokens', () => {
    const create = async (by, body) => {
        const answer = await by.post('/tokens', { name: 'a program', scope: 'read', ...body });
        assert.equal(answer.status, 201, answer.text);
        return Object.assign(new Org(server, org.key, answer.json.token).agent, { id: answer.json.id });
    };
    const find = async (id) => (await owner.getOk('/tokens')).tokens.find((each) => each.id === id);

    test('do what their scope says, and no more', async () => {
        const id = await org.visitor().converse();
        const say = (by) => by.post(`/conversations/${id}/messages`, { role: 'assistant', content: 'hello' });
        const [read, write, all] = [await create(admin), await create(admin, { scope: 'write' }), await create(admin, { scope: 'admin' })];
        for (const [token, may] of [[read, [200, 403, 403, 403]], [write, [200, 201, 403, 403]], [all, [200, 201, 200, 403]]]) {
            const statuses = [await token.get(`/conversations/${id}`), await say(token), await token.get('/tokens'), await token.post('/agents', { email: freshEmail(), name: 'X', role: 'owner' })];
            assert.deepEqual(statuses.map(({ status }) => status), may);
            assertError(await token.get('/session'), 401, 'session_required');
        }
        assert.equal((await all.post('/agents', { email: freshEmail(), name: 'X', role: 'admin' })).status, 201);
    });

    test('are shown once, listed without their secret, and end when they are revoked', async () => {
        const token = await create(owner, { name: 'statistics' });
        const { createdAt, ...rest } = await find(token.id);
        assert.deepEqual(rest, { id: token.id, name: 'statistics', scope: 'read', expiresAt: null, lastUsedAt: null });
        assertTime(createdAt);
        await token.getOk('/conversations');
        const used = await eventually(async () => (await find(token.id)).lastUsedAt, 'the use to be noted');
        assertTime(used);
        const stream = await listen(token);
        assert.equal((await admin.request('DELETE', `/tokens/${token.id}`)).status, 204);
        assertError(await token.get('/conversations'), 401, 'token_invalid');
        await stream.end();
        assert.equal(await find(token.id), undefined);
        for (const id of [token.id, NOBODY, 'x', other.token.slice(4, 29)]) assertError(await owner.request('DELETE', `/tokens/${id}`), 404, 'not_found');
        assert.equal((await other.agent.get('/conversations')).status, 200);
    });

    test('end when they were said to, streams included', async () => {
        const expiresAt = new Date(Date.now() + 2500).toISOString();
        const token = await create(owner, { expiresAt });
        assert.equal((await find(token.id)).expiresAt, expiresAt);
        const stream = await listen(token);
        assert.equal((await token.get('/conversations')).status, 200);
        const refused = await eventually(async () => ((answer) => answer.status !== 200 && answer)(await token.get('/conversations')), 'its end');
        assert.ok(new Date() >= new Date(expiresAt), 'it ended too early');
        assertError(refused, 401, 'token_invalid');
        await stream.end();
    });

    test('have a name, a scope that there is, and an end that lies ahead', async () => {
        for (const [change, sentence] of [
            [{ name: '' }, /"name"/], [{ name: undefined }, /"name"/], [{ scope: 'root' }, /read, write or admin/], [{ scope: undefined }, /"scope"/], [{ scope: 'owner' }, /read, write or admin/],
            [{ expiresAt: 'tomorrow' }, /"expiresAt"/], [{ expiresAt: 1 }, /"expiresAt"/], [{ expiresAt: '2020-01-01T00:00:00Z' }, /in the future/],
        ])
            assertError(await owner.post('/tokens', { name: 'x', scope: 'read', ...change }), 400, 'invalid_field', sentence);
    });

    test('of one organisation are a hundred at most', async () => {
        const crowded = await server.org();
        const boss = await server.join('boss@crowded.example', crowded, 'owner');
        const made = await Promise.all(Array.from({ length: 130 }, (_, i) => boss.post('/tokens', { name: `n${i}`, scope: 'read' })));
        assert.equal(made.filter(({ status }) => status === 201).length, 99, 'many at once');
        assertError(await boss.post('/tokens', { name: 'one more', scope: 'read' }), 409, 'limit_reached');
        assert.equal((await owner.post('/tokens', { name: 'elsewhere', scope: 'read' })).status, 201);
    });
});

/* ---- settings ------------------------------------------------------------------------------------------------------- */

describe('settings of the organisation', () => {
    const patch = (by, body) => by.request('PATCH', '/organization', { body });

    test('are seen by its whole side and changed by admins; the widget has them at once', async () => {
        const shop = await server.org();
        const boss = await server.join('boss@settings.example', shop, 'admin');
        const before = await boss.getOk('/organization');
        assert.match(before.id, ID);
        const widget = { title: 'Hello', subtitle: 'We answer', color: '#123abc', position: 'left', language: 'tr' };
        const changed = await patch(boss, { name: 'A Shop', allowedOrigins: ['HTTPS://WWW.Shop.example/', 'http://localhost:8080'], widget, countVisits: true });
        assert.equal(changed.status, 200, changed.text);
        assert.deepEqual((({ updatedAt, ...rest }) => rest)(changed.json), {
            ...(({ updatedAt, ...rest }) => rest)(before), name: 'A Shop', allowedOrigins: ['https://www.shop.example', 'http://localhost:8080'], widget, countVisits: true,
        });
        assert.deepEqual(await shop.agent.getOk('/organization'), changed.json);
        const { org: shown, config } = await shop.anonymous.getOk('/api/bootloader');
        assert.equal(shown.name, 'A Shop');
        for (const [setting, value] of Object.entries(widget)) assert.equal(config[setting], value);
        const again = (await patch(boss, { widget: { title: '' }, allowedOrigins: [] })).json;
        assert.deepEqual([again.widget.title || null, again.widget.subtitle, again.allowedOrigins, again.name], [null, 'We answer', [], 'A Shop']);
    });

    test('that make no sense are refused, and nothing of the change is kept', async () => {
        const before = await owner.getOk('/organization');
        for (const [change, sentence] of [
            [{ name: '' }, /"name"/], [{ name: 5 }, /"name"/], [{ allowedOrigins: 'https://a.example' }, /"allowedOrigins"/], [{ allowedOrigins: ['example.com'] }, /origins such as/],
            [{ allowedOrigins: ['https://a.example/path'] }, /origins such as/], [{ allowedOrigins: Array(33).fill('https://a.example') }, /at most 32/], [{ allowedOrigins: [null] }, /origins such as/],
            [{ widget: 'x' }, /"widget" must be an object/], [{ widget: { color: 'red' } }, /#2563eb/], [{ widget: { position: 'top' } }, /left or right/], [{ widget: { language: 'xx' } }, /auto, en/],
            [{ countVisits: 1 }, /true or false/], [{ widget: { title: 'x'.repeat(501) } }, /500 bytes/],
        ])
            assertError(await patch(owner, { ...change, name: change.name ?? 'Changed' }), 400, 'invalid_field', sentence);
        assert.deepEqual(await owner.getOk('/organization'), before);
        assertError(await patch(agent, { name: 'x' }), 403, 'right_forbidden');
        assertError(await patch(org.agent, { name: 'x' }), 403, 'right_forbidden');
        assertError(await patch(org.anonymous, { name: 'x' }), 401, 'token_required');
    });
});

/* ---- the audit log -------------------------------------------------------------------------------------------------- */

describe('the audit log', () => {
    test('has every act, with who, what, when and from where, also behind a proxy that is trusted', async (t) => {
        const behind = await serverFor(t, { flags: ['--trusted-proxies', '127.0.0.1'] });
        const from = (address) => ({ 'x-forwarded-for': address });
        const token = await behind.setupToken();
        const made = await new Caller(behind, from('203.0.113.1')).post('/setup', { token, email: 'boss@example.com', name: 'Boss', password: PASSWORD, orgKey: 'shop', orgName: 'Shop' });
        assert.equal(made.status, 201, made.text);
        const boss = new Browser(behind, from('203.0.113.2'));
        await boss.logIn('boss@example.com');
        const { json: invited } = await boss.post('/agents', { email: 'new@example.com', name: 'New', role: 'agent' });
        const { json: again } = await boss.post(`/agents/${invited.id}/link`);
        await new Caller(behind, from('2001:db8::5')).post('/password', { token: tokenOf(again.link), password: PASSWORD });
        const one = new Browser(behind, from('6.6.6.6, 198.51.100.7')); // what a proxy has added counts, not what was sent to it
        await one.logIn('new@example.com');
        await one.request('PATCH', '/agents/me', { body: { name: 'Newer' } });
        await one.post('/agents/me/password', { password: PASSWORD, newPassword: OTHER_PASSWORD });
        const { secret } = (await one.post('/agents/me/second-factor')).json;
        await one.request('PUT', '/agents/me/second-factor', { body: { secret, code: codeOf(secret, await currentStep()), password: OTHER_PASSWORD } });
        const codes = await one.request('DELETE', '/agents/me/second-factor', { body: { code: codeOf(secret, (await currentStep()) + 1), password: OTHER_PASSWORD } });
        assert.equal(codes.status, 204, codes.text);
        await one.request('DELETE', '/session');
        await boss.request('PATCH', `/agents/${invited.id}`, { body: { role: 'admin' } });
        const { json: program } = await boss.post('/tokens', { name: 'program', scope: 'admin' });
        const robot = new Org(behind, 'shop', program.token).agent.with(from('192.0.2.3'));
        await robot.request('PATCH', '/organization', { body: { name: 'Renamed', widget: { title: 'Hi' } } });
        await robot.request('DELETE', `/agents/${invited.id}`);
        await boss.request('DELETE', `/tokens/${program.id}`);
        await behind.cliOk('agent', 'role', 'new@example.com', '--org', 'shop', '--role', 'agent');
        await behind.cliOk('agent', 'reset', 'new@example.com');
        await behind.cliOk('agent', 'disable', 'new@example.com');
        await behind.cliOk('org', 'token', 'create', 'shop', '--name', 'of the shell');
        assertError(await boss.request('DELETE', `/agents/${NOBODY}`), 404, 'not_found'); // and nothing of what was refused

        const entries = await boss.pages('/audit', 'entries', 7);
        const B = 'boss@example.com', N = 'new@example.com';
        const expected = [
            ['server.set_up', B, '203.0.113.1', B, null],
            ['session.created', B, '203.0.113.2', B, null],
            ['agent.created', B, '203.0.113.2', N, 'agent'],
            ['agent.link', B, '203.0.113.2', N, 'invitation'],
            ['agent.password', N, '2001:db8::5', N, null],
            ['session.created', N, '198.51.100.7', N, null],
            ['agent.updated', N, '198.51.100.7', N, null],
            ['agent.password', N, '198.51.100.7', N, null],
            ['agent.second_factor.on', N, '198.51.100.7', N, null],
            ['agent.second_factor.off', N, '198.51.100.7', N, null],
            ['session.ended', N, '198.51.100.7', N, null],
            ['member.role', B, '203.0.113.2', N, 'admin'],
            ['token.created', B, '203.0.113.2', 'program', 'admin'],
            ['org.updated', 'program', '192.0.2.3', 'shop', 'name widget.title'],
            ['member.removed', 'program', '192.0.2.3', N, null],
            ['token.revoked', B, '203.0.113.2', 'program', null],
            ['member.added', null, null, N, 'agent'],
            ['agent.link', null, null, N, 'reset'],
            ['agent.disabled', null, null, N, null],
            ['token.created', null, null, 'of the shell', 'write'],
        ];
        assert.deepEqual(entries.map((entry) => [entry.action, entry.actorName, entry.address, entry.subjectName, entry.detail]).reverse(), expected);
        for (const [i, entry] of entries.entries()) {
            assertTime(entry.at);
            if (i > 0) assert.ok(entry.seq < entries[i - 1].seq && entry.at <= entries[i - 1].at, 'the newest comes first');
            assert.equal(entry.actorId === null, entry.actorName === null);
        }
        assert.equal(entries.find(({ action }) => action === 'org.updated').actorId, program.id);
        const rows = JSON.parse((await behind.cliOk('dump', 'sql', 'SELECT action, actorName, address FROM audit ORDER BY seq', '--format', 'json')).trim());
        assert.deepEqual(rows.filter(({ action }) => action !== 'org.created').map(({ action, actorName, address }) => [action, actorName, address]), expected.map((row) => row.slice(0, 3)));
    });

    test('is for admins of that organisation alone', async () => {
        assertError(await agent.get('/audit'), 403, 'right_forbidden');
        assertError(await org.agent.get('/audit'), 403, 'right_forbidden');
        assertError(await org.anonymous.get('/audit'), 401, 'token_required');
        assertError(await otherOwner.get('/audit', { 'x-org-key': 'acme' }), 403, 'not_a_member');
        const names = (await otherOwner.pages('/audit', 'entries')).flatMap((entry) => [entry.actorName, entry.subjectName]);
        assert.ok(names.length > 0 && !names.some((name) => /acme/.test(name ?? '')), 'acts of another organisation');
        for (const query of ['?limit=0', '?limit=101', '?before=0', '?before=x', '?limit=1&limit=2']) assertError(await owner.get(`/audit${query}`), 400, 'invalid_query');
        const [first] = (await owner.getOk('/audit?limit=1')).entries;
        assert.ok((await owner.getOk(`/audit?limit=1&before=${first.seq}`)).entries[0].seq < first.seq);
    });
});
