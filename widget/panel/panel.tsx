/*
 * The chat as a visitor sees it. It draws what the client knows (Chat.snapshot) and tells it what the visitor does; it
 * keeps nothing but the draft. It is a <dialog>: shown beside the page on a desktop, modal over the whole screen on a phone.
 */
import type { MountPanel } from '../embed/contract.ts';
import { dialog, draw, focus, PHONE, reset, tellShown } from './draw.tsx';
import type { Texts } from './lang/en.ts';
import css from './panel.css';
import { begin, more } from './state.ts';
import { styled } from './styled.ts';

// A phone's keyboard covers the page without making it smaller.
function fit(): void {
    const { height, offsetTop, scale } = visualViewport as VisualViewport;
    dialog.style.setProperty('--height', scale > 1.01 ? '' : `${height}px`);
    dialog.style.setProperty('--top', `${offsetTop}px`);
}

const mount: MountPanel = async (host, chat) => {
    const { language, root } = host;
    const texts = await host.load<Texts>(__LANG_FILES__[language] as string);
    const box = document.createElement('div');
    const ending = new AbortController();
    begin(host, chat, texts, navigator.languages.find((one) => one.startsWith(texts.language)) ?? texts.language, box);
    root.adoptedStyleSheets.push(styled(css));
    root.append(box);
    reset();
    const stop = chat.subscribe(draw);
    document.addEventListener('visibilitychange', tellShown, ending);
    const open = () => (PHONE.matches ? dialog.showModal() : dialog.show());
    const turn = () => {
        if (!dialog.open) return;
        dialog.close();
        open();
        focus();
    };
    PHONE.addEventListener('change', turn, ending);
    for (const name of ['resize', 'scroll']) visualViewport?.addEventListener(name, fit, ending);
    return {
        show() {
            if (dialog.open) return;
            open();
            focus();
        },
        hide() {
            dialog.close();
            more?.back();
            tellShown();
        },
        unmount() {
            stop();
            ending.abort();
        },
    };
};

export default mount;
