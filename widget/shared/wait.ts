/* Waiting that can be cut short, how long to wait before the next attempt, and listening until a signal. */

const FIRST_MS = 1_000;
const LAST_MS = 30_000;

/** Twice as long each time, with half of it by chance: those whom a restart has cut off don't come back all at once. */
export const backOff = (failures: number): number =>
    Math.min(FIRST_MS * 2 ** failures, LAST_MS) * (0.5 + Math.random() / 2);

export interface Wait {
    _sleep(ms: number): Promise<void>;
    _wake(): void;
}

export function makeWait(): Wait {
    let wake = () => {};
    return {
        _sleep: (ms) =>
            new Promise((done) => {
                wake = done;
                setTimeout(done, ms);
            }),
        _wake: () => wake(),
    };
}

export function listen(target: EventTarget, events: string, signal: AbortSignal, listener: () => void): void {
    for (const event of events.split(' ')) target.addEventListener(event, listener, { signal });
}

export const isVisible = (): boolean => !document.hidden;
