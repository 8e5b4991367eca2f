/* The second factor, and the sessions that are open. */
import { Monitor, ShieldAlert, ShieldCheck, Smartphone } from 'lucide';
import { useEffect, useState } from 'preact/hooks';

import type { OpenSession } from '../data/protocol.ts';
import { agoLong, browserOf, isPhone, momentOf } from '../format.ts';
import { fill, plural, t } from '../lang.ts';
import { api, logOut, session } from '../state.ts';
import { Icon } from '../ui/icon.tsx';
import { lazy } from '../ui/lazy.tsx';
import { complainOf, toast } from '../ui/toasts.tsx';
import { use } from '../ui/use.ts';

const SecondFactorOn = lazy(() => import('./second_factor_on.tsx'));
const SecondFactorOff = lazy(() => import('./second_factor_off.tsx'));

function SecondFactor() {
    const who = use(session);
    const [open, setOpen] = useState<'on' | 'off' | null>(null);
    const { secondFactor: isOn, recoveryCodesLeft: left = 0 } = who?.agent ?? {};
    const close = () => setOpen(null);
    return (
        <section class="card">
            <h3>{t.secondFactor}</h3>
            <p class={isOn ? 'notice notice-good' : 'notice'}>
                <Icon icon={isOn ? ShieldCheck : ShieldAlert} />
                {isOn ? `${t.factorIsOn} ${plural(t.codesLeft, left)}` : t.factorIsOff}
            </p>
            <p class="mute">{t.factorHint}</p>
            {isOn ? (
                <button type="button" class="button" onClick={() => setOpen('off')}>
                    {t.switchOff}…
                </button>
            ) : (
                <button type="button" class="button primary" onClick={() => setOpen('on')}>
                    {t.switchOn}…
                </button>
            )}
            {open === 'on' && <SecondFactorOn onClose={close} />}
            {open === 'off' && <SecondFactorOff onClose={close} />}
        </section>
    );
}

function Sessions() {
    const [open, setOpen] = useState<readonly OpenSession[] | null>(null);
    const load = async () => {
        try {
            const { sessions } = await api.ask<{ sessions: OpenSession[] }>('GET', '/sessions');
            setOpen(sessions.sort((a, b) => Number(b.current) - Number(a.current) || b.lastUsedAt.localeCompare(a.lastUsedAt)));
        } catch (error) {
            complainOf(error);
            setOpen([]);
        }
    };
    useEffect(() => void load(), []);
    const end = async (path: string) => {
        try {
            await api.ask('DELETE', path);
            toast(t.sessionEndedByYou);
        } catch (error) {
            complainOf(error);
        }
        await load();
    };
    const others = open?.filter(({ current }) => !current).length ?? 0;
    return (
        <section class="card">
            <h3>{t.sessions}</h3>
            <p class="mute">{t.sessionsHint}</p>
            <ul class="sessions" aria-busy={!open}>
                {open?.map(({ id, current, userAgent, address, lastUsedAt, createdAt }) => (
                    <li key={id} class="session">
                        <Icon icon={isPhone(userAgent ?? '') ? Smartphone : Monitor} />
                        <span>
                            <bdi>{userAgent ? browserOf(userAgent) : t.unknown}</bdi>
                            {current && <span class="tag">{t.thisSession}</span>}
                            <span class="hint" title={fill(t.loggedInAt, momentOf(Date.parse(createdAt)))}>
                                {address && <bdi dir="ltr">{address}</bdi>} · {fill(t.usedAgo, agoLong(Date.parse(lastUsedAt)))}
                            </span>
                        </span>
                        <button type="button" class="button quiet" onClick={() => (current ? void logOut() : void end(`/sessions/${id}`))}>
                            {current ? t.logOut : t.end}
                        </button>
                    </li>
                ))}
            </ul>
            {others > 0 && (
                <button type="button" class="button" onClick={() => void end('/sessions')}>
                    {t.endOthers}
                </button>
            )}
        </section>
    );
}

export default function Security() {
    return (
        <>
            <SecondFactor />
            <Sessions />
        </>
    );
}
