/* Erasing a visitor: first what would go, then a word to type, then the receipt. */
import { Check, Copy } from 'lucide';
import { useEffect, useId, useState } from 'preact/hooks';

import type { Failure } from '../data/api.ts';
import type { Erasure, Visitor } from '../data/protocol.ts';
import { momentOf, visitorName } from '../format.ts';
import { fill, locale, plural, t } from '../lang.ts';
import { desk, goTo } from '../state.ts';
import { Dialog } from '../ui/dialog.tsx';
import { Icon } from '../ui/icon.tsx';
import { toast } from '../ui/toasts.tsx';

const sentenceOf = ({ status, message }: Failure): string => (status === 404 ? t.notOnThisServer : status ? message : t.noAnswer);

function Receipt({ erasure, onClose }: { erasure: Erasure; onClose(): void }) {
    const { receipt = '', erasedAt, visitors, conversations, messages } = erasure;
    const copy = async () => {
        await navigator.clipboard?.writeText(receipt).catch(() => {});
        toast(t.copied);
    };
    return (
        <>
            <p class="notice notice-good">
                <Icon icon={Check} />
                {t.erased}
            </p>
            <dl class="facts">
                <div class="fact">
                    <dt>{t.receipt}</dt>
                    <dd class="fact-copy">
                        <code dir="ltr">{receipt}</code>
                        <button type="button" class="icon-button small" aria-label={t.copy} title={t.copy} onClick={() => void copy()}>
                            <Icon icon={Copy} size="small" />
                        </button>
                    </dd>
                </div>
                {erasedAt && (
                    <div class="fact">
                        <dt>{t.erasedAt}</dt>
                        <dd>{momentOf(Date.parse(erasedAt))}</dd>
                    </div>
                )}
                <div class="fact">
                    <dt>{t.whatWent}</dt>
                    <dd>{fill(t.eraseCounts, visitors.toLocaleString(locale), conversations.toLocaleString(locale), messages.toLocaleString(locale))}</dd>
                </div>
            </dl>
            <p class="hint">{t.receiptHint}</p>
            <footer class="dialog-footer">
                <button type="button" class="button primary" onClick={onClose}>
                    {t.done}
                </button>
            </footer>
        </>
    );
}

type Way = 'delete' | 'anonymize';

function Ways({ way, onWay }: { way: Way; onWay(way: Way): void }) {
    const name = useId();
    const ways = [
        ['delete', t.eraseAll, t.eraseAllHint],
        ['anonymize', t.eraseName, t.eraseNameHint],
    ] as const;
    return (
        <fieldset class="ways">
            <legend class="aside">{t.whatGoes}</legend>
            {ways.map(([key, label, hint]) => (
                <label class="way" key={key}>
                    <input type="radio" name={name} checked={way === key} onChange={() => onWay(key)} />
                    <span>
                        {label}
                        <span class="hint">{hint}</span>
                    </span>
                </label>
            ))}
        </fieldset>
    );
}

export default function Erase({ visitor, onClose }: { visitor: Visitor; onClose(): void }) {
    const { id } = visitor;
    const [way, setWay] = useState<Way>('delete');
    const [preview, setPreview] = useState<Erasure | null>(null);
    const [receipt, setReceipt] = useState<Erasure | null>(null);
    const [problem, setProblem] = useState('');
    const [word, setWord] = useState('');
    const [isBusy, setBusy] = useState(false);
    const wordId = useId();
    useEffect(() => {
        setPreview(null);
        desk.api.ask<Erasure>('DELETE', `/visitors/${id}?preview=1&conversations=${way}`).then(setPreview, (error: Failure) => setProblem(sentenceOf(error)));
    }, [way]);
    const isTyped = word.trim().toLocaleUpperCase() === t.eraseWord.toLocaleUpperCase();
    const erase = async (event: Event) => {
        event.preventDefault();
        if (!isTyped || !preview || isBusy) return;
        setBusy(true);
        setProblem('');
        try {
            setReceipt(await desk.api.ask<Erasure>('DELETE', `/visitors/${id}?conversations=${way}`));
        } catch (error) {
            setProblem(sentenceOf(error as Failure));
        }
        setBusy(false);
    };
    const close = () => {
        if (receipt) {
            desk.forgetVisitor(id, way === 'anonymize');
            if (way === 'delete') goTo(null);
        }
        onClose();
    };
    return (
        <Dialog label={fill(t.eraseTitle, visitorName(visitor, id))} hasHeader role="alertdialog" onClose={close}>
            {receipt ? (
                <Receipt erasure={receipt} onClose={close} />
            ) : (
                <form onSubmit={(event) => void erase(event)}>
                    <p>{t.eraseText}</p>
                    <Ways way={way} onWay={setWay} />
                    <div class="notice notice-danger" aria-live="polite">
                        {problem || (preview ? `${t.wouldGo} ${fill(t.eraseCounts, preview.visitors.toLocaleString(locale), preview.conversations.toLocaleString(locale), preview.messages.toLocaleString(locale))}` : t.counting)}
                        {preview?.anonymizedConversations ? ` ${plural(t.wouldStay, preview.anonymizedConversations)}` : ''}
                    </div>
                    <label class="field" for={wordId}>
                        {fill(t.eraseType, t.eraseWord)}
                    </label>
                    <input id={wordId} class="input" autocomplete="off" spellcheck={false} value={word} onInput={(event) => setWord(event.currentTarget.value)} />
                    <footer class="dialog-footer">
                        <button type="button" class="button" onClick={close}>
                            {t.cancel}
                        </button>
                        <button type="submit" class="button danger" disabled={!isTyped || !preview || isBusy}>
                            {t.eraseForGood}
                        </button>
                    </footer>
                </form>
            )}
        </Dialog>
    );
}
