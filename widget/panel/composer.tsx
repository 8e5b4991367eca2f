import { draw, tell } from './draw.tsx';
import { icon } from './icons.tsx';
import { down } from './messages.tsx';
import { chat, host, texts } from './state.ts';

const DRAFT = 'helvino_draft';

export let area: HTMLTextAreaElement;
let isEmpty = true;

const text = () => area.value.trim();

/** To call when the input has come on screen, or has another text. */
export function measure(): void {
    area.style.height = 'auto';
    area.style.height = `${area.scrollHeight}px`;
    if (isEmpty === !text()) return;
    isEmpty = !isEmpty;
    draw();
}

function onInput(): void {
    host.keep.set(DRAFT, area.value);
    chat.typed(!!text());
    tell('');
    measure();
}

function send(event: Event): void {
    event.preventDefault();
    if (!text()) return;
    down();
    const refusal = chat.send(text());
    if (refusal) return tell(texts[refusal]);
    area.value = '';
    onInput();
    area.focus();
}

// In an input method, Enter takes a proposal: then it has not its own code but 229, in every browser.
function onKeyDown(event: KeyboardEvent): void {
    if (event.keyCode === 13 && !event.shiftKey) send(event);
}

function mounted(element: HTMLTextAreaElement | null): void {
    if (!element) return;
    area = element;
    area.value = host.keep.get(DRAFT) ?? '';
}

// No form: a frame in a sandbox may not submit one.
export const composer = () => (
    <div class="composer">
        <textarea
            rows={1}
            dir={isEmpty ? texts.direction : 'auto'}
            aria-label={texts.placeholder}
            placeholder={texts.placeholder}
            enterkeyhint="send"
            ref={mounted}
            onInput={onInput}
            onKeyDown={onKeyDown}
        />
        <button
            class="button"
            title={texts.send}
            disabled={isEmpty}
            onClick={send}
            onMouseDown={(event) => event.preventDefault() /* the focus, and a phone's keyboard, stay */}
        >
            {icon('send')}
        </button>
    </div>
);
