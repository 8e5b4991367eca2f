/* What one pane asks of another. */
import { signal } from '@preact/signals-core';

import type { Mode } from '../data/drafts.ts';
import { go, prefs, route } from '../state.ts';

/** Each is another object, so that asking twice does it twice. */
export const wish = signal<{ mode: Mode; text?: string } | null>(null);

/** Leads into the composer; with a text, that is put in at the cursor. */
export function write(mode: Mode, text?: string): void {
    wish.value = { mode, ...(text !== undefined && { text }) };
}

export const isVisitorApart = '(max-width: 1100px)';

/** Where the visitor has no room beside the conversation, it has a place of its own. */
export function toggleVisitor(): void {
    const here = route.peek();
    if (matchMedia(isVisitorApart).matches && here.name === 'inbox' && here.id) go({ ...here, visitor: !here.visitor });
    else prefs.set({ visitorPane: !prefs.value.peek().visitorPane });
}
