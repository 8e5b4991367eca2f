import type { Receipt } from '../../shared/protocol.ts';
import { kit, sentenceOf } from './kit.ts';
import { back, go } from './pages.tsx';

let typed = '';
let isBusy = false;
let error = '';
let given: Receipt | undefined;
let area: HTMLTextAreaElement | null = null;

const isConfirmed = () => typed.trim().toLocaleUpperCase(kit.locale) === kit.texts.forgetWord;

// Whatever was typed or went wrong is gone when the page is left.
function mounted(element: HTMLElement | null): void {
    if (element) return;
    typed = error = '';
    isBusy = false;
}

function onInput(event: Event): void {
    typed = (event.target as HTMLInputElement).value;
    kit.draw();
}

async function onConfirm(event: Event): Promise<void> {
    event.preventDefault();
    if (!isConfirmed() || isBusy) return;
    isBusy = true;
    error = '';
    kit.draw();
    try {
        given = await kit.chat.forget();
        go(kit.texts.forgotten, receipt);
    } catch (reason) {
        isBusy = false;
        error = sentenceOf(reason);
        kit.draw();
    }
}

export const forget = () => go(kit.texts.forget, form);

const form = () => (
    <div class="page" role="alertdialog" aria-label={kit.texts.forget} aria-describedby="what" ref={mounted}>
        <p id="what">
            {kit.texts.forgetWhat} <b>{kit.texts.forgetFinal}</b>
        </p>
        <form>
            <label for="word">{kit.texts.forgetType.replace('{0}', kit.texts.forgetWord)}</label>
            <input id="word" class="field" autocomplete="off" data-focus onInput={onInput} />
            <p class="wrong" role="alert">
                {error}
            </p>
            <div class="row">
                <button type="button" class="button quiet" onClick={back}>
                    {kit.texts.cancel}
                </button>
                <button
                    class="button danger"
                    disabled={isBusy || !isConfirmed()}
                    onClick={(event: Event) => void onConfirm(event)}
                >
                    {kit.texts.forget}
                </button>
            </div>
        </form>
    </div>
);

function textOf({ receipt: id, erasedAt, visitors, conversations, messages }: Receipt): string {
    const format = new Intl.DateTimeFormat(kit.locale, { dateStyle: 'medium', timeStyle: 'medium' });
    const rows: [string, string | number][] = [
        [kit.texts.receipt, id],
        [kit.texts.erasedAt, format.format(Date.parse(erasedAt))],
        [kit.texts.visitors, visitors],
        [kit.texts.conversations, conversations],
        [kit.texts.messages, messages],
    ];
    return rows.map((row) => row.join(': ')).join('\n');
}

function copy(): void {
    area?.select();
    // Also without https, where there is no navigator.clipboard.
    kit.tell(document.execCommand('copy') ? kit.texts.copied : kit.texts.wrong);
}

const areaMounted = (element: HTMLTextAreaElement | null) => void (area = element);

const receipt = () => (
    <div class="page">
        <p>{kit.texts.forgottenKeep}</p>
        <textarea
            class="field"
            readOnly
            rows={5}
            aria-label={kit.texts.receipt}
            ref={areaMounted}
            value={given ? textOf(given) : ''}
        />
        <div class="row">
            <button class="button quiet" onClick={copy}>
                {kit.texts.copy}
            </button>
            <button class="button" data-focus onClick={back}>
                {kit.texts.done}
            </button>
        </div>
    </div>
);
