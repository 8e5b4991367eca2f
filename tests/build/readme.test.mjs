// What the README shows of the program is what the program says.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

test('the tables of the README are those of the binary', () => {
    const script = fileURLToPath(new URL('../../tools/readme.sh', import.meta.url));
    const done = spawnSync(script, ['--check'], { encoding: 'utf8' });
    assert.equal(done.status, 0, done.stdout + done.stderr);
});
