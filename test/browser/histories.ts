/** How many random histories of consents a page runs through its storage: pages have no environment, so the set-up tells them. */
import { inject } from 'vitest';

declare module 'vitest' {
  export interface ProvidedContext {
    consentHistories: number;
  }
}

export const CONSENT_HISTORIES: number = inject('consentHistories');
