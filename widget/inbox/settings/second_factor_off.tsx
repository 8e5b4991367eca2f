/* Switching the second factor off: by a code of it, or a recovery code, and the password. */
import { useState } from 'preact/hooks';

import type { Failure } from '../data/api.ts';
import { t } from '../lang.ts';
import { api, refreshSession } from '../state.ts';
import { Dialog } from '../ui/dialog.tsx';
import { Field } from '../ui/field.tsx';
import { toast } from '../ui/toasts.tsx';

export default function SecondFactorOff({ onClose }: { onClose(): void }) {
    const [code, setCode] = useState('');
    const [password, setPassword] = useState('');
    const [problem, setProblem] = useState<{ code?: string; password?: string }>({});
    const [isBusy, setBusy] = useState(false);
    const submit = async (event: Event) => {
        event.preventDefault();
        if (isBusy) return;
        setBusy(true);
        setProblem({});
        try {
            await api.ask('DELETE', '/agents/me/second-factor', { code: code.trim(), password });
            await refreshSession();
            toast(t.factorIsOff);
            onClose();
            return;
        } catch (error) {
            const { code: why, message } = error as Failure;
            setProblem(why === 'password_wrong' ? { password: t.passwordWrong } : { code: why === 'second_factor_invalid' ? t.codeInvalid : message });
        }
        setBusy(false);
    };
    return (
        <Dialog label={t.switchOffTitle} hasHeader onClose={onClose}>
            <form onSubmit={(event) => void submit(event)}>
                <p>{t.switchOffText}</p>
                <Field label={t.codeOrRecovery} autocomplete="one-time-code" spellcheck={false} dir="ltr" isFirst value={code} onValue={setCode} {...(problem.code && { error: problem.code })} />
                <Field
                    label={t.ownPassword}
                    type="password"
                    autocomplete="current-password"
                    value={password}
                    onValue={setPassword}
                    {...(problem.password && { error: problem.password })}
                />
                <footer class="dialog-footer">
                    <button type="button" class="button" onClick={onClose}>
                        {t.cancel}
                    </button>
                    <button type="submit" class="button danger" disabled={isBusy || !code || !password}>
                        {t.switchOff}
                    </button>
                </footer>
            </form>
        </Dialog>
    );
}
