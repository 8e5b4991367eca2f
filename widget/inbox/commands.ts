/*
 * What can be done, with its keys and its words: the keyboard, the help sheet and the palette are made of this one list.
 * Parts add what they can do while they are on screen.
 */
import { signal } from '@preact/signals-core';
import type { IconNode } from 'lucide';
import { useEffect } from 'preact/hooks';

import { prefs } from './state.ts';
import { isComposing, isTyping, pressed } from './ui/keys.ts';
import { useLatest } from './ui/use.ts';

export type Group = 'go' | 'conversation' | 'list' | 'write' | 'app';

export interface Command {
    id: string;
    group: Group;
    label: string;
    icon?: IconNode;
    keys?: readonly string[];
    /** Only told of: somebody else listens for the keys. */
    isTold?: boolean;
    /** Not in the palette, where it would mean nothing. */
    isHidden?: boolean;
    run?(): void;
}

const sets = signal<readonly (readonly Command[])[]>([]);

export const commands = (): Command[] => sets.value.flat();

/** Offers commands as long as the component is there. */
export function useCommands(given: readonly Command[]): void {
    const run = useLatest((id: string) => given.find((command) => command.id === id)?.run?.());
    const key = given.map(({ id, label }) => `${id}:${label}`).join('|');
    useEffect(() => {
        const set = given.map((command) => ({ ...command, run: () => run(command.id) }));
        sets.value = [...sets.peek(), set];
        return () => {
            sets.value = sets.peek().filter((each) => each !== set);
        };
    }, [key]);
}

const SEQUENCE_MS = 1_200;

const needsModifier = (keys: string) => /mod|alt|escape/.test(keys);

/** Listens for the keys of all commands; gives what ends it. */
export function listenForKeys(): () => void {
    let before = '';
    let timer: ReturnType<typeof setTimeout> | undefined;
    const find = (keys: string, isInInput: boolean) =>
        commands().find(
            (command) =>
                !command.isTold &&
                command.keys?.includes(keys) &&
                (needsModifier(keys) || (!isInInput && prefs.value.peek().shortcuts)),
        );
    const onKeyDown = (event: KeyboardEvent) => {
        if (event.defaultPrevented || isComposing(event) || document.querySelector('dialog[open]')) return;
        const now = pressed(event);
        const isInInput = isTyping(event.target);
        const sequence = before ? `${before} ${now}` : now;
        const command = find(sequence, isInInput) ?? find(now, isInInput);
        clearTimeout(timer);
        before = '';
        if (command) {
            event.preventDefault();
            command.run?.();
        } else if (!isInInput && commands().some(({ keys }) => keys?.some((each) => each.startsWith(`${now} `)))) {
            before = now;
            timer = setTimeout(() => (before = ''), SEQUENCE_MS);
        }
    };
    document.addEventListener('keydown', onKeyDown);
    return () => document.removeEventListener('keydown', onKeyDown);
}
