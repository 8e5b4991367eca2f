/* Which of the languages we speak: the organisation's choice, else the first of the browser's that is among them. */

export const LANGUAGES = ['en', 'tr', 'de', 'fr', 'es', 'ar'] as const;
export type Language = (typeof LANGUAGES)[number];

export function chooseLanguage(setting: string, wanted: readonly string[]): Language {
    for (const tag of [setting, ...wanted]) {
        const found = LANGUAGES.find((language) => language === tag.slice(0, 2).toLowerCase() && !/^\w{3}/.test(tag));
        if (found) return found;
    }
    return 'en';
}
