/**
 * This device's credential. The host app's back end issues it; it is kept in memory only. A report carries the credential that it was
 * made with and is taken with no other, so a report that waits to be sent again brings its own back.
 */
import { base64UrlToBytes, bytesToUtf8, TwinkeepError } from '@twinkeep/audit';
import type { ReportRecord } from '../store/port.ts';

export class NoCredentialError extends TwinkeepError<'no-credential'> {
  constructor() {
    super('no-credential', 'the host app gave no credential');
    this.name = 'NoCredentialError';
  }
}

export interface Credentials {
  /** The one in use. @throws NoCredentialError before the first `ensure` */
  current(): string;
  /** Gets one where there is none, or the one there is runs out soon. @throws NoCredentialError */
  ensure(): Promise<void>;
  /** Takes over the credential of the newest report that is still to be sent, if it is valid. */
  adopt(reports: readonly Pick<ReportRecord, 'outcome' | 'bytes'>[]): void;
  /** The coordinator did not accept it: the next `ensure` asks for another. */
  forget(): void;
}

/** Milliseconds for which a credential must still be valid, so that it does not run out on the way. */
const MARGIN = 60_000;

/** @param ask null where the host app gives none */
export function createCredentials(ask: () => Promise<string | null>, clock: () => number): Credentials {
  let kept: string | null = null;
  let asking: Promise<string | null> | null = null;
  const isValid = (jwt: string): boolean => expiryOf(jwt) > clock() + MARGIN;
  return {
    current() {
      if (kept === null) throw new NoCredentialError();
      return kept;
    },
    async ensure() {
      if (kept !== null && isValid(kept)) return;
      asking ??= ask().finally(() => (asking = null));
      kept = (await asking) ?? null;
      if (kept === null) throw new NoCredentialError();
    },
    adopt(reports) {
      const pending = reports.find(({ outcome, bytes }) => outcome === 'pending' && bytes !== null);
      const jwt = pending?.bytes ? credentialOf(pending.bytes) : null;
      if (jwt !== null && isValid(jwt)) kept = jwt;
    },
    forget: () => void (kept = null),
  };
}

/** Milliseconds since 1970; 0 where it cannot be read: whoever checks it will say so. */
function expiryOf(jwt: string): number {
  try {
    const { exp } = JSON.parse(bytesToUtf8(base64UrlToBytes(jwt.split('.')[1] ?? ''))) as { exp?: unknown };
    return typeof exp === 'number' ? exp * 1000 : 0;
  } catch {
    return 0;
  }
}

/** Magic and version, then the header behind its length: see `report.ts` of the protocol. The bytes are this device's own. */
const HEADER_AT = 9;

function credentialOf(report: Uint8Array): string | null {
  try {
    const length = new DataView(report.buffer, report.byteOffset).getUint32(HEADER_AT - 4, true);
    const header: unknown = JSON.parse(bytesToUtf8(report.subarray(HEADER_AT, HEADER_AT + length)));
    const { credential } = header as { credential?: unknown };
    return typeof credential === 'string' ? credential : null;
  } catch {
    return null;
  }
}
