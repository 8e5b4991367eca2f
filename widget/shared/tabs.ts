/*
 * The tabs of one browser: one of them leads, that is it holds the stream and sends the outbox, and tells the others.
 * Whoever holds the Web Lock leads; the others wait for it, so a closed tab is followed at once. A tab that the system
 * has put to sleep keeps its lock and answers nothing: a visible tab notices, and takes the lock away.
 */
import { isVisible, listen } from './wait.ts';

const CHECK_MS = 30_000;
const PATIENCE_MS = 3_000;

/** What one tab tells the others: as the stream does, and some of their own. */
export type Told = [name: string, data: unknown, seq: number | null];

export interface Tabs {
    _leads(): boolean;
    /** There is nobody to share with: this tab always leads, and every other one too. */
    _isAlone(): boolean;
    _tell(...told: Told): void;
    _leave(): void;
    readonly _left: AbortSignal;
}

/** `onLead` is called later, never before this returns. A leader answers "hello" with anything. */
export function joinTabs(
    name: string,
    isAlone: boolean,
    onLead: (leads: boolean) => void,
    hear: (...told: Told) => void,
): Tabs {
    let locks = isAlone ? undefined : navigator.locks;
    const channel = locks && new BroadcastChannel(name);
    let isLeading = false;
    const leaving = new AbortController();
    let isAnswered = false;
    let release = () => {};
    let waiting = new AbortController();

    const setLeading = (leads: boolean) => {
        if (leads !== isLeading) onLead((isLeading = leads));
    };
    const tell = (...told: Told) => channel?.postMessage(told);
    const queue = (isTaking: boolean) => {
        const mine = new AbortController();
        const hold = () =>
            new Promise<void>((done) => {
                release = done;
                if (leaving.signal.aborted) done();
                else setLeading(true);
            });
        waiting.abort();
        waiting = mine;
        const how = isTaking ? { steal: true } : { signal: mine.signal };
        const held = locks?.request(name, how, hold) ?? Promise.reject({});
        held.catch((error: Partial<DOMException>) => {
            if (leaving.signal.aborted || mine.signal.aborted) return;
            const isTaken = error.name === 'AbortError'; // away, by another tab; else there are no locks
            setLeading(!isTaken);
            if (isTaken) queue(false);
            else locks = undefined;
        });
    };
    const check = () => {
        isAnswered = isLeading || !isVisible();
        if (isAnswered) return;
        tell('hello', 0, null);
        setTimeout(() => isLeading || isAnswered || !isVisible() || leaving.signal.aborted || queue(true), PATIENCE_MS);
    };

    listen(document, 'visibilitychange', leaving.signal, check);
    if (channel) {
        channel.onmessage = ({ data }: MessageEvent<Told>) => {
            isAnswered ||= data[0] !== 'hello';
            hear(...data);
        };
    }
    queue(false);
    check();
    const timer = setInterval(check, CHECK_MS);
    return {
        _leads: () => isLeading,
        _isAlone: () => !locks,
        _tell: tell,
        _left: leaving.signal,
        _leave() {
            leaving.abort();
            clearInterval(timer);
            waiting.abort();
            channel?.close();
            setLeading(false);
            release();
        },
    };
}
