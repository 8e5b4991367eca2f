/* The application: the log-in page for who is not logged in, the choice of an organisation, or the workspace. */
import { render } from 'preact';

import { keep } from './data/keep.ts';
import type { Session } from './data/protocol.ts';
import { languageOf, loadTexts, speak, t, type Texts } from './lang.ts';
import { drawing, ending, enter, followRoute, LOGGED_IN, look, org, session } from './state.ts';
import { lazy } from './ui/lazy.tsx';
import { Toasts } from './ui/toasts.tsx';
import { use } from './ui/use.ts';
import { Workspace } from './parts/workspace.tsx';

const Login = lazy(() => import('./login/index.tsx'));
const Organizations = lazy(() => import('./login/organizations.tsx'));

function App({ trouble }: { trouble: Error | null }) {
    const who = use(session);
    const chosen = use(org);
    const version = use(drawing);
    return (
        <div class="app" key={version}>
            {!who ? <Login trouble={trouble} /> : !chosen ? <Organizations /> : <Workspace key={`${who.agent.id} ${chosen.id}`} />}
            <Toasts />
        </div>
    );
}

/* What was chosen, here or in another tab, is done at once. */
function followLook(): void {
    let { language } = look.value.peek();
    look.value.subscribe(({ theme, language: next }) => {
        if (theme === 'auto') delete document.documentElement.dataset['theme'];
        else document.documentElement.dataset['theme'] = theme;
        if (next === language) return;
        language = next;
        void loadTexts(languageOf(next)).then((texts) => {
            speak(texts);
            drawing.value++;
        });
    });
    window.addEventListener('storage', look.readAgain);
}

/** `given` is null when nobody is logged in, and an error when there was no answer. */
export default function start(texts: Texts, given: Session | null | Error): void {
    speak(texts);
    const isTrouble = given instanceof Error;
    if (given && !isTrouble) enter(given);
    else if (!isTrouble && keep.get(LOGGED_IN)) ending.value = 'ended';
    if (!isTrouble && !given) keep.remove(LOGGED_IN);
    document.title = t.title;
    followRoute();
    followLook();
    const root = document.getElementById('app');
    if (!root) return;
    root.replaceChildren();
    render(<App trouble={isTrouble ? given : null} />, root);
}
