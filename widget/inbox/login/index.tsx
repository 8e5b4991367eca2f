/*
 * Logging in: e-mail address and password, then the second factor where there is one, by a code or by a recovery code.
 * And what can be done when the password is forgotten.
 */
import { ArrowLeft, Languages } from 'lucide';
import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';

import { makeAsk, type Failure } from '../../shared/http.ts';
import type { Session } from '../data/protocol.ts';
import { fill, LANGUAGES, t } from '../lang.ts';
import { ending, enter, look } from '../state.ts';
import { Field } from '../ui/field.tsx';
import { Icon } from '../ui/icon.tsx';
import { use } from '../ui/use.ts';

const ask = makeAsk({ base: '', fetch: (...given) => fetch(...given), getHeaders: () => ({}) });

type Step = 'password' | 'code' | 'recovery' | 'forgotten';

/* ---- the frame ---- */

export function Page({ title, lead, children }: { title: string; lead?: ComponentChildren; children: ComponentChildren }) {
    const heading = useRef<HTMLHeadingElement>(null);
    const { language } = use(look.value);
    useLayoutEffect(() => {
        document.title = `${title} · Helvino`;
    }, [title]);
    return (
        <main class="login">
            <div class="login-card">
                <p class="brand">
                    <span class="rail-mark" aria-hidden="true" />
                    Helvino
                </p>
                <h1 ref={heading}>{title}</h1>
                {lead && <p class="lead">{lead}</p>}
                {children}
            </div>
            <label class="login-language">
                <Icon icon={Languages} size="small" />
                <span class="aside">{t.language}</span>
                <select value={language} onChange={(event) => look.set({ language: event.currentTarget.value as typeof language })}>
                    <option value="auto">{t.languageAuto}</option>
                    {Object.entries(LANGUAGES).map(([key, name]) => (
                        <option value={key} key={key}>
                            {name}
                        </option>
                    ))}
                </select>
            </label>
        </main>
    );
}

function Back({ onClick }: { onClick(): void }) {
    return (
        <button type="button" class="link login-back" onClick={onClick}>
            <Icon icon={ArrowLeft} size="small" turns />
            {t.backToLogin}
        </button>
    );
}

/* ---- forgotten ---- */

/* Where the server sends no mail, whoever runs it makes the link. */
function Forgotten({ email, onBack }: { email: string; onBack(): void }) {
    const [address, setAddress] = useState(email);
    const [state, setState] = useState<'asking' | 'sent' | 'none'>('asking');
    const [problem, setProblem] = useState('');
    const send = async (event: Event) => {
        event.preventDefault();
        setProblem('');
        try {
            await ask('POST', '/password/forgotten', { email: address.trim() });
            setState('sent');
        } catch (error) {
            const { status, code, message } = error as Failure;
            if (code === 'mail_unavailable') setState('none');
            else setProblem(status ? message : t.noAnswer);
        }
    };
    if (state === 'sent') {
        return (
            <Page title={t.forgottenSent} lead={fill(t.forgottenSentText, address)}>
                <Back onClick={onBack} />
            </Page>
        );
    }
    if (state === 'none') {
        return (
            <Page title={t.forgottenTitle} lead={t.forgottenNoMail}>
                <pre class="snippet" dir="ltr" tabIndex={0}>
                    helvino agent reset {address.trim() || 'you@example.com'}
                </pre>
                <p class="hint">{t.forgottenNoMailHint}</p>
                <Back onClick={onBack} />
            </Page>
        );
    }
    return (
        <Page title={t.forgottenTitle} lead={t.forgottenText}>
            <form onSubmit={(event) => void send(event)}>
                <Field label={t.emailAddress} type="email" autocomplete="username" required isFirst value={address} onValue={setAddress} />
                <Problem text={problem} />
                <button type="submit" class="button primary wide" disabled={!address.trim()}>
                    {t.sendLink}
                </button>
            </form>
            <Back onClick={onBack} />
        </Page>
    );
}

function Problem({ text }: { text: string }) {
    return (
        <p class="form-error" role="alert">
            {text}
        </p>
    );
}

/* ---- the form ---- */

/** In seconds, as the server asks for; counts down. */
function useWait(): [seconds: number, start: (ms: number) => void] {
    const [until, setUntil] = useState(0);
    const [now, setNow] = useState(0);
    useEffect(() => {
        if (until <= Date.now()) return;
        const timer = setInterval(() => {
            setNow(Date.now());
            if (Date.now() >= until) clearInterval(timer);
        }, 250);
        return () => clearInterval(timer);
    }, [until]);
    return [
        Math.max(0, Math.ceil((until - Math.max(now, until ? Date.now() : 0)) / 1000)),
        (ms) => {
            setUntil(Date.now() + ms);
            setNow(Date.now());
        },
    ];
}

export default function Login({ trouble }: { trouble: Error | null }) {
    const why = use(ending);
    const [step, setStep] = useState<Step>('password');
    const [email, setEmail] = useState('');
    const [password, setPassword] = useState('');
    const [code, setCode] = useState('');
    const [problem, setProblem] = useState('');
    const [isBusy, setBusy] = useState(false);
    const [wait, startWait] = useWait();

    const logIn = async (withCode: string) => {
        if (isBusy || wait) return;
        setBusy(true);
        setProblem('');
        try {
            const body = { email: email.trim(), password, ...(withCode && { code: withCode }) };
            enter(await ask<Session>('POST', '/session', body));
            return;
        } catch (error) {
            const failure = error as Failure;
            if (failure.code === 'second_factor_required') setStep(step === 'recovery' ? step : 'code');
            else setProblem(sentenceOf(failure));
            if (failure.waitMs) startWait(failure.waitMs);
            if (failure.code === 'login_failed') setStep('password');
            setCode('');
        }
        setBusy(false);
    };
    const submit = (event: Event) => {
        event.preventDefault();
        void logIn(step === 'password' ? '' : code.trim());
    };
    const typeCode = (value: string) => {
        setCode(value);
        const digits = value.replace(/\s/g, '');
        if (step === 'code' && /^\d{6}$/.test(digits)) void logIn(digits);
    };
    const turnTo = (next: Step) => {
        setStep(next);
        setCode('');
        setProblem('');
    };

    if (trouble && !email) {
        return (
            <Page title={t.noAnswerTitle} lead={t.noAnswer}>
                <button type="button" class="button primary wide" onClick={() => location.reload()}>
                    {t.tryAgain}
                </button>
            </Page>
        );
    }
    if (step === 'forgotten') return <Forgotten email={email} onBack={() => turnTo('password')} />;
    const button = (
        <>
            <Problem text={problem && wait ? `${problem} ${fill(t.waitSeconds, wait)}` : problem} />
            <button type="submit" class="button primary wide" disabled={isBusy || wait > 0}>
                {isBusy ? t.oneMoment : t.logIn}
            </button>
        </>
    );
    if (step === 'password') {
        return (
            <Page title={t.logIn} lead={why === 'ended' ? t.sessionEnded : why === 'out' ? t.loggedOut : t.loginLead}>
                <form onSubmit={submit} key="password">
                    <Field label={t.emailAddress} type="email" name="email" autocomplete="username" required isFirst value={email} onValue={setEmail} />
                    <Field label={t.password} type="password" name="password" autocomplete="current-password" required value={password} onValue={setPassword} />
                    {button}
                </form>
                <button type="button" class="link" onClick={() => turnTo('forgotten')}>
                    {t.forgotten}
                </button>
            </Page>
        );
    }
    const isCode = step === 'code';
    return (
        <Page title={t.secondFactor} lead={isCode ? t.secondFactorLead : t.recoveryLead}>
            <form onSubmit={submit} key={step}>
                <Field
                    label={isCode ? t.code : t.recoveryCode}
                    name="code"
                    autocomplete={isCode ? 'one-time-code' : 'off'}
                    inputMode={isCode ? 'numeric' : 'text'}
                    spellcheck={false}
                    required
                    isFirst
                    dir="ltr"
                    value={code}
                    onValue={typeCode}
                />
                {button}
            </form>
            <button type="button" class="link" onClick={() => turnTo(isCode ? 'recovery' : 'code')}>
                {isCode ? t.useRecovery : t.useCode}
            </button>
            <Back onClick={() => turnTo('password')} />
        </Page>
    );
}

const sentenceOf = ({ status, code, message }: Failure): string => {
    if (!status) return t.noAnswer;
    if (code === 'login_failed') return t.loginFailed;
    return code === 'second_factor_invalid' ? t.codeInvalid : message;
};
