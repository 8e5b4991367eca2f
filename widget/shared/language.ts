/* Which of the languages we speak: the organisation's choice, else the first of the browser's that is among them. */

export type Language = 'en' | 'tr' | 'de' | 'fr' | 'es' | 'ar';

export function chooseLanguage(setting: string, wanted: readonly string[]): Language {
    const tag = [setting, ...wanted].find((each) => /^(en|tr|de|fr|es|ar)\b/i.test(each)) ?? 'en';
    return tag.slice(0, 2).toLowerCase() as Language;
}
