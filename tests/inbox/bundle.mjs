/* The inbox's sources as modules that Node can run: those that need no page, bundled together. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { ROOT } from '../http/server.mjs';

const widget = join(ROOT, 'widget');
const { buildSync } = createRequire(join(widget, 'package.json'))('esbuild');

/** By name: what each of the files, relative to widget/inbox, exports. */
export async function modulesOf(files) {
    const contents = files.map((file, index) => `export * as m${index} from './${file}';`).join('\n');
    const { outputFiles } = buildSync({
        stdin: { contents, resolveDir: join(widget, 'inbox'), loader: 'ts' },
        absWorkingDir: widget,
        alias: { preact: 'preact-app' },
        jsx: 'automatic',
        jsxImportSource: 'preact',
        bundle: true,
        write: false,
        format: 'esm',
        target: 'node20',
        // What a page has before any of this runs.
        banner: { js: "globalThis.matchMedia ??= () => ({ matches: false }); globalThis.location ??= { hash: '' };" },
    });
    const folder = mkdtempSync(join(tmpdir(), 'helvino-inbox-'));
    const file = join(folder, 'bundle.mjs');
    writeFileSync(file, outputFiles[0].text);
    const bundle = await import(pathToFileURL(file).href);
    rmSync(folder, { recursive: true });
    return files.map((_, index) => bundle[`m${index}`]);
}
