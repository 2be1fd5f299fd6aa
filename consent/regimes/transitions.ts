import type { CellEventType } from '../event.ts';
import type { CellStatus, Transition } from '../regime.ts';
import { STRICTNESS } from '../regime.ts';

// What is the same in every regime. A yes replaces all that its signer has seen, if it may follow it at all; a no works from
// anywhere and needs nothing. That is Article 7(3) GDPR (as easy to withdraw as to give), and it is safe under the others.

/** Whatever a grant can follow without overruling anybody. */
export const UNANSWERED: readonly CellStatus[] = [
  'unknown',
  'requested',
  'deferred',
  'noticed',
  'allowed',
  'given',
  'renewed',
  'expired',
  'stale_notice',
];

/** Only the subject, or who answers for a child, takes back a no. */
export const OWN_YES: readonly CellStatus[] = [
  ...UNANSWERED,
  'refused',
  'withdrawn',
  'revoked',
  'denied_by_signal',
  'objected',
  'invalidated',
];

export const GUARDIAN_YES: readonly CellStatus[] = [...OWN_YES, 'pending_guardian'];

/** A yes takes away all that stood, but never a restriction. */
export const ALL_BUT_RESTRICTION: readonly CellStatus[] = STRICTNESS.filter(
  (status) => status !== 'restricted',
);

/** Nothing is open, so it can be asked, and put off, without taking anything away. */
const NOT_OPEN: readonly CellStatus[] = [
  'unknown',
  'expired',
  ...STRICTNESS.filter((status) => !['noticed', 'allowed', 'renewed', 'given'].includes(status)),
];

const PLAIN = { lifts: [], required: [], coolDownDays: 0, officers: 0 } as const;
const WITHOUT_DEVICE = {
  subject: 'any',
  guardian: 'any',
  agent: 'any',
  collector: 'any',
  controller: 'any',
} as const;

/** Half a year without asking again follows the proposed Article 88a (COM(2025) 837) and binds the controller only. */
const COOL_DOWN_DAYS = 180;

export const COMMON_TRANSITIONS: Readonly<Record<CellEventType, Transition>> = {
  request: {
    ...PLAIN,
    to: ['requested'],
    by: { collector: NOT_OPEN, controller: NOT_OPEN },
  },
  defer: {
    ...PLAIN,
    to: ['deferred'],
    by: { subject: NOT_OPEN, guardian: NOT_OPEN, agent: NOT_OPEN },
    coolDownDays: 30,
  },
  grant: {
    ...PLAIN,
    to: ['given'],
    by: { subject: OWN_YES, guardian: GUARDIAN_YES, agent: UNANSWERED, collector: UNANSWERED },
    lifts: ALL_BUT_RESTRICTION,
    required: ['consentType', 'storage', 'validUntil'],
  },
  renew: {
    ...PLAIN,
    to: ['renewed'],
    by: { subject: ['given', 'renewed'], guardian: ['given', 'renewed'], agent: ['given', 'renewed'] },
    lifts: ALL_BUT_RESTRICTION,
    required: ['consentType', 'storage', 'validUntil'],
  },
  refuse: {
    ...PLAIN,
    to: ['refused'],
    by: WITHOUT_DEVICE,
    coolDownDays: COOL_DOWN_DAYS,
  },
  withdraw: {
    ...PLAIN,
    to: ['withdrawn'],
    by: WITHOUT_DEVICE,
    coolDownDays: COOL_DOWN_DAYS,
  },
  // Article 21(2) and (3): against direct marketing there is nothing to weigh, so there is no way for anyone but the
  // subject to take an objection away; it holds for every purpose alike.
  object: {
    ...PLAIN,
    to: ['objected'],
    by: WITHOUT_DEVICE,
    coolDownDays: COOL_DOWN_DAYS,
  },
  // A header that a browser sent, not a choice that a device signed.
  signal: {
    ...PLAIN,
    to: ['denied_by_signal'],
    by: { collector: 'any', controller: 'any' },
    coolDownDays: 365,
  },
  // Article 18. An overlay: whatever else is answered meanwhile counts when it is lifted.
  restrict: {
    ...PLAIN,
    to: ['restricted'],
    by: WITHOUT_DEVICE,
  },
  unrestrict: {
    ...PLAIN,
    to: ['unrestricted'],
    by: { controller: 'any' },
    lifts: ['restricted'],
    officers: 1,
  },
  revoke: {
    ...PLAIN,
    to: ['revoked'],
    by: { guardian: 'any', controller: 'any' },
    officers: 1,
  },
  invalidate: {
    ...PLAIN,
    to: ['invalidated'],
    by: { controller: 'any' },
    officers: 2,
  },
  // Delivery of a notice. Alone it allows nothing, unless the regime opens by notice.
  notify: {
    ...PLAIN,
    to: ['noticed'],
    by: { subject: 'any', guardian: 'any', collector: 'any', controller: 'any' },
  },
  // A material change: new purposes, recipients or categories. A smaller one is a `notify`. Two officers say which it is.
  notice_bump: {
    ...PLAIN,
    to: ['stale_notice'],
    by: { controller: 'any' },
    officers: 2,
  },
  minor_detected: {
    ...PLAIN,
    to: ['pending_guardian', 'stale_notice'],
    by: { collector: 'any', controller: 'any' },
  },
  age_of_majority: {
    ...PLAIN,
    to: ['stale_notice'],
    by: { collector: 'any', controller: 'any' },
    lifts: ['pending_guardian'],
  },
};
