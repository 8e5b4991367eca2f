/* What build.mjs writes for JSX in more.tsx: the panel's Preact, as the panel gave it. */
import type { h as H } from 'preact';
import { kit } from './kit.ts';

export const h = ((...given: Parameters<typeof H>) => kit.h(...given)) as typeof H;
