/* Switching the second factor on: a QR code to scan, a code to show that it worked, and the recovery codes, once. */
import { Check, Copy, Download } from 'lucide';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { encode } from 'uqr';

import type { Failure } from '../data/api.ts';
import { t } from '../lang.ts';
import { api, refreshSession } from '../state.ts';
import { Dialog } from '../ui/dialog.tsx';
import { save } from '../ui/download.ts';
import { Field } from '../ui/field.tsx';
import { Icon } from '../ui/icon.tsx';
import { complainOf, toast } from '../ui/toasts.tsx';

interface Secret {
    secret: string;
    uri: string;
}

/* One path for all of its squares. Scanners want it dark on light, whatever the theme. */
function QrCode({ text }: { text: string }) {
    const { size, path } = useMemo(() => {
        const { data, size: width } = encode(text, { ecc: 'M', border: 2 });
        const squares = data.flatMap((row, y) => row.map((isDark, x) => (isDark ? `M${x} ${y}h1v1h-1z` : '')));
        return { size: width, path: squares.join('') };
    }, [text]);
    return (
        <svg class="qr" viewBox={`0 0 ${size} ${size}`} role="img" aria-label={t.qrCode} shape-rendering="crispEdges">
            <path class="qr-light" d={`M0 0h${size}v${size}h-${size}z`} />
            <path class="qr-dark" d={path} />
        </svg>
    );
}

/** In groups of four, as people read them. */
const grouped = (secret: string) => secret.match(/.{1,4}/g)?.join(' ') ?? secret;

function RecoveryCodes({ codes, onClose }: { codes: readonly string[]; onClose(): void }) {
    const [isKept, setKept] = useState(false);
    const text = codes.join('\n');
    const copy = async () => {
        await navigator.clipboard?.writeText(text).catch(() => {});
        setKept(true);
        toast(t.copied);
    };
    const download = () => {
        save(new Blob([`${text}\n`], { type: 'text/plain' }), 'helvino-recovery-codes.txt');
        setKept(true);
    };
    return (
        <>
            <p class="notice notice-good">
                <Icon icon={Check} />
                {t.factorIsOn}
            </p>
            <p>{t.recoveryText}</p>
            <ul class="codes" dir="ltr">
                {codes.map((code) => (
                    <li key={code}>
                        <code>{code}</code>
                    </li>
                ))}
            </ul>
            <footer class="dialog-footer">
                <button type="button" class="button" onClick={() => void copy()}>
                    <Icon icon={Copy} />
                    {t.copy}
                </button>
                <button type="button" class="button" onClick={download}>
                    <Icon icon={Download} />
                    {t.download}
                </button>
                <button type="button" class={isKept ? 'button primary' : 'button'} onClick={onClose}>
                    {t.iKeptThem}
                </button>
            </footer>
        </>
    );
}

export default function SecondFactorOn({ onClose }: { onClose(): void }) {
    const [secret, setSecret] = useState<Secret | null>(null);
    const [codes, setCodes] = useState<readonly string[] | null>(null);
    const [code, setCode] = useState('');
    const [password, setPassword] = useState('');
    const [problem, setProblem] = useState<{ code?: string; password?: string }>({});
    const [isBusy, setBusy] = useState(false);
    useEffect(() => {
        api.ask<Secret>('POST', '/agents/me/second-factor').then(setSecret, (error: unknown) => {
            complainOf(error);
            onClose();
        });
    }, []);
    const submit = async (event: Event) => {
        event.preventDefault();
        if (!secret || isBusy) return;
        setBusy(true);
        setProblem({});
        try {
            const body = { secret: secret.secret, code: code.replace(/\s/g, ''), password };
            const { recoveryCodes } = await api.ask<{ recoveryCodes: string[] }>('PUT', '/agents/me/second-factor', body);
            setCodes(recoveryCodes);
            await refreshSession();
        } catch (error) {
            const { code: why, message } = error as Failure;
            setProblem(why === 'password_wrong' ? { password: t.passwordWrong } : { code: why === 'second_factor_invalid' ? t.codeInvalid : message });
        }
        setBusy(false);
    };
    return (
        <Dialog label={t.secondFactor} hasHeader onClose={onClose}>
            {codes ? (
                <RecoveryCodes codes={codes} onClose={onClose} />
            ) : !secret ? (
                <p aria-busy="true">{t.loading}</p>
            ) : (
                <form onSubmit={(event) => void submit(event)}>
                    <ol class="steps">
                        <li>
                            <p>{t.scanText}</p>
                            <QrCode text={secret.uri} />
                            <p class="hint">
                                {t.orType} <code dir="ltr">{grouped(secret.secret)}</code>
                            </p>
                        </li>
                        <li>
                            <Field
                                label={t.codeFromApp}
                                inputMode="numeric"
                                autocomplete="one-time-code"
                                maxLength={7}
                                dir="ltr"
                                value={code}
                                onValue={setCode}
                                {...(problem.code && { error: problem.code })}
                            />
                        </li>
                        <li>
                            <Field
                                label={t.ownPassword}
                                type="password"
                                autocomplete="current-password"
                                value={password}
                                onValue={setPassword}
                                {...(problem.password && { error: problem.password })}
                            />
                        </li>
                    </ol>
                    <footer class="dialog-footer">
                        <button type="button" class="button" onClick={onClose}>
                            {t.cancel}
                        </button>
                        <button type="submit" class="button primary" disabled={isBusy || !code || !password}>
                            {isBusy ? t.oneMoment : t.switchOn}
                        </button>
                    </footer>
                </form>
            )}
        </Dialog>
    );
}
