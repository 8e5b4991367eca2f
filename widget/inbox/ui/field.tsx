/* A label, an input, and what is to be said about it. */
import type { ComponentChildren } from 'preact';
import { useId, useLayoutEffect, useRef } from 'preact/hooks';

interface FieldProps {
    label: string;
    value: string;
    onValue(value: string): void;
    hint?: ComponentChildren;
    error?: string;
    /** It gets the focus when it comes. */
    isFirst?: boolean;
    type?: 'text' | 'email' | 'password' | 'url';
    name?: string;
    autocomplete?: string;
    inputMode?: 'numeric' | 'text';
    maxLength?: number;
    required?: boolean;
    spellcheck?: boolean;
    dir?: 'ltr' | 'auto';
}

interface LabelledProps {
    label: string;
    hint?: ComponentChildren;
    error?: string | undefined;
    /** What is labelled, with the attributes that tie it to what is said about it. */
    children(control: { id: string; 'aria-invalid': true | undefined; 'aria-describedby': string | undefined }): ComponentChildren;
}

/** A label above a control, and below it what is to be said about it. */
export function Labelled({ label, hint, error, children }: LabelledProps) {
    const id = useId();
    const described = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(' ');
    return (
        <div class="form-field">
            <label class="field" for={id}>
                {label}
            </label>
            {children({ id, 'aria-invalid': error ? true : undefined, 'aria-describedby': described || undefined })}
            {hint && (
                <p class="hint" id={`${id}-hint`}>
                    {hint}
                </p>
            )}
            {error && (
                <p class="field-error" id={`${id}-error`} role="alert">
                    {error}
                </p>
            )}
        </div>
    );
}

export function Field({ label, value, onValue, hint, error, isFirst, ...rest }: FieldProps) {
    const input = useRef<HTMLInputElement>(null);
    useLayoutEffect(() => {
        if (isFirst) input.current?.focus();
    }, []);
    return (
        <Labelled label={label} hint={hint} error={error}>
            {(control) => (
                <input
                    {...(rest as object)}
                    {...control}
                    ref={input}
                    class="input"
                    value={value}
                    autofocus={isFirst /* what a dialog gives the focus to when it opens */}
                    onInput={(event) => onValue(event.currentTarget.value)}
                />
            )}
        </Labelled>
    );
}

interface SwitchProps {
    label: string;
    hint?: string;
    checked: boolean;
    onChange(checked: boolean): void;
}

export function Switch({ label, hint, checked, onChange }: SwitchProps) {
    const id = useId();
    return (
        <div class="switch-row">
            <span>
                <label for={id}>{label}</label>
                {hint && (
                    <span class="hint" id={`${id}-hint`}>
                        {hint}
                    </span>
                )}
            </span>
            <input
                id={id}
                class="switch"
                type="checkbox"
                role="switch"
                checked={checked}
                aria-describedby={hint ? `${id}-hint` : undefined}
                onChange={(event) => onChange(event.currentTarget.checked)}
            />
        </div>
    );
}

interface ChoicesProps<T extends string> {
    label: string;
    value: T;
    options: readonly (readonly [key: T, label: string, hint?: string])[];
    onValue(value: T): void;
}

export function Choices<T extends string>({ label, value, options, onValue }: ChoicesProps<T>) {
    const name = useId();
    return (
        <fieldset class="choices">
            <legend>{label}</legend>
            {options.map(([key, text, hint]) => (
                <label class="way" key={key}>
                    <input type="radio" name={name} checked={value === key} onChange={() => onValue(key)} />
                    <span>
                        {text}
                        {hint && <span class="hint">{hint}</span>}
                    </span>
                </label>
            ))}
        </fieldset>
    );
}
