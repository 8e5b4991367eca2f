/* How the widget looks, with a picture of it that changes as one types; how it gets into pages; and which pages those may be. */
import { X } from 'lucide';
import { useState } from 'preact/hooks';

import type { Language } from '../../shared/language.ts';
import { LANGUAGES, languageOf, t } from '../lang.ts';
import { api } from '../state.ts';
import { Choices, Field } from '../ui/field.tsx';
import { Icon } from '../ui/icon.tsx';
import { toast } from '../ui/toasts.tsx';
import { useAsked, useDraft, useSending, type Asked } from './ask.ts';
import { CardHead, SaveRow, Select, Shown, Snippet } from './kit.tsx';
import type { Organization, WidgetLook } from './protocol.ts';
import { Preview } from './widget_preview.tsx';
import { s, worded } from './words.tsx';

type Card = { asked: Asked<Organization>; saved: Organization };

const PLAIN_COLOR = '#2563eb';
const COLORS = [PLAIN_COLOR, '#0f766e', '#15803d', '#b45309', '#be123c', '#7c3aed', '#0f172a'] as const;
const isColor = (text: string) => /^#[0-9a-f]{6}$/i.test(text);

interface LookDraft {
    title: string;
    subtitle: string;
    color: string;
    position: 'left' | 'right';
    language: Language | 'auto';
}

const draftOf = ({ title, subtitle, color, position, language }: WidgetLook): LookDraft => ({
    title: title ?? '',
    subtitle: subtitle ?? '',
    color: color || PLAIN_COLOR,
    position: position === 'left' ? 'left' : 'right',
    language: (language || 'auto') as LookDraft['language'],
});

/** A colour among some, or any: typed, or from the system's own chooser. */
function Colour({ value, onValue }: { value: string; onValue(color: string): void }) {
    return (
        <fieldset class="form-field">
            <legend class="field">{s.color}</legend>
            <div class="colors">
                {COLORS.map((color) => (
                    <input
                        key={color}
                        type="radio"
                        name="widget-color"
                        class="swatch"
                        aria-label={color}
                        title={color}
                        checked={value.toLowerCase() === color}
                        ref={(element) => element?.style.setProperty('--swatch', color)}
                        onChange={() => onValue(color)}
                    />
                ))}
                <span class="color-own">
                    <input type="color" aria-label={s.colorChoose} title={s.colorChoose} value={isColor(value) ? value : PLAIN_COLOR} onInput={(event) => onValue(event.currentTarget.value)} />
                    <input
                        class="input"
                        dir="ltr"
                        aria-label={s.colorText}
                        aria-invalid={!isColor(value) || undefined}
                        spellcheck={false}
                        maxLength={7}
                        value={value}
                        onInput={(event) => onValue(event.currentTarget.value)}
                    />
                </span>
            </div>
            {!isColor(value) && (
                <p class="field-error" role="alert">
                    {s.colorWrong}
                </p>
            )}
        </fieldset>
    );
}

function Look({ asked, saved }: Card) {
    const draft = useDraft(draftOf(saved.widget));
    const sending = useSending();
    const { title, subtitle, color, position, language } = draft.now;
    const submit = async (event: Event) => {
        event.preventDefault();
        const widget = { title: title.trim(), subtitle: subtitle.trim(), color, position, language };
        if (!(await sending.send(async () => asked.set(await api.ask<Organization>('PATCH', '/organization', { widget }))))) return;
        draft.reset();
        toast(s.lookSaved);
    };
    return (
        <div class="card with-preview">
            <form onSubmit={(event) => void submit(event)}>
                <h3>{s.look}</h3>
                <Field label={s.widgetTitle} autocomplete="off" maxLength={200} value={title} onValue={(next) => draft.change({ title: next })} hint={s.widgetTitleHint} />
                <Field label={s.widgetSubtitle} autocomplete="off" maxLength={200} value={subtitle} onValue={(next) => draft.change({ subtitle: next })} hint={s.widgetSubtitleHint} />
                <Colour value={color} onValue={(next) => draft.change({ color: next })} />
                <Choices
                    label={s.position}
                    value={position}
                    onValue={(next) => draft.change({ position: next })}
                    options={[
                        ['right', s.positionRight],
                        ['left', s.positionLeft],
                    ]}
                />
                <Select
                    label={t.language}
                    value={language}
                    onValue={(next) => draft.change({ language: next })}
                    options={[['auto', s.languageOfVisitor] as const, ...Object.entries(LANGUAGES).map(([key, name]) => [key as Language, name] as const)]}
                    hint={s.widgetLanguageHint}
                />
                <SaveRow isChanged={draft.isChanged && isColor(color)} sending={sending} onReset={draft.reset} />
            </form>
            <Preview title={title.trim() || saved.name} subtitle={subtitle.trim()} color={isColor(color) ? color : draftOf(saved.widget).color} position={position} language={languageOf(language)} />
        </div>
    );
}

const snippetOf = (key: string) => `<script src="${location.origin}/embed.js"\n        data-org="${key.replaceAll('&', '&amp;').replaceAll('"', '&quot;')}" async></script>`;

function Install({ saved }: Card) {
    return (
        <section class="card">
            <CardHead title={s.install} hint={s.installText} />
            <Snippet label={s.install} text={snippetOf(saved.key)} />
            <p class="hint">{s.installHint}</p>
        </section>
    );
}

/* "shop.example" and "https://shop.example/cart" both mean https://shop.example. */
function originOf(text: string): string | null {
    const typed = text.trim();
    if (!typed || /\s/.test(typed)) return null;
    try {
        const { protocol, host } = new URL(/^[a-z]+:\/\//i.test(typed) ? typed : `https://${typed}`);
        return host && /^https?:$/.test(protocol) ? `${protocol}//${host}` : null;
    } catch {
        return null;
    }
}

function Origins({ asked, saved }: Card) {
    const [typed, setTyped] = useState('');
    const [problem, setProblem] = useState('');
    const sending = useSending();
    const list = saved.allowedOrigins;
    const type = (text: string) => {
        setTyped(text);
        setProblem('');
        sending.clear();
    };
    const save = (allowedOrigins: string[]) => sending.send(async () => asked.set(await api.ask<Organization>('PATCH', '/organization', { allowedOrigins })));
    const add = async (event: Event) => {
        event.preventDefault();
        const origin = originOf(typed);
        if (!origin) return setProblem(s.originWrong);
        if (list.includes(origin)) return setProblem(s.originThere);
        if (await save([...list, origin])) setTyped('');
    };
    return (
        <section class="card">
            <CardHead title={s.origins} hint={s.originsHint} />
            {list.length ? (
                <ul class="pieces" aria-label={s.origins}>
                    {list.map((origin) => (
                        <li class="piece" key={origin}>
                            <bdi dir="ltr">{origin}</bdi>
                            <button type="button" class="icon-button small" aria-label={`${s.originRemove}: ${origin}`} title={s.originRemove} onClick={() => void save(list.filter((each) => each !== origin))}>
                                <Icon icon={X} size="small" />
                            </button>
                        </li>
                    ))}
                </ul>
            ) : (
                <p class="notice notice-note">{s.originsAny}</p>
            )}
            <form class="add-row" onSubmit={(event) => void add(event)}>
                <Field label={s.originAdd} dir="ltr" autocomplete="off" spellcheck={false} value={typed} onValue={type} error={problem || sending.problem} />
                <button type="submit" class="button" disabled={!typed.trim() || sending.isBusy}>
                    {s.add}
                </button>
            </form>
        </section>
    );
}

function Widget() {
    const asked = useAsked<Organization>('/organization');
    return (
        <Shown asked={asked}>
            {(saved) => (
                <>
                    <Install asked={asked} saved={saved} />
                    <Look asked={asked} saved={saved} />
                    <Origins asked={asked} saved={saved} />
                </>
            )}
        </Shown>
    );
}

export default worded(Widget);
