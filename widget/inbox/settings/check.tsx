/* The program looks at how it is set up, and says what could be better, and how. */
import { CircleCheck, Info, RefreshCw, ShieldAlert, ShieldCheck, TriangleAlert } from 'lucide';
import type { IconNode } from 'lucide';

import { timeOf } from '../format.ts';
import { fill, plural, t } from '../lang.ts';
import { go } from '../state.ts';
import { Icon } from '../ui/icon.tsx';
import { useAsked } from './ask.ts';
import { Shown } from './kit.tsx';
import type { Check, Security, Severity } from './protocol.ts';
import { s, worded } from './words.tsx';

const RANK: Record<Severity, number> = { high: 0, medium: 1, low: 2 };
const SIGNS: Record<Severity, IconNode> = { high: ShieldAlert, medium: TriangleAlert, low: Info };

/** Where what was found can be put right; the rest is for whoever runs the server. */
const PAGES: Record<string, string> = {
    open_origins: 'widget',
    admins_without_second_factor: 'team',
    tokens_never_expiring: 'tokens',
    tokens_unused: 'tokens',
    tokens_old: 'tokens',
    webhooks_failing: 'webhooks',
    retention_off: 'privacy',
    addresses_full: 'privacy',
    single_owner: 'team',
};

type Text = { title: string; todo: string; good: string };

/** One that a newer server has found keeps its own name. */
const textOf = (id: string): Text => (s.checks as Record<string, Text>)[id] ?? { title: id, todo: '', good: id };

/* What has to be typed somewhere stands out, and stays in one line. */
const withFlags = (text: string) => text.split(/(--[\w-]+(?: off)?|\w+:\/\/|chmod \d+)/).map((part, index) => (index % 2 ? <code key={index} dir="ltr">{part}</code> : part));

function Finding({ check }: { check: Check }) {
    const { id, severity, names, count } = check;
    const { title, todo } = textOf(id);
    const page = PAGES[id];
    const more = count - names.length;
    return (
        <li class={`finding finding-${severity}`}>
            <span class="finding-sign">
                <Icon icon={SIGNS[severity]} />
            </span>
            <div class="grow">
                <p class="item-title">
                    <strong>{title}</strong>
                    <span class={`tag tag-${severity}`}>{s.severities[severity]}</span>
                </p>
                {names.length > 0 && (
                    <p class="finding-names">
                        {names.map((name) => (
                            <bdi key={name} class="piece">
                                {name}
                            </bdi>
                        ))}
                        {more > 0 && <span class="hint">{plural(t.andMore, more)}</span>}
                    </p>
                )}
                <p class="hint">{withFlags(todo)}</p>
                {page && (
                    <button type="button" class="link" onClick={() => go({ name: 'settings', page })}>
                        {s.putRight}
                    </button>
                )}
            </div>
        </li>
    );
}

function Summary({ found, all, at, onAgain }: { found: readonly Check[]; all: number; at: string; onAgain(): void }) {
    const isFine = !found.length;
    const isGrave = found.some(({ severity }) => severity === 'high');
    return (
        <section class={`card verdict ${isFine ? 'verdict-good' : isGrave ? 'verdict-high' : 'verdict-medium'}`}>
            <span class="verdict-sign">
                <Icon icon={isFine ? ShieldCheck : ShieldAlert} size="large" />
            </span>
            <div class="grow" role="status">
                <h3>{isFine ? s.allWell : plural(s.foundCount, found.length)}</h3>
                <p class="mute">{fill(isFine ? s.allWellText : s.foundText, all, timeOf(Date.parse(at)))}</p>
            </div>
            <button type="button" class="button" onClick={onAgain}>
                <Icon icon={RefreshCw} size="small" />
                {s.lookAgain}
            </button>
        </section>
    );
}

function SecurityCheck() {
    const asked = useAsked<Security>('/security');
    return (
        <Shown asked={asked}>
            {({ checks, version, checkedAt }) => {
                const found = checks.filter(({ ok }) => !ok).sort((a, b) => RANK[a.severity] - RANK[b.severity]);
                const good = checks.filter(({ ok }) => ok);
                return (
                    <>
                        <Summary found={found} all={checks.length} at={checkedAt} onAgain={() => void asked.reload()} />
                        {found.length > 0 && (
                            <section class="card list-card" aria-label={s.findings}>
                                <ul>
                                    {found.map((check) => (
                                        <Finding key={check.id} check={check} />
                                    ))}
                                </ul>
                            </section>
                        )}
                        {good.length > 0 && (
                            <section class="card">
                                <h3>{s.inOrder}</h3>
                                <ul class="in-order">
                                    {good.map(({ id }) => (
                                        <li key={id}>
                                            <Icon icon={CircleCheck} size="small" />
                                            {textOf(id).good}
                                        </li>
                                    ))}
                                </ul>
                            </section>
                        )}
                        <p class="hint">{fill(s.version, version)}</p>
                    </>
                );
            }}
        </Shown>
    );
}

export default worded(SecurityCheck);
