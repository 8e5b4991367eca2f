/* What can be shown in place of the conversation. */
import type { ComponentChild } from 'preact';
import { kit } from './kit.ts';

type Page = [title: string, body: () => ComponentChild];

let shown: Page | undefined;

export const page = () =>
    shown && [
        <header role="none">
            {kit.button('back', kit.texts.back, back)}
            <div>
                <h2>{shown[0]}</h2>
            </div>
            {kit.button('close', kit.texts.close, kit.host.close)}
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
