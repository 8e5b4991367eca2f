/* Asks before a visitor is blocked: it is hard to notice for whoever is. */
import { useState } from 'preact/hooks';

import type { Visitor } from '../data/protocol.ts';
import { visitorName } from '../format.ts';
import { fill, t } from '../lang.ts';
import { desk } from '../state.ts';
import { Dialog } from '../ui/dialog.tsx';
import { complainOf, toast } from '../ui/toasts.tsx';

export default function Block({ visitor, onClose }: { visitor: Visitor; onClose(): void }) {
    const [isBusy, setBusy] = useState(false);
    const block = async () => {
        setBusy(true);
        try {
            desk.store.putVisitor(await desk.api.ask<Visitor>('PATCH', `/visitors/${visitor.id}`, { blocked: true }));
            toast(t.didBlock);
            onClose();
        } catch (error) {
            complainOf(error);
            setBusy(false);
        }
    };
    return (
        <Dialog label={fill(t.blockTitle, visitorName(visitor, visitor.id))} hasHeader role="alertdialog" onClose={onClose}>
            <p>{t.blockText}</p>
            <footer class="dialog-footer">
                <button type="button" class="button" onClick={onClose}>
                    {t.cancel}
                </button>
                <button type="button" class="button danger" disabled={isBusy} onClick={() => void block()}>
                    {t.block}
                </button>
            </footer>
        </Dialog>
    );
}
