import { Icon, type IconName } from './icons.tsx';
import type { Props } from './ui.ts';
import type { View } from './ui.ts';
import { Menu } from './menu.tsx';

export const IconButton = ({ name, label, ...rest }: { name: IconName; label: string; onClick(): void }) => (
    <button type="button" class="icon" aria-label={label} title={label} {...rest}>
        <Icon name={name} />
    </button>
);

function Presence({ ui, now }: Props) {
    const { title, subtitle } = ui.host.boot.config;
    const state = now.online ? 'online' : 'away';
    return (
        <>
            <span class="avatar" aria-hidden="true">
                {[...title][0]}
                <i class={state} />
            </span>
            <div class="who">
                <h2 dir="auto">{title}</h2>
                <p>
                    {ui.texts[state]}
                    {subtitle && (
                        <>
                            {' · '}
                            <bdi>{subtitle}</bdi>
                        </>
                    )}
                </p>
            </div>
        </>
    );
}

export function Header({ ui, now, view }: Props & { view: View }) {
    const { texts } = ui;
    const others = now.conversations.some((one) => one.unread && one.id !== now.current);
    const heading = { list: texts.conversations, forget: texts.forget, receipt: texts.forgotten };
    return (
        <header>
            {view === 'chat'
                ? now.conversations.length > 0 && (
                      <span class={others ? 'dot' : ''}>
                          <IconButton name="back" label={texts.conversations} onClick={() => ui.go('list')} />
                      </span>
                  )
                : <IconButton name="back" label={texts.back} onClick={() => ui.go('chat')} />}
            {view === 'chat' ? <Presence ui={ui} now={now} /> : <h2 class="who">{heading[view]}</h2>}
            {view === 'chat' && <Menu ui={ui} now={now} />}
            <IconButton name="close" label={texts.close} onClick={() => ui.host.close()} />
        </header>
    );
}
