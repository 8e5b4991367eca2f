/*
 * The tabs of one browser: one of them leads, that is it holds the stream and sends the outbox, and tells the others. Whoever holds the
 * Web Lock leads; the others wait for it, so a closed tab is followed at once. A tab that the system has put to sleep keeps its lock
 * and answers nothing: a visible tab notices, and takes the lock away.
 */
import type { Env } from './env.ts';

const CHECK_MS = 30_000;
const PATIENCE_MS = 3_000;

export interface TabsOptions {
    env: Env;
    name: string;
    isAlone: boolean; // what is kept is this tab's only, or no tab can be chosen
    lead(): void;
    follow(): void; // what led before does so no more
    hear(message: unknown): void;
    /** Asks the leader for a sign of life, which it gives by any message. */
    greet(): void;
}

export interface Tabs {
    leads(): boolean;
    post(message: unknown): void;
    /** Leads no more, and waits for nothing; still hears. */
    yield(): void;
    /** Resolves when no other tab leads any more. */
    quiet(): Promise<void>;
    close(): void;
}

export function joinTabs(options: TabsOptions): Tabs {
    const { env, name, isAlone } = options;
    const locks = isAlone ? undefined : env.locks;
    let isLeading = false;
    let hasLeft = false;
    let isAlive = true;
    let release = () => {};
    let waiting = new AbortController();
    let cancelCheck = () => {};

    const hear = (message: unknown) => {
        isAlive = true;
        options.hear(message);
    };
    const channel = locks && env.channel(name, hear);

    const hold = () =>
        new Promise<void>((done) => {
            release = done;
            if (hasLeft) return done();
            isLeading = true;
            options.lead();
        });
    const stepDown = () => {
        if (!isLeading) return;
        isLeading = false;
        options.follow();
    };
    const queue = (steal: boolean) => {
        waiting.abort();
        waiting = new AbortController();
        const { signal } = waiting;
        locks?.request(name, steal ? { steal } : { signal }, hold).catch(() => {
            stepDown(); // stolen
            if (!hasLeft && !signal.aborted) queue(false);
        });
    };
    const check = () => {
        cancelCheck();
        if (hasLeft) return;
        if (env.visible() && !isLeading) {
            isAlive = false;
            options.greet();
            cancelCheck = env.after(PATIENCE_MS, () => {
                if (!isAlive && !isLeading && env.visible()) queue(true);
                cancelCheck = env.after(CHECK_MS, check);
            });
        } else {
            cancelCheck = env.after(CHECK_MS, check);
        }
    };
    const leave = () => {
        hasLeft = true;
        cancelCheck();
        waiting.abort();
        stepDown();
        release();
    };

    const off = env.on('visibility', () => locks && env.visible() && check());
    if (locks) {
        queue(false);
        check();
    } else {
        isLeading = true;
        options.lead();
    }
    return {
        leads: () => isLeading,
        post: (message) => channel?.post(message),
        yield: leave,
        async quiet() {
            const patience = new AbortController();
            const calm = env.after(PATIENCE_MS, () => patience.abort());
            await locks?.request(name, { signal: patience.signal }, () => {}).catch(() => {});
            calm();
        },
        close() {
            leave();
            off();
            channel?.close();
        },
    };
}
