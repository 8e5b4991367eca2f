/* Signals in components: who uses one is drawn again when it changes. */
import type { ReadonlySignal } from '@preact/signals-core';
import { computed, effect } from '@preact/signals-core';
import { useEffect, useLayoutEffect, useMemo, useReducer, useRef } from 'preact/hooks';

/** The signal's value. */
export function use<T>(signal: ReadonlySignal<T>): T {
    const [, redraw] = useReducer((count: number) => count + 1, 0);
    const drawn = signal.peek();
    useLayoutEffect(() => {
        let last = drawn; // it may have changed between drawing and now
        return effect(() => {
            const { value } = signal;
            if (value !== last) redraw(0);
            last = value;
        });
    }, [signal]);
    return drawn;
}

/** What is computed from signals; drawn again only when the result is another one. */
export function useComputed<T>(compute: () => T, inputs: readonly unknown[]): T {
    return use(useMemo(() => computed(compute), inputs));
}

/** A function that stays the same one and always does what the last drawing says. */
export function useLatest<Given extends readonly unknown[], Result>(task: (...given: Given) => Result): (...given: Given) => Result {
    const latest = useRef(task);
    latest.current = task;
    return useMemo(() => (...given: Given) => latest.current(...given), []);
}

/** Draws again now and then, for times that are told as "5 min"; gives how often it has. */
export function useTick(everyMs: number): number {
    const [count, redraw] = useReducer((before: number) => before + 1, 0);
    useEffect(() => {
        const timer = setInterval(redraw, everyMs, 0);
        return () => clearInterval(timer);
    }, [everyMs]);
    return count;
}

/** Whether the window is like that now. */
export function useMedia(query: string): boolean {
    const media = useMemo(() => matchMedia(query), [query]);
    const [, redraw] = useReducer((count: number) => count + 1, 0);
    useEffect(() => {
        media.addEventListener('change', redraw);
        return () => media.removeEventListener('change', redraw);
    }, [media]);
    return media.matches;
}
