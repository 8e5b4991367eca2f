// The inbox's modules: what it needs at once as one file (inbox-app.js), what it loads when it is wanted as files of
// their own, and what only those share as few more.
//
// esbuild splits by who needs what, which makes a file of each combination. Those that the application itself needs are
// put together again here: the others then take from the application what they would have taken from them.
import { basename } from 'node:path';
import { build } from 'esbuild';

const common = {
    bundle: true,
    format: 'esm',
    write: false,
    minify: true,
    target: ['chrome123', 'firefox121', 'safari17.5'],
    charset: 'utf8',
    legalComments: 'none',
    logLevel: 'warning',
    preserveSymlinks: true, // names are made of where a file is, which must not be where a link leads
};

const jsx = { target: 'es2022', jsx: 'react-jsx', jsxImportSource: 'preact', strict: true };

export const APP = 'inbox-app.js';

async function split(here) {
    const { outputFiles, metafile } = await build({
        ...common,
        entryPoints: { app: 'inbox/app.tsx' },
        outdir: 'out', // where nothing is written
        absWorkingDir: here,
        tsconfigRaw: { compilerOptions: jsx },
        alias: { preact: 'preact-app' },
        splitting: true,
        metafile: true,
        entryNames: '[name]-[hash]',
        chunkNames: '[name]-[hash]',
    });
    const pieces = new Map();
    for (const { path, text } of outputFiles.sort((a, b) => (a.path < b.path ? -1 : 1))) {
        const name = basename(path);
        const { imports, exports, entryPoint } = metafile.outputs[`out/${name}`];
        const needs = imports.filter(({ kind }) => kind === 'import-statement').map((each) => basename(each.path));
        pieces.set(name, { text, exports, entryPoint, needs });
    }
    return pieces;
}

function withNeeds(name, pieces, found = new Set()) {
    if (!found.has(name)) {
        found.add(name);
        for (const next of pieces.get(name).needs) withNeeds(next, pieces, found);
    }
    return found;
}

/** Bundles a text whose imports are pieces: `inline` says what stands for one; the others stay imports. */
async function bundleOf(contents, inline) {
    const plugin = {
        name: 'pieces',
        setup(setup) {
            setup.onResolve({ filter: /^\.\// }, ({ path }) =>
                inline(basename(path)) === null ? { path, external: true } : { path: basename(path), namespace: 'piece' },
            );
            setup.onLoad({ filter: /./, namespace: 'piece' }, ({ path }) => ({ contents: inline(path), loader: 'js' }));
        },
    };
    const { outputFiles } = await build({ ...common, stdin: { contents, loader: 'js' }, plugins: [plugin] });
    return outputFiles[0].text;
}

/** What it is called on the server, without a hash: as its source, or `shared` where it is nobody's own. */
const nameOf = ({ entryPoint = 'inbox/shared.ts' }) => `inbox-${entryPoint.replace(/^inbox\/|(\/index)?\.tsx?$/g, '').replace(/\//g, '-')}`;

/** A list of {name, own, code}: `code` imports others by their `own` names, which stand for what they say and need. */
export async function inboxModules(here) {
    const pieces = await split(here);
    const [entry] = [...pieces].find(([, { entryPoint }]) => entryPoint === 'inbox/app.tsx');
    const first = withNeeds(entry, pieces);
    // Names are short, and each piece has its own.
    const renamed = [...first].sort().map((piece, index) => [piece, pieces.get(piece).exports.map((name) => [name, piece === entry ? name : `${name}$${index}`])]);
    const list = (names, from) => `export{${names.map((pair) => pair.join(' as ')).join()}}from"./${from}";`;
    const app = await bundleOf(renamed.map(([piece, names]) => list(names, piece)).join(''), (piece) => (first.has(piece) ? pieces.get(piece).text : null));
    const modules = [{ name: APP, own: APP, code: app }];
    const stands = new Map(renamed.map(([piece, names]) => [piece, list(names.map(([name, ours]) => [ours, name]), APP)]));
    let shared = 0;
    for (const [own, piece] of pieces) {
        if (first.has(own)) continue;
        const code = await bundleOf(piece.text, (other) => stands.get(other) ?? null);
        const number = piece.entryPoint ? '' : `-${++shared}`;
        modules.push({ name: `${nameOf(piece)}${number}.js`, own, code });
    }
    return modules;
}
