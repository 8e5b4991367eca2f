/* The edge from which everything is reached; on a phone it lies below. */
import { Building2, CircleUser, Inbox as InboxIcon, Keyboard, LogOut, Monitor, Moon, Search, Settings as SettingsIcon, Sun, Users } from 'lucide';
import type { IconNode } from 'lucide';

import type { Route } from '../data/routes.ts';
import { formatRoute, INBOX } from '../data/routes.ts';
import { fill, plural, t } from '../lang.ts';
import { choose, chooseAgain, desk, go, logOut, look, org, route, session } from '../state.ts';
import { Avatar } from '../ui/avatar.tsx';
import { Icon } from '../ui/icon.tsx';
import { Menu, type MenuGroup } from '../ui/menu.tsx';
import { use } from '../ui/use.ts';
import { overlay } from './overlays.tsx';

interface PlaceProps {
    icon: IconNode;
    label: string;
    to: Route;
    isHere: boolean;
    count?: number;
}

function Place({ icon, label, to, isHere, count = 0 }: PlaceProps) {
    return (
        <a
            class="rail-item"
            href={formatRoute(to)}
            aria-current={isHere ? 'page' : undefined}
            aria-label={count ? `${label} ${plural(t.unreadCount, count)}` : label}
            title={label}
            onClick={(event) => {
                if (event.ctrlKey || event.metaKey || event.shiftKey) return; // a tab of its own
                event.preventDefault();
                go(to);
            }}
        >
            <Icon icon={icon} size="large" />
            <span class="rail-label" aria-hidden="true">
                {label}
            </span>
            {count > 0 && <span class="badge" data-count={count > 99 ? '99+' : count} />}
        </a>
    );
}

function organizationGroup(): MenuGroup[] {
    const { organizations = [] } = session.peek() ?? {};
    if (organizations.length < 2) return [];
    const few = organizations.length <= 5;
    return [
        {
            label: t.organization,
            items: few
                ? organizations.map((each) => ({
                      label: each.name,
                      kind: 'radio',
                      checked: each.id === org.peek()?.id,
                      run: () => each.id !== org.peek()?.id && switchTo(() => choose(each)),
                  }))
                : [{ label: t.switchOrganization, icon: Building2, run: () => switchTo(chooseAgain) }],
        },
    ];
}

/* Conversations of one are not those of another. */
function switchTo(change: () => void): void {
    go(INBOX, { replaces: true });
    change();
}

function OwnMenu() {
    const who = use(session);
    const { theme } = use(look.value);
    const agents = use(desk.agents);
    if (!who) return null;
    const { id, name, email } = who.agent;
    const others = [...agents.values()].filter((agent) => agent.online && agent.id !== id);
    const themes = [
        ['auto', t.themeAuto, Monitor],
        ['light', t.themeLight, Sun],
        ['dark', t.themeDark, Moon],
    ] as const;
    const groups: MenuGroup[] = [
        { label: email, items: [{ label: t.profile, icon: CircleUser, run: () => go({ name: 'settings', page: 'profile' }) }] },
        ...organizationGroup(),
        { label: t.theme, items: themes.map(([key, label]) => ({ label, kind: 'radio', checked: theme === key, run: () => look.set({ theme: key }) })) },
        {
            items: [
                { label: t.shortcuts, icon: Keyboard, keys: '?', run: () => (overlay.value = 'help') },
                { label: t.logOut, icon: LogOut, run: () => void logOut() },
            ],
        },
    ];
    const team = others.length ? fill(t.alsoHere, others.map((agent) => agent.name).join(', ')) : t.nobodyElse;
    return (
        <Menu
            label={fill(t.ownMenu, name)}
            title={`${name} · ${email}\n${team}`}
            class="rail-own"
            button={<Avatar id={id} name={name} online={use(desk.connection) !== 'offline'} />}
            groups={groups}
            above
        />
    );
}

export function Rail() {
    const { name } = use(route);
    const unread = use(desk.unread);
    return (
        <nav class="rail" aria-label={t.navigation}>
            <span class="rail-mark" aria-hidden="true" />
            <Place icon={InboxIcon} label={t.inbox} to={INBOX} isHere={name === 'inbox'} count={unread} />
            <Place icon={Users} label={t.visitors} to={{ name: 'visitors', id: null }} isHere={name === 'visitors'} />
            <button type="button" class="rail-item" aria-label={t.search} title={t.search} onClick={() => (overlay.value = 'search')}>
                <Icon icon={Search} size="large" />
                <span class="rail-label" aria-hidden="true">
                    {t.search}
                </span>
            </button>
            <span class="rail-gap" />
            <Place icon={SettingsIcon} label={t.settings} to={{ name: 'settings', page: null }} isHere={name === 'settings'} />
            <OwnMenu />
        </nav>
    );
}
