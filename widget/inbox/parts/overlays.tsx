/* Windows that lie over everything, one at a time: what they are for, and who opens them. */
import { signal } from '@preact/signals-core';

import type { Visitor } from '../data/protocol.ts';
import { lazy } from '../ui/lazy.tsx';
import { use } from '../ui/use.ts';

export type Overlay = 'palette' | 'help' | 'search' | 'assign' | 'snooze' | 'tags' | 'priority' | 'status' | 'replies' | null;

export const overlay = signal<Overlay>(null);
export const closeOverlay = (): void => {
    overlay.value = null;
};

/** The one that is being erased. It is shown here and not beside the visitor, who is gone before the receipt was read. */
export const toErase = signal<Visitor | null>(null);

const Erase = lazy(() => import('./erase.tsx'));
const Palette = lazy(() => import('./palette.tsx'));
const Help = lazy(() => import('./help.tsx'));
const Search = lazy(() => import('./search.tsx'));
const Pickers = lazy(() => import('./pickers.tsx'));

function Opened() {
    const open = use(overlay);
    if (!open) return null;
    if (open === 'palette') return <Palette />;
    if (open === 'help') return <Help />;
    if (open === 'search') return <Search />;
    return <Pickers which={open} key={open} />;
}

export function Overlays() {
    const visitor = use(toErase);
    return (
        <>
            {visitor && <Erase visitor={visitor} onClose={() => (toErase.value = null)} />}
            <Opened />
        </>
    );
}
