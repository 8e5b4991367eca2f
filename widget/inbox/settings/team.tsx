/* Who answers, and as what. Inviting gives a link, which is shown once: this server may have no mail. */
import { Ellipsis, Link, ShieldCheck, UserMinus, UserPlus } from 'lucide';
import { useEffect, useState } from 'preact/hooks';

import type { AgentRole } from '../data/protocol.ts';
import { agoLong } from '../format.ts';
import { fill, plural, t } from '../lang.ts';
import { api, can, desk, session } from '../state.ts';
import { Avatar } from '../ui/avatar.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { Choices, Field } from '../ui/field.tsx';
import { Icon } from '../ui/icon.tsx';
import { Menu, type MenuGroup } from '../ui/menu.tsx';
import { breakable } from '../ui/rich.tsx';
import { complainOf, toast } from '../ui/toasts.tsx';
import { useAsked, useSending } from './ask.ts';
import { Confirm, DialogFoot, Secret, Shown, PageBar } from './kit.tsx';
import { ROLES, type Member } from './protocol.ts';
import { s, worded } from './words.tsx';

/* An owner makes owners; an admin the others. */
const rolesToGive = (): readonly AgentRole[] => (can('owner') ? ROLES : ROLES.filter((role) => role !== 'owner'));

const whole = (link: string) => `${location.origin}${link}`;

/** Somebody new, or somebody who is asked again: the link, to be passed on. */
function LinkGiven({ name, link, onClose }: { name: string; link: string; onClose(): void }) {
    return (
        <>
            <p>{fill(s.linkText, name)}</p>
            <Secret label={s.linkLabel} text={whole(link)} />
            <p class="hint">{s.linkHint}</p>
            <footer class="dialog-footer">
                <button type="button" class="button primary" onClick={onClose}>
                    {t.done}
                </button>
            </footer>
        </>
    );
}

function Invite({ onDone, onClose }: { onDone(): void; onClose(): void }) {
    const [name, setName] = useState('');
    const [email, setEmail] = useState('');
    const [role, setRole] = useState<AgentRole>('agent');
    const [link, setLink] = useState('');
    const sending = useSending();
    const submit = async (event: Event) => {
        event.preventDefault();
        await sending.send(async () => {
            const body = { name: name.trim(), email: email.trim(), role };
            setLink((await api.ask<{ link: string }>('POST', '/agents', body)).link);
            onDone();
        });
    };
    return (
        <Dialog label={link ? s.invited : s.invite} hasHeader onClose={onClose}>
            {link ? (
                <LinkGiven name={name} link={link} onClose={onClose} />
            ) : (
                <form onSubmit={(event) => void submit(event)}>
                    <Field label={s.name} isFirst autocomplete="off" maxLength={200} value={name} onValue={setName} />
                    <Field label={t.emailAddress} type="email" autocomplete="off" maxLength={254} value={email} onValue={setEmail} />
                    <Choices label={s.role} value={role} onValue={(next) => setRole(next)} options={rolesToGive().map((each) => [each, t.roles[each], s.roleHints[each]] as const)} />
                    <DialogFoot label={s.inviteDo} isReady={!!name.trim() && !!email.trim()} sending={sending} onClose={onClose} />
                </form>
            )}
        </Dialog>
    );
}

function NewLink({ member, onClose }: { member: Member; onClose(): void }) {
    const [link, setLink] = useState('');
    useEffect(() => {
        api.ask<{ link: string }>('POST', `/agents/${member.id}/link`).then(
            (answer) => setLink(answer.link),
            (error: unknown) => {
                complainOf(error);
                onClose();
            },
        );
    }, []);
    return (
        <Dialog label={s.newLink} hasHeader onClose={onClose}>
            {link ? <LinkGiven name={member.name} link={link} onClose={onClose} /> : <p aria-busy="true">{t.oneMoment}</p>}
        </Dialog>
    );
}

type Open = { kind: 'link' | 'remove'; member: Member } | { kind: 'invite' } | null;

function Person({ member, onOpen, onChanged }: { member: Member; onOpen(open: Open): void; onChanged(): Promise<void> }) {
    const { id, name, email, role, online, invited, disabled, secondFactor, lastLoginAt } = member;
    const isMe = id === session.peek()?.agent.id;
    const setRole = async (next: AgentRole) => {
        try {
            await api.ask('PATCH', `/agents/${id}`, { role: next });
            await onChanged();
            toast(fill(s.roleIs, name, t.roles[next]));
        } catch (error) {
            complainOf(error);
        }
    };
    const groups: MenuGroup[] = [
        {
            label: s.role,
            items: rolesToGive().map((each) => ({ label: t.roles[each], kind: 'radio', checked: each === role, run: () => each !== role && void setRole(each) })),
        },
        {
            items: [
                ...(invited ? [{ label: s.newLinkDo, icon: Link, run: () => onOpen({ kind: 'link', member }) }] : []),
                { label: s.removeDo, icon: UserMinus, isDanger: true, run: () => onOpen({ kind: 'remove', member }) },
            ],
        },
    ];
    const mayChange = !isMe && (role !== 'owner' || can('owner'));
    return (
        <li class="item">
            <Avatar id={id} name={name} online={online} />
            <div class="item-main">
                <p class="item-title">
                    <bdi>{name}</bdi>
                    {isMe && <span class="tag">{t.you}</span>}
                    {invited && <span class="tag tag-note">{s.isInvited}</span>}
                    {disabled && <span class="tag tag-danger">{s.isDisabled}</span>}
                </p>
                <p class="hint">
                    <bdi>{breakable(email)}</bdi>
                </p>
            </div>
            <div class="item-facts">
                {!invited && (
                    <span class={secondFactor ? 'trait good' : role === 'agent' ? 'trait' : 'trait warn'}>
                        {secondFactor && <Icon icon={ShieldCheck} size="small" />}
                        {secondFactor ? s.factorOn : s.factorOff}
                    </span>
                )}
                <span class="hint">{online ? t.onlineNow : lastLoginAt ? fill(s.loggedInAgo, agoLong(Date.parse(lastLoginAt))) : s.neverLoggedIn}</span>
            </div>
            <span class="item-role">{t.roles[role]}</span>
            {mayChange ? <Menu label={fill(s.actionsFor, name)} align="end" button={<Icon icon={Ellipsis} />} groups={groups} /> : <span class="icon-button" aria-hidden="true" />}
        </li>
    );
}

const RANK: Record<AgentRole, number> = { owner: 0, admin: 1, agent: 2 };
const inOrder = (members: readonly Member[]) => [...members].sort((a, b) => RANK[a.role] - RANK[b.role] || a.name.localeCompare(b.name));

function Team() {
    const asked = useAsked<{ agents: Member[] }>('/agents');
    const [open, setOpen] = useState<Open>(null);
    const close = () => setOpen(null);
    const onChanged = async () => {
        await Promise.all([asked.reload(), desk.refreshAgents()]);
    };
    return (
        <>
            <PageBar lead={s.teamLead} icon={UserPlus} label={s.invite} onAdd={() => setOpen({ kind: 'invite' })} />
            <Shown asked={asked}>
                {({ agents }) => (
                    <section class="card list-card" aria-label={plural(s.memberCount, agents.length)}>
                        <ul class="items">
                            {inOrder(agents).map((member) => (
                                <Person key={member.id} member={member} onOpen={setOpen} onChanged={onChanged} />
                            ))}
                        </ul>
                    </section>
                )}
            </Shown>
            {open?.kind === 'invite' && <Invite onDone={() => void onChanged()} onClose={close} />}
            {open?.kind === 'link' && <NewLink member={open.member} onClose={close} />}
            {open?.kind === 'remove' && (
                <Confirm
                    title={fill(s.removeTitle, open.member.name)}
                    text={s.removeText}
                    label={s.removeDo}
                    onClose={close}
                    run={async () => {
                        await api.ask('DELETE', `/agents/${open.member.id}`);
                        await onChanged();
                        toast(fill(s.removed, open.member.name));
                    }}
                />
            )}
        </>
    );
}

export default worded(Team);
