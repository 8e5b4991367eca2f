/* One's own name and password. */
import { useState } from 'preact/hooks';

import type { Failure } from '../data/api.ts';
import { t } from '../lang.ts';
import { api, desk, refreshSession, session } from '../state.ts';
import { Field } from '../ui/field.tsx';
import { toast } from '../ui/toasts.tsx';
import { use } from '../ui/use.ts';

const PASSWORD_MIN = 10;

const sentenceOf = ({ status, code, message }: Failure): string => (!status ? t.noAnswer : code === 'password_wrong' ? t.passwordWrong : message);

function Name() {
    const who = use(session);
    const [name, setName] = useState(who?.agent.name ?? '');
    const [problem, setProblem] = useState('');
    const isSame = name.trim() === who?.agent.name || !name.trim();
    const save = async (event: Event) => {
        event.preventDefault();
        if (isSame) return;
        try {
            await api.ask('PATCH', '/agents/me', { name: name.trim() });
            await Promise.all([refreshSession(), desk.refreshAgents()]);
            setProblem('');
            toast(t.saved);
        } catch (error) {
            setProblem(sentenceOf(error as Failure));
        }
    };
    return (
        <form class="card" onSubmit={(event) => void save(event)}>
            <Field label={t.ownName} autocomplete="name" maxLength={200} value={name} onValue={setName} hint={t.ownNameHint} error={problem} />
            <p class="form-field">
                <span class="field">{t.emailAddress}</span>
                <bdi class="mute">{who?.agent.email}</bdi>
            </p>
            <button type="submit" class="button primary" disabled={isSame}>
                {t.save}
            </button>
        </form>
    );
}

function Password() {
    const who = use(session);
    const [before, setBefore] = useState('');
    const [next, setNext] = useState('');
    const [problem, setProblem] = useState<{ before?: string; next?: string }>({});
    const [isBusy, setBusy] = useState(false);
    const isShort = new TextEncoder().encode(next).length < PASSWORD_MIN;
    const save = async (event: Event) => {
        event.preventDefault();
        if (isShort) return setProblem({ next: t.passwordShort });
        setBusy(true);
        setProblem({});
        try {
            await api.ask('POST', '/agents/me/password', { password: before, newPassword: next });
            setBefore('');
            setNext('');
            toast(t.passwordChanged);
        } catch (error) {
            const failure = error as Failure;
            setProblem(failure.code === 'password_wrong' ? { before: sentenceOf(failure) } : { next: sentenceOf(failure) });
        }
        setBusy(false);
    };
    return (
        <form class="card" onSubmit={(event) => void save(event)}>
            <h3>{t.changePassword}</h3>
            <input type="hidden" autocomplete="username" value={who?.agent.email} />
            <Field label={t.oldPassword} type="password" autocomplete="current-password" value={before} onValue={setBefore} {...(problem.before && { error: problem.before })} />
            <Field
                label={t.newPassword}
                type="password"
                autocomplete="new-password"
                maxLength={256}
                value={next}
                onValue={setNext}
                hint={t.newPasswordHint}
                {...(problem.next && { error: problem.next })}
            />
            <button type="submit" class="button primary" disabled={isBusy || !before || !next}>
                {isBusy ? t.oneMoment : t.changePassword}
            </button>
        </form>
    );
}

export default function Profile() {
    return (
        <>
            <Name />
            <Password />
        </>
    );
}
