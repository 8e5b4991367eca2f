/* Time that stands still until a test moves it. */

/** Lets everything happen that waits for no time: promises, and what they lead to. */
export async function settle() {
    for (let i = 0; i < 20; i++) await new Promise((wake) => setImmediate(wake));
}

export class Clock {
    constructor(now = Date.parse('2026-01-31T12:00:00.000Z')) {
        this.now = now;
        this.timers = new Map();
        this.last = 0;
        this.setTimeout = (task, ms = 0, ...given) => {
            this.timers.set(++this.last, { at: this.now + Math.max(0, ms), task: () => task(...given) });
            return this.last;
        };
        this.clearTimeout = (id) => void this.timers.delete(id);
    }

    /** Runs what is due in the next `ms`, in order. */
    async advance(ms) {
        const end = this.now + ms;
        await settle();
        for (;;) {
            const [id, timer] = [...this.timers].filter(([, { at }]) => at <= end).sort(([, a], [, b]) => a.at - b.at)[0] ?? [];
            if (!timer) break;
            this.timers.delete(id);
            this.now = Math.max(this.now, timer.at);
            timer.task();
            await settle();
        }
        this.now = end;
        await settle();
    }

    /** The same time for a page: new Date() and Date.now(). */
    get Date() {
        const clock = this;
        return class extends Date {
            constructor(...given) {
                super(...(given.length ? given : [clock.now]));
            }
            static now() {
                return clock.now;
            }
        };
    }

    /** AbortSignal, with a timeout() that goes by this clock. */
    get AbortSignal() {
        const timeout = (ms) => {
            const controller = new AbortController();
            this.setTimeout(() => controller.abort(new DOMException('The operation timed out.', 'TimeoutError')), ms);
            return controller.signal;
        };
        return { timeout };
    }
}

/** The real one, for tests against a real server. */
export const realClock = { setTimeout, clearTimeout, Date, AbortSignal, advance: settle };
