/*
 * Telling of news: a tone, once in the whole browser, unless a tab says that it is being looked at; and "(2) Title" on hidden tabs.
 */
import type { Env } from './env.ts';

const ASK_MS = 300; // time for a tab to say that somebody looks
const HOLD_MS = 2_000; // one tone for all that comes in this time

export interface Bell {
    /** There is news that this tab's visitor doesn't look at. */
    news(seq: number): void;
    /** Somebody looks at it, in this tab or in another. */
    seen(seq: number): void;
    /** How many are unread, now. */
    count(unread: number): void;
    stop(): void;
}

export function makeBell(env: Env, name: string, isOn: () => boolean): Bell {
    let seenSeq = 0;
    let hasNews = false;
    let unread = 0;

    const bare = () => env.title().replace(/^\(\d+\+?\) /, '');
    const update = () => {
        if (hasNews && unread > 0 && !env.visible()) env.title(`(${unread}) ${bare()}`);
        else if (hasNews) {
            env.title(bare());
            hasNews = false;
        }
    };
    const tone = () => {
        env.ring();
        return new Promise<void>((done) => env.after(HOLD_MS, done));
    };
    const off = env.on('visibility', update);
    return {
        news(seq) {
            hasNews = true;
            update();
            env.after(ASK_MS, () => {
                if (seq <= seenSeq || !isOn() || !env.mayRing()) return;
                if (!env.locks) void tone();
                else void env.locks.request(`${name}:bell`, { ifAvailable: true }, (lock) => lock && tone()).catch(() => {});
            });
        },
        seen(seq) {
            seenSeq = Math.max(seenSeq, seq);
        },
        count(next) {
            unread = next;
            update();
        },
        stop() {
            unread = 0;
            update();
            off();
        },
    };
}
