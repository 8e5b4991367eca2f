/*
 * The texts of the pages about the organisation: many, and only for those who open them, so they are loaded with the first of these
 * pages. `s` is to them what `t` is to the whole inbox.
 */
import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';

import type { Language } from '../../shared/language.ts';
import { t } from '../lang.ts';
import { complainOf } from '../ui/toasts.tsx';
import type { SettingsTexts } from './lang/en.ts';

const LOADERS: Record<Language, () => Promise<{ default: SettingsTexts }>> = {
    en: () => import('./lang/en.ts'),
    tr: () => import('./lang/tr.ts'),
    de: () => import('./lang/de.ts'),
    fr: () => import('./lang/fr.ts'),
    es: () => import('./lang/es.ts'),
    ar: () => import('./lang/ar.ts'),
};

export let s: SettingsTexts;
let spoken = '';

async function speak(language: string): Promise<void> {
    s = (await LOADERS[language as Language]()).default;
    spoken = language;
}

/** A page that is drawn once its texts are there, in the language that the rest has. */
export function worded(Page: ComponentType): ComponentType {
    return function Worded() {
        const { languageCode } = t;
        const [isThere, setThere] = useState(spoken === languageCode);
        useEffect(() => {
            if (!isThere) speak(languageCode).then(() => setThere(true), complainOf);
        }, []);
        return isThere ? <Page /> : <div class="lazy" aria-busy="true" />;
    };
}
