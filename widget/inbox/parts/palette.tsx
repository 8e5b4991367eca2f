/* Everything that can be done, and every conversation that is known, by typing. */
import { Languages, MessageSquare, Monitor, Moon, Sun } from 'lucide';

import { commands, type Group } from '../commands.ts';
import type { Language } from '../../shared/language.ts';
import { visitorName } from '../format.ts';
import { LANGUAGES, t } from '../lang.ts';
import { desk, goTo, logOut, look, openId } from '../state.ts';
import { Chooser, found, type Choice } from '../ui/chooser.tsx';
import { Icon } from '../ui/icon.tsx';
import { closeOverlay, overlay } from './overlays.tsx';

const CONVERSATIONS_MAX = 8;

const groupName = (group: Group) => ({ conversation: t.conversation, list: t.list, go: t.goTo, write: t.writing, app: t.app })[group];

const GROUPS: Group[] = ['conversation', 'list', 'write', 'go', 'app'];

function ofCommands(): Choice[] {
    const isOpen = !!openId();
    return commands()
        .filter((command) => !command.isHidden && !command.isTold && (isOpen || command.group !== 'conversation'))
        .sort((a, b) => GROUPS.indexOf(a.group) - GROUPS.indexOf(b.group))
        .map(({ id, group, label, icon, keys, run }) => ({
            id,
            label,
            group: groupName(group),
            sign: icon && <Icon icon={icon} />,
            ...(keys?.[0] && { keys: keys[0] }),
            run: () => run?.(),
        }));
}

function ofLook(): Choice[] {
    const themes = [
        ['light', t.themeLight, Sun],
        ['dark', t.themeDark, Moon],
        ['auto', t.themeAuto, Monitor],
    ] as const;
    const { theme, language } = look.value.peek();
    return [
        ...themes.map(([key, label, icon]) => ({
            id: `theme ${key}`,
            label: `${t.theme}: ${label}`,
            group: t.app,
            sign: <Icon icon={icon} />,
            isChosen: theme === key,
            run: () => look.set({ theme: key }),
        })),
        ...Object.entries(LANGUAGES).map(([key, label]) => ({
            id: `language ${key}`,
            label: `${t.language}: ${label}`,
            words: 'language',
            group: t.app,
            sign: <Icon icon={Languages} />,
            isChosen: language === key,
            run: () => look.set({ language: key as Language }),
        })),
        { id: 'logOut', label: t.logOut, group: t.app, run: () => void logOut() },
    ];
}

/** By who has written, and by what was said last. */
function ofConversations(typed: string): Choice[] {
    if (typed.trim().length < 2) return [];
    const choices: Choice[] = [];
    for (const { id, visitorId, lastMessage } of desk.store.conversations()) {
        const text = lastMessage?.content.replace(/\s+/g, ' ').slice(0, 80) ?? '';
        choices.push({
            id,
            label: visitorName(desk.store.visitor(visitorId), visitorId),
            words: text,
            hint: text,
            group: t.conversations,
            sign: <Icon icon={MessageSquare} />,
            run: () => goTo(id),
        });
    }
    return found(choices, typed).slice(0, CONVERSATIONS_MAX);
}

export default function Palette() {
    const all = [...ofCommands(), ...ofLook()];
    const choicesFor = (typed: string) => [...found(all, typed), ...ofConversations(typed)];
    return (
        <Chooser
            label={t.palette}
            placeholder={t.paletteHint}
            choices={choicesFor}
            onClose={closeOverlay}
            foot={
                <button type="button" class="link" onClick={() => (overlay.value = 'search')}>
                    {t.searchMessages}
                </button>
            }
        />
    );
}
