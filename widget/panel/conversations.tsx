import { Icon } from './icons.tsx';
import { dayIn, dayOf, timeIn } from './times.ts';
import type { Props } from './ui.ts';

export const Conversations = ({ ui, now }: Props) => (
    <div class="page">
        <ul>
            {now.conversations.map(({ id, at, preview, unread }) => (
                <li key={id}>
                    <button type="button" class="conversation" aria-current={id === now.current} data-focus={id === now.current || null} onClick={() => ui.open(id)}>
                        <span class="preview" dir="auto">
                            {preview}
                        </span>
                        <span class="meta">{(dayOf(at) === dayOf(Date.now()) ? timeIn : dayIn)(ui.locale, at)}</span>
                        {unread > 0 && (
                            <span class="count">
                                <span class="aside">{ui.texts.unread}: </span>
                                {unread}
                            </span>
                        )}
                    </button>
                </li>
            ))}
        </ul>
        <button type="button" class="button" data-focus={!now.current || null} onClick={() => ui.open(null)}>
            <Icon name="plus" />
            {ui.texts.newConversation}
        </button>
    </div>
);
