import type { ConsentReceiptView } from '@twinkeep/edge-client';
import type { JSX } from 'preact';
import { count, moment } from '../../ui/words.ts';
import { CATEGORY_WORDS } from '../words.ts';

const TYPES = { grant: 'Allowed', refuse: 'Refused', withdraw: 'Withdrawn' } as const;

/** What was signed, and where each of it stands in the log. */
export function Receipts({ receipts }: { receipts: readonly ConsentReceiptView[] }): JSX.Element {
  return (
    <details class="small">
      <summary>
        Signed by this browser: {receipts.length} {receipts.length === 1 ? 'answer' : 'answers'}
      </summary>
      <ul class="lines">
        {receipts.toReversed().map(({ id, event, receipt }) => (
          <li key={id}>
            <span>
              {TYPES[event.event.type]}:{' '}
              {event.grants.map(({ category }) => CATEGORY_WORDS[category].name).join(', ')}
            </span>
            <span class="soft number">
              {moment(Date.parse(event.event.at), Date.now())},{' '}
              {receipt === null ? 'not delivered yet' : `entry ${count(receipt.index)} of the log`}
            </span>
          </li>
        ))}
      </ul>
    </details>
  );
}
