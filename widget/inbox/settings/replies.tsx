/* Canned replies: what agents put into the composer by a slash. Every agent may write some. */
import { MessageSquareText, Pencil, Plus, Search, Trash2 } from 'lucide';
import { useEffect, useRef, useState } from 'preact/hooks';

import type { Reply } from '../data/protocol.ts';
import { matching } from '../data/replies.ts';
import { fill, t } from '../lang.ts';
import { api, org, replies, session } from '../state.ts';
import { Dialog } from '../ui/dialog.tsx';
import { Field } from '../ui/field.tsx';
import { Icon } from '../ui/icon.tsx';
import { toast } from '../ui/toasts.tsx';
import { use } from '../ui/use.ts';
import { sentenceOf, useSending } from './ask.ts';
import { Area, Confirm, DialogFoot, Empty, Problem, PageBar } from './kit.tsx';
import { s, worded } from './words.tsx';

/* What the server fills in, with how it looks as an example. */
const VARIABLES = ['visitor.email', 'agent.name', 'agent.email', 'organization.name', 'conversation.id'] as const;

const exampleOf = (name: string): string =>
    ({ 'visitor.email': 'deniz@example.com', 'agent.name': session.peek()?.agent.name, 'agent.email': session.peek()?.agent.email, 'organization.name': org.peek()?.name })[name] ?? '…';

const filled = (text: string) => text.replace(/\{\{\s*([\w.]+)\s*\}\}/g, (place, name: string) => (VARIABLES.includes(name as never) ? exampleOf(name) : place));

function Form({ reply, onDone, onClose }: { reply: Reply | null; onDone(): Promise<void>; onClose(): void }) {
    const [shortcut, setShortcut] = useState(reply?.shortcut ?? '');
    const [text, setText] = useState(reply?.text ?? '');
    const root = useRef<HTMLFormElement>(null);
    const sending = useSending();
    const submit = async (event: Event) => {
        event.preventDefault();
        const body = { shortcut: shortcut.trim().replace(/^\//, ''), text: text.trim() };
        const isDone = await sending.send(async () => {
            await api.ask(reply ? 'PATCH' : 'POST', reply ? `/replies/${reply.id}` : '/replies', body);
            await onDone();
        });
        if (!isDone) return;
        toast(t.saved);
        onClose();
    };
    /* Where the caret is. */
    const insert = (name: string) => {
        const area = root.current?.querySelector('textarea');
        if (!area) return;
        area.focus();
        area.setRangeText(`{{${name}}}`, area.selectionStart, area.selectionEnd, 'end');
        setText(area.value);
    };
    return (
        <Dialog label={reply ? s.replyEdit : s.newReply} class="dialog-wide" hasHeader onClose={onClose}>
            <form ref={root} onSubmit={(event) => void submit(event)}>
                <Field label={s.shortcut} isFirst autocomplete="off" spellcheck={false} maxLength={40} value={shortcut} onValue={(next) => setShortcut(next.replaceAll(' ', '-'))} hint={fill(s.shortcutHint, shortcut || 'hello')} />
                <Area label={s.replyText} rows={6} maxLength={8192} dir="auto" value={text} onValue={setText} />
                <div class="variables" role="group" aria-label={s.variables}>
                    <span class="hint">{s.variables}</span>
                    {VARIABLES.map((name) => (
                        <button type="button" class="variable" key={name} title={s.variableNames[name]} onClick={() => insert(name)}>
                            <code dir="ltr">{`{{${name}}}`}</code>
                        </button>
                    ))}
                </div>
                {text.includes('{{') && (
                    <div class="sample">
                        <p class="hint">{s.sample}</p>
                        <p dir="auto">{filled(text)}</p>
                    </div>
                )}
                <DialogFoot label={t.save} isReady={!!shortcut.trim() && !!text.trim()} sending={sending} onClose={onClose} />
            </form>
        </Dialog>
    );
}

type Open = { kind: 'edit'; reply: Reply | null } | { kind: 'delete'; reply: Reply } | null;

function CannedReplies() {
    const all = use(replies.all);
    const [open, setOpen] = useState<Open>(null);
    const [typed, setTyped] = useState('');
    const [state, setState] = useState({ isThere: false, problem: '' });
    const reload = async () => {
        try {
            await replies.refresh();
            setState({ isThere: true, problem: '' });
        } catch (error) {
            setState({ isThere: true, problem: sentenceOf(error) });
        }
    };
    useEffect(() => void reload(), []);
    const close = () => setOpen(null);
    const shown = matching(all, typed.trim());
    return (
        <>
            <PageBar lead={s.repliesLead} icon={Plus} label={s.newReply} onAdd={() => setOpen({ kind: 'edit', reply: null })} />
            <Problem text={state.problem} />
            {all.length > 5 && (
                <div class="tool-row">
                    <div class="search-field">
                        <Icon icon={Search} size="small" />
                        <input class="input" type="search" aria-label={s.replySearch} placeholder={s.replySearch} value={typed} onInput={(event) => setTyped(event.currentTarget.value)} />
                    </div>
                </div>
            )}
            <section class="card list-card" aria-label={t.cannedReplies} aria-busy={!state.isThere}>
                <ul class="items">
                    {shown.map((reply) => (
                        <li class="item item-top" key={reply.id}>
                            <div class="item-main">
                                <p class="item-title">
                                    <code class="shortcut">/{reply.shortcut}</code>
                                </p>
                                <p class="reply-text" dir="auto">
                                    {reply.text}
                                </p>
                            </div>
                            <div class="item-tools">
                                <button type="button" class="icon-button" aria-label={fill(s.replyEditOf, reply.shortcut)} title={s.replyEdit} onClick={() => setOpen({ kind: 'edit', reply })}>
                                    <Icon icon={Pencil} size="small" />
                                </button>
                                <button type="button" class="icon-button" aria-label={fill(s.replyDeleteOf, reply.shortcut)} title={s.replyDelete} onClick={() => setOpen({ kind: 'delete', reply })}>
                                    <Icon icon={Trash2} size="small" />
                                </button>
                            </div>
                        </li>
                    ))}
                </ul>
                {state.isThere && !all.length && !state.problem && (
                    <Empty icon={MessageSquareText} title={t.noReplies}>
                        <p>{s.noRepliesHint}</p>
                    </Empty>
                )}
                {!shown.length && all.length > 0 && <p class="mute pad">{t.nothingFound}</p>}
            </section>
            {open?.kind === 'edit' && <Form reply={open.reply} onDone={reload} onClose={close} />}
            {open?.kind === 'delete' && (
                <Confirm
                    title={fill(s.replyDeleteTitle, open.reply.shortcut)}
                    text={s.replyDeleteText}
                    label={s.replyDelete}
                    onClose={close}
                    run={async () => {
                        await api.ask('DELETE', `/replies/${open.reply.id}`);
                        await reload();
                        toast(s.replyDeleted);
                    }}
                />
            )}
        </>
    );
}

export default worded(CannedReplies);
