import type { LoggedConsent } from '../event.ts';
import { millisToInstant } from '../instant.ts';
import type { JsonLd } from './record.ts';
import { eventToActivity, lineToProcess, noticeToJsonLd, partyToJsonLd, subjectIri } from './record.ts';
import type { ExportParties } from './vocabulary.ts';
import { CONTEXT, PROFILES } from './vocabulary.ts';

export interface ReceiptProof {
  receiptId: string;
  /** Milliseconds. */
  createdAt: number;
  /** The event as it was signed, compact JWS, and its proof of standing in the log (C2SP `tlog-proof`). */
  jws: string;
  tlogProof: string;
}

/** ISO/IEC TS 27560 receipt of one event, with what Annex E of the standard asks for integrity: the signature and the log's proof. */
export function eventToReceipt(
  logged: LoggedConsent,
  { receiptId, createdAt, jws, tlogProof }: ReceiptProof,
  parties: ExportParties,
): JsonLd {
  const { event } = logged;
  const isGdpr = event.regime.startsWith('gdpr-');
  return {
    '@context': CONTEXT,
    '@id': `urn:twinkeep:consent-receipt:${receiptId}`,
    '@type': 'dpv:ConsentReceipt',
    'dct:identifier': receiptId,
    'dct:conformsTo': isGdpr ? PROFILES.receiptGdpr : PROFILES.receipt,
    'dct:created': millisToInstant(createdAt),
    'dct:publisher': partyToJsonLd(parties.controller, 'dpv:DataController'),
    'dpv:hasRecipient': { '@id': subjectIri(event), '@type': 'dpv:DataSubject' },
    'dpv:hasRecordOfActivity': {
      '@id': `urn:twinkeep:consent-record:${event.recordId}`,
      '@type': 'dpv:ConsentRecord',
      'dct:identifier': event.recordId,
      'dct:conformsTo': isGdpr ? PROFILES.recordGdpr : PROFILES.record,
      'dpv:hasNotice': noticeToJsonLd(event.notice),
      'dpv:hasConsentControl': { '@type': 'dpv:WithdrawConsent', 'schema:url': parties.withdrawal },
      'dpv:hasProcess': event.grants.map(lineToProcess),
      'dct:hasPart': eventToActivity(logged),
    },
    'twin:jws': jws,
    'twin:tlogProof': tlogProof,
  };
}
