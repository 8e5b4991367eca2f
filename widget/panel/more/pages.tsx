/* What can be shown in place of the conversation. */
import type { ComponentChild } from 'preact';
import { icon, type IconName } from '../icons.tsx';
import { kit } from './kit.ts';

type Page = [title: string, body: () => ComponentChild];

let shown: Page | undefined;

const button = (name: IconName, title: string, onClick: () => void) => (
    <button title={title} onClick={onClick}>
        {icon(name)}
    </button>
);

export const page = () =>
    shown && [
        <header role="none">
            {button('back', kit.texts.back, back)}
            <div>
                <h2>{shown[0]}</h2>
            </div>
            {button('close', kit.texts.close, kit.host.close)}
        </header>,
        shown[1](),
    ];

export function go(title: string, body: () => ComponentChild): void {
    shown = [title, body];
    kit.tell('');
    kit.draw();
    kit.host.root.querySelector<HTMLElement>('[data-focus]')?.focus();
    kit.tellShown();
}

export function back(): boolean {
    if (!shown) return false;
    shown = undefined;
    kit.focus();
    return true;
}
