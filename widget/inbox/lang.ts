/* The texts of the language that is spoken; one is loaded. It is there before anything is drawn. */
import { chooseLanguage, type Language } from '../shared/language.ts';
import type { Plural, Texts } from './lang/en.ts';

export type { Plural, Texts };

export const LANGUAGES: Record<Language, string> = {
    en: 'English',
    tr: 'Türkçe',
    de: 'Deutsch',
    fr: 'Français',
    es: 'Español',
    ar: 'العربية',
};

const LOADERS: Record<Language, () => Promise<{ default: Texts }>> = {
    en: () => import('./lang/en.ts'),
    tr: () => import('./lang/tr.ts'),
    de: () => import('./lang/de.ts'),
    fr: () => import('./lang/fr.ts'),
    es: () => import('./lang/es.ts'),
    ar: () => import('./lang/ar.ts'),
};

export const languageOf = (wanted: string): Language => chooseLanguage(wanted === 'auto' ? '' : wanted, navigator.languages);

export const loadTexts = async (language: Language): Promise<Texts> => (await LOADERS[language]()).default;

/** The texts. A binding that changes with the language, after which everything is drawn anew. */
export let t: Texts;
export let locale: string;
let plurals: Intl.PluralRules;

export function speak(texts: Texts): void {
    t = texts;
    // The browser's own variant of the language knows how its user writes dates.
    locale = navigator.languages.find((each) => each.startsWith(texts.languageCode)) ?? texts.languageCode;
    plurals = new Intl.PluralRules(texts.languageCode);
    document.documentElement.lang = texts.languageCode;
    document.documentElement.dir = texts.direction;
}

/** Puts values in the place of {0}, {1}. */
export const fill = (text: string, ...values: (string | number)[]): string =>
    text.replace(/\{(\d)\}/g, (place, index: string) => `${values[Number(index)] ?? place}`);

/** The form for a number, which is {0} itself. */
export const plural = (forms: Plural, count: number, ...more: (string | number)[]): string =>
    fill(forms[plurals.select(count)] ?? forms.other, count.toLocaleString(locale), ...more);
