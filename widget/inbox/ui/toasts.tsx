/* Short notices at the edge: what was done, with a way back; or what went wrong. */
import { signal } from '@preact/signals-core';
import { CircleAlert, X } from 'lucide';

import { t } from '../lang.ts';
import { Icon } from './icon.tsx';
import { use } from './use.ts';

const SHOWN_MS = 8_000;
const AT_ONCE = 3;

export interface ToastAction {
    label: string;
    hint?: string; // a key that does the same
    run(): void;
}

interface Toast {
    id: number;
    text: string;
    isError: boolean;
    action: ToastAction | undefined;
    timer: ReturnType<typeof setTimeout> | undefined;
}

const toasts = signal<readonly Toast[]>([]);
let last = 0;

function dismiss(id: number): void {
    toasts.value = toasts.peek().filter((toast) => toast.id !== id);
}

const startTimer = (id: number) => setTimeout(dismiss, SHOWN_MS, id);

export function toast(text: string, { action, isError = false }: { action?: ToastAction; isError?: boolean } = {}): () => void {
    const id = ++last;
    toasts.value = [...toasts.peek(), { id, text, isError, action, timer: startTimer(id) }].slice(-AT_ONCE);
    return () => dismiss(id);
}

export const complain = (text: string): void => void toast(text, { isError: true });

/** An error's own sentence, or that there was no answer. */
export const complainOf = (error: unknown): void => {
    const { status, message } = error as { status?: number; message: string };
    complain(status ? message : t.noAnswer);
};

/* Nothing disappears while somebody reads or reaches for it. */
function hold(toast: Toast): void {
    clearTimeout(toast.timer);
    toast.timer = undefined;
}

function letGo(toast: Toast): void {
    toast.timer ??= startTimer(toast.id);
}

export function Toasts() {
    const shown = use(toasts);
    return (
        <div class="toasts" role="status" aria-live="polite">
            {shown.map((each) => (
                <div
                    key={each.id}
                    class={each.isError ? 'toast toast-error' : 'toast'}
                    onMouseEnter={() => hold(each)}
                    onMouseLeave={() => letGo(each)}
                    onFocusIn={() => hold(each)}
                    onFocusOut={() => letGo(each)}
                >
                    {each.isError && <Icon icon={CircleAlert} />}
                    <span class="toast-text">{each.text}</span>
                    {each.action && (
                        <button
                            type="button"
                            class="toast-action"
                            onClick={() => {
                                dismiss(each.id);
                                each.action?.run();
                            }}
                        >
                            {each.action.label}
                            {each.action.hint && <kbd>{each.action.hint}</kbd>}
                        </button>
                    )}
                    <button type="button" class="toast-close" aria-label={t.close} onClick={() => dismiss(each.id)}>
                        <Icon icon={X} size="small" />
                    </button>
                </div>
            ))}
        </div>
    );
}
