// Builds the widget into build/widget: what the binary serves, each file plain, gzip and brotli; assets.c, which puts them
// into the binary; and manifest.json, which says how large each is. The same sources give the same bytes. Node 18 or later.
//
// Every file but embed.js and the pages has a hash of its content in its name, and who loads it gets that name from
// here as a constant (build.d.ts), or by an import. So a name stands for one content for ever, and the order below is the order of loading,
// backwards.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants } from 'node:zlib';
import { build, transform } from 'esbuild';
import { minify } from 'terser';

import { APP, inboxModules } from './build_inbox.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, '..', 'build', 'widget');

const JAVASCRIPT = 'text/javascript; charset=utf-8';
const CSS = 'text/css; charset=utf-8';

const compilerOptions = { target: 'es2021', jsx: 'react', jsxFactory: 'h', jsxFragmentFactory: 'Fragment', strict: true };
const jsx = (file) => ({ inject: [join(here, file)] }); // where h comes from

// ---- bundling ------------------------------------------------------------------------------------------------------

// `import css from './panel.css'` gives the style sheet as a text, for a constructable style sheet.
const cssAsText = {
    name: 'css-as-text',
    setup(plugin) {
        plugin.onLoad({ filter: /\.css$/ }, async ({ path }) => ({ contents: await minifiedCss(path), loader: 'text' }));
    },
};

async function minifiedCss(path) {
    const { code } = await transform(readFileSync(path, 'utf8'), { loader: 'css', minify: true, target: 'safari15' });
    return code.trimEnd();
}

async function bundle(entry, options) {
    const { outputFiles } = await build({
        entryPoints: [join(here, entry)],
        absWorkingDir: here,
        tsconfigRaw: { compilerOptions },
        bundle: true,
        write: false,
        minify: true,
        mangleProps: /^_[a-z]/, // what begins so is a bundle's own, never part of contract.ts
        target: 'es2021',
        charset: 'utf8',
        legalComments: 'none',
        logLevel: 'warning',
        plugins: [cssAsText],
        ...options,
    });
    const { code } = await minify(outputFiles[0].text, { ...TERSE, module: options.format === 'esm' });
    return code.trimEnd() + '\n';
}

// A second pass over what esbuild has made small: three percent less, which is all that the budget leaves.
const TERSE = { ecma: 2020, compress: { passes: 3, keep_fargs: false } };

const module = (entry, define = {}, options = {}) =>
    bundle(entry, { format: 'esm', define: constantsOf(define), ...options });
const script = (entry, define = {}) => bundle(entry, { format: 'iife', define: constantsOf(define) });

const constantsOf = (values) =>
    Object.fromEntries(Object.entries(values).map(([name, value]) => [name, JSON.stringify(value)]));

// ---- files ---------------------------------------------------------------------------------------------------------

const hash = (bytes, length) => createHash('sha256').update(bytes).digest('hex').slice(0, length);

const files = [];

/** The smallest gzip that there is of it: 2.5 percent less than gzip -9, and compressed only here. */
function zopfli(bytes) {
    const directory = mkdtempSync(join(tmpdir(), 'helvino-widget-'));
    writeFileSync(join(directory, 'plain'), bytes);
    const gzip = execFileSync('zopfli', ['-c', join(directory, 'plain')]);
    rmSync(directory, { recursive: true });
    return gzip;
}

/** Adds a file and returns the path under which the server has it. */
function add(entry, path, contentType, text, { demo = false, first = false } = {}) {
    const plain = Buffer.from(text);
    const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: plain.length };
    files.push({
        entry,
        path,
        contentType,
        demo,
        first,
        plain,
        gzip: zopfli(plain),
        brotli: brotliCompressSync(plain, { params }),
    });
    return path;
}

function addHashed(entry, contentType, text, options) {
    const [, name, extension] = /^(.*)(\..*)$/.exec(entry);
    return add(entry, `/widget/${name}-${hash(text, 12)}${extension}`, contentType, text, options);
}

async function addWidget() {
    const languages = {};
    for (const file of readdirSync(join(here, 'panel', 'lang')).sort()) {
        const language = file.replace(/\.ts$/, '');
        languages[language] = addHashed(`lang-${language}.js`, JAVASCRIPT, await module(`panel/lang/${file}`));
    }
    const more = addHashed('more.js', JAVASCRIPT, await module('panel/more.tsx', {}, jsx('panel/more/jsx.ts')));
    const names = { __LANG_FILES__: languages, __MORE_FILE__: more };
    const panel = await module('panel/panel.tsx', names, jsx('jsx.ts'));
    const parts = {
        __LIVE_FILE__: addHashed('live.js', JAVASCRIPT, await module('shared/live.ts')),
        __LATER_FILE__: addHashed('later.js', JAVASCRIPT, await module('embed/later.ts')),
    };
    const loader = await script('embed/loader.ts', {
        __CLIENT_FILE__: addHashed('client.js', JAVASCRIPT, await module('embed/client.ts', parts)),
        __PANEL_FILE__: addHashed('panel.js', JAVASCRIPT, panel),
    });
    add('embed.js', '/embed.js', JAVASCRIPT, loader);
}

// ---- the inbox -----------------------------------------------------------------------------------------------------

/**
 * The hash stands behind a dot: an outdated name of the widget's leads to the file that took its place, one of the
 * inbox's to none, since two builds would not share what they know.
 */
const dotted = (name, digest) => `/widget/${name.replace(/\.\w+$/, `.${digest}$&`)}`;

/**
 * Adds the modules and gives their paths by name. They import each other in circles, so a hash can't be made of what
 * they import; it is made of the names that esbuild has given, which stand for that.
 */
async function addModules() {
    const modules = await inboxModules(here);
    const terse = { ecma: 2022, compress: { passes: 2 }, module: true };
    for (const module of modules) module.code = (await minify(module.code, terse)).code.trimEnd() + '\n';
    const ofApp = hash(modules.find(({ name }) => name === APP).code, 12);
    const paths = new Map();
    for (const { name, own, code } of modules) paths.set(own, dotted(name, name === APP ? ofApp : hash(own + code + ofApp, 12)));
    for (const { name, own, code } of modules) {
        const linked = code.replace(/"\.\/([\w-]+\.js)"/g, (_, other) => `".${paths.get(other).slice('/widget'.length)}"`);
        add(name, paths.get(own), JAVASCRIPT, linked, { first: name === APP });
    }
    return new Map(modules.map(({ name, own }) => [name, paths.get(own)]));
}

async function addInbox() {
    const folder = join(here, 'inbox');
    const paths = await addModules();
    const languages = {};
    for (const [name, path] of paths) if (name.startsWith('inbox-lang-')) languages[name.slice('inbox-lang-'.length, -'.js'.length)] = path;
    const css = await inboxCss();
    const boot = await module('inbox/boot.ts', { __APP_FILE__: paths.get(APP), __LANG_FILES__: languages }, { external: ['/widget/*'] });
    const names = {
        'app.js': paths.get(APP),
        'boot.js': add('inbox-boot.js', dotted('inbox-boot.js', hash(boot, 12)), JAVASCRIPT, boot, { first: true }),
        'inbox.css': add('inbox.css', dotted('inbox.css', hash(css, 12)), CSS, css, { first: true }),
    };
    for (const icon of ['inbox.svg', 'inbox-unread.svg']) {
        names[icon] = addHashed(icon, 'image/svg+xml', readFileSync(join(folder, icon), 'utf8'));
    }
    const page = readFileSync(join(folder, 'inbox.html'), 'utf8').replace(/="([\w-]+\.\w+)"/g, (_, file) => `="${names[file]}"`);
    add('inbox.html', '/inbox', 'text/html; charset=utf-8', page, { first: true });
}

async function inboxCss() {
    const { outputFiles } = await build({
        entryPoints: [join(here, 'inbox/css/inbox.css')],
        bundle: true,
        write: false,
        minify: true,
        target: ['chrome123', 'firefox121', 'safari17.5'],
        logLevel: 'warning',
    });
    return outputFiles[0].text.trimEnd();
}

/** A page of its own with a style sheet, a script and an icon, each NAME.* in the folder NAME. */
async function addPage(name, path, options) {
    const css = await minifiedCss(join(here, name, `${name}.css`));
    const icon = readFileSync(join(here, name, `${name}.svg`), 'utf8');
    const paths = {
        [`${name}.svg`]: addHashed(`${name}.svg`, 'image/svg+xml', icon, options),
        [`${name}.css`]: addHashed(`${name}.css`, CSS, css, options),
        [`${name}.js`]: addHashed(`${name}.js`, JAVASCRIPT, await script(`${name}/${name}.ts`), options),
    };
    const page = readFileSync(join(here, name, `${name}.html`), 'utf8');
    const linked = page.replace(/(href|src)="(\w+\.\w+)"/g, (_, attribute, file) => `${attribute}="${paths[file]}"`);
    add(`${name}.html`, path, 'text/html; charset=utf-8', linked, options);
}

// ---- as C ----------------------------------------------------------------------------------------------------------

const LINE = 100;

/** A C string literal: octal escapes have three digits, so that what follows can't become part of one. */
function literal(bytes) {
    const lines = [];
    let line = '';
    for (const byte of bytes) {
        const character = String.fromCharCode(byte);
        const isPlain = byte >= 0x20 && byte < 0x7f && !'"\\?'.includes(character);
        line += isPlain ? character : `\\${byte.toString(8).padStart(3, '0')}`;
        if (line.length >= LINE) {
            lines.push(line);
            line = '';
        }
    }
    lines.push(line);
    return lines.map((text) => `    "${text}"`).join('\n');
}

const isImmutable = (file) => file.path.startsWith('/widget/');
const isPage = (file) => file.contentType.startsWith('text/html');

function cInitialiser(file, index) {
    const body = (encoding) => {
        const etag = `\\"${hash(file[encoding], 16)}\\"`;
        return `     .${encoding} = {BYTES("${etag}"), {${encoding}_${index}, sizeof(${encoding}_${index}) - 1}},\n`;
    };
    return (
        `    {.path = BYTES("${file.path}"),\n     .content_type = "${file.contentType}",\n` +
        `     .is_immutable = ${isImmutable(file)},\n     .is_page = ${isPage(file)},\n     .is_demo = ${file.demo},\n` +
        `${body('plain')}${body('gzip')}${body('brotli')}    },\n`
    );
}

function cSource() {
    const arrays = files.flatMap((file, index) =>
        ['plain', 'gzip', 'brotli'].map(
            (encoding) => `static const char ${encoding}_${index}[] =\n${literal(file[encoding])};\n`,
        ),
    );
    return (
        '/* Made by widget/build.mjs. */\n#include "api/assets.h"\n\n' +
        `${arrays.join('\n')}\n` +
        `const struct asset assets[] = {\n${files.map(cInitialiser).join('')}};\n` +
        'const unsigned asset_count = sizeof(assets) / sizeof(assets[0]);\n'
    );
}

// ---- writing -------------------------------------------------------------------------------------------------------

const written = new Set();

// Under its name only when complete: another build may be reading.
function write(name, content) {
    const path = join(out, name);
    writeFileSync(`${path}.${process.pid}`, content);
    renameSync(`${path}.${process.pid}`, path);
    written.add(name);
}

const nameOf = (file) => (isPage(file) ? file.entry : file.path.split('/').pop());

const manifest = () =>
    Object.fromEntries(
        files.map((file) => [
            file.entry,
            {
                file: nameOf(file),
                path: file.path,
                contentType: file.contentType,
                first: file.first || undefined, // what the inbox loads before it can be used
                bytes: file.plain.length,
                gzip: file.gzip.length,
                brotli: file.brotli.length,
            },
        ]),
    );

await addWidget();
await addInbox();
await addPage('account', '/account');
await addPage('demo', '/demo', { demo: true });
files.sort((a, b) => (a.path < b.path ? -1 : 1));

mkdirSync(out, { recursive: true });
for (const file of files) {
    write(nameOf(file), file.plain);
    write(`${nameOf(file)}.gz`, file.gzip);
    write(`${nameOf(file)}.br`, file.brotli);
}
write('manifest.json', JSON.stringify(manifest(), null, 2) + '\n');
for (const name of readdirSync(out)) {
    if (/\.(js|css|svg|html)(\.gz|\.br)?$/.test(name) && !written.has(name)) rmSync(join(out, name), { force: true });
}
write('assets.c', cSource()); // the last: make takes its age for everything's
