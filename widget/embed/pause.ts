/* Waiting that can be cut short, and how long to wait before the next attempt. */
import type { Env } from './env.ts';

export interface Pause {
    wait(ms: number): Promise<void>;
    wake(): void;
}

export function makePause(env: Env): Pause {
    let wake = () => {};
    return {
        wait: (ms) =>
            new Promise((done) => {
                const cancel = env.after(ms, done);
                wake = () => (cancel(), done());
            }),
        wake: () => wake(),
    };
}

const FIRST_MS = 1_000;
const LAST_MS = 30_000;

/** Twice as long each time, with half of it by chance: those whom a restart has cut off don't come back all at once. */
export function backOff(env: Env, failures: number): number {
    return Math.min(FIRST_MS * 2 ** failures, LAST_MS) * (0.5 + env.random() / 2);
}
