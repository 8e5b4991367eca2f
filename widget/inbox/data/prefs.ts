/* What an agent has chosen for itself, in this browser: how it looks, what rings, what the keys do. */
import { signal, type ReadonlySignal } from '@preact/signals-core';

import type { Language } from '../../shared/language.ts';
import type { Keep } from '../../shared/outbox.ts';
import { keyOf, read } from './keep.ts';
import { PLAIN_QUERY, type Query } from './list.ts';

/** Known before anybody has logged in. */
export interface Look {
    language: Language | 'auto';
    theme: 'auto' | 'light' | 'dark';
}

export interface Prefs {
    notify: 'all' | 'mine' | 'none'; // mine: assigned to me, or to nobody
    desktop: boolean; // notifications of the system
    preview: boolean; // with what was said in them
    sound: boolean;
    sendKey: 'enter' | 'modifier'; // Enter sends, or only with Ctrl or Cmd
    shortcuts: boolean; // single letters do something outside of inputs
    advance: boolean; // what is done with makes room for the next one
    visitorPane: boolean;
    query: Query;
}

const PLAIN_LOOK: Look = { language: 'auto', theme: 'auto' };

const PLAIN: Prefs = {
    notify: 'mine',
    desktop: false,
    preview: true,
    sound: true,
    sendKey: 'enter',
    shortcuts: true,
    advance: true,
    visitorPane: true,
    query: PLAIN_QUERY,
};

export interface Kept<T> {
    readonly value: ReadonlySignal<T>;
    set(change: Partial<T>): void;
    /** Another tab has written it. */
    readAgain(): void;
}

function makeKept<T extends object>(keep: Keep, key: string, plain: T): Kept<T> {
    const value = signal(read(keep, key, plain));
    return {
        value,
        set(change) {
            value.value = { ...value.peek(), ...change };
            keep.set(key, JSON.stringify(value.peek()));
        },
        readAgain() {
            value.value = read(keep, key, plain);
        },
    };
}

const LOOK_KEY = keyOf('look');

export const makeLook = (keep: Keep): Kept<Look> => makeKept(keep, LOOK_KEY, PLAIN_LOOK);

export const makePrefs = (keep: Keep, agent: string): Kept<Prefs> => makeKept(keep, keyOf('prefs', agent), PLAIN);
