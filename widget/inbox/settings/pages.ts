/*
 * The pages of the settings, in the order of their list: each has an address (#/settings/ID), a name, an icon, and is loaded
 * when it is opened. `role` is who may see it.
 */
import { Bell, CircleUser, ShieldCheck } from 'lucide';
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
];
