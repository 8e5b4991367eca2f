/*
 * The connection of one browser: the stream, opened again whenever it ends, and asking now and then where streams don't
 * get through. It goes on from the last seq that is known, so what was missed comes first, and nothing twice. The widget
 * has this in a bundle of its own, loaded once there is something to hear, so nothing that is called from outside has a
 * name that begins with "_".
 */
import type { Caller, Failure } from './http.ts';
import { readStream, type OnEvent } from './stream.ts';
import { backOff, isVisible, listen, makeWait } from './wait.ts';

const SWALLOWED_MAX = 2; // after so many failures of this kind, polling begins
const POLL_MS = 4_000; // while somebody looks
const POLL_IDLE_MS = 30_000;
const STALE_MS = 20_000; // without a byte, when a tab wakes up
const LONG_MS = 600_000; // until something happens

export type Connection = 'connecting' | 'live' | 'polling' | 'offline';

export interface LinkOptions {
    caller: Caller;
    /**
     * This tab has a stream of its own. A hidden one gives it up and polls: browsers allow six connections to a host.
     */
    isAlone: boolean;
    isLookedAt(): boolean;
    since(): number | null;
    /** Asks for everything anew. */
    poll(): Promise<void>;
    onOpen(isResumed: boolean): void;
    onEvent: OnEvent;
    onState(connection: Connection, problem: string | null): void;
}

/** Gives what ends it. */
export default function startLink(options: LinkOptions): () => void {
    const { isAlone, onState } = options;
    const { _sleep: sleep, _wake: wake } = makeWait();
    const stopping = new AbortController();
    const { signal } = stopping;
    let stream = stopping;
    let isPolling = false;
    let isOpen = false;
    let isAgain = false; // the stream was ended to be begun at once
    let lastByte = 0;
    let failures = 0;
    let swallowed = 0;
    let isCut = false; // the last poll has failed
    let timer = 0;

    const again = () => {
        failures = 0;
        isAgain = true;
        stream.abort();
        wake();
    };
    const poll = async () => {
        clearTimeout(timer);
        const wasCut = isCut;
        isCut = await options.poll().then(() => false, () => true);
        clearTimeout(timer);
        if (!isPolling) return;
        onState(isCut ? 'offline' : 'polling', null);
        const delay = options.isLookedAt() ? POLL_MS : POLL_IDLE_MS;
        timer = setTimeout(poll, Math.max(delay, isCut ? backOff(failures) : 0));
        if (wasCut && !isCut) again(); // the server is back, so the stream may be too
    };
    const startPolling = () => {
        if (!isPolling) poll();
        isPolling = true;
    };
    const stopPolling = () => {
        isPolling = false;
        clearTimeout(timer);
    };
    const connect = () => {
        const since = options.since();
        stream = new AbortController();
        isOpen = isAgain = false;
        return readStream(
            options.caller,
            since,
            stream,
            () => {
                lastByte = Date.now();
                if (isOpen || signal.aborted) return;
                isOpen = true;
                failures = swallowed = 0;
                stopPolling();
                onState('live', null);
                options.onOpen(since !== null);
            },
            (...told) => signal.aborted || options.onEvent(...told),
        );
    };
    /* A stream has ended without having begun, or was refused. Gives how long to wait. */
    const judge = ({ status, message, waitMs, isSilent }: Partial<Failure>): number => {
        if ([401, 403, 404].includes(status ?? 0)) {
            stopPolling();
            onState('offline', message ?? '');
            return LONG_MS;
        }
        // Nothing came in all the time, or another answer than a stream, or none though there is a network: whatever
        // lies between may keep streams back. When it is the server that is away, polling notices.
        if (status || isSilent || navigator.onLine) ++swallowed;
        if (swallowed >= SWALLOWED_MAX) startPolling();
        if (!isPolling) onState('offline', null);
        return Math.max(backOff(failures++) * (isPolling && !isCut ? 4 : 1), waitMs || 0);
    };
    const run = async () => {
        while (!signal.aborted) {
            if (isAlone && !isVisible()) {
                startPolling();
                await sleep(LONG_MS);
                continue;
            }
            const failure: Partial<Failure> = await connect().then(() => ({ isSilent: true }), (error) => error);
            if (isAgain) continue;
            if (isOpen) onState('connecting', null);
            await sleep(isOpen ? backOff(0) : judge(failure));
        }
    };

    listen(window, 'online offline', signal, again);
    listen(document, 'visibilitychange', signal, () => {
        if (isAlone || (isVisible() && Date.now() - lastByte > STALE_MS)) again();
        if (isPolling && isVisible()) poll();
    });
    run();
    return () => {
        stopping.abort();
        stopPolling();
        again();
    };
}
