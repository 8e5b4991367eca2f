/*
 * The first of the inbox's files, and the smallest: it asks for the application, for the texts and for the session, all at
 * the same time. The page has an empty frame meanwhile, so that something is there at once.
 */
import { chooseLanguage } from '../shared/language.ts';
import type start from './app.tsx';
import { keep, keyOf, read } from './data/keep.ts';
import type { Look } from './data/prefs.ts';
import type { Session } from './data/protocol.ts';
import type { Texts } from './lang.ts';

const PLAIN: Look = { language: 'auto', theme: 'auto' };

/* Null: nobody is logged in. Without an answer it is asked for again later. */
async function askForSession(): Promise<Session | null | Error> {
    if (!keep.get(keyOf('in'))) return null;
    try {
        const answer = await fetch('/session');
        if (answer.ok) return (await answer.json()) as Session;
        return answer.status === 401 ? null : new Error(`HTTP ${answer.status}`);
    } catch (error) {
        return error as Error;
    }
}

async function boot(): Promise<void> {
    const { language, theme } = read(keep, keyOf('look'), PLAIN);
    if (theme !== 'auto') document.documentElement.dataset['theme'] = theme;
    const file = __LANG_FILES__[chooseLanguage(language === 'auto' ? '' : language, navigator.languages)];
    const loading: Promise<[{ default: typeof start }, { default: Texts }, Session | null | Error]> = Promise.all([
        import(__APP_FILE__),
        import(file ?? ''),
        askForSession(),
    ]);
    const [app, texts, session] = await loading;
    app.default(texts.default, session);
}

boot().catch((error: Error) => {
    const note = document.getElementById('boot-note');
    if (note) note.textContent = `${error.message}. Please load this page again.`;
});
