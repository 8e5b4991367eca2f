/* POST /password/forgotten: a link by mail for whoever has the address, and nothing to learn or to break for whoever has not. */
import assert from 'node:assert/strict';
import test, { before, after, describe } from 'node:test';

import { Browser, Caller, eventually, PASSWORD, serverFor, startServer, tokenOf } from './server.mjs';
import { assertError, assertSafeHeaders } from './shapes.mjs';
import { MailServer } from './smtp.mjs';
import { Wire, requestBytes } from './raw.mjs';

const OTHER_PASSWORD = 'quite another one, which is long';

let mails, server;
before(async () => {
    mails = await new MailServer().ready;
    server = await startServer({ flags: ['--smtp-url', `smtp://127.0.0.1:${mails.port}`, '--smtp-from', 'noreply@chat.example', '--public-url', 'https://chat.example', '--trusted-proxies', '127.0.0.1'] });
    await server.org('acme');
});
after(async () => {
    await server.check();
    await server.stop();
    server.remove();
    mails.close();
});

let host = 0;
const freshAddress = () => ({ 'x-forwarded-for': `198.18.${++host >> 8}.${host & 255}` });
let number = 0;
const freshEmail = () => `new-${++number}@example.com`;
/** Somebody who has a password; `more` ends the account in some way. */
async function makeAgent() {
    const email = freshEmail();
    await server.choosePassword(await server.cliOk('agent', 'create', email, '--org', 'acme'));
    return email;
}
const ask = (email, from = freshAddress()) => new Caller(server, from).post('/password/forgotten', { email });
async function askOk(email) {
    const answer = await ask(email);
    assert.equal(answer.status, 202, answer.text);
    assert.equal(answer.text, '{}');
    assertSafeHeaders(answer.headers);
}
/** What was mailed to the address, as soon as there are so many. */
async function mailedTo(email, count = 1) {
    const found = () => mails.mails.filter(({ to }) => to.includes(email));
    await eventually(() => found().length >= count, `${count} mails to ${email}`);
    return found().map(({ lines }) => lines.join('\n').replace(/=\n/g, '').replace(/=3D/gi, '='));
}
const linkIn = (mail) => tokenOf(/https:\/\/chat\.example\/account#\S+/.exec(mail)?.[0] ?? assert.fail(mail));

describe('a forgotten password', () => {
    test('is chosen anew by a link that comes by mail, once', async () => {
        const email = await makeAgent();
        const browser = await server.browser(email);
        await askOk(email.toUpperCase());
        const [mail] = await mailedTo(email);
        const token = linkIn(mail);
        assert.match(mail, /If it was not you, nothing has to be done/);
        const shown = await new Caller(server, {}).post('/links', { token });
        assert.deepEqual([shown.json.kind, shown.json.email], ['reset', email]);
        assert.equal((await browser.get('/session')).status, 200, 'to ask for it ends nothing');
        await server.choosePassword(token, { password: OTHER_PASSWORD });
        assertError(await browser.get('/session'), 401, 'session_invalid');
        assertError(await new Caller(server, {}).post('/password', { token, password: PASSWORD }), 410, 'link_invalid');
        await server.browser(email, OTHER_PASSWORD);
        assert.ok(!server.log.includes(token) && !server.log.includes(email));
    });

    test('is asked for in the same way by whoever has no account: same answer, same number of changes, no mail', async () => {
        const [disabled, invited] = [await makeAgent(), freshEmail()];
        await server.cliOk('agent', 'disable', disabled);
        await server.cliOk('agent', 'create', invited, '--org', 'acme');
        const seq = async () => (await new Caller(server, {}).getOk('/health')).seq;
        const seen = new Map();
        const [known, unknown] = [await makeAgent(), freshEmail()];
        for (const email of [known, unknown, disabled, invited]) {
            const before = await seq();
            const wire = await Wire.connect(server.port);
            const answer = await wire.send(requestBytes('POST', '/password/forgotten', { ...freshAddress(), 'Content-Type': 'application/json' }, JSON.stringify({ email }))).answer();
            wire.vanish();
            await eventually(async () => (await seq()) > before, 'a change');
            seen.set(email, [answer.whole.toString('latin1').replace(/^date: .*\r\n/im, ''), (await seq()) - before]);
        }
        for (const [email, told] of seen) assert.deepEqual(told, seen.get(known), email);
        await mailedTo(known);
        await mailedTo(invited);
        assert.deepEqual(mails.mails.filter(({ to }) => to.includes(unknown) || to.includes(disabled)), []);
    });

    test('is in no figure of /metrics, which anybody may read: a mail that was sent would tell that there is an account', async () => {
        const figures = async () => (await new Caller(server, {}).get('/metrics')).text;
        const known = await makeAgent();
        const outgoing = (text) => text.split('\n').filter((line) => /^helvino_post/.test(line));
        const before = outgoing(await figures());
        await askOk(known);
        await mailedTo(known);
        const after = await figures();
        assert.doesNotMatch(after, /^helvino_mail/m);
        assert.deepEqual(outgoing(after), before);
    });

    test('leaves the links that there are good, until one of them is used', async () => {
        const email = freshEmail();
        const invitation = tokenOf(await server.cliOk('agent', 'create', email, '--org', 'acme'));
        await askOk(email);
        await askOk(email);
        const tokens = [invitation, ...(await mailedTo(email, 2)).map(linkIn)];
        assert.equal(new Set(tokens).size, 3);
        const statuses = () => Promise.all(tokens.map(async (token) => (await new Caller(server, {}).post('/links', { token })).status));
        assert.deepEqual(await statuses(), [200, 200, 200]);
        await server.choosePassword(tokens[1]);
        assert.deepEqual(await statuses(), [410, 410, 410]);
        assert.equal((await server.browser(email)).session.organizations[0].key, 'acme');
    });

    test('can\'t be asked for again and again in somebody\'s name, which keeps nobody from logging in', async () => {
        const email = await makeAgent();
        for (let i = 0; i < 3; ++i) await askOk(email);
        const limited = await eventually(async () => ((answer) => answer.status === 429 && answer)(await ask(email)), 'the limit');
        assertError(limited, 429, 'rate_limited');
        assert.match(limited.headers['retry-after'], /^[1-9][0-9]*$/);
        const unknown = freshEmail();
        for (let i = 0; i < 3; ++i) await askOk(unknown);
        assertError(await eventually(async () => ((answer) => answer.status === 429 && answer)(await ask(unknown)), 'the limit'), 429, 'rate_limited');
        assert.equal((await new Browser(server, freshAddress()).logIn(email)).status, 201);
        const home = freshAddress();
        const answers = await Promise.all(Array.from({ length: 30 }, () => ask(freshEmail(), home)));
        assert.equal(answers.filter(({ status }) => status === 202).length, 20, 'one address for many accounts');
    });

    test('is nothing that a page of another site can ask for, and asks for an address', async () => {
        const email = await makeAgent();
        const request = (body, headers) => new Caller(server, freshAddress()).request('POST', '/password/forgotten', { body, headers });
        for (const site of ['cross-site', 'same-site']) assertError(await request({ email }, { 'sec-fetch-site': site }), 403, 'origin_forbidden');
        for (const type of ['text/plain', 'application/x-www-form-urlencoded', null]) assertError(await request(JSON.stringify({ email }), { 'content-type': type }), 415, 'unsupported_media_type');
        for (const body of [{}, { email: 'x' }, { email: 1 }, { email: 'a@b\r\nBcc: c@d' }]) assertError(await request(body), 400, 'invalid_field', /"email"/);
        assert.deepEqual(mails.mails.filter(({ to }) => to.includes(email)), []);
    });

    test('is a matter for the operator where the server sends no mail', async (t) => {
        const silent = await serverFor(t);
        assertError(await new Caller(silent, {}).post('/password/forgotten', { email: 'a@example.com' }), 409, 'mail_unavailable', /helvino agent reset/);
    });
});
