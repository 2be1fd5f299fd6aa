import type { Category, ConsentGrant, GrantTerms, Sector } from '@twinkeep/consent';
import {
  CATEGORIES,
  CELL_EVENTS,
  OPERATIONS,
  PERMITTING_STATUSES,
  POLICY_HASH,
  REGIMES,
  STRICTNESS,
  minorState,
  parseConsentEvent as parse,
  resolveRegime,
  resolveRegimes,
  splitByRegime,
} from '@twinkeep/consent';
import { describe, expect, test } from 'vitest';

import { DAY, START, TERMS } from './fixtures.ts';
import type { Said } from './people.ts';
import { CLINIC, EVIDENCE, GUARDIAN, OFFICER, ask, makeEvent, reasonOn, stateOf } from './people.ts';

const refused = expect.objectContaining({ code: 'consent/regime-violated' });
const only = (category: Category): Said['categories'] => ({ required: [category], optional: [] });
const idsOf = (places: string[], sector: Sector): string[] =>
  CATEGORIES.map((category) => resolveRegime(places, category, sector).id);

describe('which regime governs', () => {
  test.each<[string, string[], Sector, string[]]>([
    ['Europe', ['EU'], 'general', [...Array<string>(6).fill('gdpr-optin@1'), 'gdpr-art9@1']],
    ['a member state', ['EU', 'DE'], 'banking', [...Array<string>(6).fill('gdpr-optin@1'), 'gdpr-art9@1']],
    ['health care in Europe', ['FR'], 'healthcare', Array<string>(7).fill('gdpr-art9@1')],
    ['California', ['US', 'US-CA'], 'general', Array<string>(7).fill('us-ca-optout@1')],
    ['health care in the United States', ['US-TX'], 'healthcare', Array<string>(7).fill('hipaa-auth@1')],
    [
      'a bank in New York',
      ['US-NY'],
      'banking',
      [
        'gdpr-optin@1',
        'glba-notice-optout@1',
        'glba-notice-optout@1',
        'gdpr-optin@1',
        'glba-notice-optout@1',
        'glba-notice-optout@1',
        'gdpr-art9@1',
      ],
    ],
    [
      'an insurer in California',
      ['US-CA'],
      'insurance',
      [
        'us-ca-optout@1',
        'glba-notice-optout@1',
        'glba-notice-optout@1',
        'us-ca-optout@1',
        'glba-notice-optout@1',
        'glba-notice-optout@1',
        'us-ca-optout@1',
      ],
    ],
    ['elsewhere', ['BR'], 'general', [...Array<string>(6).fill('gdpr-optin@1'), 'gdpr-art9@1']],
    ['nowhere yet', [], 'general', [...Array<string>(6).fill('gdpr-optin@1'), 'gdpr-art9@1']],
  ])('%s', (_name, places, sector, expected) => {
    expect(idsOf(places, sector)).toEqual(expected);
  });

  test('of several places all laws count, and one asks under the one that serves the others', () => {
    const regimes = resolveRegimes(['US-CA', 'DE'], 'behavioral', 'general');
    expect(regimes.map(({ id }) => id)).toEqual(['us-ca-optout@1', 'gdpr-optin@1']);
    expect(resolveRegime(['US-CA', 'DE'], 'behavioral', 'general').id).toBe('gdpr-optin@1');
  });

  test('a yes under another law than that of the place is none', () => {
    const grant: Said = { type: 'grant', jurisdiction: ['US-CA'] };
    expect(reasonOn(1, ask(), grant)).toBe('consented');
    const moved: Said = { type: 'refuse', jurisdiction: ['DE'], categories: only('feedback') };
    expect(reasonOn(2, ask(), grant, moved)).toBe('other-regime');
    expect(reasonOn(2, ask(), { type: 'grant' }, { ...moved, jurisdiction: ['US-CA'] })).toBe('consented');
    expect(reasonOn(1, ask({ sector: 'healthcare' }), { type: 'grant' })).toBe('other-regime');
  });

  test('a yes under a law that counts for the category in no sector there is no event', () => {
    const event = makeEvent({ type: 'grant' });
    const psychographic = event.grants.map((line) => ({ ...line, category: 'psychographic' }));
    expect(() => parse({ ...event, grants: psychographic })).toThrow(refused);
    expect(() => parse({ ...event, jurisdiction: ['US'], regime: 'us-ca-optout@1' })).toThrow(refused);
    const opening = makeEvent({
      type: 'notify',
      provenance: OFFICER,
      jurisdiction: ['US-CA'],
      terms: { storage: TERMS.storage },
    });
    expect(() => parse({ ...opening, jurisdiction: ['DE'] })).toThrow(refused);
    // A no is heard under whatever name.
    const no = makeEvent({ type: 'withdraw' });
    const noToSpecial = no.grants.map((line) => ({ ...line, category: 'psychographic' }));
    expect(parse({ ...no, grants: noToSpecial }).grants).toHaveLength(1);
  });

  test('a yes is split where the laws differ', () => {
    const choice = { required: ['transactional'] as const, optional: ['psychographic', 'feedback'] as const };
    const parts = splitByRegime(['DE'], choice, 'general');
    expect(parts.map(({ regime, categories }) => [regime.id, categories])).toEqual([
      ['gdpr-optin@1', { required: ['transactional'], optional: ['feedback'] }],
      ['gdpr-art9@1', { required: [], optional: ['psychographic'] }],
    ]);
    // No compound authorisations: what is a condition of care, what is not, and what is most sensitive, each alone.
    expect(splitByRegime(['US'], choice, 'healthcare').map(({ categories }) => categories)).toEqual([
      { required: ['transactional'], optional: [] },
      { required: [], optional: ['psychographic'] },
      { required: [], optional: ['feedback'] },
    ]);
  });
});

describe('the tables agree with the rules that the fold relies on', () => {
  test.each(REGIMES.map((regime) => [regime.id, regime] as const))(
    '%s',
    (id, { transitions, alsoServes }) => {
      expect(alsoServes).not.toContain(id);
      const opening = ['grant', 'renew', 'notify', 'request', 'defer'];
      for (const type of CELL_EVENTS) {
        const { to, by, lifts } = transitions[type];
        expect(Object.keys(by)).not.toHaveLength(0);
        // What narrows works from any state; else a no could be lost to a no.
        if (!opening.includes(type)) expect(Object.values(by).every((from) => from === 'any')).toBe(true);
        // What allows follows whatever allows, or is unanswered: nothing has to be denied first.
        if (type === 'grant')
          for (const from of Object.values(by))
            expect(from).toEqual(
              expect.arrayContaining(['unknown', 'given', 'renewed', 'allowed', 'expired']),
            );
        // Nothing but its own end lifts a restriction.
        if (type !== 'unrestrict') expect(lifts).not.toContain('restricted');
        expect(to.some((state) => PERMITTING_STATUSES.has(state as never))).toBe(
          type === 'grant' || type === 'renew' || (type === 'notify' && id === 'us-ca-optout@1'),
        );
      }
      // The stricter a status, the fewer may follow it with a yes.
      const stored = STRICTNESS.filter((status) => status !== 'superseded');
      const lifters = stored.map((status) =>
        Object.entries(transitions.grant.by)
          .filter(([, from]) => from === 'any' || from.includes(status))
          .map(([actor]) => actor),
      );
      lifters
        .slice(2)
        .forEach((actors, i) => expect(actors).toEqual(expect.arrayContaining(lifters[i + 1]!)));
    },
  );

  test('the policy is named by a hash', () => {
    expect(POLICY_HASH).toMatch(/^sha-256:[A-Za-z0-9_-]{43}$/);
  });
});

describe('gdpr-optin@1 and gdpr-art9@1', () => {
  const special: Said = {
    type: 'grant',
    categories: only('psychographic'),
    terms: { ...TERMS, consentType: 'explicit' },
  };

  test('special categories take an explicit yes in two steps, for a year at most', () => {
    expect(makeEvent(special)).toMatchObject({
      regime: 'gdpr-art9@1',
      grants: [{ legalBasis: 'https://w3id.org/dpv/legal/eu/gdpr#A9-2-a', consentType: 'explicit' }],
    });
    expect(() => makeEvent({ ...special, terms: TERMS } as Said)).toThrow(refused);
    expect(() => makeEvent({ ...special, method: 'toggle' })).toThrow(refused);
    expect(() => makeEvent({ ...special, method: 'confirmed' })).toThrow(refused);
    // A business's records were made elsewhere; the evidence says how.
    expect(makeEvent({ ...special, method: 'import', provenance: CLINIC }).event.by).toBe('collector');
    const terms: GrantTerms = { ...TERMS, consentType: 'explicit', validUntil: START + 366 * DAY };
    expect(() => makeEvent({ ...special, terms } as Said)).toThrow(refused);
    expect(reasonOn(1, ask({ categories: only('psychographic')! }), special)).toBe('consented');
  });

  test('an ordinary yes to what is special counts for nothing, and a special one serves for the ordinary', () => {
    const ordinary = makeEvent({ type: 'grant' });
    expect(ordinary.regime).toBe('gdpr-optin@1');
    expect(
      reasonOn(1, ask({ sector: 'healthcare' }), { type: 'grant', sector: 'healthcare', ...explicit() }),
    ).toBe('consented');
    expect(reasonOn(1, ask(), { type: 'grant', sector: 'healthcare', ...explicit() })).toBe('consented');
    expect(reasonOn(1, ask({ sector: 'healthcare' }), { type: 'grant' })).toBe('other-regime');
  });

  test('third-party data is announced before it is given, once and for all', () => {
    const categories = only('third_party_enrichment')!;
    const grant: Said = { type: 'grant', categories };
    const notify: Said = { type: 'notify', categories, provenance: OFFICER };
    const question = ask({ categories });
    expect(reasonOn(1, question, grant)).toBe('never-asked');
    expect(reasonOn(2, question, notify, grant)).toBe('consented');
    expect(reasonOn(2, question, { ...notify, operations: ['collect'] }, grant)).toBe('never-asked');
    expect(reasonOn(2, question, notify, { ...grant, links: { prev: null } })).toBe('never-asked');
    expect(reasonOn(2, question, { ...grant, type: 'withdraw' }, grant)).toBe('withdrawn');
    expect(reasonOn(4, question, notify, grant, { ...grant, type: 'withdraw' }, grant)).toBe('consented');
  });

  test('a significant decision names who reviews it', () => {
    const operations = ['decide_significant'] as const;
    expect(() => makeEvent({ type: 'grant', operations })).toThrow(refused);
    const terms = { ...TERMS, humanReview: 'https://bank.example/review' };
    expect(makeEvent({ type: 'grant', operations, terms } as Said).grants[0]!.humanReview).toBeDefined();
  });

  test('who is a child: sixteen, unless the country says less', () => {
    const [optin] = REGIMES;
    const bands = (place: string[]): string[] =>
      (['under-13', '13-15', '16-17'] as const).map((age) => minorState(optin!, place, age));
    expect(bands(['DE'])).toEqual(['pending_guardian', 'pending_guardian', 'stale_notice']);
    expect(bands(['EU', 'BE'])).toEqual(['pending_guardian', 'stale_notice', 'stale_notice']);
    expect(bands(['EU'])).toEqual(['pending_guardian', 'pending_guardian', 'stale_notice']);
    const event = makeEvent({ type: 'minor_detected', provenance: OFFICER, minor: { age: '16-17' } });
    expect(event.grants[0]!.state).toBe('stale_notice');
  });
});

function explicit(): Partial<Said> {
  return { terms: { ...TERMS, consentType: 'explicit' } } as Partial<Said>;
}

describe('us-ca-optout@1', () => {
  const place = { jurisdiction: ['US-CA'] };
  const terms = { storage: TERMS.storage };
  const notify: Said = { type: 'notify', provenance: OFFICER, terms, ...place } as Said;
  const no = (type: 'withdraw' | 'object' | 'refuse'): Said => ({ type, ...place });

  test('nothing without a notice; with it, allowed until somebody opts out', () => {
    expect(reasonOn(1, ask(), { type: 'request', provenance: OFFICER, ...place })).toBe('not-answered');
    expect(reasonOn(9, ask(), notify)).toBe('not-opted-out');
    expect(reasonOn(9, ask(), { type: 'request', provenance: OFFICER, ...place }, notify)).toBe(
      'not-opted-out',
    );
    for (const type of ['withdraw', 'object', 'refuse'] as const) {
      expect(reasonOn(9, ask(), notify, no(type))).not.toBe('not-opted-out');
      expect(reasonOn(9, ask(), notify, no(type), notify)).not.toBe('not-opted-out');
      expect(reasonOn(9, ask(), no(type), notify)).not.toBe('not-opted-out');
    }
  });

  test('a notice says nothing beside an answer, nor after one that has ended', () => {
    const short: Said = { type: 'grant', ...place, terms: { ...TERMS, validUntil: START + 3 * DAY } };
    expect(reasonOn(9, ask(), short, { ...notify, day: 5 })).toBe('expired');
    expect(reasonOn(2, ask(), short, { ...notify, links: { prev: null } })).toBe('consented');
  });

  test('selling, sharing, decisions and what is sensitive take a yes', () => {
    for (const operation of OPERATIONS) {
      const closed = ['decide_significant', 'share', 'sell', 'activate_third_party'].includes(operation);
      const open = (): unknown => makeEvent({ ...notify, operations: [operation] });
      if (closed) expect(open).toThrow(refused);
      else expect(open()).toMatchObject({ grants: [{ state: 'allowed' }] });
    }
    expect(() => makeEvent({ ...notify, categories: only('psychographic')! })).toThrow(refused);
    expect(() => makeEvent({ ...notify, terms: {} } as Said)).toThrow(refused);
    const sell: Said = { type: 'grant', operations: ['sell'], ...place };
    expect(reasonOn(9, ask({ operation: 'sell' }), sell)).toBe('consented');
  });

  test('no twelve months of asking; nobody but the business notifies; under 13 a guardian answers', () => {
    const state = stateOf(notify, no('withdraw'));
    const [cell] = [...state.cells.values()].flatMap((cells) => [...cells.values()]);
    expect(cell!.noAskUntil).toBe(START + (1 + 365) * DAY);
    expect(() => makeEvent({ ...notify, provenance: { by: 'subject' } })).toThrow(refused);
    const [, , ca] = REGIMES;
    expect(['under-13', '13-15'].map((age) => minorState(ca!, ['US-CA'], age as 'under-13'))).toEqual([
      'pending_guardian',
      'stale_notice',
    ]);
  });
});

describe('glba-notice-optout@1', () => {
  const place = { jurisdiction: ['US-NY'], sector: 'banking', categories: only('transactional')! } as const;
  const question = ask({ sector: 'banking', categories: only('transactional')! });
  const notify: Said = {
    type: 'notify',
    provenance: OFFICER,
    terms: { storage: TERMS.storage },
    ...place,
  } as Said;

  test('thirty days after the notice, not one earlier, unless they opt out', () => {
    expect([0, 29, 30, 400].map((day) => reasonOn(day, question, notify))).toEqual([
      'notice-period',
      'notice-period',
      'not-opted-out',
      'not-opted-out',
    ]);
    expect(reasonOn(40, question, notify, { type: 'object', ...place })).toBe('objected');
    expect(reasonOn(40, question, notify, { type: 'grant', ...place })).toBe('consented');
    expect(reasonOn(1, question, { type: 'grant', ...place })).toBe('consented');
  });

  test('under an exception there is nothing to wait for, and an opt-out is honoured all the same', () => {
    for (const exception of ['1016.13', '1016.14', '1016.15'] as const) {
      const exempt = { ...notify, terms: { storage: TERMS.storage, exception } } as Said;
      expect(reasonOn(0, question, exempt)).toBe('not-opted-out');
      expect(reasonOn(9, question, exempt, { type: 'withdraw', ...place })).toBe('withdrawn');
    }
  });

  test('no notice allows a significant decision', () => {
    const decided = { ...notify, operations: ['decide_significant' as const] };
    expect(() => makeEvent(decided)).toThrow(refused);
  });
});

describe('hipaa-auth@1', () => {
  const place = { jurisdiction: ['US'], sector: 'healthcare' } as const;
  const terms: GrantTerms = {
    ...TERMS,
    consentType: 'explicit',
    disclosers: ['https://clinic.example'],
    recipients: ['https://research.example'],
    statements: ['right-to-revoke', 'conditioning', 'redisclosure'],
  };
  const grant: Said = { type: 'grant', terms, ...place };

  test('a whole authorisation', () => {
    expect(makeEvent(grant).regime).toBe('hipaa-auth@1');
    expect(reasonOn(1, ask({ sector: 'healthcare' }), grant)).toBe('consented');
    const { validUntil: _, ...open } = terms;
    const ending = { ...grant, terms: { ...open, expiryEvent: 'end of the study' } } as Said;
    expect(makeEvent(ending).grants[0]).not.toHaveProperty('validUntil');
    expect(reasonOn(1500, ask({ sector: 'healthcare' }), ending)).toBe('consented');
  });

  test.each<[string, (line: ConsentGrant) => ConsentGrant]>([
    ['what', ({ pdIri: _, ...line }) => line],
    ['who discloses', ({ disclosers: _, ...line }) => line],
    ['who receives', ({ recipients: _, ...line }) => line],
    ['the statements', ({ statements: _, ...line }) => line],
    ['all of the statements', (line) => ({ ...line, statements: ['right-to-revoke', 'conditioning'] })],
    ['when it ends', ({ validUntil: _, ...line }) => line],
    ['that it is explicit', (line) => ({ ...line, consentType: 'expressed' })],
  ])('says %s', (_name, cut) => {
    const event = makeEvent(grant);
    expect(() => parse({ ...event, grants: event.grants.map(cut) })).toThrow(refused);
  });

  test('is signed by the patient, or by a representative who says by what authority, and by nobody else', () => {
    expect(() => makeEvent({ ...grant, provenance: GUARDIAN })).toThrow(refused);
    const parent = { ...GUARDIAN, authority: 'parent of the patient' } as Said['provenance'];
    expect(makeEvent({ ...grant, provenance: parent! }).event.authority).toBe('parent of the patient');
    expect(() => makeEvent({ ...grant, provenance: CLINIC })).toThrow(refused);
    expect(() =>
      makeEvent({ ...grant, provenance: { by: 'agent', delegation: '01KF0S8Q40000000000000000M' } }),
    ).toThrow(refused);
    expect(() => makeEvent({ ...grant, method: 'toggle' })).toThrow(refused);
  });

  test('is combined with no other', () => {
    const mixed = { required: ['behavioral'] as const, optional: ['feedback'] as const };
    expect(() => makeEvent({ ...grant, categories: mixed })).toThrow(refused);
    const sensitive = { required: ['behavioral', 'psychographic'] as const, optional: [] };
    expect(() => makeEvent({ ...grant, categories: sensitive })).toThrow(refused);
    const event = makeEvent(grant);
    const twoPurposes = [...event.grants, { ...event.grants[0]!, purpose: 'urn:another' }];
    expect(() => parse({ ...event, grants: twoPurposes })).toThrow(refused);
    expect(
      makeEvent({ ...grant, categories: { required: ['behavioral', 'feedback'], optional: [] } }),
    ).toBeDefined();
  });

  test('is revoked without any of that, by anyone, and no notice takes its place', () => {
    const revocation: Said = {
      type: 'withdraw',
      ...place,
      provenance: { by: 'controller', evidence: EVIDENCE },
    };
    expect(reasonOn(5, ask({ sector: 'healthcare' }), grant, revocation)).toBe('withdrawn');
    const notify: Said = { type: 'notify', provenance: OFFICER, ...place };
    expect(reasonOn(99, ask({ sector: 'healthcare' }), notify)).toBe('never-asked');
  });
});
