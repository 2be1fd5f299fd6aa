import type { ConsentActor, ConsentProvenance } from '@twinkeep/consent';
import { ANY_PURPOSE, PURPOSES, decide, mayAsk, parseConsentEvent } from '@twinkeep/consent';
import { describe, expect, test } from 'vitest';

import { DAY, PURPOSE, START } from './fixtures.ts';
import { idOf } from './history-events.ts';
import type { Said } from './people.ts';
import {
  AGENT,
  CLINIC,
  DELEGATE,
  EVIDENCE,
  GUARDIAN,
  KID,
  MANDATE,
  OFFICER,
  TWO_OFFICERS,
  ask,
  makeEvent,
  makeSubjectEvent,
  reason,
  reasonOn,
  stateOf,
} from './people.ts';

const GRANT: Said = { type: 'grant' };
const MINOR: Said = { type: 'minor_detected', provenance: OFFICER, minor: { age: 'under-13' } };
const GPC: Said = {
  type: 'signal',
  provenance: OFFICER,
  signal: { kind: 'gpc', value: '1', profiling: true },
};
const REVOKE: Said = {
  type: 'revoke',
  provenance: OFFICER,
  reason: 'https://w3id.org/dpv/justifications#LegalObligationImpaired',
};
const INVALIDATE: Said = { type: 'invalidate', provenance: TWO_OFFICERS };
const BUMP: Said = { type: 'notice_bump', provenance: TWO_OFFICERS };
const UNRESTRICT: Said = { type: 'unrestrict', provenance: OFFICER };
const NAMED_AGENT = { type: 'delegate', delegate: DELEGATE } as const;
const NAMED_GUARDIAN = {
  type: 'delegate',
  delegate: { ...DELEGATE, role: 'guardian' },
  provenance: OFFICER,
} as const;

describe('what each event makes of what was given', () => {
  test.each<[string, Said, string]>([
    ['refused', { type: 'refuse' }, 'refused'],
    ['withdrawn', { type: 'withdraw' }, 'withdrawn'],
    ['objected to', { type: 'object' }, 'objected'],
    ['denied by a signal', GPC, 'signal'],
    ['restricted', { type: 'restrict' }, 'restricted'],
    ['revoked', REVOKE, 'revoked'],
    ['invalidated', INVALIDATE, 'invalidated'],
    ['under a notice that changed', BUMP, 'notice-outdated'],
    ['of a child', MINOR, 'guardian-needed'],
    ['of a child who grew up', { type: 'age_of_majority', provenance: OFFICER }, 'notice-outdated'],
    ['renewed', { type: 'renew' }, 'consented'],
    ['given again', GRANT, 'consented'],
    ['asked for again', { type: 'request', provenance: OFFICER }, 'consented'],
    ['put off', { type: 'defer' }, 'consented'],
    ['announced again', { type: 'notify', provenance: OFFICER }, 'consented'],
    ['no longer restricted, though it never was', UNRESTRICT, 'consented'],
  ])('%s', (_name, event, after) => {
    expect(reason(GRANT)).toBe('consented');
    expect(reason(GRANT, event)).toBe(after);
  });

  test('where nobody answered: asked, put off, announced', () => {
    expect(reason({ type: 'request', provenance: OFFICER })).toBe('not-answered');
    expect(reason({ type: 'request', provenance: OFFICER }, { type: 'defer' })).toBe('not-answered');
    expect(reason({ type: 'notify', provenance: OFFICER })).toBe('never-asked');
    expect(reason({ type: 'renew' })).not.toBe('consented');
  });
});

describe('who takes a no back', () => {
  const named = [NAMED_AGENT, NAMED_GUARDIAN] as const;
  const yes = (provenance: ConsentProvenance): Said => ({ type: 'grant', provenance });
  const actors: Record<Exclude<ConsentActor, 'controller'>, ConsentProvenance> = {
    subject: { by: 'subject' },
    guardian: GUARDIAN,
    agent: AGENT,
    collector: CLINIC,
  };
  const lifters = (no: Said): string[] =>
    Object.entries(actors)
      .filter(([, provenance]) => reason(...named, GRANT, no, yes(provenance)) === 'consented')
      .map(([actor]) => actor);

  test.each<[string, Said, string[]]>([
    ['a refusal', { type: 'refuse' }, ['subject', 'guardian']],
    ['a withdrawal', { type: 'withdraw' }, ['subject', 'guardian']],
    ['an objection', { type: 'object' }, ['subject', 'guardian']],
    ['a signal', GPC, ['subject', 'guardian']],
    ['a revocation', REVOKE, ['subject', 'guardian']],
    ['an invalidation', INVALIDATE, ['subject', 'guardian']],
    ['a new notice', BUMP, ['subject', 'guardian', 'agent', 'collector']],
    ['a request', { type: 'request', provenance: OFFICER }, ['subject', 'guardian', 'agent', 'collector']],
    ['minority', MINOR, ['guardian']],
    ['a restriction', { type: 'restrict' }, []],
  ])('%s', (_name, no, expected) => {
    expect(lifters(no)).toEqual(expected);
  });

  test('nobody renews what was taken back', () => {
    for (const no of [{ type: 'refuse' } as const, BUMP, MINOR])
      expect(reason(GRANT, no, { type: 'renew' })).not.toBe('consented');
  });

  test('of age, a child answers for itself', () => {
    const grown: Said = { type: 'age_of_majority', provenance: OFFICER };
    expect(reason(GRANT, MINOR, grown)).toBe('notice-outdated');
    expect(reason(GRANT, MINOR, grown, GRANT)).toBe('consented');
  });

  test("a child's own no holds against what its guardian said before", () => {
    expect(reason(NAMED_GUARDIAN, MINOR, yes(GUARDIAN))).toBe('consented');
    expect(reason(NAMED_GUARDIAN, MINOR, yes(GUARDIAN), { type: 'withdraw' })).toBe('withdrawn');
  });
});

describe('a restriction', () => {
  test('lies over what is given meanwhile, and gives it free when it is lifted', () => {
    expect(reason({ type: 'restrict' }, GRANT)).toBe('restricted');
    expect(reason({ type: 'restrict' }, GRANT, UNRESTRICT)).toBe('consented');
    expect(reason(GRANT, { type: 'restrict' }, UNRESTRICT)).toBe('consented');
    expect(reason(GRANT, { type: 'restrict' }, { type: 'withdraw' }, UNRESTRICT)).toBe('withdrawn');
  });

  test('holds where whoever lifts it has not seen it', () => {
    const apart: Said = { ...UNRESTRICT, links: { prev: idOf(0) } };
    expect(reason(GRANT, { type: 'restrict' }, apart)).toBe('restricted');
  });
});

describe('an invalidation', () => {
  const story = [GRANT, { ...INVALIDATE, day: 10 }, { ...GRANT, day: 20 }] as const;

  test('denies the past too, once it is known', () => {
    expect(reasonOn(5, ask(), GRANT)).toBe('consented');
    expect(reasonOn(5, ask(), ...story.slice(0, 2))).toBe('invalidated');
    expect(reasonOn(5, ask(), ...story)).toBe('invalidated');
    expect(reasonOn(25, ask(), ...story)).toBe('consented');
  });

  test('says since when there was a yes, so that what came of it can be found', () => {
    const [cell] = decide(ask(), stateOf(...story.slice(0, 2)), START).cells;
    expect(cell).toMatchObject({ reason: 'invalidated', validUntil: START + 10 * DAY });
    const { cells } = stateOf(
      GRANT,
      { type: 'renew', day: 3 },
      { type: 'withdraw', day: 5 },
      { ...INVALIDATE, day: 9 },
    );
    expect([...cells.get(PURPOSE)!.values()].map(({ since }) => since)).toEqual([START, START]);
    const again = stateOf(GRANT, { type: 'withdraw', day: 5 }, { ...GRANT, day: 7 });
    expect([...again.cells.get(PURPOSE)!.values()][0]!.since).toBe(START + 7 * DAY);
  });
});

describe('every purpose at once', () => {
  const all: Said = { type: 'withdraw', purpose: ANY_PURPOSE };

  test('closes what was given for any, and what nobody has named yet', () => {
    expect(reason(GRANT, all)).toBe('withdrawn');
    const other = ask({ purpose: PURPOSES.targetedAdvertising });
    expect(reasonOn(9, other, GRANT, all)).toBe('withdrawn');
    expect(reasonOn(9, other, GRANT, all, { ...GRANT, purpose: PURPOSES.targetedAdvertising })).toBe(
      'consented',
    );
    expect(reasonOn(9, ask(), GRANT, all, { ...GRANT, purpose: PURPOSES.targetedAdvertising })).toBe(
      'withdrawn',
    );
  });

  test('is for what narrows only', () => {
    for (const type of ['grant', 'renew', 'notify', 'request', 'defer'] as const) {
      const provenance = type === 'notify' || type === 'request' ? OFFICER : undefined;
      expect(() => makeEvent({ type, purpose: ANY_PURPOSE, ...(provenance ? { provenance } : {}) })).toThrow(
        expect.objectContaining({ code: 'consent/regime-violated' }),
      );
    }
  });
});

describe('a record that was closed', () => {
  const record = '01KF0S8Q400000000000000007';
  const close = {
    type: 'supersede',
    supersedes: { record, by: '01KF0S8Q400000000000000008' },
    provenance: OFFICER,
  } as const;

  test('counts no more, whoever has seen that; another record does', () => {
    expect(reason({ ...GRANT, recordId: record }, close)).toBe('superseded');
    expect(reason(close, { ...GRANT, recordId: record })).toBe('superseded');
    expect(reason({ ...GRANT, recordId: record }, close, GRANT)).toBe('consented');
    expect(reason(GRANT, close)).toBe('consented');
    const [cell] = decide(ask(), stateOf({ ...GRANT, recordId: record }, close), START + DAY).cells;
    expect(cell!.events).toEqual([idOf(0), idOf(1)]);
  });
});

describe('delegations', () => {
  const yes: Said = { type: 'grant', provenance: AGENT };
  const end = { type: 'undelegate', delegation: MANDATE } as const;

  test('an agent says yes in its scope and its time, and as what it was named', () => {
    const named = (change: Partial<typeof DELEGATE>): Said | typeof NAMED_AGENT =>
      ({ ...NAMED_AGENT, delegate: { ...DELEGATE, ...change } }) as typeof NAMED_AGENT;
    expect(reason(NAMED_AGENT, yes)).toBe('consented');
    expect(reason(named({ purposes: [ANY_PURPOSE] }), yes)).toBe('consented');
    for (const change of [
      { categories: ['feedback' as const] },
      { purposes: [PURPOSES.research] },
      { operations: ['collect' as const] },
      { notAfter: '2026-01-16T10:00:00Z' },
      { id: '01KF0S8Q40000000000000000N' },
    ])
      expect(reason(named(change), yes)).toBe('never-asked');
    expect(reason(NAMED_GUARDIAN, yes)).toBe('never-asked');
    expect(reason(yes)).toBe('never-asked');
  });

  test('a delegation that the agent had not seen is none', () => {
    expect(reason(NAMED_AGENT, { ...yes, links: { prev: null } })).toBe('never-asked');
  });

  test('its end takes back what it had not seen, and leaves what it had', () => {
    expect(reason(NAMED_AGENT, yes, end)).toBe('consented');
    expect(reason(NAMED_AGENT, yes, { ...end, links: { prev: idOf(0) } })).toBe('revoked');
    expect(reason(NAMED_AGENT, end, { ...yes, links: { prev: idOf(0) } })).toBe('revoked');
    expect(reason(NAMED_AGENT, end, yes)).toBe('revoked');
    expect(reason(NAMED_AGENT, end, yes, GRANT)).toBe('consented');
  });

  test('an agent says no to anything', () => {
    expect(reason(GRANT, { type: 'withdraw', provenance: AGENT })).toBe('withdrawn');
  });

  test('a guardian is named by the controller, an agent by the subject or for them; both name the delegation', () => {
    const refused = expect.objectContaining({ code: 'consent/regime-violated' });
    expect(() => makeSubjectEvent({ ...NAMED_GUARDIAN, provenance: { by: 'subject' } })).toThrow(refused);
    expect(() => makeSubjectEvent({ ...NAMED_AGENT, provenance: AGENT })).toThrow(refused);
    expect(() => makeSubjectEvent({ type: 'delegate' })).toThrow(refused);
    expect(() => makeSubjectEvent({ type: 'undelegate' })).toThrow(refused);
  });
});

describe('keys', () => {
  test('one that was retired stays so, whatever names it later', () => {
    const other = `${'L'.repeat(42)}A`;
    const state = stateOf(
      { type: 'key_rotate', key: { retired: KID, added: other } },
      { type: 'recover', key: { retired: other, added: KID }, provenance: OFFICER },
    );
    expect([...state.keys]).toEqual([
      [KID, 'retired'],
      [other, 'retired'],
    ]);
  });

  test('a subject hands over, the controller recovers, nobody else does', () => {
    const refused = expect.objectContaining({ code: 'consent/regime-violated' });
    const key = { retired: null, added: KID };
    expect(() => makeSubjectEvent({ type: 'key_rotate', key, provenance: OFFICER })).toThrow(refused);
    expect(() => makeSubjectEvent({ type: 'recover', key })).toThrow(refused);
    expect(() => makeSubjectEvent({ type: 'recover', provenance: OFFICER })).toThrow(refused);
  });
});

describe('who may sign, and what it takes', () => {
  const refused = expect.objectContaining({ code: 'consent/regime-violated' });

  test.each<[string, Said]>([
    ['the controller says no yes', { type: 'grant', provenance: OFFICER }],
    ['the controller renews nothing', { type: 'renew', provenance: OFFICER }],
    ['a collector renews nothing', { type: 'renew', provenance: CLINIC }],
    ['a subject asks for nothing', { type: 'request' }],
    ['the controller puts nothing off', { type: 'defer', provenance: OFFICER }],
    ['a signal is no device’s word', { ...GPC, provenance: { by: 'subject' } }],
    ['a subject lifts no restriction', { ...UNRESTRICT, provenance: { by: 'subject' } }],
    ['a subject revokes nothing', { ...REVOKE, provenance: { by: 'subject' } }],
    ['a subject invalidates nothing', { ...INVALIDATE, provenance: { by: 'subject' } }],
    ['an agent delivers no notice', { type: 'notify', provenance: AGENT }],
    ['a subject changes no notice', { ...BUMP, provenance: { by: 'subject' } }],
    ['a subject makes nobody a minor', { ...MINOR, provenance: { by: 'subject' } }],
    ['a subject makes nobody grow up', { type: 'age_of_majority' }],
    ['an invalidation takes two officers', { ...INVALIDATE, provenance: OFFICER }],
    ['and two are not one twice', { ...INVALIDATE, provenance: { ...TWO_OFFICERS, approver: 'officer-1' } }],
    ['a new notice takes two officers', { ...BUMP, provenance: OFFICER }],
    ['a revocation names the officer', { ...REVOKE, provenance: { by: 'controller', evidence: EVIDENCE } }],
    [
      'so does the end of a restriction',
      { ...UNRESTRICT, provenance: { by: 'controller', evidence: EVIDENCE } },
    ],
  ])('%s', (_name, said) => {
    expect(() => makeEvent(said)).toThrow(refused);
  });

  test('a no needs nobody in particular: any of five may sign it, and a help desk needs no officer', () => {
    const bare: ConsentProvenance = { by: 'controller', evidence: EVIDENCE };
    for (const type of ['refuse', 'withdraw', 'object', 'restrict'] as const)
      for (const provenance of [{ by: 'subject' } as const, GUARDIAN, AGENT, CLINIC, bare])
        expect(makeEvent({ type, provenance }).event.by).toBe(provenance.by);
  });

  test('members that belong to one kind of event stay there, and it has them', () => {
    const revocation = makeEvent(REVOKE);
    const { reason: _reason, ...rest } = revocation.event;
    const { signal, ...unsignalled } = makeEvent(GPC);
    const { minor, ...unaged } = makeEvent(MINOR);
    for (const event of [
      { ...revocation, event: rest },
      unsignalled,
      unaged,
      { ...makeEvent(GRANT), signal },
      { ...makeEvent(GRANT), minor },
      { ...makeEvent(GRANT), delegation: MANDATE },
      { ...makeEvent(GRANT), key: { retired: null, added: KID } },
      { ...makeEvent({ type: 'grant', provenance: AGENT }), delegation: undefined },
      { ...makeEvent(GRANT), grants: [] },
      { ...makeSubjectEvent(NAMED_AGENT), grants: makeEvent(GRANT).grants },
    ])
      expect(() => parseConsentEvent(JSON.parse(JSON.stringify(event)))).toThrow(refused);
  });

  test('a signal speaks of what leaves the controller, unless it is taken for more', () => {
    const plain = { ...GPC, signal: { kind: 'gpc', value: '1', profiling: false } } as Said;
    expect(() => makeEvent(plain)).toThrow(refused);
    expect(() => makeEvent({ ...plain, operations: ['share', 'train_local'] })).toThrow(refused);
    expect(
      makeEvent({ ...plain, operations: ['sell', 'share', 'activate_third_party'] }).grants,
    ).toHaveLength(1);
    const sold = { ...GRANT, operations: ['sell', 'contribute'] } as Said;
    const signalled = [sold, { ...plain, operations: ['sell'] } as Said] as const;
    expect(reasonOn(9, ask({ operation: 'sell' }), ...signalled)).toBe('signal');
    expect(reasonOn(9, ask(), ...signalled)).toBe('consented');
  });
});

test('not asked again: half a year after a no, a month after "later", a year after a signal', () => {
  const cell = { category: 'behavioral', purpose: PURPOSE, operation: 'contribute' } as const;
  const first = (said: Said): number => {
    const state = stateOf({ type: 'request', provenance: OFFICER, day: 0 }, { ...said, day: 0 });
    return Array.from({ length: 400 }, (_, day) => day).findIndex((day) =>
      mayAsk(cell, state, START + day * DAY),
    );
  };
  expect(first({ type: 'refuse' })).toBe(180);
  expect(first({ type: 'withdraw' })).toBe(180);
  expect(first({ type: 'object' })).toBe(180);
  expect(first({ type: 'defer' })).toBe(30);
  expect(first(GPC)).toBe(365);
  expect(first(REVOKE)).toBe(0);
});
