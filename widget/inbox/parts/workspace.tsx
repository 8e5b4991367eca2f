/* Where one works: the rail, and beside it the inbox, the visitors or the settings. */
import { effect } from '@preact/signals-core';
import { useEffect, useState } from 'preact/hooks';

import { listenForKeys, useCommands } from '../commands.ts';
import { tellOfNews } from '../data/news.ts';
import { agentName, visitorName } from '../format.ts';
import { fill, plural, t } from '../lang.ts';
import { desk, goTo, org, prefs, route } from '../state.ts';
import { lazy } from '../ui/lazy.tsx';
import { use } from '../ui/use.ts';
import { Banner } from './banner.tsx';
import { appCommands } from './everywhere.ts';
import { Inbox } from './inbox.tsx';
import { Overlays } from './overlays.tsx';
import { Rail } from './rail.tsx';

const Settings = lazy(() => import('../settings/index.tsx'));
const Visitors = lazy(() => import('../visitors/index.tsx'));

/* "(3) Acme · Helvino", and the icon with a dot. */
function showBadge(): () => void {
    const icon = document.querySelector<HTMLLinkElement>('link[rel=icon]');
    const plain = icon?.href ?? '';
    const marked = document.querySelector<HTMLMetaElement>('meta[name=unread-icon]')?.content ?? plain;
    const stop = effect(() => {
        const count = desk.unread.value;
        document.title = `${count ? `(${count > 99 ? '99+' : count}) ` : ''}${org.value?.name ?? ''} · Helvino`;
        if (icon) icon.href = count ? marked : plain;
    });
    return () => {
        stop();
        document.title = t.title;
        if (icon) icon.href = plain;
    };
}

function beginToTell(): void {
    const nameOf = (id: string) => {
        const visitorId = desk.store.conversation(id)?.visitorId ?? null;
        return visitorName(desk.store.visitor(visitorId), visitorId);
    };
    tellOfNews(
        desk,
        () => prefs.value.peek(),
        {
            title: ({ kind, entry }) => (kind === 'note' ? fill(t.mentionedYou, agentName(entry.agentId)) : nameOf(entry.conversationId)),
            body: ({ entry }) => entry.content.slice(0, 200),
            many: (count) => plural(t.newInMany, count),
        },
        goTo,
    );
}

export function Workspace() {
    const { name } = use(route);
    useState(beginToTell);
    useCommands(appCommands());
    useEffect(() => {
        const stops = [listenForKeys(), showBadge()];
        window.addEventListener('storage', prefs.readAgain);
        return () => {
            stops.forEach((stop) => stop());
            window.removeEventListener('storage', prefs.readAgain);
        };
    }, []);
    return (
        <div class={`workspace at-${name}`}>
            <header>
                <h1 class="aside">
                    {{ inbox: t.inbox, visitors: t.visitors, settings: t.settings }[name]} · {use(org)?.name}
                </h1>
                <a class="skip" href="#main" onClick={skip}>
                    {t.skip}
                </a>
            </header>
            <Rail />
            <div class="workspace-main">
                <Banner />
                {name === 'settings' ? <Settings /> : name === 'visitors' ? <Visitors /> : <Inbox />}
            </div>
            <Overlays />
        </div>
    );
}

/* The address behind '#' says where one is, so a link there can't be followed as such. */
function skip(event: Event): void {
    event.preventDefault();
    document.getElementById('main')?.focus();
}
