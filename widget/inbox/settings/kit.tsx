/* What the pages about the organisation are made of, beyond ui/. */
import { Check, CircleAlert, Copy } from 'lucide';
import type { IconNode } from 'lucide';
import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';

import { t } from '../lang.ts';
import { Dialog } from '../ui/dialog.tsx';
import { Labelled } from '../ui/field.tsx';
import { Icon } from '../ui/icon.tsx';
import { useSending, type Asked, type Sending } from './ask.ts';

/* ---- what is asked for ---- */

/** Draws what was asked for; until then that it is loading, or why it could not be had. */
export function Shown<T>({ asked, children }: { asked: Asked<T>; children(value: T): ComponentChildren }) {
    const { value, problem, reload } = asked;
    return (
        <>
            {problem && (
                <div class="notice notice-danger notice-row" role="alert">
                    <Icon icon={CircleAlert} />
                    <span class="grow">{problem}</span>
                    <button type="button" class="button small" onClick={() => void reload()}>
                        {t.tryAgain}
                    </button>
                </div>
            )}
            {value !== null ? children(value) : !problem && <Bones />}
        </>
    );
}

function Bones() {
    return (
        <div class="card bones" aria-busy="true" aria-label={t.loading} role="status">
            <span />
            <span />
            <span />
        </div>
    );
}

export function Empty({ icon, title, children }: { icon: IconNode; title: string; children?: ComponentChildren }) {
    return (
        <div class="empty">
            <Icon icon={icon} size="large" />
            <p class="empty-title">{title}</p>
            {children}
        </div>
    );
}

/* ---- copying ---- */

/** Also where pages have no clipboard, as without TLS. */
export async function copy(text: string): Promise<boolean> {
    try {
        await navigator.clipboard.writeText(text);
        return true;
    } catch {
        const before = document.activeElement;
        const area = document.createElement('textarea');
        area.value = text;
        area.className = 'aside';
        (document.querySelector('dialog[open]') ?? document.body).append(area);
        area.select();
        const isDone = document.execCommand('copy');
        area.remove();
        if (before instanceof HTMLElement) before.focus();
        return isDone;
    }
}

const COPIED_MS = 2_000;

export function CopyButton({ text, label, class: extra = 'button small' }: { text: string; label?: string; class?: string }) {
    const [isCopied, setCopied] = useState(false);
    useEffect(() => {
        if (!isCopied) return;
        const timer = setTimeout(setCopied, COPIED_MS, false);
        return () => clearTimeout(timer);
    }, [isCopied]);
    return (
        <button type="button" class={extra} onClick={() => void copy(text).then(setCopied)}>
            <Icon icon={isCopied ? Check : Copy} size="small" />
            <span aria-live="polite">{isCopied ? t.copied : (label ?? t.copy)}</span>
        </button>
    );
}

/** Something to paste elsewhere, of one line or more. */
export function Snippet({ text, label }: { text: string; label: string }) {
    return (
        <div class="paste">
            <pre class="snippet" dir="ltr" tabIndex={0} aria-label={label} role="group">
                {text}
            </pre>
            <CopyButton text={text} />
        </div>
    );
}

/* A secret: one line that is selected as a whole. */
export function Secret({ text, label }: { text: string; label: string }) {
    const id = useId();
    const input = useRef<HTMLInputElement>(null);
    useEffect(() => input.current?.select(), []);
    return (
        <div class="form-field">
            <label class="field" for={id}>
                {label}
            </label>
            <div class="secret">
                <input id={id} ref={input} class="input" readOnly dir="ltr" spellcheck={false} value={text} onFocus={(event) => event.currentTarget.select()} />
                <CopyButton text={text} class="button" />
            </div>
        </div>
    );
}

/* ---- forms ---- */

interface SelectProps<T extends string> {
    label: string;
    value: T;
    options: readonly (readonly [key: T, label: string])[];
    onValue(value: T): void;
    hint?: ComponentChildren;
    isDisabled?: boolean;
}

export function Select<T extends string>({ label, value, options, onValue, hint, isDisabled }: SelectProps<T>) {
    const id = useId();
    return (
        <div class="form-field">
            <label class="field" for={id}>
                {label}
            </label>
            <select id={id} value={value} disabled={isDisabled} aria-describedby={hint ? `${id}-hint` : undefined} onChange={(event) => onValue(event.currentTarget.value as T)}>
                {options.map(([key, text]) => (
                    <option value={key} key={key}>
                        {text}
                    </option>
                ))}
            </select>
            {hint && (
                <p class="hint" id={`${id}-hint`}>
                    {hint}
                </p>
            )}
        </div>
    );
}

interface AreaProps {
    label: string;
    value: string;
    onValue(value: string): void;
    rows: number;
    hint?: ComponentChildren;
    error?: string;
    maxLength?: number;
    placeholder?: string;
    dir?: 'ltr' | 'auto';
    spellcheck?: boolean;
}

export function Area({ label, value, onValue, hint, error, ...rest }: AreaProps) {
    return (
        <Labelled label={label} hint={hint} error={error}>
            {(control) => (
                <textarea {...(rest as object)} {...control} class="input area" value={value} onInput={(event) => onValue(event.currentTarget.value)} />
            )}
        </Labelled>
    );
}

/** The head of a page with a list: what it is for, and the button that adds to it. */
export function PageBar({ lead, icon, label, onAdd }: { lead: string; icon: IconNode; label: string; onAdd(): void }) {
    return (
        <div class="page-bar">
            <p class="mute">{lead}</p>
            <button type="button" class="button primary" onClick={onAdd}>
                <Icon icon={icon} />
                {label}
            </button>
        </div>
    );
}

export function Problem({ text }: { text: string }) {
    return text ? (
        <p class="notice notice-danger" role="alert">
            <Icon icon={CircleAlert} />
            {text}
        </p>
    ) : null;
}

/** The foot of a form that can be saved. Said once it is: by a toast of whoever saves. */
export function SaveRow({ isChanged, sending, onReset }: { isChanged: boolean; sending: Sending; onReset(): void }) {
    const { isBusy, problem } = sending;
    return (
        <>
            <Problem text={problem} />
            <footer class="card-foot">
                <button type="submit" class="button primary" disabled={!isChanged || isBusy}>
                    {isBusy ? t.oneMoment : t.save}
                </button>
                {isChanged && !isBusy && (
                    <button
                        type="button"
                        class="button quiet"
                        onClick={() => {
                            sending.clear();
                            onReset();
                        }}
                    >
                        {t.discard}
                    </button>
                )}
            </footer>
        </>
    );
}

/** A form in a window: cancel, and what it is for. */
export function DialogFoot({ label, isReady, sending, isDanger, onClose }: { label: string; isReady: boolean; sending: Sending; isDanger?: boolean; onClose(): void }) {
    return (
        <>
            <Problem text={sending.problem} />
            <footer class="dialog-footer">
                <button type="button" class="button" autofocus={isDanger /* Enter by habit does nothing that can't be undone */} onClick={onClose}>
                    {t.cancel}
                </button>
                <button type="submit" class={isDanger ? 'button danger' : 'button primary'} disabled={!isReady || sending.isBusy}>
                    {sending.isBusy ? t.oneMoment : label}
                </button>
            </footer>
        </>
    );
}

interface ConfirmProps {
    title: string;
    text: ComponentChildren;
    /** Below the text. */
    more?: ComponentChildren;
    label: string;
    run(): Promise<unknown>;
    onClose(): void;
}

/** Asks before what can't be undone. */
export function Confirm({ title, text, more, label, run, onClose }: ConfirmProps) {
    const sending = useSending();
    const submit = async (event: Event) => {
        event.preventDefault();
        if (await sending.send(run)) onClose();
    };
    return (
        <Dialog label={title} role="alertdialog" hasHeader onClose={onClose}>
            <form onSubmit={(event) => void submit(event)}>
                <p>{text}</p>
                {more}
                <DialogFoot label={label} isReady sending={sending} isDanger onClose={onClose} />
            </form>
        </Dialog>
    );
}

/** A title with what can be added. */
export function CardHead({ title, hint, children }: { title: string; hint?: string; children?: ComponentChildren }) {
    return (
        <header class="card-head">
            <div>
                <h3>{title}</h3>
                {hint && <p class="hint">{hint}</p>}
            </div>
            {children}
        </header>
    );
}
