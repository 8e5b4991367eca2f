/* Nobody has ever written: what has to be done so that somebody can. */
import { Check, Copy } from 'lucide';
import { useState } from 'preact/hooks';

import type { Counts } from '../data/protocol.ts';
import { fill, t } from '../lang.ts';
import { org } from '../state.ts';
import { Icon } from '../ui/icon.tsx';
import { use } from '../ui/use.ts';

const snippet = (key: string) =>
    `<script>window.HELVINO_ORG_KEY = ${JSON.stringify(key)};</script>\n<script src="${location.origin}/embed.js" async></script>`;

/** Whoever can do something about it is told what. */
export const isUnused = (counts: Counts | null): boolean =>
    !!counts && !counts.open && !counts.pending && !counts.snoozed && org.peek()?.role !== 'agent';

export function FirstSteps({ class: extra = '' }: { class?: string }) {
    const here = use(org);
    const [isCopied, setCopied] = useState(false);
    const text = snippet(here?.key ?? '');
    const copy = async () => {
        await navigator.clipboard?.writeText(text).catch(() => {});
        setCopied(true);
    };
    return (
        <div class={`first ${extra}`}>
            <h2>{t.firstTitle}</h2>
            <p>{t.firstText}</p>
            <pre class="snippet" dir="ltr" tabIndex={0}>
                {text}
            </pre>
            <button type="button" class="button" onClick={() => void copy()}>
                <Icon icon={isCopied ? Check : Copy} />
                {isCopied ? t.copied : t.copy}
            </button>
            <p class="hint">{fill(t.firstHint, here?.name ?? '')}</p>
        </div>
    );
}
