/* Tokens with which programs ask. Each is shown once; what is kept of it is a hash. */
import { KeyRound, Plus, TriangleAlert } from 'lucide';
import { useState } from 'preact/hooks';

import { agoLong, dayShort } from '../format.ts';
import { fill } from '../lang.ts';
import { api } from '../state.ts';
import { Dialog } from '../ui/dialog.tsx';
import { Choices, Field } from '../ui/field.tsx';
import { Icon } from '../ui/icon.tsx';
import { toast } from '../ui/toasts.tsx';
import { useAsked, useSending } from './ask.ts';
import { Confirm, DialogFoot, Empty, Secret, Select, Shown, Snippet, PageBar } from './kit.tsx';
import { SCOPES, type Scope, type Token } from './protocol.ts';
import { s, worded } from './words.tsx';

const DAY = 86_400_000;
const TERMS = ['30', '90', '365', 'never'] as const;
type Term = (typeof TERMS)[number];

const endOf = (term: Term) => (term === 'never' ? {} : { expiresAt: new Date(Date.now() + Number(term) * DAY).toISOString() });

const example = (token: string) => `curl -H "Authorization: Bearer ${token}" \\\n  ${location.origin}/conversations`;

function Made({ token, onClose }: { token: string; onClose(): void }) {
    return (
        <>
            <p class="notice notice-note">
                <Icon icon={TriangleAlert} />
                {s.shownOnce}
            </p>
            <Secret label={s.token} text={token} />
            <p class="field">{s.tokenExample}</p>
            <Snippet label={s.tokenExample} text={example(token)} />
            <footer class="dialog-footer">
                <button type="button" class="button primary" onClick={onClose}>
                    {s.keptIt}
                </button>
            </footer>
        </>
    );
}

function Create({ onDone, onClose }: { onDone(): Promise<void>; onClose(): void }) {
    const [name, setName] = useState('');
    const [scope, setScope] = useState<Scope>('read');
    const [term, setTerm] = useState<Term>('90');
    const [made, setMade] = useState('');
    const sending = useSending();
    const submit = async (event: Event) => {
        event.preventDefault();
        await sending.send(async () => {
            const { token } = await api.ask<{ token: string }>('POST', '/tokens', { name: name.trim(), scope, ...endOf(term) });
            setMade(token);
            void onDone();
        });
    };
    return (
        <Dialog label={made ? s.tokenMade : s.newToken} hasHeader onClose={onClose}>
            {made ? (
                <Made token={made} onClose={onClose} />
            ) : (
                <form onSubmit={(event) => void submit(event)}>
                    <Field label={s.name} isFirst autocomplete="off" maxLength={200} value={name} onValue={setName} hint={s.tokenNameHint} />
                    <Choices label={s.scope} value={scope} onValue={(next) => setScope(next)} options={SCOPES.map((each) => [each, s.scopes[each], s.scopeHints[each]] as const)} />
                    <Select label={s.expiry} value={term} onValue={(next) => setTerm(next)} options={TERMS.map((each) => [each, s.terms[each]] as const)} />
                    <DialogFoot label={s.newTokenDo} isReady={!!name.trim()} sending={sending} onClose={onClose} />
                </form>
            )}
        </Dialog>
    );
}

/* The shell makes some without. */
const nameOf = ({ name }: Token) => name || s.unnamed;

function expiryOf({ expiresAt }: Token): { text: string; isOver: boolean } {
    if (!expiresAt) return { text: s.neverExpires, isOver: false };
    const at = Date.parse(expiresAt);
    const isOver = at <= Date.now();
    return { text: fill(isOver ? s.hasExpired : s.expiresOn, dayShort(at)), isOver };
}

function Row({ token, onRevoke }: { token: Token; onRevoke(): void }) {
    const { scope, createdAt, lastUsedAt } = token;
    const name = nameOf(token);
    const { text, isOver } = expiryOf(token);
    return (
        <li class="item">
            <span class="item-sign">
                <Icon icon={KeyRound} />
            </span>
            <div class="item-main">
                <p class="item-title">
                    <bdi>{name}</bdi>
                    <span class={scope === 'admin' ? 'tag tag-note' : 'tag'}>{s.scopes[scope]}</span>
                    {isOver && <span class="tag tag-danger">{s.isExpired}</span>}
                </p>
                <p class="hint">
                    {fill(s.madeOn, dayShort(Date.parse(createdAt)))} · {text}
                </p>
            </div>
            <div class="item-facts">
                <span class="hint">{lastUsedAt ? fill(s.usedLast, agoLong(Date.parse(lastUsedAt))) : s.neverUsed}</span>
            </div>
            <button type="button" class="button small" aria-label={fill(s.revokeOf, name)} onClick={onRevoke}>
                {s.revoke}
            </button>
        </li>
    );
}

function Tokens() {
    const asked = useAsked<{ tokens: Token[] }>('/tokens');
    const [isMaking, setMaking] = useState(false);
    const [ending, setEnding] = useState<Token | null>(null);
    return (
        <>
            <PageBar lead={s.tokensLead} icon={Plus} label={s.newToken} onAdd={() => setMaking(true)} />
            <Shown asked={asked}>
                {({ tokens }) => (
                    <section class="card list-card" aria-label={s.tokens}>
                        {tokens.length ? (
                            <ul class="items">
                                {[...tokens].reverse().map((token) => (
                                    <Row key={token.id} token={token} onRevoke={() => setEnding(token)} />
                                ))}
                            </ul>
                        ) : (
                            <Empty icon={KeyRound} title={s.noTokens}>
                                <p>{s.noTokensHint}</p>
                            </Empty>
                        )}
                    </section>
                )}
            </Shown>
            {isMaking && <Create onDone={asked.reload} onClose={() => setMaking(false)} />}
            {ending && (
                <Confirm
                    title={fill(s.revokeTitle, nameOf(ending))}
                    text={s.revokeText}
                    label={s.revoke}
                    onClose={() => setEnding(null)}
                    run={async () => {
                        await api.ask('DELETE', `/tokens/${ending.id}`);
                        await asked.reload();
                        toast(s.revoked);
                    }}
                />
            )}
        </>
    );
}

export default worded(Tokens);
