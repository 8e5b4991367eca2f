/*
 * The chat as a visitor sees it. It draws what the client knows (Chat.snapshot) and tells it what the visitor does; it keeps
 * nothing but the draft. It is a <dialog>: shown beside the page on a desktop, modal over the whole screen on a phone, where
 * the browser itself then keeps the focus inside.
 */
import { Component, render } from 'preact';
import type { Chat, Host, MountPanel, Panel, Snapshot } from '../embed/contract.ts';
import type { Receipt } from '../shared/protocol.ts';
import { readableOn, textOn } from './colour.ts';
import { Composer } from './composer.tsx';
import { Conversations } from './conversations.tsx';
import { Forget, ReceiptPage } from './forget.tsx';
import { Header } from './header.tsx';
import { Messages } from './messages.tsx';
import css from './panel.css';
import { chooseLocale, loadTexts, type Texts } from './texts.ts';
import type { Ui, View } from './ui.ts';

const PHONE = '(max-width:480px),(max-height:480px)'; // as in panel.css

interface AppProps {
    host: Host;
    chat: Chat;
    texts: Texts;
    locale: string;
    dialog: HTMLDialogElement;
}

interface AppState {
    now: Snapshot;
    view: View;
    note: string; // shown in the banner
    said: string; // read aloud only
    receipt?: Receipt;
}

class App extends Component<AppProps, AppState> implements Panel {
    override state: AppState = { now: this.props.chat.snapshot(), view: 'chat', note: '', said: '' };
    phone = matchMedia(PHONE);
    ui: Ui = {
        ...this.props,
        go: (view) => this.setState({ view, note: '' }, () => this.focus()),
        open: (conversation) => {
            this.props.chat.open(conversation);
            this.ui.go('chat');
        },
        tell: (note) => this.setState({ note }),
        forgotten: (receipt) => {
            this.setState({ receipt });
            this.ui.go('receipt');
        },
    };
    listening = [
        this.props.chat.subscribe(() => this.changed()),
        listen(document, 'visibilitychange', () => this.tellShown()),
        listen(this.phone, 'change', () => this.reopen()),
        listen(this.props.dialog, 'cancel', (event) => this.escape(event)),
        listen(this.props.dialog, 'close', () => this.props.host.isOpen() && !this.props.dialog.open && this.props.host.close()),
        // The page's own shortcuts are not for what is typed here.
        ...['keydown', 'keyup', 'keypress'].map((name) => listen(this.props.dialog, name, (event) => this.key(event as KeyboardEvent))),
        ...(visualViewport ? ['resize', 'scroll'].map((name) => listen(visualViewport as VisualViewport, name, () => this.fit())) : []),
    ];

    changed() {
        const now = this.props.chat.snapshot();
        const before = this.state.now;
        const last = before.messages.at(-1)?.key;
        const news = now.messages.slice(now.messages.findIndex(({ key }) => key === last) + 1);
        const said = now.current === before.current && last ? news.filter(({ role }) => role !== 'user').map(({ content }) => content) : [];
        this.setState(said.length ? { now, said: said.join('\n') } : { now });
    }

    key(event: KeyboardEvent) {
        event.stopPropagation();
        if (event.type === 'keydown' && event.key === 'Escape' && !event.isComposing) this.escape(event);
    }

    escape(event: Event) {
        event.preventDefault();
        if (this.state.view === 'chat') this.props.host.close();
        else this.ui.go('chat');
    }

    // A phone's keyboard covers the page without making it smaller.
    fit() {
        const { height, offsetTop, scale } = visualViewport as VisualViewport;
        const { style } = this.props.dialog;
        style.setProperty('--height', scale > 1.01 ? '' : `${height}px`);
        style.setProperty('--top', `${offsetTop}px`);
    }

    focus() {
        const { dialog } = this.props;
        const wanted = dialog.querySelector<HTMLElement>('[data-focus]');
        // On a phone, the keyboard comes when it is asked for.
        if (wanted && !(this.phone.matches && this.state.view === 'chat')) wanted.focus();
        else dialog.focus();
        this.tellShown();
    }

    tellShown() {
        this.props.chat.setShown(this.props.dialog.open && !document.hidden && this.state.view === 'chat');
    }

    reopen() {
        const { dialog } = this.props;
        if (!dialog.open) return;
        dialog.close();
        this.show();
    }

    show() {
        const { dialog } = this.props;
        if (dialog.open) return;
        if (this.phone.matches) dialog.showModal();
        else dialog.show();
        this.focus();
    }

    hide() {
        this.props.dialog.close();
        this.setState({ view: 'chat', note: '' }, () => this.tellShown());
    }

    unmount() {
        this.hide();
        for (const stop of this.listening) stop();
    }

    override render({ texts }: AppProps, { now, view, note, said, receipt }: AppState) {
        const { ui } = this;
        const banner = note || (now.connection === 'offline' ? texts.offline : now.connection === 'connecting' ? texts.connecting : '');
        return (
            <>
                <Header ui={ui} now={now} view={view} />
                <div class="main">
                    {view === 'chat' && <Messages ui={ui} now={now} key={now.current} />}
                    {view === 'chat' && <Composer ui={ui} now={now} />}
                    {view === 'list' && <Conversations ui={ui} now={now} />}
                    {view === 'forget' && <Forget ui={ui} now={now} />}
                    {view === 'receipt' && receipt && <ReceiptPage ui={ui} receipt={receipt} />}
                    <p class="banner" role="status">
                        {banner && <span key={banner}>{banner}</span>}
                    </p>
                </div>
                <p class="aside" aria-live="polite">
                    {said}
                </p>
            </>
        );
    }
}

function listen(target: EventTarget, name: string, act: (event: Event) => void): () => void {
    target.addEventListener(name, act);
    return () => target.removeEventListener(name, act);
}

function makeDialog({ boot }: Host, language: string): HTMLDialogElement {
    const { color, position, title } = boot.config;
    const dialog = document.createElement('dialog');
    dialog.className = position;
    dialog.lang = language;
    dialog.dir = language === 'ar' ? 'rtl' : 'ltr';
    dialog.tabIndex = -1;
    dialog.setAttribute('role', 'dialog');
    dialog.setAttribute('aria-label', title);
    const colours = {
        '--brand': color,
        '--on-brand': textOn(color),
        '--accent-light': readableOn('#f1f3f6', color, 0), // on --soft of panel.css
        '--accent-dark': readableOn('#272b33', color, 255),
    };
    for (const [name, value] of Object.entries(colours)) dialog.style.setProperty(name, value);
    return dialog;
}

const mount: MountPanel = async (host, chat) => {
    const wanted = chooseLocale(host.boot.config.language);
    const [texts, language] = await loadTexts(host.base, wanted);
    const locale = wanted.startsWith(language) ? wanted : language;
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
    host.root.adoptedStyleSheets.push(sheet);
    const dialog = makeDialog(host, language);
    host.root.append(dialog);
    let app!: App;
    render(<App ref={(it) => { if (it) app = it; }} {...{ host, chat, texts, locale, dialog }} />, dialog);
    return {
        show: () => app.show(),
        hide: () => app.hide(),
        unmount: () => {
            app.unmount();
            render(null, dialog);
            dialog.remove();
            host.root.adoptedStyleSheets = host.root.adoptedStyleSheets.filter((one) => one !== sheet);
        },
    };
};

export default mount;
