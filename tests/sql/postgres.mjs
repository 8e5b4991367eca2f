/*
 * A PostgreSQL of the test's own: a new cluster in a temporary directory, reachable through a socket in there alone, and
 * gone with the test. Nothing that the machine's own PostgreSQL serves is touched.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { chownSync, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { eventually, patiently, run, temporaryDirectory } from '../http/server.mjs';

const VERSIONS = '/usr/lib/postgresql';
/** Settings that make a cluster quick to start and to fill; it has nothing to lose. */
const SETTINGS = ['listen_addresses=', 'fsync=off', 'synchronous_commit=off', 'full_page_writes=off', 'shared_buffers=64MB',
    'max_connections=20', 'autovacuum=off', 'jit=off', 'timezone=UTC', 'statement_timeout=60s'];

/** Where initdb and postgres are: Debian has a folder for each version, others have them on PATH. */
function programs() {
    const versions = existsSync(VERSIONS) ? readdirSync(VERSIONS).sort((a, b) => b - a) : [];
    for (const folder of [...versions.map((version) => join(VERSIONS, version, 'bin')), ...(process.env.PATH ?? '').split(':')]) {
        if (existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres'))) return folder;
    }
    throw new Error('there is no PostgreSQL; "make setup" installs it');
}

/** PostgreSQL refuses to run as root. The package makes a user for it; any other will do. */
function somebodyElse() {
    if (process.getuid() !== 0) return null;
    for (const name of ['postgres', 'nobody']) {
        try {
            const id = (what) => Number(execFileSync('id', [what, name], { encoding: 'utf8', stdio: 'pipe' }));
            return { uid: id('-u'), gid: id('-g') };
        } catch {
            // there is no such user
        }
    }
    throw new Error('PostgreSQL does not run as root, and there is neither a user postgres nor nobody');
}

/** Variables such as PGHOST would lead elsewhere. */
function environment() {
    const kept = Object.entries(process.env).filter(([name]) => !/^(PG|LC_|LANG)/.test(name));
    return { ...Object.fromEntries(kept), LC_ALL: 'C', PGTZ: 'UTC', PGCLIENTENCODING: 'UTF8' };
}

const running = new Set();
process.on('exit', () => running.forEach((child) => child.kill('SIGQUIT')));

export class Postgres {
    constructor() {
        this.directory = temporaryDirectory();
        this.folder = programs();
        this.user = somebodyElse();
        if (this.user) chownSync(this.directory, this.user.uid, this.user.gid);
        this.log = '';
    }

    /** A command line of PostgreSQL's, as somebody who may run it, and that ends at once should the test be killed. */
    #command(program, ...args) {
        const { uid, gid } = this.user ?? {};
        const somebody = this.user ? [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups'] : [];
        return ['setpriv', '--pdeathsig=QUIT', ...somebody, '--', join(this.folder, program), ...args];
    }

    async start() {
        const data = join(this.directory, 'data');
        const options = { env: environment(), cwd: this.directory };
        const [initdb, ...initdbArgs] = this.#command('initdb', '-D', data, '-U', 'postgres', '-A', 'trust', '--encoding=UTF8',
            '--locale=C', '--no-sync');
        const made = await run(initdb, initdbArgs, { ...options, env: environment() });
        assert.equal(made.code, 0, `initdb: ${made.stderr}`);
        const [postgres, ...args] = this.#command('postgres', '-D', data, '-k', this.directory,
            ...SETTINGS.flatMap((setting) => ['-c', setting]));
        this.child = spawn(postgres, args, { ...options, stdio: ['ignore', 'ignore', 'pipe'] });
        running.add(this.child);
        this.child.stderr.setEncoding('utf8').on('data', (text) => (this.log += text));
        this.exit = new Promise((done) => this.child.on('close', done)).finally(() => running.delete(this.child));
        await eventually(() => {
            assert.equal(this.child.exitCode, null, `PostgreSQL ended:\n${this.log}`);
            return this.log.includes('ready to accept connections');
        }, 'PostgreSQL takes connections');
        return this;
    }

    /** Runs psql with these arguments and this standard input. */
    psql(args, input) {
        const connection = ['-X', '-q', '-h', this.directory, '-U', 'postgres', '-d', 'postgres', '-v', 'ON_ERROR_STOP=1'];
        const psql = existsSync(join(this.folder, 'psql')) ? join(this.folder, 'psql') : 'psql';
        return run(psql, [...connection, ...args], { input, env: environment() });
    }

    async load(...args) {
        const result = await this.psql(args);
        assert.equal(result.code, 0, `psql ${args.join(' ')}: ${result.stderr}`);
        assert.equal(result.stderr, '', 'psql has something to say');
    }

    async stop() {
        this.child?.kill('SIGINT');
        if (this.child) await patiently(this.exit, 'the end of PostgreSQL');
    }
}

/** A cluster for one file of tests. */
export async function postgresFor(t) {
    const postgres = new Postgres();
    t.after(() => postgres.stop());
    return postgres.start();
}
