/* What the panel says, in a language: lang/en.ts is the list of it, each language is a file of its own. */
import type { Host } from '../embed/contract.ts';
import type { Texts } from './lang/en.ts';

export type { Texts };

async function load(base: string, language: string): Promise<[Texts, string]> {
    const { default: texts } = (await import(base + __LANG_FILES__[language])) as { default: Texts };
    return [texts, language];
}

/** The texts of the visitor's language, or, when they can't be had, English ones; and which it is. */
export const loadTexts = ({ base, language }: Host) => load(base, language).catch(() => load(base, 'en'));
