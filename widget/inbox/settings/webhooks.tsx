/* Whom the server tells of what happens, and how that goes: for each webhook what waits, what was given up, and what has arrived. */
import { ArrowLeft, CircleAlert, CircleCheck, Clock, Ellipsis, Plus, RefreshCw, Send, TriangleAlert, Webhook as WebhookIcon } from 'lucide';
import { useState } from 'preact/hooks';

import { momentShort } from '../format.ts';
import { fill, plural, t } from '../lang.ts';
import { api } from '../state.ts';
import { Dialog } from '../ui/dialog.tsx';
import { Field, Switch } from '../ui/field.tsx';
import { Icon } from '../ui/icon.tsx';
import { Menu } from '../ui/menu.tsx';
import { complainOf, toast } from '../ui/toasts.tsx';
import { useAsked, useSending, type Asked } from './ask.ts';
import { CardHead, Confirm, DialogFoot, Empty, Secret, Shown, PageBar } from './kit.tsx';
import { HOOK_EVENTS, type Deliveries, type Delivery, type HookEvent, type PingResult, type Webhook } from './protocol.ts';
import { s, worded } from './words.tsx';

type List = Asked<{ webhooks: Webhook[] }>;

/* ---- making and changing one ---- */

function Events({ chosen, onChosen }: { chosen: readonly HookEvent[]; onChosen(events: HookEvent[]): void }) {
    return (
        <fieldset class="choices">
            <legend>{s.hookEvents}</legend>
            {HOOK_EVENTS.map((event) => (
                <label class="way" key={event}>
                    <input
                        type="checkbox"
                        checked={chosen.includes(event)}
                        onChange={({ currentTarget: { checked } }) => onChosen(HOOK_EVENTS.filter((each) => (each === event ? checked : chosen.includes(each))))}
                    />
                    <span>
                        {s.hookEventNames[event]}
                        <span class="hint">
                            <code dir="ltr">{event}</code>
                        </span>
                    </span>
                </label>
            ))}
        </fieldset>
    );
}

function SecretGiven({ secret, onClose }: { secret: string; onClose(): void }) {
    return (
        <>
            <p class="notice notice-note">
                <Icon icon={TriangleAlert} />
                {s.shownOnce}
            </p>
            <Secret label={s.hookSecret} text={secret} />
            <p class="hint">{s.hookSecretHint}</p>
            <footer class="dialog-footer">
                <button type="button" class="button primary" onClick={onClose}>
                    {s.keptIt}
                </button>
            </footer>
        </>
    );
}

function Form({ webhook, onDone, onClose }: { webhook: Webhook | null; onDone(): Promise<void>; onClose(): void }) {
    const [url, setUrl] = useState(webhook?.url ?? '');
    const [description, setDescription] = useState(webhook?.description ?? '');
    const [events, setEvents] = useState<HookEvent[]>(webhook?.events ?? ['message.created']);
    const [secret, setSecret] = useState('');
    const sending = useSending();
    const submit = async (event: Event) => {
        event.preventDefault();
        const body = { url: url.trim(), description: description.trim() || null, events };
        const isDone = await sending.send(async () => {
            const answer = await api.ask<Webhook>(webhook ? 'PATCH' : 'POST', webhook ? `/webhooks/${webhook.id}` : '/webhooks', body);
            if (answer.secret) setSecret(answer.secret);
            await onDone();
        });
        if (!isDone || !webhook) return;
        toast(t.saved);
        onClose();
    };
    return (
        <Dialog label={secret ? s.hookMade : webhook ? s.hookEdit : s.newHook} hasHeader onClose={onClose}>
            {secret ? (
                <SecretGiven secret={secret} onClose={onClose} />
            ) : (
                <form onSubmit={(event) => void submit(event)}>
                    <Field label={s.hookUrl} type="url" isFirst dir="ltr" autocomplete="off" spellcheck={false} maxLength={1024} value={url} onValue={setUrl} hint={s.hookUrlHint} />
                    <Field label={s.hookDescription} autocomplete="off" maxLength={200} value={description} onValue={setDescription} />
                    <Events chosen={events} onChosen={setEvents} />
                    <DialogFoot label={webhook ? t.save : s.newHookDo} isReady={!!url.trim() && events.length > 0} sending={sending} onClose={onClose} />
                </form>
            )}
        </Dialog>
    );
}

/* ---- the list ---- */

type State = 'off' | 'failing' | 'waiting' | 'on';
const stateOf = ({ enabled, parked, waiting }: Webhook): State => (!enabled ? 'off' : parked ? 'failing' : waiting ? 'waiting' : 'on');
const STATE_CLASS: Record<State, string> = { off: 'tag', failing: 'tag tag-danger', waiting: 'tag tag-note', on: 'tag tag-good' };

const StateTag = ({ webhook }: { webhook: Webhook }) => {
    const state = stateOf(webhook);
    return <span class={STATE_CLASS[state]}>{state === 'failing' ? plural(s.hookParked, webhook.parked) : s.hookStates[state]}</span>;
};

function Rows({ webhooks, onOpen }: { webhooks: readonly Webhook[]; onOpen(id: string): void }) {
    return (
        <ul class="items">
            {webhooks.map((webhook) => (
                <li class="item item-linked" key={webhook.id}>
                    <span class="item-sign">
                        <Icon icon={WebhookIcon} />
                    </span>
                    <div class="item-main">
                        <p class="item-title">
                            <button type="button" class="item-link" onClick={() => onOpen(webhook.id)}>
                                <bdi>{webhook.description || new URL(webhook.url).host}</bdi>
                            </button>
                            <StateTag webhook={webhook} />
                        </p>
                        <p class="hint clip">
                            <bdi dir="ltr">{webhook.url}</bdi>
                        </p>
                    </div>
                    <span class="hint item-facts">{plural(s.eventCount, webhook.events.length)}</span>
                </li>
            ))}
        </ul>
    );
}

/* ---- one of them ---- */

const FAILURES = { parked: CircleAlert, waiting: Clock, delivered: CircleCheck } as const;
type Kind = keyof typeof FAILURES;

const outcomeOf = ({ lastStatus, lastFailure }: Delivery) => lastFailure ?? (lastStatus ? `HTTP ${lastStatus}` : '');

function DeliveryRow({ delivery, kind, onRetry }: { delivery: Delivery; kind: Kind; onRetry: (() => void) | null }) {
    const { event, createdAt, tries, nextTryAt } = delivery;
    const outcome = outcomeOf(delivery);
    return (
        <li class={`delivery-row delivery-${kind}`}>
            <Icon icon={FAILURES[kind]} size="small" />
            <span class="grow">
                <code dir="ltr">{event}</code>
                <span class="hint">
                    {momentShort(Date.parse(createdAt))} · {plural(s.tries, tries)}
                    {outcome && (
                        <>
                            {' · '}
                            <bdi dir="ltr">{outcome}</bdi>
                        </>
                    )}
                    {kind === 'waiting' && nextTryAt && ` · ${fill(s.nextTry, momentShort(Date.parse(nextTryAt)))}`}
                </span>
            </span>
            {onRetry && (
                <button type="button" class="button small" aria-label={`${s.retry}: ${event}, ${momentShort(Date.parse(createdAt))}`} onClick={onRetry}>
                    {s.retry}
                </button>
            )}
        </li>
    );
}

function DeliveryList({ webhook, list }: { webhook: Webhook; list: List }) {
    const asked = useAsked<Deliveries>(`/webhooks/${webhook.id}/deliveries?limit=50`);
    const again = () => Promise.all([asked.reload(), list.reload()]);
    const retry = async (deliveries: readonly Delivery[]) => {
        try {
            for (const { id } of deliveries) await api.ask('POST', `/webhooks/${webhook.id}/deliveries/${id}/retry`);
            toast(s.retrying);
        } catch (error) {
            complainOf(error);
        }
        await again();
    };
    return (
        <section class="card">
            <CardHead title={s.deliveries} hint={s.deliveriesHint}>
                <button type="button" class="button small" onClick={() => void again()}>
                    <Icon icon={RefreshCw} size="small" />
                    {s.refresh}
                </button>
            </CardHead>
            <Shown asked={asked}>
                {({ waiting, parked, delivered, lostCount, parkedCount }) => (
                    <>
                        {lostCount > 0 && <p class="notice notice-danger">{plural(s.hookLost, lostCount)}</p>}
                        {(
                            [
                                ['parked', parked, s.parkedTitle],
                                ['waiting', waiting, s.waitingTitle],
                                ['delivered', delivered, s.deliveredTitle],
                            ] as const
                        ).map(([kind, deliveries, title]) =>
                            deliveries.length ? (
                                <div class="group" key={kind}>
                                    <div class="group-head">
                                        <h4>{title}</h4>
                                        {kind === 'parked' && parkedCount > 1 && (
                                            <button type="button" class="link" onClick={() => void retry(parked)}>
                                                {s.retryAll}
                                            </button>
                                        )}
                                    </div>
                                    <ul>
                                        {deliveries.map((delivery) => (
                                            <DeliveryRow key={delivery.id} delivery={delivery} kind={kind} onRetry={kind === 'delivered' ? null : () => void retry([delivery])} />
                                        ))}
                                    </ul>
                                </div>
                            ) : null,
                        )}
                        {!waiting.length && !parked.length && !delivered.length && <p class="mute">{s.noDeliveries}</p>}
                    </>
                )}
            </Shown>
        </section>
    );
}

/** What came back of a ping, in a sentence. */
const pingSentence = ({ delivered, status, reason, milliseconds }: PingResult) =>
    delivered ? fill(s.pingGood, status ?? '', Math.max(1, milliseconds)) : reason ? reason : fill(s.pingBad, status ?? '');

function Ping({ webhook }: { webhook: Webhook }) {
    const [result, setResult] = useState<PingResult | null>(null);
    const sending = useSending();
    const ping = () => sending.send(async () => setResult(await api.ask<PingResult>('POST', `/webhooks/${webhook.id}/test`)));
    return (
        <>
            <button type="button" class="button" disabled={sending.isBusy} onClick={() => void ping()}>
                <Icon icon={Send} size="small" />
                {sending.isBusy ? t.oneMoment : s.ping}
            </button>
            <p role="status" class={result || sending.problem ? `notice ${result?.delivered ? 'notice-good' : 'notice-danger'}` : 'aside'}>
                {sending.problem || (result && pingSentence(result))}
            </p>
        </>
    );
}

type Open = 'edit' | 'rotate' | 'delete' | null;

function One({ webhook, list, onBack }: { webhook: Webhook; list: List; onBack(): void }) {
    const { id, url, description, events, enabled, disabledBecause } = webhook;
    const [open, setOpen] = useState<Open>(null);
    const [secret, setSecret] = useState('');
    const close = () => setOpen(null);
    const setEnabled = async (next: boolean) => {
        try {
            await api.ask('PATCH', `/webhooks/${id}`, { enabled: next });
            toast(next ? s.hookIsOn : s.hookIsOff);
        } catch (error) {
            complainOf(error);
        }
        await list.reload();
    };
    return (
        <>
            <button type="button" class="link back-always" onClick={onBack}>
                <Icon icon={ArrowLeft} size="small" turns />
                {s.allHooks}
            </button>
            <section class="card">
                <header class="card-head">
                    <div>
                        <h3>
                            <bdi>{description || new URL(url).host}</bdi> <StateTag webhook={webhook} />
                        </h3>
                        <p class="hint">
                            <bdi dir="ltr">{url}</bdi>
                        </p>
                    </div>
                    <Menu
                        label={s.hookActions}
                        align="end"
                        button={<Icon icon={Ellipsis} />}
                        groups={[
                            {
                                items: [
                                    { label: s.hookEdit, run: () => setOpen('edit') },
                                    { label: s.hookRotate, run: () => setOpen('rotate') },
                                ],
                            },
                            { items: [{ label: s.hookDelete, isDanger: true, run: () => setOpen('delete') }] },
                        ]}
                    />
                </header>
                {disabledBecause && <p class="notice notice-danger">{s.hookGone}</p>}
                <ul class="pieces" aria-label={s.hookEvents}>
                    {events.map((event) => (
                        <li class="piece" key={event}>
                            <code dir="ltr">{event}</code>
                        </li>
                    ))}
                </ul>
                <Switch label={s.hookEnabled} hint={s.hookEnabledHint} checked={enabled} onChange={(next) => void setEnabled(next)} />
                <Ping webhook={webhook} />
            </section>
            <DeliveryList webhook={webhook} list={list} />
            {open === 'edit' && <Form webhook={webhook} onDone={list.reload} onClose={close} />}
            {open === 'rotate' && (
                <Confirm
                    title={s.hookRotateTitle}
                    text={s.hookRotateText}
                    label={s.hookRotate}
                    onClose={close}
                    run={async () => setSecret((await api.ask<Webhook>('POST', `/webhooks/${id}/secret`)).secret ?? '')}
                />
            )}
            {secret && (
                <Dialog label={s.hookNewSecret} hasHeader onClose={() => setSecret('')}>
                    <SecretGiven secret={secret} onClose={() => setSecret('')} />
                </Dialog>
            )}
            {open === 'delete' && (
                <Confirm
                    title={s.hookDeleteTitle}
                    text={s.hookDeleteText}
                    label={s.hookDelete}
                    onClose={close}
                    run={async () => {
                        await api.ask('DELETE', `/webhooks/${id}`);
                        onBack();
                        await list.reload();
                        toast(s.hookDeleted);
                    }}
                />
            )}
        </>
    );
}

function Webhooks() {
    const list = useAsked<{ webhooks: Webhook[] }>('/webhooks');
    const [isMaking, setMaking] = useState(false);
    const [openId, setOpenId] = useState<string | null>(null);
    const opened = list.value?.webhooks.find(({ id }) => id === openId);
    if (opened) return <One key={opened.id} webhook={opened} list={list} onBack={() => setOpenId(null)} />;
    return (
        <>
            <PageBar lead={s.hooksLead} icon={Plus} label={s.newHook} onAdd={() => setMaking(true)} />
            <Shown asked={list}>
                {({ webhooks }) => (
                    <section class="card list-card" aria-label={s.hooks}>
                        {webhooks.length ? (
                            <Rows webhooks={webhooks} onOpen={setOpenId} />
                        ) : (
                            <Empty icon={WebhookIcon} title={s.noHooks}>
                                <p>{s.noHooksHint}</p>
                            </Empty>
                        )}
                    </section>
                )}
            </Shown>
            {isMaking && <Form webhook={null} onDone={list.reload} onClose={() => setMaking(false)} />}
        </>
    );
}

export default worded(Webhooks);
