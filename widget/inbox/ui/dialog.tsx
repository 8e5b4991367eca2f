/* A window over everything: the browser's own dialog, which keeps the focus in and gives it back. */
import { X } from 'lucide';
import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';

import { t } from '../lang.ts';
import { Icon } from './icon.tsx';

interface DialogProps {
    label: string;
    /** The label is shown, with a button that closes. */
    hasHeader?: boolean;
    class?: string;
    role?: 'dialog' | 'alertdialog';
    onClose(): void;
    children: ComponentChildren;
}

export function Dialog({ label, hasHeader, class: extra = '', role, onClose, children }: DialogProps) {
    const ref = useRef<HTMLDialogElement>(null);
    useLayoutEffect(() => {
        const dialog = ref.current;
        const before = document.activeElement;
        dialog?.showModal();
        return () => {
            dialog?.close();
            if (before instanceof HTMLElement && before.isConnected) before.focus();
        };
    }, []);
    return (
        <dialog
            ref={ref}
            class={`dialog ${extra}`}
            aria-label={label}
            {...(role && { role })}
            onCancel={(event) => {
                event.preventDefault();
                onClose();
            }}
            onMouseDown={(event) => event.target === ref.current && onClose()}
        >
            <div class="dialog-body">
                {hasHeader && (
                    <header class="dialog-header">
                        <h2>{label}</h2>
                        <button type="button" class="icon-button" aria-label={t.close} onClick={onClose}>
                            <Icon icon={X} />
                        </button>
                    </header>
                )}
                {children}
            </div>
        </dialog>
    );
}
