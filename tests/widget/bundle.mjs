/*
 * The widget's loader and client, each bundled twice: as they are written, and minified as a page gets them. What minifying breaks
 * (a mangled name that somebody else reads, a function that is taken for unused) only the second would show.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

import { ROOT } from '../http/server.mjs';

const widget = join(ROOT, 'widget');
const { buildSync } = createRequire(join(widget, 'package.json'))('esbuild');

const MINIFIED = { minify: true, mangleProps: /^_[a-z]/, legalComments: 'none' };
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
    // A realm made by node:vm can't import, so what would is called by another name.
    return outputFiles[0].text.replace(/\bimport\(/g, 'importModule(');
}

/* A script that leaves what the module exports in the global `exported`. */
const library = (entry, options) => bundle(entry, { ...options, globalName: 'exported' });

function variant(options) {
    return {
        loader: bundle('embed/loader.ts', options),
        client: library('embed/client.ts', options),
        live: library('embed/live.ts', options),
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
    return build.includes('minify: true') && build.includes('mangleProps: /^_[a-z]/') && build.includes("target: 'es2021'");
}
