import type { ConsentActor, DelegationRecord, SubjectEventType } from '../event.ts';

export interface SubjectEventRule {
  type: SubjectEventType;
  /** Of a `delegate` event: whom it names. */
  role?: DelegationRecord['role'];
  by: readonly ConsentActor[];
}

/** Who may sign what is about the subject as a whole; the same in every regime. */
export const SUBJECT_EVENT_RULES: readonly SubjectEventRule[] = [
  // A guardian's papers are checked by the controller; a child cannot name who answers for it.
  { type: 'delegate', role: 'guardian', by: ['controller'] },
  { type: 'delegate', role: 'agent', by: ['subject', 'controller'] },
  { type: 'undelegate', by: ['subject', 'guardian', 'agent', 'controller'] },
  { type: 'supersede', by: ['controller', 'collector'] },
  // The old key names the new one. Where it is lost: a session, a second factor, and the controller's word.
  { type: 'key_rotate', by: ['subject'] },
  { type: 'recover', by: ['controller'] },
];
