/* The settings: a list of pages, and one of them. On a phone the list is a page of its own. */
import { ArrowLeft } from 'lucide';
import type { ComponentType } from 'preact';

import { formatRoute } from '../data/routes.ts';
import { t } from '../lang.ts';
import { can, go, org, route } from '../state.ts';
import { Icon } from '../ui/icon.tsx';
import { lazy } from '../ui/lazy.tsx';
import { use } from '../ui/use.ts';
import { pages, type SettingsPage } from './pages.ts';

const components = new Map<string, ComponentType>(pages.map(({ id, load }) => [id, lazy(load)]));

const mayOpen = ({ role }: SettingsPage) => !role || can(role);

function List({ current }: { current: string | null }) {
    const groups = [
        ['own', t.groupOwn],
        ['organization', org.peek()?.name ?? ''],
    ] as const;
    return (
        <nav class="settings-nav" aria-label={t.settings}>
            <h2 class="pane-title">{t.settings}</h2>
            {groups.map(([group, name]) => {
                const members = pages.filter((page) => page.group === group && mayOpen(page));
                if (!members.length) return null;
                return (
                    <section key={group} aria-label={name}>
                        <h3>
                            <bdi>{name}</bdi>
                        </h3>
                        <ul>
                            {members.map(({ id, icon, label }) => (
                                <li key={id}>
                                    <a
                                        href={formatRoute({ name: 'settings', page: id })}
                                        aria-current={id === current ? 'page' : undefined}
                                        onClick={(event) => {
                                            if (event.ctrlKey || event.metaKey || event.shiftKey) return;
                                            event.preventDefault();
                                            go({ name: 'settings', page: id });
                                        }}
                                    >
                                        <Icon icon={icon} />
                                        {label()}
                                    </a>
                                </li>
                            ))}
                        </ul>
                    </section>
                );
            })}
        </nav>
    );
}

export default function Settings() {
    const here = use(route);
    const wanted = here.name === 'settings' ? here.page : null;
    const page = pages.find(({ id }) => id === wanted) ?? null;
    const isWide = matchMedia('(min-width: 721px)').matches;
    const shown = page && mayOpen(page) ? page : isWide ? (pages.find(mayOpen) ?? null) : null;
    const Shown = shown && components.get(shown.id);
    if (!shown) {
        return (
            <main class="settings" id="main" tabIndex={-1}>
                <List current={null} />
            </main>
        );
    }
    return (
        <div class="settings has-page">
            <List current={shown.id} />
            <main class="page" id="main" tabIndex={-1}>
                {Shown && (
                    <div class="page-inner" key={shown.id}>
                        <button type="button" class="link back" onClick={() => go({ name: 'settings', page: null })}>
                            <Icon icon={ArrowLeft} size="small" turns />
                            {t.settings}
                        </button>
                        <h2 class="page-title">{shown.label()}</h2>
                        <Shown />
                    </div>
                )}
            </main>
        </div>
    );
}
