import { Component } from 'preact';
import type { Receipt } from '../shared/protocol.ts';
import { fill } from './texts.ts';
import { sentenceOf, type Props, type Ui } from './ui.ts';

interface State {
    typed?: string;
    busy?: boolean;
    error?: string;
}

export class Forget extends Component<Props, State> {
    isConfirmed = () => {
        const { texts, locale } = this.props.ui;
        return this.state.typed?.trim().toLocaleUpperCase(locale) === texts.forgetWord;
    };

    forget = (event: Event) => {
        event.preventDefault();
        const { ui } = this.props;
        if (!this.isConfirmed()) return;
        this.setState({ busy: true, error: '' });
        ui.chat.forget().then(ui.forgotten, (error: unknown) => this.setState({ busy: false, error: sentenceOf(error, ui.texts.wrong) }));
    };

    override render({ ui }: Props, { busy, error }: State) {
        const { texts } = ui;
        return (
            <div role="alertdialog" aria-label={texts.forget} aria-describedby="what"><form class="page" onSubmit={this.forget}>
                <p id="what">
                    {texts.forgetWhat} <b>{texts.forgetFinal}</b>
                </p>
                <label for="word">{fill(texts.forgetType, texts.forgetWord)}</label>
                <input id="word" class="field" autocomplete="off" data-focus onInput={(event) => this.setState({ typed: event.currentTarget.value })} />
                <p class="wrong" role="alert">
                    {error}
                </p>
                <div class="row">
                    <button type="button" class="button quiet" onClick={() => ui.go('chat')}>
                        {texts.cancel}
                    </button>
                    <button class="button danger" disabled={busy || !this.isConfirmed()}>
                        {texts.forget}
                    </button>
                </div>
            </form></div>
        );
    }
}

export function ReceiptPage({ ui, receipt }: { ui: Ui; receipt: Receipt }) {
    const { texts } = ui;
    const time = new Intl.DateTimeFormat(ui.locale, { dateStyle: 'long', timeStyle: 'medium' }).format(Date.parse(receipt.erasedAt));
    const rows = [
        [texts.receipt, receipt.receipt],
        [texts.erasedAt, time],
        [texts.visitors, receipt.visitors],
        [texts.conversations, receipt.conversations],
        [texts.messages, receipt.messages],
    ];
    let area: HTMLTextAreaElement | null;
    const copy = () => {
        area?.select();
        if (document.execCommand('copy')) ui.tell(texts.copied); // also without https, where there is no navigator.clipboard
    };
    return (
        <div class="page">
            <p>{texts.forgottenKeep}</p>
            <textarea class="field receipt" readOnly rows={5} aria-label={texts.receipt} ref={(element) => { area = element; }} value={rows.map((row) => row.join(': ')).join('\n')} />
            <div class="row">
                <button type="button" class="button quiet" onClick={copy}>
                    {texts.copy}
                </button>
                <button type="button" class="button" data-focus onClick={() => ui.go('chat')}>
                    {texts.done}
                </button>
            </div>
        </div>
    );
}
