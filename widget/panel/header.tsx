import { withMore } from './draw.tsx';
import { icon, type IconName } from './icons.tsx';
import { host, more, now, texts } from './state.ts';

const button = (name: IconName, title: string, onClick: () => void, rest?: object) => (
    <button title={title} onClick={onClick} {...rest}>
        {icon(name)}
    </button>
);

export function header() {
    const { title, subtitle } = host.boot.config;
    const hasOther = now.conversations.some(({ id, unread }) => unread && id !== now.current);
    return (
        <header role="none">
            {now.conversations[0] &&
                button('back', texts.conversations, () => void withMore((it) => it.list()), { class: hasOther && 'dot' })}
            <div>
                <h2 dir="auto">{title}</h2>
                <p class={now.online ? 'online' : ''}>
                    {now.online ? texts.online : texts.away}
                    {subtitle && ' · '}
                    <bdi>{subtitle}</bdi>
                </p>
            </div>
            {button('menu', texts.menu, () => void withMore((it) => it.toggle()), {
                'aria-haspopup': 'menu',
                'aria-expanded': !!more?.isOpen(),
                onPointerEnter: () => void withMore(() => {}),
            })}
            {button('close', texts.close, host.close)}
            {more?.menu()}
        </header>
    );
}
