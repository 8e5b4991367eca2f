import { exportData } from '../../embed/export.ts';
import { open } from './conversations.tsx';
import { forget } from './forget.tsx';
import { kit, sentenceOf } from './kit.ts';

let list: HTMLElement | null = null;
let shown = false;

export const isOpen = () => shown;

function show(next: boolean): void {
    shown = next;
    kit.draw();
}

export function toggle(): void {
    show(!shown);
    if (shown) (list?.firstChild as HTMLElement).focus();
}

function close(): void {
    show(false);
    kit.host.root.querySelector<HTMLElement>('[aria-haspopup=menu]')?.focus();
}

function onKeyDown(event: KeyboardEvent): void {
    const at = event.target as HTMLElement;
    const { key } = event;
    const to = {
        ArrowDown: at.nextSibling ?? list?.firstChild,
        ArrowUp: at.previousSibling ?? list?.lastChild,
        Home: list?.firstChild,
        End: list?.lastChild,
    }[key];
    if (to) (to as HTMLElement).focus();
    else if (key === 'Escape' || key === 'Tab') close();
    else return;
    event.preventDefault();
    event.stopPropagation();
}

// The button that opened it closes it by itself.
function onfocusout({ relatedTarget }: FocusEvent): void {
    const to = relatedTarget as Element | null;
    if (shown && !list?.contains(to) && !to?.matches('[aria-haspopup=menu]')) show(false);
}

async function download(): Promise<void> {
    kit.tell(kit.texts.loading);
    try {
        const link = document.createElement('a');
        link.href = URL.createObjectURL(await exportData(kit.chat.ask));
        link.download = 'chat.json';
        link.click();
        setTimeout(() => URL.revokeObjectURL(link.href), 6e4); // some browsers only begin to read it after the click
        kit.tell('');
    } catch (error) {
        kit.tell(sentenceOf(error));
    }
}

const item = (label: string, act: () => void) => (
    <button
        role="menuitem"
        tabIndex={-1}
        onClick={() => {
            close();
            act();
        }}
    >
        {label}
    </button>
);

const mounted = (element: HTMLElement | null) => void (list = element);

export const menu = () =>
    shown && (
        <div role="menu" aria-label={kit.texts.menu} ref={mounted} onKeyDown={onKeyDown} {...{ onfocusout }}>
            {item(kit.texts.newConversation, () => open(null))}
            <button
                role="menuitemcheckbox"
                tabIndex={-1}
                aria-checked={kit.now().sound}
                onClick={() => kit.chat.setSound(!kit.now().sound)}
            >
                {kit.texts.sound}
                <i />
            </button>
            {item(kit.texts.download, () => void download())}
            {item(kit.texts.forget, forget)}
        </div>
    );
