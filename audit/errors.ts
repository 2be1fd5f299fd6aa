/**
 * Every error that Twinkeep throws on purpose carries a stable `code`; the message is for people and may change.
 * Each package narrows `Code` to its own closed union, so that a caller can switch over it exhaustively.
 */
export class TwinkeepError<Code extends string = string> extends Error {
  readonly code: Code;

  constructor(code: Code, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'TwinkeepError';
    this.code = code;
  }
}

export type AuditErrorCode =
  | 'bytes/malformed'
  | 'canon/not-json'
  | 'canon/not-canonical'
  | 'merkle/out-of-range'
  | 'merkle/invalid-proof'
  | 'vkey/malformed'
  | 'note/malformed'
  | 'note/unverified'
  | 'note/unknown-signature'
  | 'note/unwitnessed'
  | 'checkpoint/malformed'
  | 'checkpoint/wrong-origin'
  | 'proof/malformed'
  | 'add-checkpoint/malformed'
  | 'policy/malformed'
  | 'log-policy/malformed'
  | 'tile/malformed'
  | 'tile/missing'
  | 'tile/unreadable'
  | 'tile/disagrees'
  | 'leaf/malformed'
  | 'log/conflict'
  | 'log/missing-hash'
  | 'log/missing-leaf'
  | 'log/empty-append'
  | 'log/disagrees'
  | 'export/malformed'
  | 'export/disagrees';

export class AuditError extends TwinkeepError<AuditErrorCode> {
  constructor(code: AuditErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, options);
    this.name = 'AuditError';
  }
}

/** Another writer moved the head first. Nothing was written; read the head again and retry. */
export class LogConflictError extends AuditError {
  constructor(expectedSize: number, options?: ErrorOptions) {
    super('log/conflict', `the log is no longer at size ${expectedSize}`, options);
    this.name = 'LogConflictError';
  }
}

/** Where an exported log stopped making sense. `line` counts from 1; it is 0 for an empty file. */
export class ExportError extends AuditError {
  readonly line: number;

  constructor(
    code: 'export/malformed' | 'export/disagrees',
    line: number,
    message: string,
    options?: ErrorOptions,
  ) {
    super(code, message, options);
    this.name = 'ExportError';
    this.line = line;
  }
}

/** Which resource of a tiled log is the one that is not there or not what it should be. */
export class TileError extends AuditError {
  readonly path: string;

  constructor(
    code: 'tile/malformed' | 'tile/missing' | 'tile/disagrees',
    path: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(code, `${path}: ${message}`, options);
    this.name = 'TileError';
    this.path = path;
  }
}

/** Runs `read` and gives what it throws the code of the format being read: a caller of the outer one knows no inner. */
export function withCode<T>(code: AuditErrorCode, what: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof AuditError)) throw cause;
    throw new AuditError(code, `${what}: ${cause.message}`, { cause });
  }
}
