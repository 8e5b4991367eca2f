/* Asking for what a page shows, and sending what a form says. */
import { useEffect, useState } from 'preact/hooks';

import type { Failure } from '../data/api.ts';
import { t } from '../lang.ts';
import { api } from '../state.ts';
import { useLatest } from '../ui/use.ts';

export const sentenceOf = (error: unknown): string => {
    const { status, message } = error as Failure;
    return status ? message : t.noAnswer;
};

export interface Asked<T> {
    /** What is known, also while it is asked for again. */
    readonly value: T | null;
    readonly problem: string;
    set(value: T): void;
    reload(): Promise<void>;
}

/** What GET gives; asked for once, and again by reload(). */
export function useAsked<T>(path: string): Asked<T> {
    const [state, setState] = useState<{ value: T | null; problem: string }>({ value: null, problem: '' });
    const reload = useLatest(async () => {
        try {
            setState({ value: await api.ask<T>('GET', path), problem: '' });
        } catch (error) {
            setState(({ value }) => ({ value, problem: sentenceOf(error) }));
        }
    });
    useEffect(() => void reload(), [path]);
    return { ...state, reload, set: (value) => setState({ value, problem: '' }) };
}

export interface Sending {
    readonly isBusy: boolean;
    readonly problem: string;
    /** One at a time; gives whether it went well. */
    send(task: () => Promise<unknown>): Promise<boolean>;
    clear(): void;
}

export function useSending(): Sending {
    const [state, setState] = useState({ isBusy: false, problem: '' });
    return {
        ...state,
        clear: () => setState({ isBusy: false, problem: '' }),
        async send(task) {
            if (state.isBusy) return false;
            setState({ isBusy: true, problem: '' });
            try {
                await task();
                setState({ isBusy: false, problem: '' });
                return true;
            } catch (error) {
                setState({ isBusy: false, problem: sentenceOf(error) });
                return false;
            }
        },
    };
}

const isSame = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

export interface Draft<T> {
    readonly now: T;
    readonly isChanged: boolean;
    change(part: Partial<T>): void;
    reset(): void;
}

/** A form's fields, which begin as what is saved. */
export function useDraft<T extends object>(saved: T): Draft<T> {
    const [changes, setChanges] = useState<Partial<T>>({});
    const now = { ...saved, ...changes };
    return {
        now,
        isChanged: !isSame(now, saved),
        change: (part) => setChanges((before) => ({ ...before, ...part })),
        reset: () => setChanges({}),
    };
}
