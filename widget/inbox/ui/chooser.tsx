/*
 * A window to choose from a list by typing: commands, agents, tags. The input keeps the focus; arrows move, Enter chooses,
 * Escape closes.
 */
import { Check, Search, X } from 'lucide';
import type { ComponentChildren } from 'preact';
import { useId, useLayoutEffect, useRef, useState } from 'preact/hooks';

import { t } from '../lang.ts';
import { Dialog } from './dialog.tsx';
import { Icon } from './icon.tsx';
import { isComposing, keysOf } from './keys.ts';

export interface Choice {
    id: string;
    label: string;
    /** Words that it is found by as well. */
    words?: string;
    sign?: ComponentChildren;
    hint?: string;
    keys?: string;
    group?: string;
    isChosen?: boolean;
    run(): void;
}

interface ChooserProps {
    label: string;
    placeholder: string;
    /** What is to choose from when this has been typed. */
    choices(typed: string): Choice[];
    /** What is chosen closes it, unless it is for several, or closes by itself. */
    stays?: boolean;
    isMultiple?: boolean;
    onClose(): void;
    foot?: ComponentChildren;
}

const plain = (text: string) => text.normalize('NFKD').replace(/\p{M}/gu, '').toLocaleLowerCase();

/** Every word that was typed begins a word of the choice; those of the label first. */
export function found(choices: readonly Choice[], typed: string): Choice[] {
    const wanted = plain(typed).split(/\s+/).filter(Boolean);
    if (!wanted.length) return [...choices];
    const rank = ({ label, words = '' }: Choice) => {
        const inLabel = plain(label);
        const all = ` ${inLabel} ${plain(words)}`;
        if (!wanted.every((word) => all.includes(word))) return 3;
        return inLabel.startsWith(wanted[0] ?? '') ? 0 : wanted.every((word) => ` ${inLabel}`.includes(` ${word}`)) ? 1 : 2;
    };
    return choices
        .map((choice) => ({ choice, at: rank(choice) }))
        .filter(({ at }) => at < 3)
        .sort((a, b) => a.at - b.at)
        .map(({ choice }) => choice);
}

export function Chooser({ label, placeholder, choices, stays, isMultiple, onClose, foot }: ChooserProps) {
    const [typed, setTyped] = useState('');
    const [at, setAt] = useState(0);
    const id = useId();
    const input = useRef<HTMLInputElement>(null);
    const list = useRef<HTMLDivElement>(null);
    const all = choices(typed);
    const current = Math.min(at, all.length - 1);

    const choose = (choice: Choice | undefined) => {
        if (!choice) return;
        if (!stays) onClose();
        choice.run();
        if (!stays) return;
        setTyped('');
        input.current?.focus();
    };
    const onKeyDown = (event: KeyboardEvent) => {
        if (isComposing(event)) return;
        const { key } = event;
        if (key === 'ArrowDown') setAt((current + 1) % Math.max(1, all.length));
        else if (key === 'ArrowUp') setAt((current + all.length - 1) % Math.max(1, all.length));
        else if (key === 'Enter') choose(all[current]);
        else return;
        event.preventDefault();
    };
    useLayoutEffect(() => input.current?.focus(), []);
    useLayoutEffect(() => {
        list.current?.querySelector('[aria-selected=true]')?.scrollIntoView({ block: 'nearest' });
    }, [current, typed]);

    let group: string | undefined;
    return (
        <Dialog label={label} class="chooser" onClose={onClose}>
            <div class="chooser-input">
                <Icon icon={Search} />
                <input
                    ref={input}
                    role="combobox"
                    aria-expanded="true"
                    aria-controls={id}
                    aria-autocomplete="list"
                    aria-activedescendant={all.length ? `${id}-${current}` : undefined}
                    aria-label={label}
                    placeholder={placeholder}
                    autocomplete="off"
                    spellcheck={false}
                    dir="auto"
                    value={typed}
                    onInput={(event) => {
                        setTyped(event.currentTarget.value);
                        setAt(0);
                    }}
                    onKeyDown={onKeyDown}
                />
                <button type="button" class="chooser-close" aria-label={`${t.close} ${keysOf('escape')}`} onClick={onClose}>
                    <kbd aria-hidden="true">Esc</kbd>
                    <Icon icon={X} />
                </button>
            </div>
            <div class="chooser-list" role="listbox" id={id} ref={list} aria-label={label} aria-multiselectable={isMultiple}>
                {all.map((choice, index) => {
                    const isNewGroup = choice.group !== group;
                    group = choice.group;
                    return [
                        isNewGroup && group && (
                            <div class="chooser-group" role="presentation" key={`group ${group}`}>
                                {group}
                            </div>
                        ),
                        <div
                            key={choice.id}
                            id={`${id}-${index}`}
                            role="option"
                            aria-selected={index === current}
                            class={choice.isChosen ? 'choice is-chosen' : 'choice'}
                            onMouseMove={() => setAt(index)}
                            onMouseDown={(event) => event.preventDefault()}
                            onClick={() => choose(choice)}
                        >
                            <span class="choice-sign">{choice.sign}</span>
                            <bdi class="choice-label">{choice.label}</bdi>
                            {choice.hint && <span class="choice-hint">{choice.hint}</span>}
                            {choice.isChosen && (
                                <>
                                    <Icon icon={Check} />
                                    <span class="aside">{t.chosen}</span>
                                </>
                            )}
                            {choice.keys && <kbd>{keysOf(choice.keys)}</kbd>}
                        </div>,
                    ];
                })}
            </div>
            {!all.length && (
                <p class="chooser-none" role="status">
                    {t.nothingFound}
                </p>
            )}
            {foot && <div class="chooser-foot">{foot}</div>}
        </Dialog>
    );
}
