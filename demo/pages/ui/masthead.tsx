/** The head of either page, with the way to the other. */
import type { JSX } from 'preact';
import { PAGES } from '../../server/info.ts';

export function Masthead({ here }: { here: 'account' | 'status' }): JSX.Element {
  const link = (page: 'account' | 'status', text: string): JSX.Element => (
    <a href={PAGES[page]} {...(here === page ? { 'aria-current': 'page' } : {})}>
      {text}
    </a>
  );
  return (
    <header class="masthead">
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <p class="brand">
        <svg viewBox="0 0 32 32" width="26" height="26" aria-hidden="true">
          <rect width="32" height="32" rx="7" class="brand-ground" />
          <circle cx="12.5" cy="16" r="6" class="brand-keep" />
          <circle cx="19.5" cy="16" r="6" class="brand-twin" />
        </svg>
        Twinkeep
        <span class="soft small">demo on this machine</span>
      </p>
      <nav aria-label="Pages">
        {link('account', 'Customer page')}
        {link('status', 'Status')}
      </nav>
    </header>
  );
}
