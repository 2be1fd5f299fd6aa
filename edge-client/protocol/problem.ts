/**
 * What can go wrong, as a closed list. A code is API: hosts and tests switch on it, so a new one is a change of the API.
 * The coordinator answers with RFC 9457 problem documents whose `type` is `urn:twinkeep:problem:<code>`.
 */
import { TwinkeepError } from '@twinkeep/audit';

export type ProblemCode =
  | 'request/malformed'
  | 'request/too-large'
  | 'request/media-type'
  | 'request/not-found'
  | 'request/origin'
  | 'request/busy'
  | 'auth/missing'
  | 'auth/credential'
  | 'auth/credential-expired'
  | 'auth/proof'
  | 'auth/nonce'
  | 'auth/replay'
  | 'auth/forbidden'
  | 'round/unknown'
  | 'round/closed'
  | 'round/config-mismatch'
  | 'report/malformed'
  | 'report/length'
  | 'report/signature'
  | 'report/key'
  | 'report/vector-hash'
  | 'report/box-hash'
  | 'report/members'
  | 'report/too-few-twins'
  | 'report/too-many-twins'
  | 'report/consent'
  | 'report/twin-elsewhere'
  | 'report/duplicate'
  | 'report/budget-spent'
  | 'consent/invalid'
  | 'consent/conflict'
  | 'consent/foreign'
  | 'consent/erased'
  | 'consent/unknown-subject'
  | 'consent/notice'
  | 'consent/officers'
  | 'consent/unknown-proposal'
  | 'notice/unknown'
  | 'notice/invalid'
  | 'notice/conflict'
  | 'helper/epoch'
  | 'helper/statement'
  | 'helper/sum'
  | 'helper/conflict'
  | 'task/invalid'
  | 'task/exists'
  | 'task/unknown'
  | 'model/unknown'
  | 'log/range'
  | 'evidence/unknown'
  | 'evidence/too-large';

/** Code -> [HTTP status, title]. Titles say what was wrong in words a stranger understands. */
export const PROBLEMS: Readonly<Record<ProblemCode, readonly [status: number, title: string]>> = {
  'request/malformed': [400, 'The request does not have the documented form'],
  'request/too-large': [413, 'The request is larger than this endpoint takes'],
  'request/media-type': [415, 'The body has another media type than this endpoint takes'],
  'request/not-found': [404, 'There is nothing at this address'],
  'request/origin': [403, 'This web origin is not allowed here'],
  'request/busy': [503, 'The server cannot take this now; try again after the time in Retry-After'],
  'auth/missing': [401, 'The request carries no credential'],
  'auth/credential': [401, 'The credential is not valid here'],
  'auth/credential-expired': [401, 'The credential has expired'],
  'auth/proof': [401, 'The proof of possession is not valid'],
  'auth/nonce': [401, 'The proof needs the nonce of the DPoP-Nonce header'],
  'auth/replay': [401, 'This proof was used before'],
  'auth/forbidden': [403, 'This key may not do that'],
  'round/unknown': [404, 'There is no such round'],
  'round/closed': [409, 'The round takes no more of these'],
  'round/config-mismatch': [409, 'The message was made for another round configuration'],
  'report/malformed': [400, 'The report cannot be decoded'],
  'report/length': [400, 'The report does not have the length that the round asks for'],
  'report/signature': [403, 'The signature of the report is not valid'],
  'report/key': [403, 'The report is signed by another key than the credential names'],
  'report/vector-hash': [400, 'The vector is not the one that the header names'],
  'report/box-hash': [400, 'A seed box is not the one that the header names'],
  'report/members': [400, 'The list of twins is not the one that the header names'],
  'report/too-few-twins': [403, 'The report sums fewer twins than the round asks for'],
  'report/too-many-twins': [403, 'The report sums more twins than the credential allows'],
  'report/consent': [403, 'A twin in the report has no valid consent for this task'],
  'report/twin-elsewhere': [409, 'A twin in the report is in another report of this round'],
  'report/duplicate': [409, 'This subject has reported other bytes in this round'],
  'report/budget-spent': [
    403,
    'This subject has taken part as often as the privacy budget of the task allows',
  ],
  'consent/invalid': [400, 'A consent event is not valid'],
  'consent/conflict': [409, 'A consent event does not follow the one before it'],
  'consent/foreign': [403, 'This key may not speak for that data subject'],
  'consent/erased': [410, 'This data subject was erased here; nothing more is taken about them'],
  'consent/unknown-subject': [404, 'Nobody has spoken for this data subject here'],
  'consent/notice': [409, 'The notice is not the one in force; show the current one and ask again'],
  'consent/officers': [403, 'This takes a second officer, with a key of their own'],
  'consent/unknown-proposal': [404, 'There is no such proposal, or it was decided or has lapsed'],
  'notice/unknown': [404, 'There is no notice with this hash'],
  'notice/invalid': [400, 'The notice is not valid'],
  'notice/conflict': [
    409,
    'This version of the notice has another text, or does not follow the one in force',
  ],
  'helper/epoch': [400, 'The helper epoch is not valid'],
  'helper/statement': [403, 'The statement of the helper is not valid'],
  'helper/sum': [400, 'The sum of masks does not have the form that the round asks for'],
  'helper/conflict': [409, 'The helper has said something else before'],
  'task/invalid': [400, 'The task is not valid'],
  'task/exists': [409, 'Another task has this id'],
  'task/unknown': [404, 'There is no such task'],
  'model/unknown': [404, 'There is no model with this hash'],
  'log/range': [400, 'The log does not reach that far'],
  'evidence/unknown': [404, 'There is nothing here that such evidence could be about'],
  'evidence/too-large': [413, 'The evidence is larger than one pack may be; ask for less at a time'],
};

/** A request that was understood and refused. `detail` never carries personal data: it is sent back and logged. */
export class ProblemError extends TwinkeepError<ProblemCode> {
  readonly status: number;
  readonly detail: string | undefined;

  constructor(code: ProblemCode, detail?: string) {
    super(code, detail === undefined ? PROBLEMS[code][1] : `${PROBLEMS[code][1]}: ${detail}`);
    this.name = 'ProblemError';
    this.status = PROBLEMS[code][0];
    this.detail = detail;
  }
}

/** RFC 9457 section 3.1. */
export interface ProblemDocument {
  type: string;
  title: string;
  status: number;
  code: ProblemCode;
  detail?: string;
}

export function problemToDocument(error: ProblemError): ProblemDocument {
  const document: ProblemDocument = {
    type: `urn:twinkeep:problem:${error.code}`,
    title: PROBLEMS[error.code][1],
    status: error.status,
    code: error.code,
  };
  if (error.detail !== undefined) document.detail = error.detail;
  return document;
}

/** A message that this party itself must not accept or make; not an answer over HTTP. */
export type ProtocolCode =
  | 'protocol/statement'
  | 'protocol/proof'
  | 'protocol/frame'
  | 'protocol/headroom'
  | 'protocol/clip'
  | 'protocol/box'
  | 'protocol/family'
  | 'protocol/task'
  | 'protocol/trust'
  | 'protocol/credential'
  | 'protocol/layout'
  | 'protocol/model'
  | 'protocol/weights'
  | 'protocol/privacy';

export class ProtocolError extends TwinkeepError<ProtocolCode> {
  constructor(code: ProtocolCode, message: string) {
    super(code, message);
    this.name = 'ProtocolError';
  }
}
