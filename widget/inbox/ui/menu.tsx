/* A button that opens a list of things to do: arrows move, letters jump, Escape closes and gives the focus back. */
import { Check } from 'lucide';
import type { IconNode } from 'lucide';
import type { ComponentChildren } from 'preact';
import { useEffect, useId, useLayoutEffect, useRef, useState } from 'preact/hooks';

import { Icon } from './icon.tsx';
import { keysOf } from './keys.ts';

export interface MenuItem {
    label: string;
    icon?: IconNode;
    /** What the keyboard has for it. */
    keys?: string;
    isDanger?: boolean;
    isDisabled?: boolean;
    /** One of several, or a switch: whether it is on. */
    checked?: boolean;
    kind?: 'radio' | 'switch';
    /** The menu stays open. */
    stays?: boolean;
    run(): void;
}

export interface MenuGroup {
    label?: string;
    items: MenuItem[];
}

interface MenuProps {
    label: string;
    class?: string;
    /** What the button shows. */
    button: ComponentChildren;
    groups: MenuGroup[];
    /** At which edge of the button it hangs. */
    align?: 'start' | 'end';
    above?: boolean;
    title?: string;
    isDisabled?: boolean;
}

const ROLES = { radio: 'menuitemradio', switch: 'menuitemcheckbox' } as const;

function Item({ item, onDone }: { item: MenuItem; onDone(): void }) {
    const { label, icon, keys, isDanger, isDisabled, checked, kind, stays, run } = item;
    return (
        <button
            type="button"
            role={kind ? ROLES[kind] : 'menuitem'}
            aria-checked={kind ? !!checked : undefined}
            aria-disabled={isDisabled}
            tabIndex={-1}
            class={isDanger ? 'menu-item danger' : 'menu-item'}
            onClick={() => {
                if (isDisabled) return;
                if (!stays) onDone();
                run();
            }}
        >
            {kind ? <span class="menu-check">{checked && <Icon icon={Check} />}</span> : icon && <Icon icon={icon} />}
            <span class="menu-label">{label}</span>
            {keys && <kbd>{keysOf(keys)}</kbd>}
        </button>
    );
}

export function Menu({ label, class: extra = 'icon-button', button, groups, align = 'start', above, title, isDisabled }: MenuProps) {
    const [isOpen, setOpen] = useState(false);
    const root = useRef<HTMLDivElement>(null);
    const trigger = useRef<HTMLButtonElement>(null);
    const list = useRef<HTMLDivElement>(null);
    const id = useId();

    const items = () => [...(list.current?.querySelectorAll<HTMLElement>('[tabindex]') ?? [])];
    const close = () => {
        setOpen(false);
        trigger.current?.focus();
    };
    const move = (step: number) => {
        const all = items();
        const at = all.indexOf(document.activeElement as HTMLElement);
        all.at((at + step) % all.length)?.focus();
    };
    const jump = (letter: string) => {
        const all = items();
        const at = all.indexOf(document.activeElement as HTMLElement);
        const rest = [...all.slice(at + 1), ...all.slice(0, at + 1)];
        rest.find((item) => item.textContent?.trim().toLocaleLowerCase().startsWith(letter))?.focus();
    };
    const onKeyDown = (event: KeyboardEvent) => {
        const { key } = event;
        if (key === 'Escape') close();
        else if (key === 'Tab') setOpen(false);
        else if (key === 'ArrowDown') move(1);
        else if (key === 'ArrowUp') move(-1);
        else if (key === 'Home') items().at(0)?.focus();
        else if (key === 'End') items().at(-1)?.focus();
        else if (key.length === 1 && key !== ' ' && !event.ctrlKey && !event.metaKey) jump(key.toLocaleLowerCase());
        else return;
        if (key !== 'Tab') event.preventDefault();
        event.stopPropagation();
    };
    useLayoutEffect(() => {
        if (isOpen) (items().find((item) => item.getAttribute('aria-checked') === 'true') ?? items()[0])?.focus();
    }, [isOpen]);
    useEffect(() => {
        if (!isOpen) return;
        const onDown = (event: Event) => root.current?.contains(event.target as Node) || setOpen(false);
        document.addEventListener('pointerdown', onDown, true);
        return () => document.removeEventListener('pointerdown', onDown, true);
    }, [isOpen]);

    return (
        <div class="menu-root" ref={root}>
            <button
                type="button"
                class={extra}
                ref={trigger}
                disabled={isDisabled}
                aria-haspopup="menu"
                aria-expanded={isOpen}
                aria-controls={isOpen ? id : undefined}
                aria-label={label}
                title={title ?? label}
                onClick={() => setOpen(!isOpen)}
                onKeyDown={(event) => {
                    if (event.key !== 'ArrowDown' || isOpen) return;
                    event.preventDefault();
                    setOpen(true);
                }}
            >
                {button}
            </button>
            {isOpen && (
                <div
                    id={id}
                    ref={list}
                    role="menu"
                    aria-label={label}
                    class={`menu menu-${align}${above ? ' menu-above' : ''}`}
                    onKeyDown={onKeyDown}
                >
                    {groups.map((group, index) => (
                        <div role="group" aria-label={group.label} class="menu-group" key={group.label ?? index}>
                            {group.label && (
                                <span class="menu-title" aria-hidden="true">
                                    {group.label}
                                </span>
                            )}
                            {group.items.map((item) => (
                                <Item item={item} onDone={close} key={item.label} />
                            ))}
                        </div>
                    ))}
                </div>
            )}
        </div>
    );
}
