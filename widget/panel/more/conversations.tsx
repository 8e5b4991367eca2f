import { dayOf, timeIn } from '../times.ts';
import { kit } from './kit.ts';
import { back, go } from './pages.tsx';

export function open(conversation: string | null): void {
    kit.chat.open(conversation);
    if (!back()) kit.focus();
}

function timeOf(at: number): string {
    if (dayOf(at) === dayOf(Date.now())) return timeIn(kit.locale, at);
    return new Intl.DateTimeFormat(kit.locale, { dateStyle: 'medium' }).format(at);
}

export const list = () => go(kit.texts.conversations, conversations);

function conversations() {
    const { conversations: all, current } = kit.now();
    return (
        <div class="page">
            <ul>
                {all.map(({ id, at, preview, unread }) => (
                    <li key={id}>
                        <button
                            class="conversation"
                            aria-current={id === current}
                            data-focus={id === current || null}
                            onClick={() => open(id)}
                        >
                            <span class="preview">
                                <bdi>{preview}</bdi>
                            </span>
                            <span class="meta">{timeOf(at)}</span>
                            {unread > 0 && (
                                <span class="count">
                                    <span class="aside">{kit.texts.unread}: </span>
                                    {unread}
                                </span>
                            )}
                        </button>
                    </li>
                ))}
            </ul>
            <button class="button" data-focus={!current || null} onClick={() => open(null)}>
                {kit.texts.newConversation}
            </button>
        </div>
    );
}
