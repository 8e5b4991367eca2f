/*
 * The widget's loader and client, each bundled twice: as they are written, and minified as a page gets them. What minifying breaks
 * (a mangled name that somebody else reads, a function that is taken for unused) only the second would show.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

import { ROOT } from '../http/server.mjs';

const widget = join(ROOT, 'widget');
const require = createRequire(join(widget, 'package.json'));
const { buildSync } = require('esbuild');
const { minify_sync } = require('terser');

const MINIFIED = { minify: true, mangleProps: /^_[a-z]/, legalComments: 'none' };
const TERSE = { ecma: 2020, compress: { passes: 3, keep_fargs: false } };
const NAMES = ['client', 'panel', 'live', 'later'];
const PATHS = Object.fromEntries(NAMES.map((name) => [`__${name.toUpperCase()}_FILE__`, `"/widget/${name}-0.js"`]));

function bundle(entry, options) {
    const { outputFiles } = buildSync({
        define: PATHS,
        entryPoints: [join(widget, entry)],
        absWorkingDir: widget,
        tsconfig: join(widget, 'tsconfig.json'),
        bundle: true,
        write: false,
        format: 'iife',
        target: 'es2021',
        charset: 'utf8',
        ...options,
    });
    const { text } = outputFiles[0];
    // A global that nobody reads here is what the test will read: so only names inside of functions may go.
    const code = options.minify ? minify_sync(text, TERSE).code : text;
    // A realm made by node:vm can't import, so what would is called by another name.
    return code.replace(/\bimport\(/g, 'importModule(');
}

/* A script that leaves what the module exports in the global `exported`. */
const library = (entry, options) => bundle(entry, { ...options, globalName: 'exported' });

function variant(options) {
    return {
        loader: bundle('embed/loader.ts', options),
        client: library('embed/client.ts', options),
        live: library('shared/live.ts', options),
        later: library('embed/later.ts', options),
        exporting: library('embed/export.ts', options),
        uuid: library('shared/uuid.ts', options),
        language: library('shared/language.ts', options),
    };
}

/** By name: the scripts of each form. */
export const VARIANTS = { source: variant({}), minified: variant(MINIFIED) };

/** build.mjs says how the product is minified; when it changes, so must this file. */
export function minifiesLikeTheProduct() {
    const build = readFileSync(join(widget, 'build.mjs'), 'utf8');
    const terse = 'TERSE = { ecma: 2020, compress: { passes: 3, keep_fargs: false } }';
    const settings = ['minify: true', 'mangleProps: /^_[a-z]/', "target: 'es2021'", terse];
    return settings.every((setting) => build.includes(setting));
}
