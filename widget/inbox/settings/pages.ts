/*
 * The pages of the settings, in the order of their list: each has an address (#/settings/ID), a name, an icon, and is loaded
 * when it is opened. `role` is who may see it; the server refuses the others in any case.
 */
import { Bell, Building2, CircleUser, KeyRound, MessageSquareText, MessagesSquare, Radar, ScrollText, ShieldCheck, Timer, Users, Webhook } from 'lucide';
import type { IconNode } from 'lucide';
import type { ComponentType } from 'preact';

import { t } from '../lang.ts';

export interface SettingsPage {
    id: string;
    group: 'own' | 'organization';
    icon: IconNode;
    label(): string;
    role?: 'admin' | 'owner';
    load(): Promise<{ default: ComponentType }>;
}

export const pages: readonly SettingsPage[] = [
    { id: 'profile', group: 'own', icon: CircleUser, label: () => t.profile, load: () => import('./profile.tsx') },
    { id: 'security', group: 'own', icon: ShieldCheck, label: () => t.ownSecurity, load: () => import('./security.tsx') },
    { id: 'preferences', group: 'own', icon: Bell, label: () => t.preferences, load: () => import('./preferences.tsx') },
    { id: 'organization', group: 'organization', role: 'admin', icon: Building2, label: () => t.pageGeneral, load: () => import('./organization.tsx') },
    { id: 'widget', group: 'organization', role: 'admin', icon: MessagesSquare, label: () => t.pageWidget, load: () => import('./widget.tsx') },
    { id: 'team', group: 'organization', role: 'admin', icon: Users, label: () => t.team, load: () => import('./team.tsx') },
    { id: 'replies', group: 'organization', icon: MessageSquareText, label: () => t.cannedReplies, load: () => import('./replies.tsx') },
    { id: 'tokens', group: 'organization', role: 'admin', icon: KeyRound, label: () => t.pageTokens, load: () => import('./tokens.tsx') },
    { id: 'webhooks', group: 'organization', role: 'admin', icon: Webhook, label: () => t.pageWebhooks, load: () => import('./webhooks.tsx') },
    { id: 'privacy', group: 'organization', role: 'admin', icon: Timer, label: () => t.pagePrivacy, load: () => import('./privacy.tsx') },
    { id: 'check', group: 'organization', role: 'admin', icon: Radar, label: () => t.pageCheck, load: () => import('./check.tsx') },
    { id: 'audit', group: 'organization', role: 'admin', icon: ScrollText, label: () => t.pageAudit, load: () => import('./audit.tsx') },
];
