import type { ConsentErrorCode, ConsentEvent, ConsentState } from '@twinkeep/consent';
import {
  NO_CONSENT,
  PURPOSES,
  admitConsent,
  compileGate,
  createNoticeStore,
  decide,
  foldConsents,
  isNoticeInForce,
  noticeHash,
} from '@twinkeep/consent';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { BASE, DAY, START } from './fixtures.ts';
import { history, moment, questionsOf } from './histories.ts';
import type { Said, SaidOfSubject } from './people.ts';
import {
  AGENT,
  CLINIC,
  DELEGATE,
  GUARDIAN,
  KID,
  MANDATE,
  OFFICER,
  ask,
  makeEvent,
  makeSubjectEvent,
  stateOf,
  tell,
} from './people.ts';

const OTHER_KID = `${'L'.repeat(42)}A`;
const GRANT: Said = { type: 'grant' };
const NAMED_AGENT = { type: 'delegate', delegate: DELEGATE } as const;
const NAMED_GUARDIAN = {
  type: 'delegate',
  delegate: { ...DELEGATE, role: 'guardian' },
  provenance: OFFICER,
} as const;

/** The code with which the next event of a story is refused, or null where it is taken. */
function refusalOf(
  story: (Said | SaidOfSubject)[],
  next: Said | SaidOfSubject,
  kid = KID,
): ConsentErrorCode | null {
  const told = tell(...story, next);
  const last = told.pop()!;
  return refusal(last.event, foldConsents(told), kid, last.receivedAt, last.id);
}

function refusal(
  event: ConsentEvent,
  state: ConsentState,
  kid = KID,
  at = START,
  id = `sha-256:${KID}`,
): ConsentErrorCode | null {
  try {
    admitConsent({ id, kid, event }, state, at);
    return null;
  } catch (error) {
    return (error as { code: ConsentErrorCode }).code;
  }
}

describe('what is logged', () => {
  test.each<[string, (Said | SaidOfSubject)[], Said | SaidOfSubject, ConsentErrorCode | null]>([
    ['a grant', [], GRANT, null],
    ['a grant again', [GRANT], GRANT, null],
    ['a renewal of what is given', [GRANT], { type: 'renew' }, null],
    [
      'no renewal of what is withdrawn',
      [GRANT, { type: 'withdraw' }],
      { type: 'renew' },
      'consent/not-from-here',
    ],
    ['a first request', [], { type: 'request', provenance: OFFICER }, null],
    [
      'no request of what is given',
      [GRANT],
      { type: 'request', provenance: OFFICER },
      'consent/not-from-here',
    ],
    [
      'no request soon after a no',
      [{ type: 'refuse' }],
      { type: 'request', provenance: OFFICER, day: 179 },
      'consent/too-soon',
    ],
    [
      'a request half a year later',
      [{ type: 'refuse' }],
      { type: 'request', provenance: OFFICER, day: 180 },
      null,
    ],
    [
      'no import over a withdrawal',
      [GRANT, { type: 'withdraw' }],
      { ...GRANT, provenance: CLINIC },
      'consent/not-from-here',
    ],
    [
      'no yes to third-party data before its notice',
      [],
      { ...GRANT, categories: { required: ['third_party_enrichment'], optional: [] } },
      'consent/notice-missing',
    ],
    [
      'no yes of an agent without a delegation',
      [],
      { ...GRANT, provenance: AGENT },
      'consent/delegation-missing',
    ],
    ['a yes of an agent with one', [NAMED_AGENT], { ...GRANT, provenance: AGENT }, null],
    ['none as a guardian', [NAMED_AGENT], { ...GRANT, provenance: GUARDIAN }, 'consent/delegation-missing'],
    [
      'none out of scope',
      [NAMED_AGENT],
      { ...GRANT, provenance: AGENT, purpose: PURPOSES.research },
      'consent/delegation-missing',
    ],
    [
      'none after its time',
      [NAMED_AGENT],
      { ...GRANT, provenance: AGENT, day: 100 },
      'consent/delegation-missing',
    ],
    [
      'none after its end',
      [NAMED_AGENT, { type: 'undelegate', delegation: MANDATE }],
      { ...GRANT, provenance: AGENT },
      'consent/delegation-missing',
    ],
    [
      'a no of an agent out of scope',
      [NAMED_AGENT],
      { type: 'withdraw', provenance: AGENT, purpose: PURPOSES.research },
      null,
    ],
    [
      'a no of an agent after the end',
      [NAMED_AGENT, { type: 'undelegate', delegation: MANDATE }],
      { type: 'withdraw', provenance: AGENT, day: 200 },
      null,
    ],
    ['a no of a guardian', [NAMED_GUARDIAN], { type: 'withdraw', provenance: GUARDIAN }, null],
    ['no delegation that is over already', [], { ...NAMED_AGENT, day: 101 }, 'consent/already-expired'],
    ['a key that hands over', [], { type: 'key_rotate', key: { retired: KID, added: OTHER_KID } }, null],
    [
      'no key that retires another',
      [],
      { type: 'key_rotate', key: { retired: OTHER_KID, added: KID } },
      'consent/signer-not-entitled',
    ],
    [
      'no yes of a retired key',
      [{ type: 'key_rotate', key: { retired: KID, added: OTHER_KID } }],
      GRANT,
      'consent/key-retired',
    ],
    [
      'a no of a retired key',
      [{ type: 'key_rotate', key: { retired: KID, added: OTHER_KID } }],
      { type: 'withdraw' },
      null,
    ],
    [
      'no end of a restriction that the controller has not seen',
      [GRANT, { type: 'restrict' }],
      { type: 'unrestrict', provenance: OFFICER, links: { prev: `sha-256:${OTHER_KID}` } },
      'consent/link-unknown',
    ],
  ])('%s', (_name, story, next, code) => {
    expect(refusalOf(story, next)).toBe(code);
  });

  test('a delegate speaks with the key that was named, and no other', () => {
    expect(refusalOf([NAMED_AGENT], { ...GRANT, provenance: AGENT }, OTHER_KID)).toBe(
      'consent/delegation-missing',
    );
    expect(refusalOf([NAMED_AGENT], { type: 'withdraw', provenance: AGENT }, OTHER_KID)).toBe(
      'consent/delegation-missing',
    );
  });

  test('a delegation or a hand-over from the future waits', () => {
    const early = START - 3600_000;
    expect(refusal(makeSubjectEvent(NAMED_AGENT), NO_CONSENT, KID, early)).toBe('consent/clock-ahead');
    const handOver = makeSubjectEvent({ type: 'key_rotate', key: { retired: KID, added: OTHER_KID } });
    expect(refusal(handOver, NO_CONSENT, KID, early)).toBe('consent/clock-ahead');
    expect(refusal(makeEvent({ type: 'object' }), NO_CONSENT, KID, early)).toBeNull();
  });
});

describe('compileGate', () => {
  test('answers as decide does, in whatever order it is asked, and decides anew only where it must', () => {
    fc.assert(
      fc.property(history, fc.array(moment, { minLength: 1, maxLength: 6 }), ({ scenario, log }, moments) => {
        const state = foldConsents(log);
        for (const question of questionsOf(scenario)) {
          const gate = compileGate(question, state);
          for (const at of moments) expect(gate(at).allow).toBe(decide(question, state, at).allow);
        }
      }),
      { numRuns: 300 },
    );
    const state = stateOf(GRANT);
    const gate = compileGate(ask(), state);
    const first = gate(START + DAY);
    expect(gate(START + 2 * DAY)).toBe(first);
    expect(gate(START + 365 * DAY)).not.toBe(first);
    expect(gate(START + 365 * DAY).reason).toBe('expired');
    expect(gate(Number.NaN).allow).toBe(false);
  });
});

describe('notices', () => {
  const TEXT = 'We learn from what you do in the app.';
  const notice = { ...BASE.notice, hash: noticeHash(TEXT) };

  test('are found by what they say, to the letter', () => {
    expect(noticeHash('')).toBe('sha-256:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU');
    const store = createNoticeStore([TEXT, 'Another.']);
    expect(store.read(notice)).toBe(TEXT);
    expect(store.read({ ...notice, hash: noticeHash(`${TEXT} `) })).toBeNull();
    expect(store.verify(notice, TEXT)).toBe(true);
    expect(store.verify(notice, `${TEXT} `)).toBe(false);
  });

  test('are in force in one version and language, where any was published', () => {
    const { id, version, lang, hash } = notice;
    const published = [{ id, version, lang, hash }];
    expect(isNoticeInForce(notice, published)).toBe(true);
    expect(isNoticeInForce(notice, [])).toBe(true);
    expect(isNoticeInForce(notice, [{ ...published[0]!, id: 'another' }])).toBe(true);
    for (const change of [{ version: '3.0.0' }, { lang: 'de' }, { hash: noticeHash('') }])
      expect(isNoticeInForce({ ...notice, ...change }, published)).toBe(false);
  });
});
