/* The command line as a person or a script meets it: help, mistakes, organisations, tokens, check, a second server. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, realpathSync, readSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import test, { describe } from 'node:test';

import { BINARY, Caller, eventually, exchange, freshVisitorKey, helvino, helvinoOk, Org, run, Server, serverFor, startServer, temporaryDirectory } from './server.mjs';

const TOKEN = /^hvt_c[0-9a-z]{24}_[A-Za-z0-9_-]{43}$/;
const ID = /^c[0-9a-z]{24}$/;

/** A mistake is told in one sentence on standard error and nothing on standard output. */
function assertComplaint(result, code, sentence) {
    assert.equal(result.code, code, result.stderr);
    assert.equal(result.stdout, '');
    assert.match(result.stderr, /^helvino: [^\n]+\n$/);
    assert.match(result.stderr, sentence);
}

/** A server that the test stops by itself; if it doesn't come so far, the server must not outlive it. */
function removeAfter(t, server) {
    t.after(async () => {
        if (!server.exited) await server.kill();
        server.remove();
    });
}

/** A directory for one test, with a shorthand that names it in every command. */
function databaseFor(t) {
    const data = join(temporaryDirectory(), 'data');
    t.after(() => run('rm', ['-rf', data]));
    return {
        data,
        cli: (...args) => helvino([...args, '--data', data]),
        ok: async (...args) => (await helvinoOk([...args, '--data', data])).stdout,
    };
}

/* ---- help ---------------------------------------------------------------------------------------------------- */

describe('help', () => {
    test('the overview lists every command and topic, and each of them has a page', async () => {
        const { stdout } = await helvinoOk(['help']);
        for (const words of ['serve', 'org create', 'org list', 'org show', 'org update', 'org delete', 'org token create',
            'org token list', 'org token revoke', 'agent create', 'agent list', 'agent role', 'agent remove', 'agent reset', 'agent disable', 'agent enable', 'stat', 'check', 'version', 'help']) {
            assert.match(stdout, new RegExp(`^  ${words} `, 'm'));
            const page = (await helvinoOk(['help', ...words.split(' ')])).stdout;
            assert.match(page, new RegExp(`usage: helvino ${words}`));
            assert.equal((await helvinoOk([...words.split(' '), '--help'])).stdout, page);
        }
        const topics = stdout.split('Topics\n')[1].split('\n\n')[0].split('\n').map((line) => line.trim().split(' ')[0]);
        assert.ok(topics.length >= 5);
        for (const topic of topics) assert.ok((await helvinoOk(['help', topic])).stdout.length > 100, topic);
    });

    test('every flag of the contract stands in help with its environment variable', async () => {
        const { stdout } = await helvinoOk(['help', 'flags']);
        const flags = ['data', 'listen', 'demo', 'loops', 'tls-cert', 'tls-key', 'acme-dir', 'trusted-proxies', 'hsts', 'rate-limit',
            'rate-conversations-visitor', 'rate-messages-visitor', 'rate-conversations-address', 'rate-messages-address',
            'rate-conversations-org', 'rate-messages-org', 'connections-max', 'connections-per-address', 'request-deadline',
            'stop-deadline', 'map-size', 'max-size', 'log-level', 'log-format', 'name', 'origin', 'no-origins', 'widget-title',
            'new-database', 'widget-subtitle', 'widget-color', 'widget-position', 'widget-language', 'count-visits', 'yes', 'format', 'scope', 'expires', 'role', 'no-second-factor'];
        for (const flag of flags) {
            const variable = `HELVINO_${flag.toUpperCase().replaceAll('-', '_')}`;
            assert.match(stdout, new RegExp(`^  --${flag}( .*)? ${variable}$`, 'm'));
        }
    });

    test('--markdown gives a table with as many cells in each row', async () => {
        const { stdout } = await helvinoOk(['help', 'serve', '--markdown']);
        const rows = stdout.trimEnd().split('\n');
        assert.ok(rows.length > 25);
        for (const row of rows) assert.equal(row.split(/(?<!\\)\|/).length, 6, row);
        assert.match(stdout, /\| `--listen URL` \| `HELVINO_LISTEN` \| `http:\/\/:4000` \|/);
    });

    test('a topic that there is not: exit code 2', async () => {
        assertComplaint(await helvino(['help', 'nonsense']), 2, /nonsense/);
    });

    test('without a command the overview goes to standard error, exit code 2', async () => {
        const result = await helvino([]);
        assert.equal(result.code, 2);
        assert.equal(result.stdout, '');
        assert.match(result.stderr, /usage: helvino COMMAND/);
    });
});

describe('version', () => {
    test('the version is the one that /health tells', async (t) => {
        const server = await serverFor(t);
        const { stdout } = await helvinoOk(['version']);
        const [, version] = stdout.match(/^helvino ([0-9]+\.[0-9]+\.[0-9]+)\n/);
        const answer = await new Org(server, 'none', 'none').anonymous.getOk('/health');
        assert.equal(answer.version, version);
        assert.equal((await helvinoOk(['--version'])).stdout, stdout);
    });

    test('an output that cannot be written is a failure', async () => {
        const result = await run('sh', ['-c', `"${BINARY}" version > /dev/full`]);
        assertComplaint(result, 1, /standard output/);
    });
});

/* ---- mistakes ------------------------------------------------------------------------------------------------ */

describe('usage errors end with exit code 2 and a sentence', () => {
    const cases = [
        [['serv'], /no command "serv"; did you mean "serve"\?/],
        [['org'], /"org" is no whole command/],
        [['org', 'crate', 'x'], /did you mean "org create"\?/],
        [['--data', 'x', 'serve'], /the command must come first/],
        [['serve', '--lisen', '4000'], /no flag --lisen; did you mean --listen\?/],
        [['serve', '--loops'], /--loops needs an argument/],
        [['serve', '--loops', '1000'], /--loops takes a number from 0 to 64, not "1000"/],
        [['serve', '--log-level', 'loud'], /one of debug\|info\|warn\|error/],
        [['serve', '--map-size', '1 GB'], /such as 512M or 64G/],
        [['serve', 'now'], /one argument too many/],
        [['serve', '--listen', 'localhost:80'], /--listen localhost:80: .*names are not resolved/],
        [['serve', '--listen', '70000'], /--listen 70000: .*port/],
        [['serve', '--listen', 'https://127.0.0.1:0'], /needs --tls-cert and --tls-key/],
        [['serve', '--tls-cert', 'x'], /must be given together/],
        [['serve', '--trusted-proxies', 'proxy.example'], /--trusted-proxies/],
        [['org', 'create'], /an argument is missing; usage: helvino org create KEY/],
        [['org', 'create', 'no spaces'], /KEY must be/],
        [['org', 'create', 'x'.repeat(65)], /KEY must be/],
        [['org', 'create', 'x', '--origin', 'example.com'], /--origin takes http:\/\/ or https:\/\//],
        [['org', 'create', 'x', '--origin', 'https://example.com/shop'], /neither a path/],
        [['org', 'create', 'x', '--origin', 'https://*.example.com'], /nor "\*"/],
        [['org', 'create', 'x', '--name', ''], /--name takes text of 1 to 200 bytes/],
        [['org', 'create', 'x', '--name', 'a\u009b31m'], /without control characters, not "a\\xc2\\x9b31m"/],
        [['org', 'create', 'x', '--name', 'a\tb\u009b'], /without control characters, not "a\\x09b\\xc2\\x9b"/],
        [['org', 'update', 'x'], /nothing to change/],
        [['org', 'update', 'x', '--origin', 'https://a.example', '--no-origins'], /contradict/],
        [['org', 'update', 'x', '--widget-color', '#12345g'], /hexadecimal/],
        [['org', 'update', 'x', '--widget-position', 'top'], /left\|right/],
        [['org', 'delete', 'x'], /say --yes/],
        [['org', 'list', '--listen', '1'], /"helvino org list" does not take --listen/],
        [['org', 'token', 'revoke', 'x', 'y'], /TOKEN_ID must be/],
        [['org', 'token', 'create', 'x', '--scope', 'root'], /one of read\|write\|admin, not "root"/],
        [['org', 'token', 'create', 'x', '--expires', 'soon'], /a number from 0 to 36500/],
        [['agent', 'create'], /an argument is missing; usage: helvino agent create EMAIL/],
        [['agent', 'create', 'x', '--org', 'y'], /"x" is no e-mail address/],
        [['agent', 'create', 'a@b', '--org', 'y', '--role', 'boss'], /one of agent\|admin\|owner, not "boss"/],
        [['agent', 'create', 'a@b'], /name the organisation with --org KEY/],
        [['agent', 'role', 'a@b', '--role', 'admin'], /name the organisation with --org KEY/],
        [['agent', 'remove', 'a@b'], /name the organisation with --org KEY/],
        [['agent', 'reset', 'nobody'], /"nobody" is no e-mail address/],
        [['agent', 'disable', 'a@b', '--org', 'y'], /does not take --org/],
        [['stat', '--format', 'xml'], /table\|json/],
    ];
    for (const [args, sentence] of cases) {
        test(args.join(' ').slice(0, 80), async (t) => {
            const { data } = databaseFor(t);
            assertComplaint(await helvino(args, { env: { HELVINO_DATA: data } }), 2, sentence);
            assert.throws(() => statSync(data), 'a usage error must not make a database');
        });
    }

    test('a mistake in a variable names the variable', async () => {
        assertComplaint(await helvino(['stat'], { env: { HELVINO_FORMAT: 'xml' } }), 2, /HELVINO_FORMAT takes one of table\|json/);
    });
});

describe('a database that is not there', () => {
    for (const words of ['org create x', 'org list', 'org show x', 'org update x --name y', 'org delete x --yes', 'org token create x', 'org token list x', 'agent create a@b --org x', 'agent list', 'agent role a@b --org x', 'agent remove a@b --org x', 'agent reset a@b', 'agent disable a@b', 'agent enable a@b', 'stat', 'check']) {
        test(`${words} says so and makes none`, async (t) => {
            const { data, cli } = databaseFor(t);
            assertComplaint(await cli(...words.split(' ')), 1, /there is no database in/);
            assert.throws(() => statSync(data));
        });
    }

    test('its full path is named', async (t) => {
        const directory = realpathSync(temporaryDirectory());
        t.after(() => run('rm', ['-rf', directory]));
        const result = await helvino(['org', 'create', 'x'], { cwd: directory, env: { HELVINO_DATA: '' } });
        assertComplaint(result, 1, /--data/);
        assert.ok(result.stderr.includes(` ${directory}/helvino-data;`), result.stderr);
    });
});

const notRoot = process.getuid() !== 0 && 'only root can be somebody else';

describe('a database of somebody else', { skip: notRoot }, () => {
    test('root leaves it alone, and reads it', async (t) => {
        const { data, cli, ok } = databaseFor(t);
        await ok('org', 'create', 'acme', '--new-database');
        await run('chown', ['-R', '1', data]);
        for (const words of ['org create x', 'org update acme --name x', 'org token create acme', 'org delete acme --yes'])
            assertComplaint(await cli(...words.split(' ')), 1, /belongs to the user [a-z0-9]+; run this as that user/);
        assert.match(await ok('org', 'list'), /acme/);
    });

    test('another user is told who may open it', async (t) => {
        const { data, ok } = databaseFor(t);
        const as = (...args) => run('setpriv', ['--reuid', '65534', '--clear-groups', BINARY, ...args, '--data', data]);
        await ok('org', 'create', 'acme', '--new-database');
        await run('chmod', ['755', join(data, '..')]);
        assertComplaint(await as('stat'), 1, /Permission denied; run this as the user who runs the server/);
        await run('chmod', ['755', data]);
        assertComplaint(await as('org', 'list'), 1, /Permission denied; run this as the user root/);
    });
});

/* ---- organisations and tokens -------------------------------------------------------------------------------- */

describe('organisations', () => {
    test('create, list, show, update, delete', async (t) => {
        const { cli, ok, data } = databaseFor(t);
        assert.match(await ok('org', 'create', 'acme', '--new-database', '--name', 'Acmé & Co', '--origin', 'https://a.example', '--origin', 'http://b.example:8080'), /^created organisation acme\n/);
        assert.equal(statSync(data).mode & 0o777, 0o700);
        assertComplaint(await cli('org', 'create', 'acme'), 1, /"acme" already/);
        await ok('org', 'create', 'plain');

        const list = JSON.parse(await ok('org', 'list', '--format', 'json'));
        assert.deepEqual(list.map((org) => org.key), ['acme', 'plain']);
        const [acme, plain] = list;
        assert.match(acme.id, ID);
        assert.equal(acme.name, 'Acmé & Co');
        assert.deepEqual(acme.allowedOrigins, ['https://a.example', 'http://b.example:8080']);
        assert.match(acme.createdAt, /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{3}Z$/);
        assert.equal(plain.name, 'plain');
        assert.deepEqual(plain.allowedOrigins, []);

        const table = (await ok('org', 'list')).trimEnd().split('\n');
        assert.equal(table.length, 3);
        assert.match(table[0], /^KEY +NAME +ORIGINS +CREATED \(UTC\) +ID$/);
        const lastColumns = table.map((line) => [...line].length - line.split(' ').at(-1).length);
        assert.equal(new Set(lastColumns).size, 1, 'the last column stands in one line');

        await ok('org', 'update', 'acme', '--widget-title', 'Hello', '--widget-color', '#0a0B0c', '--widget-position', 'left',
            '--widget-language', 'tr', '--count-visits', 'on', '--no-origins');
        const shown = JSON.parse(await ok('org', 'show', 'acme', '--format', 'json'));
        assert.deepEqual(shown.widget, { title: 'Hello', subtitle: '', color: '#0a0B0c', position: 'left', language: 'tr', countVisits: true });
        assert.deepEqual(shown.allowedOrigins, []);
        assert.equal(shown.name, 'Acmé & Co', 'what was not named stays');
        await ok('org', 'update', 'acme', '--name', 'New', '--widget-title', '', '--count-visits', 'off');
        const again = JSON.parse(await ok('org', 'show', 'acme', '--format', 'json'));
        assert.equal(again.name, 'New');
        assert.equal(again.widget.title, '');
        assert.equal(again.widget.countVisits, false);
        assert.equal(again.widget.position, 'left');
        assert.match(await ok('org', 'show', 'acme'), /^name +New$/m);

        assert.match(await ok('org', 'delete', 'acme', '--yes'), /deleted organisation acme/);
        assertComplaint(await cli('org', 'show', 'acme'), 1, /no organisation "acme"/);
        assertComplaint(await cli('org', 'delete', 'acme', '--yes'), 1, /no organisation "acme"/);
        assertComplaint(await cli('org', 'update', 'acme', '--name', 'x'), 1, /no organisation "acme"/);
        await ok('org', 'delete', 'plain', '--yes');
        assert.match(await ok('org', 'list'), /^no organisations yet; create one: \S+helvino org create KEY --data /);
        assert.equal(await ok('org', 'list', '--format', 'json'), '[]\n');
        await ok('check');
    });

    test('origins are put into the form that browsers send', async (t) => {
        const { ok } = databaseFor(t);
        await ok('org', 'create', 'acme', '--new-database', '--origin', 'HTTPS://WWW.Example.com/', '--origin', 'http://[::1]:8080');
        const origins = async () => JSON.parse(await ok('org', 'show', 'acme', '--format', 'json')).allowedOrigins;
        assert.deepEqual(await origins(), ['https://www.example.com', 'http://[::1]:8080']);
        await ok('org', 'update', 'acme', '--origin', 'https://Shop.example/');
        assert.deepEqual(await origins(), ['https://shop.example']);
    });

    test('an empty value brings the default of a setting back', async (t) => {
        const server = await serverFor(t);
        const org = await server.org('acme', '--name', 'Acme');
        const config = async () => (await org.anonymous.getOk('/api/bootloader')).config;
        const fresh = await config();
        const flags = { title: 'T', subtitle: 'S', color: '#123456', position: 'left', language: 'tr' };
        const update = (empty) => server.cliOk('org', 'update', 'acme', ...Object.entries(flags).flatMap(([name, value]) => [`--widget-${name}`, empty ? '' : value]));
        await update(false);
        assert.deepEqual(await config(), { ...fresh, ...flags });
        await update(true);
        assert.deepEqual(await config(), fresh);
    });

    test('the printed command works as it is, even for a directory with a space', async (t) => {
        const { data } = databaseFor(t);
        const { stdout } = await helvinoOk(['org', 'create', 'acme', '--new-database', '--data', `${data} of 'it'`]);
        t.after(() => run('rm', ['-rf', `${data} of 'it'`]));
        const token = await run('sh', ['-c', stdout.match(/server: (.*)/)[1]]);
        assert.match(token.stdout.trim(), TOKEN, token.stderr);
    });

    test('a new organisation, a change and a deletion reach a running server at once', async (t) => {
        const server = await serverFor(t);
        const org = await server.org('acme');
        const visitor = org.visitor();
        await visitor.converse();
        await server.cliOk('org', 'update', 'acme', '--widget-title', 'Changed');
        assert.equal((await org.anonymous.getOk('/api/bootloader')).config.title, 'Changed');
        await server.cliOk('org', 'delete', 'acme', '--yes');
        assert.equal((await visitor.post('/conversations')).status, 401);
        assert.equal((await org.agent.get('/conversations')).status, 401);
        const counts = await server.counts();
        for (const table of ['orgs', 'org_by_key', 'tokens', 'visitors', 'visitor_by_key', 'visitor_by_seen', 'conversations', 'messages'])
            assert.equal(counts[table], 0, table);
        await server.check();
    });

    test('deleting thousands of records leaves another organisation whole', async (t) => {
        const server = await serverFor(t);
        const [doomed, kept] = [await server.org('doomed'), await server.org('kept')];
        const fill = async (org, visitors) =>
            Promise.all(Array.from({ length: 16 }, async () => {
                for (let i = 0; i < visitors / 16; ++i) {
                    const visitor = org.visitor();
                    const conversation = await visitor.converse();
                    await visitor.say(conversation, 'one', { clientId: 'x' });
                    await visitor.say(conversation, 'two');
                }
            }));
        await Promise.all([fill(doomed, 800), fill(kept, 160)]);
        await server.cliOk('org', 'delete', 'doomed', '--yes');
        await server.check();
        const counts = await server.counts();
        assert.equal(counts.visitors, 160);
        assert.equal(counts.conversations, 160);
        assert.equal(counts.messages, 480);
        assert.equal((await kept.agent.pages('/conversations', 'conversations')).length, 160);
    });
});

describe('an interrupted deletion', () => {
    /** Fills an organisation, and kills its deletion as soon as its key is gone. */
    async function interruptedDeletion(server) {
        const org = await server.org('doomed');
        await Promise.all(Array.from({ length: 16 }, async () => {
            for (let i = 0; i < 100; ++i) await org.visitor().converse();
        }));
        const deletion = spawn(BINARY, ['org', 'delete', 'doomed', '--yes', '--data', server.data], { stdio: 'ignore' });
        const ended = new Promise((done) => deletion.on('close', done));
        await eventually(async () => (await org.anonymous.get('/api/bootloader')).status === 401, 'the end of the key');
        deletion.kill('SIGKILL');
        await ended;
        await server.check();
    }
    async function assertEmpty(server, orgs) {
        const counts = await server.counts();
        assert.deepEqual([counts.orgs, counts.visitors, counts.conversations, counts.tokens], [orgs, 0, 0, 0]);
        await server.check();
    }

    test('goes on when it is asked for again', async (t) => {
        const server = await serverFor(t);
        await interruptedDeletion(server);
        const again = await server.cli('org', 'delete', 'doomed', '--yes');
        if (again.code !== 0) assertComplaint(again, 1, /no organisation "doomed"/); // the first one was quicker
        await assertEmpty(server, 0);
    });

    test('leaves nothing to a new organisation of the same key', async (t) => {
        const server = await serverFor(t);
        await interruptedDeletion(server);
        await server.cliOk('org', 'create', 'doomed');
        await assertEmpty(server, 1);
    });
});

describe('tokens', () => {
    test('a token is shown once, listed without its secret, works, and is refused once revoked', async (t) => {
        const server = await serverFor(t);
        await server.cliOk('org', 'create', 'acme');
        assert.match(await server.cliOk('org', 'token', 'list', 'acme'), /^no tokens yet; create one: \S+helvino org token create acme --data /);
        const created = await server.cli('org', 'token', 'create', 'acme', '--name', 'backend');
        assert.equal(created.code, 0);
        assert.match(created.stdout, /^[^\n]+\n$/);
        const token = created.stdout.trim();
        assert.match(token, TOKEN);
        assert.match(created.stderr, /shown only now/);

        const org = new Org(server, 'acme', token);
        assert.equal((await org.agent.get('/conversations')).status, 200);
        const list = JSON.parse(await server.cliOk('org', 'token', 'list', 'acme', '--format', 'json'));
        assert.deepEqual(list.map(({ id, name }) => ({ id, name })), [{ id: token.slice(4, 29), name: 'backend' }]);
        const table = await server.cliOk('org', 'token', 'list', 'acme');
        assert.match(table, new RegExp(`^${token.slice(4, 29)} .* backend$`, 'm'));
        assert.ok(!table.includes(token.slice(30)));

        const second = await server.token('acme');
        await server.cliOk('org', 'token', 'revoke', 'acme', token.slice(4, 29));
        assert.equal((await org.agent.get('/conversations')).status, 401);
        assert.equal((await new Org(server, 'acme', second).agent.get('/conversations')).status, 200);
        await server.cliOk('org', 'token', 'revoke', 'acme', second);
        assert.equal((await new Org(server, 'acme', second).agent.get('/conversations')).status, 401);
        const gone = await server.cli('org', 'token', 'revoke', 'acme', token.slice(4, 29));
        assertComplaint(gone, 1, /no such token/);
    });

    test('one organisation cannot revoke the token of another', async (t) => {
        const { cli, ok } = databaseFor(t);
        await ok('org', 'create', 'one', '--new-database');
        await ok('org', 'create', 'two');
        const token = (await ok('org', 'token', 'create', 'one')).trim();
        assertComplaint(await cli('org', 'token', 'revoke', 'two', token.slice(4, 29)), 1, /no such token/);
        assert.equal(JSON.parse(await ok('org', 'token', 'list', 'one', '--format', 'json')).length, 1);
        assertComplaint(await cli('org', 'token', 'create', 'three'), 1, /no organisation "three"/);
    });

    test('a token that could not be shown is revoked', async (t) => {
        const { data, ok } = databaseFor(t);
        await ok('org', 'create', 'acme', '--new-database');
        const result = await run('sh', ['-c', `"${BINARY}" org token create acme --data "${data}" > /dev/full`]);
        assertComplaint(result, 1, /revoked/);
        assert.equal(await ok('org', 'token', 'list', 'acme', '--format', 'json'), '[]\n');
    });

    test('a token has a scope and an end, which its list and the server know', async (t) => {
        const server = await serverFor(t);
        await server.cliOk('org', 'create', 'acme');
        const makes = [[['--scope', 'read', '--expires', '30'], /can read everything of/], [[], /can read and write everything of/], [['--scope', 'admin'], /settings and agents included/]];
        const before = Date.now();
        const tokens = [];
        for (const [flags, warning] of makes) {
            const made = await server.cli('org', 'token', 'create', 'acme', ...flags);
            assert.match(made.stderr, warning);
            tokens.push(new Org(server, 'acme', made.stdout.trim()).agent);
        }
        const list = JSON.parse(await server.cliOk('org', 'token', 'list', 'acme', '--format', 'json'));
        assert.deepEqual(list.map(({ scope }) => scope).sort(), ['admin', 'read', 'write']);
        for (const { scope, expiresAt, lastUsedAt } of list) {
            assert.equal(lastUsedAt, null);
            if (scope !== 'read') assert.equal(expiresAt, null);
            else assert.ok(Math.abs(new Date(expiresAt) - before - 30 * 86_400_000) < 60_000, expiresAt);
        }
        assert.deepEqual(await Promise.all(tokens.map(async (token) => (await token.get('/audit')).status)), [403, 403, 200]);
        assert.deepEqual(await Promise.all(tokens.map(async (token) => (await token.post('/conversations')).status)), [403, 201, 201]);
        const used = async () => JSON.parse(await server.cliOk('org', 'token', 'list', 'acme', '--format', 'json')).every(({ lastUsedAt }) => lastUsedAt !== null);
        await eventually(used, 'the uses to be noted');
        const [head, ...rows] = (await server.cliOk('org', 'token', 'list', 'acme')).trimEnd().split('\n');
        assert.match(head, /^ID +CREATED \(UTC\) +SCOPE +EXPIRES +LAST USED +NAME$/);
        assert.match(rows.find((row) => / read /.test(row)), / read +[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{5} +[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{5} +-$/);
    });

    test('an organisation has at most 100 tokens', async (t) => {
        const { cli, ok } = databaseFor(t);
        await ok('org', 'create', 'acme', '--new-database');
        for (let i = 0; i < 100; ++i) await ok('org', 'token', 'create', 'acme');
        assertComplaint(await cli('org', 'token', 'create', 'acme'), 1, /the limit/);
    });
});

/* ---- agents -------------------------------------------------------------------------------------------------- */

describe('agents', () => {
    const LINK = /^\/account#hvl_c[0-9a-z]{24}_[\w-]{43}\n$/;
    const EMAIL = 'Ann@example.com';

    test('are made by a link, listed, given roles, taken out, disabled and enabled', async (t) => {
        const { cli, ok } = databaseFor(t);
        await ok('org', 'create', 'acme', '--new-database');
        await ok('org', 'create', 'other');
        assert.match(await ok('agent', 'list'), /^no agents yet; make one: \S+helvino agent create EMAIL --org KEY --role owner --data /);
        assert.equal(await ok('agent', 'list', '--format', 'json'), '[]\n');
        const made = await cli('agent', 'create', EMAIL, '--org', 'acme', '--role', 'owner', '--name', 'Ann Ö.');
        assert.equal(made.code, 0);
        assert.match(made.stdout, LINK);
        assert.match(made.stderr, /good once, for seven days/);
        const list = async (...flags) => JSON.parse(await ok('agent', 'list', '--format', 'json', ...flags));
        assert.deepEqual((await list()).map(({ id, ...rest }) => rest), [{ email: EMAIL, name: 'Ann Ö.', memberships: 'acme owner', state: 'invited' }]);
        assert.match((await list())[0].id, ID);
        const table = (await ok('agent', 'list')).trimEnd().split('\n');
        assert.match(table[0], /^EMAIL +NAME +ORGANISATIONS +STATE +LAST LOGIN \(UTC\)$/);
        assert.match(table[1], /^Ann@example\.com +Ann Ö\. +acme owner +invited +-$/);

        assertComplaint(await cli('agent', 'create', 'ann@EXAMPLE.com', '--org', 'acme'), 1, /ann@EXAMPLE\.com is an agent of acme already/);
        assertComplaint(await cli('agent', 'create', EMAIL, '--org', 'none'), 1, /no organisation "none"; this lists them all: /);
        assert.match((await cli('agent', 'create', EMAIL, '--org', 'other')).stdout, LINK, 'who has no password yet gets a link again');
        assert.deepEqual((await list('--org', 'other')).map(({ memberships }) => memberships.split(', ').sort()), [['acme owner', 'other agent']]);
        await ok('agent', 'create', 'Bob@example.com', '--org', 'acme');
        assert.deepEqual((await list('--org', 'other')).map(({ email }) => email), [EMAIL]);
        assert.deepEqual((await list()).map(({ email, name }) => [email, name]).sort(), [[EMAIL, 'Ann Ö.'], ['Bob@example.com', 'Bob@example.com']]);

        assert.equal(await ok('agent', 'role', 'bob@example.com', '--org', 'acme', '--role', 'admin'), 'bob@example.com is admin of acme now\n');
        assert.equal(await ok('agent', 'role', 'bob@example.com', '--org', 'other', '--role', 'owner'), 'bob@example.com is owner of other now\n');
        assert.equal(await ok('agent', 'remove', 'bob@example.com', '--org', 'acme'), 'bob@example.com is no agent of acme any more\n');
        assertComplaint(await cli('agent', 'remove', 'bob@example.com', '--org', 'acme'), 1, /is no agent of acme/);
        for (const words of ['role', 'remove', 'reset', 'disable', 'enable'])
            assertComplaint(await cli('agent', words, 'nobody@example.com', ...(['role', 'remove'].includes(words) ? ['--org', 'acme'] : [])), 1, /no agent nobody@example\.com; this lists them all: \S+helvino agent list --data /);
        assert.equal(await ok('agent', 'disable', EMAIL), `${EMAIL} is disabled, and logged out\n`);
        assert.equal((await list()).find(({ email }) => email === EMAIL).state, 'disabled');
        assertComplaint(await cli('agent', 'reset', EMAIL, '--no-second-factor'), 1, /is disabled/);
        assert.equal(await ok('agent', 'enable', EMAIL), `${EMAIL} is enabled\n`);
        assert.match(await ok('agent', 'reset', EMAIL), LINK);
        await ok('check');
    });

    test('are as the server sees them at once, beside it', async (t) => {
        const server = await serverFor(t);
        for (const key of ['acme', 'other']) await server.cliOk('org', 'create', key);
        const ann = await server.join(EMAIL, 'acme', 'owner');
        const list = JSON.parse(await server.cliOk('agent', 'list', '--format', 'json'));
        assert.equal(list[0].state, 'active');
        assert.match(await server.cliOk('agent', 'list'), /active +[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}$/m);
        const second = await server.cli('agent', 'create', EMAIL, '--org', 'other');
        assert.equal(second.stdout, `${EMAIL} is an agent of other now, with the password that it has\n`);
        assert.match(second.stderr, /have it chosen again: \S+helvino agent reset Ann@example\.com --data /);
        assert.deepEqual((await ann.getOk('/session')).organizations.map(({ key, role }) => [key, role]).sort(), [['acme', 'owner'], ['other', 'agent']]);
        assertComplaint(await server.cli('agent', 'role', EMAIL, '--org', 'acme', '--role', 'agent'), 1, /needs an owner/);
        assertComplaint(await server.cli('agent', 'remove', EMAIL, '--org', 'acme'), 1, /needs an owner/);
        await server.cliOk('agent', 'disable', EMAIL);
        assert.equal((await ann.get('/session')).status, 401);
        await server.cliOk('agent', 'enable', EMAIL);
        await server.browser(EMAIL);
        await server.cliOk('agent', 'remove', EMAIL, '--org', 'other');
        assert.deepEqual((await (await server.browser(EMAIL)).getOk('/session')).organizations.map(({ key }) => key), ['acme']);
    });

    test('whose link can\'t be shown have none that anybody could use', async (t) => {
        const { data, ok } = databaseFor(t);
        await ok('org', 'create', 'acme', '--new-database');
        for (const words of [`agent create ${EMAIL} --org acme`, `agent reset ${EMAIL}`]) {
            const result = await run('sh', ['-c', `"${BINARY}" ${words} --data "${data}" > /dev/full`]);
            assert.equal(result.code, 1, words);
            assert.match(result.stderr, /standard output/);
        }
        assert.match(await ok('agent', 'reset', EMAIL), LINK);
    });
});

/* ---- stat and check ------------------------------------------------------------------------------------------ */

describe('stat and check', () => {
    test('both count the same rows, for people and for programs', async (t) => {
        const server = await serverFor(t);
        const org = await server.org();
        const visitor = org.visitor();
        await visitor.say(await visitor.converse(), 'hello');
        const stat = JSON.parse(await server.cliOk('stat', '--format', 'json'));
        assert.equal(stat.tables.visitors.rows, 1);
        assert.equal(stat.tables.messages.rows, 2, 'the message, and the clientIds of its conversation');
        assert.ok(stat.tables.messages.bytes >= 4096);
        assert.ok(stat.mapBytes > stat.usedBytes && stat.fileBytes > 0 && stat.readers > 0);
        const text = await server.cliOk('stat');
        assert.match(text, /^TABLE +ENTRIES +SIZE +DEPTH$/m);
        assert.match(text, /^visitors +1 +4\.0 KiB +1$/m);
        const check = await server.check();
        assert.match(check, /^check: clean$/m);
        for (const [name, table] of Object.entries(stat.tables))
            assert.match(check, new RegExp(`^${name} +${table.rows}$`, 'm'));
    });

    test('a damaged record is named and ends with exit code 1', async (t) => {
        const server = await startServer();
        removeAfter(t, server);
        const org = await server.org();
        const visitor = org.visitor();
        await visitor.say(await visitor.converse(), 'find-this-text-in-the-file');
        await server.stop();
        const path = join(server.data, 'data.mdb');
        const bytes = readFileSync(path);
        const file = openSync(path, 'r+');
        for (let at = bytes.indexOf('find-this-text'); at !== -1; at = bytes.indexOf('find-this-text', at + 1)) {
            const byte = Buffer.alloc(1);
            readSync(file, byte, 0, 1, at);
            byte[0] ^= 1;
            writeSync(file, byte, 0, 1, at);
        }
        closeSync(file);
        const result = await server.cli('check');
        assert.equal(result.code, 1);
        assert.match(result.stdout, /^messages c[0-9a-z]{24}\/[0-9]+: the checksum disagrees$/m);
        assert.match(result.stdout, /^check: [0-9]+ things? (is|are) broken$/m);
        assert.doesNotMatch(result.stderr, /^\{/m, 'an administrative command speaks text');
        assert.ok(!result.stdout.includes(visitor.key), 'a visitor key is a secret');
    });
});

/* ---- serve --------------------------------------------------------------------------------------------------- */

describe('serve', () => {
    test('a second server on the same directory gets a clear message and changes nothing', async (t) => {
        const server = await serverFor(t);
        const second = await helvino(['serve', '--data', server.data, '--listen', 'http://127.0.0.1:0']);
        assertComplaint(second, 1, /another helvino server is using .*--data/);
        await server.org();
    });

    test('the directory is made for its owner alone', async (t) => {
        const server = await serverFor(t);
        assert.equal(statSync(server.data).mode & 0o777, 0o700);
        assert.equal(statSync(join(server.data, 'data.mdb')).mode & 0o077, 0);
        assert.ok(statSync(join(server.data, 'helvino.lock')).isFile());
    });

    test('a directory that cannot be made is a failure with a sentence', async () => {
        assertComplaint(await helvino(['serve', '--data', '/proc/none/here', '--listen', '127.0.0.1:0']), 1, /data directory \/proc\/none\/here/);
    });

    test('something else than a database is refused', async (t) => {
        const { data, cli } = databaseFor(t);
        mkdirSync(data);
        const file = openSync(join(data, 'data.mdb'), 'w');
        writeSync(file, 'x'.repeat(10000));
        closeSync(file);
        for (const words of [['serve', '--listen', '127.0.0.1:0'], ['stat'], ['check'], ['org', 'create', 'x']])
            assertComplaint(await cli(...words), 1, /is not a database/);
    });

    test('flags come from the environment too, and a flag beats its variable', async (t) => {
        const directory = temporaryDirectory();
        const server = new Server({ directory, listen: [], env: { HELVINO_LISTEN: 'http://127.0.0.1:0,http://[::1]:0', HELVINO_LOOPS: '7' } });
        removeAfter(t, server);
        server.listenerCount = 2;
        await server.ready();
        assert.match(server.listeners[0], /^http:\/\/127\.0\.0\.1:[0-9]+$/);
        assert.match(server.listeners[1], /^http:\/\/\[::1\]:[0-9]+$/);
        assert.equal(server.lines.find((line) => line.event === 'starting').loops, 2);
        await server.stop();
    });

    test('--demo makes an organisation that the printed commands work with, and prints its token once', async (t) => {
        const first = await startServer({ flags: ['--demo'] });
        removeAfter(t, first);
        await eventually(() => first.output.includes('the page shows'), 'the printed commands');
        const [token] = first.output.match(/hvt_[A-Za-z0-9_-]+/);
        assert.match(token, TOKEN);
        assert.ok(!first.log.includes(token), 'no token in the log');
        const [page] = first.output.match(/http:\S+\/demo/);
        assert.equal((await exchange(page)).status, 200);
        const id = await new Caller(first, { 'x-org-key': 'demo', 'x-visitor-id': freshVisitorKey() }).converse();
        const [list, answer, ...others] = first.output.replaceAll('\\\n', ' ').match(/curl .*/g);
        assert.equal(others.length, 0);
        const [variable] = first.output.match(/TOKEN=.*/);
        const shell = async (command) => JSON.parse((await run('sh', ['-c', `${variable}\n${command} -sS`])).stdout);
        assert.equal((await shell(answer.replace('/ID/', `/${id}/`))).content, 'Hello!');
        assert.equal((await shell(list)).conversations[0].lastMessage.content, 'Hello!');
        await first.stop();

        const again = await startServer({ directory: first.directory, flags: ['--demo'] });
        removeAfter(t, again);
        await eventually(() => again.output.includes('the page shows'), 'the printed commands');
        assert.match(again.output, /TOKEN=\$\(\S*helvino org token create demo --data/);
        assert.ok(!again.output.includes('hvt_'));
        await again.stop();
    });

    test('--demo keeps its token for a start that succeeds', async (t) => {
        const other = await serverFor(t);
        const directory = temporaryDirectory();
        const failed = await helvino(['serve', '--demo', '--data', join(directory, 'data'), '--listen', `127.0.0.1:${other.port}`]);
        assert.equal(failed.code, 1);
        assert.ok(!failed.stdout.includes('hvt_'));
        const server = await startServer({ directory, flags: ['--demo'] });
        removeAfter(t, server);
        await eventually(() => server.output.includes('the page shows'), 'the printed commands');
        assert.match(server.output, /TOKEN=hvt_/);
        await server.stop();
    });

    test('flags that have no effect are warned about', async (t) => {
        const { data } = databaseFor(t);
        const server = new Server({ directory: join(data, '..'), flags: ['--hsts', 'on', '--tls-cert', '/none', '--tls-key', '/none'] });
        await server.ended();
        assert.match(server.log, /the TLS certificate is not used: no --listen is https/);
        assert.match(server.log, /--hsts has no effect/);
    });

    test('--demo leaves a directory with other organisations alone', async (t) => {
        const { data, ok } = databaseFor(t);
        await ok('org', 'create', 'mine', '--new-database');
        const server = await startServer({ directory: join(data, '..'), flags: ['--demo'] });
        removeAfter(t, server);
        assert.match(server.log, /there are other organisations already/);
        assert.deepEqual(JSON.parse(await ok('org', 'list', '--format', 'json')).map((org) => org.key), ['mine']);
        await server.stop();
    });
});
