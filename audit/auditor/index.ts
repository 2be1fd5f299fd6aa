export { PackError, type AuditorErrorCode } from './errors.ts';
export { readPack, type ReadPack } from './pack.ts';
export type { KeptReceipt } from './receipts.ts';
export {
  CHECK_TITLES,
  type Check,
  type CheckId,
  type CheckStatus,
  type Finding,
  type RoundReplay,
  type SubjectInRound,
  type Verdict,
} from './verdict.ts';
export { verifyPack, type VerifyOptions } from './verify.ts';
