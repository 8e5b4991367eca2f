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
    _tell(...told: Told): void;
    /** Resolves when no other tab leads any more. */
    _quiet(): Promise<unknown>;
    _leave(): void;
}

/** `onLead` is called later, never before this returns. A leader answers "hello" with anything. */
export function joinTabs(
    name: string,
    isAlone: boolean,
    onLead: (leads: boolean) => void,
    hear: (...told: Told) => void,
): Tabs {
    const locks = isAlone ? undefined : navigator.locks;
    const channel = locks && new BroadcastChannel(name);
    let isLeading = !locks;
    const leaving = new AbortController();
    let isAnswered = false;
    let release = () => {};
    let timer = 0;
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
        locks?.request(name, isTaking ? { steal: true } : { signal: mine.signal }, hold).catch(() => {
            if (leaving.signal.aborted || mine.signal.aborted) return;
            setLeading(false); // taken away
            queue(false);
        });
    };
    const check = () => {
        isAnswered = isLeading || !isVisible();
        if (isAnswered) return;
        tell('hello', 0, null);
        setTimeout(() => isAnswered || !isVisible() || leaving.signal.aborted || queue(true), PATIENCE_MS);
    };

    listen(document, 'visibilitychange', leaving.signal, check);
    if (channel) {
        channel.onmessage = ({ data }: MessageEvent<Told>) => {
            isAnswered ||= data[0] !== 'hello';
            hear(...data);
        };
        queue(false);
        check();
        timer = setInterval(check, CHECK_MS);
    } else {
        Promise.resolve().then(() => onLead(true));
    }
    return {
        _leads: () => isLeading,
        _tell: tell,
        async _quiet() {
            const signal = AbortSignal.timeout(PATIENCE_MS);
            await locks?.request(name, { signal }, () => {}).catch(() => {});
        },
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
