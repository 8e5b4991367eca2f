/* What can be done wherever one is. */
import { Command as CommandIcon, Inbox as InboxIcon, Keyboard, Search, Settings, Undo2, Users } from 'lucide';

import { undo } from '../actions.ts';
import type { Command } from '../commands.ts';
import { INBOX } from '../data/routes.ts';
import { t } from '../lang.ts';
import { go } from '../state.ts';
import { overlay } from './overlays.tsx';

export const appCommands = (): Command[] => [
    { id: 'palette', group: 'app', label: t.palette, icon: CommandIcon, keys: ['mod+k'], isHidden: true, run: () => (overlay.value = 'palette') },
    { id: 'search', group: 'app', label: t.search, icon: Search, keys: ['/', 'mod+shift+f'], run: () => (overlay.value = 'search') },
    { id: 'undo', group: 'app', label: t.undo, icon: Undo2, keys: ['mod+z', 'z'], run: () => void undo() },
    { id: 'help', group: 'app', label: t.shortcuts, icon: Keyboard, keys: ['?'], run: () => (overlay.value = 'help') },
    { id: 'goInbox', group: 'go', label: t.inbox, icon: InboxIcon, keys: ['g i'], run: () => go(INBOX) },
    { id: 'goVisitors', group: 'go', label: t.visitors, icon: Users, keys: ['g v'], run: () => go({ name: 'visitors', id: null }) },
    { id: 'goSettings', group: 'go', label: t.settings, icon: Settings, keys: ['g s'], run: () => go({ name: 'settings', page: null }) },
];
