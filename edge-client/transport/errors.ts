import { TwinkeepError } from '@twinkeep/audit';

export type TransportErrorCode =
  /** No connection, or it broke before the answer began; a proxy that asks for a password (407) looks the same to fetch. */
  | 'transport/offline'
  | 'transport/timeout'
  /** The answer began and did not end. */
  | 'transport/truncated'
  /** A server error that is no answer of a coordinator: a gateway on the way, or a crash. */
  | 'transport/unavailable'
  /** Something else answered: the sign-in page of a hotel, a redirect, another service. */
  | 'transport/not-the-coordinator'
  | 'transport/too-large'
  /** The coordinator answered in a form that this version does not know. */
  | 'transport/malformed'
  /** The caller ended it. */
  | 'transport/aborted'
  /** This call needs a key or a credential that the transport was made without. */
  | 'transport/no-key';

const PASSING: readonly TransportErrorCode[] = [
  'transport/offline',
  'transport/timeout',
  'transport/truncated',
  'transport/unavailable',
];

export class TransportError extends TwinkeepError<TransportErrorCode> {
  constructor(code: TransportErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, options);
    this.name = 'TransportError';
  }
}

/** Trying the same again later may help. */
export function isPassing(error: unknown): boolean {
  if (error instanceof TransportError) return PASSING.includes(error.code);
  return error instanceof TwinkeepError && error.code === 'request/busy';
}

/** A network stands between: nothing is gained at once, but the user may sign in, or walk out of the hotel. */
export function isInTheWay(error: unknown): boolean {
  return error instanceof TransportError && error.code === 'transport/not-the-coordinator';
}
