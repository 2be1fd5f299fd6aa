/** docs/compliance/gdpr-optin.md, article by article. */
import { ANY_PURPOSE, eventsToRecord, OPERATIONS, type ExportParties } from '@twinkeep/consent';
import { describe, expect, it } from 'vitest';
import {
  ADVERTISING,
  createPerson,
  DAY,
  day,
  MARKETING,
  OFFICER,
  OFFICERS,
  PAPERS,
  TERMS,
  type Person,
} from './support/person.ts';

const person = (): Person => createPerson(['DE'], 'general');
const GRANT = { type: 'grant', terms: TERMS } as const;

describe('where nobody has said anything', () => {
  it.each(OPERATIONS)('%s is denied', (operation) => {
    expect(person().ask({ operation })).toMatchObject({ allow: false, reason: 'never-asked' });
  });
});

describe('Article 4(11): specific', () => {
  it('a yes to one purpose says nothing of another, nor one operation of another, nor one category of another', () => {
    const someone = person().say({ ...GRANT, operations: ['contribute'] });
    expect(someone.ask().allow).toBe(true);
    expect(someone.ask({ purpose: ADVERTISING }).reason).toBe('never-asked');
    expect(someone.ask({ operation: 'personalise' }).reason).toBe('never-asked');
    expect(someone.ask({ category: 'feedback' }).reason).toBe('never-asked');
  });
  it('nobody says yes to everything at once', () => {
    expect(() => person().make({ ...GRANT, purpose: ANY_PURPOSE })).toThrow(/every purpose/);
  });
});

describe('Article 6(1): the ground', () => {
  it('a yes ends on its day, although nothing was recorded then', () => {
    const someone = person().say({ ...GRANT, terms: { ...TERMS, validUntil: day(30) } });
    expect(someone.ask({ after: 30 * DAY - 1 }).allow).toBe(true);
    expect(someone.ask({ after: 30 * DAY })).toMatchObject({ allow: false, reason: 'expired' });
  });
  it('a business’s own records grant what nobody answered, say so, and lift no refusal', () => {
    const collected = {
      by: 'collector' as const,
      collectedBy: { kid: 'A'.repeat(43), party: 'https://clinic.example' },
      evidence: PAPERS,
    };
    expect(
      person()
        .say({ ...GRANT, provenance: collected })
        .ask().allow,
    ).toBe(true);
    expect(
      person()
        .say({ type: 'refuse' })
        .say({ ...GRANT, provenance: collected })
        .ask().reason,
    ).toBe('refused');
    expect(() => person().make({ ...GRANT, provenance: { ...collected, evidence: [] } })).toThrow(/evidence/);
  });
});

describe('Article 7(3): withdrawing', () => {
  const allowed = (): Person => person().say(GRANT);
  it.each([
    ['the person', { by: 'subject' }],
    ['the help desk, without the device', OFFICER],
  ] as const)('%s ends it at once', (_, provenance) => {
    expect(allowed().say({ type: 'withdraw', provenance }).ask()).toMatchObject({
      allow: false,
      reason: 'withdrawn',
    });
  });
  it('works where nothing was granted, and twice', () => {
    const someone = person().say({ type: 'withdraw' }).say({ type: 'withdraw' });
    expect(someone.ask().reason).toBe('withdrawn');
  });
  it('asks for less than a yes: no kind, no storage, no end', () => {
    const [yes] = person().make(GRANT).grants;
    const [no] = person().make({ type: 'withdraw' }).grants;
    expect(Object.keys(no!).length).toBeLessThan(Object.keys(yes!).length);
  });
  it('the person is not asked again for half a year, and may change their mind meanwhile', () => {
    const someone = allowed().say({ type: 'withdraw' });
    expect(someone.mayAsk(179 * DAY)).toBe(false);
    expect(someone.mayAsk(180 * DAY)).toBe(true);
    expect(someone.say(GRANT).ask().allow).toBe(true);
  });
});

describe('Article 7(4): not conditional', () => {
  it('what is optional is left out, and the rest goes on', () => {
    const someone = person().say(GRANT);
    expect(someone.ask({ category: 'feedback' }).allow).toBe(false);
    expect(someone.ask().allow).toBe(true);
  });
});

describe('Article 8: children', () => {
  const GUARDIAN = 'G'.repeat(42) + 'A';
  const child = (place = 'DE'): Person =>
    createPerson([place], 'general')
      .say(GRANT)
      .say({ type: 'minor_detected', minor: { age: '13-15' }, provenance: OFFICER });
  const delegation = '01KF0S8Q400000000000000009';
  const withGuardian = (): Person =>
    child().about({
      type: 'delegate',
      provenance: OFFICER,
      delegate: {
        id: delegation,
        role: 'guardian',
        kid: GUARDIAN,
        categories: ['behavioral'],
        purposes: [ANY_PURPOSE],
        operations: [...OPERATIONS],
        notAfter: '2030-01-01T00:00:00Z',
      },
    });

  it('everything stops when a child is found out, and the child’s own yes does not count', () => {
    expect(child().ask().reason).toBe('guardian-needed');
    expect(child().say(GRANT).ask().reason).toBe('guardian-needed');
  });
  it('below 16 by default; where a member state says 13, the child is asked itself', () => {
    expect(child('DK').ask().reason).toBe('notice-outdated');
    expect(child('DK').say(GRANT).ask().allow).toBe(true);
  });
  it('a guardian whose papers the controller has checked says yes; nobody else does', () => {
    const guarded = withGuardian();
    expect(guarded.say({ ...GRANT, provenance: { by: 'guardian', delegation } }).ask().allow).toBe(true);
    const stranger = child().say({ ...GRANT, provenance: { by: 'guardian', delegation } });
    expect(stranger.ask().allow).toBe(false);
    expect(() =>
      child().about({
        type: 'delegate',
        delegate: {
          id: delegation,
          role: 'guardian',
          kid: GUARDIAN,
          categories: ['behavioral'],
          purposes: [ANY_PURPOSE],
          operations: ['collect'],
          notAfter: '2030-01-01T00:00:00Z',
        },
      }),
    ).toThrow(/may not delegate/);
  });
  it('the child’s own no counts against the guardian’s yes', () => {
    const guarded = withGuardian().say({ ...GRANT, provenance: { by: 'guardian', delegation } });
    expect(guarded.say({ type: 'withdraw' }).ask().reason).toBe('withdrawn');
  });
});

describe('Article 14: data from others', () => {
  const other = (): Person => createPerson(['DE'], 'general', 'third_party_enrichment');
  it('cannot be allowed before a notice was delivered', () => {
    expect(other().say(GRANT).ask().allow).toBe(false);
    expect(other().say({ type: 'notify', provenance: OFFICER }).say(GRANT).ask().allow).toBe(true);
  });
  it('names its source', () => {
    expect(other().make(GRANT).grants[0]).toMatchObject({
      source: expect.stringMatching(/ThirdPartyDataSource/),
    });
  });
  it('a material change of the notice closes what was allowed, and takes two officers', () => {
    const changed = person().say(GRANT).say({ type: 'notice_bump', provenance: OFFICERS });
    expect(changed.ask().reason).toBe('notice-outdated');
    expect(changed.say(GRANT).ask().allow).toBe(true);
    expect(() => person().make({ type: 'notice_bump', provenance: OFFICER })).toThrow(/second officer/);
    expect(() =>
      person().make({ type: 'notice_bump', provenance: { ...OFFICERS, approver: OFFICER.actor } }),
    ).toThrow(/second officer/);
  });
});

describe('Articles 15 and 20: a copy', () => {
  it('the record converts to ISO/IEC TS 27560 with DPV terms', () => {
    const event = person().make(GRANT);
    const logged = { id: `sha-256:${'A'.repeat(43)}`, event, index: 0, receivedAt: day(0) };
    const bank = {
      id: 'https://bank.example',
      name: 'Example Bank',
      type: 'https://w3id.org/dpv#ForProfitOrganisation',
      address: { street: 'Market 1', city: 'Berlin', postalCode: '10115', country: 'DE' },
      email: 'privacy@bank.example',
    };
    const parties: ExportParties = {
      controller: bank,
      recipients: [],
      service: 'Banking app',
      policy: 'https://bank.example/privacy',
      withdrawal: 'https://bank.example/consents',
    };
    const record = JSON.stringify(eventsToRecord([logged], parties));
    expect(record).toMatch(/dpv-27560#record/);
    expect(record).toMatch(/dpv#ConsentGiven|dpv:ConsentGiven/);
  });
});

describe('Article 18: restriction', () => {
  it('stops every use, and no yes lifts it; an officer does', () => {
    const restricted = person().say(GRANT).say({ type: 'restrict' });
    expect(restricted.ask().reason).toBe('restricted');
    expect(restricted.say(GRANT).ask().reason).toBe('restricted');
    expect(restricted.say({ type: 'unrestrict', provenance: OFFICER }).ask().allow).toBe(true);
    expect(() => person().make({ type: 'unrestrict' })).toThrow(/may not unrestrict/);
  });
});

describe('Article 21(2) and (3): direct marketing', () => {
  it('an objection ends it, and nothing that the controller signs lifts it', () => {
    const objecting = person()
      .say({ ...GRANT, purpose: MARKETING })
      .say({ type: 'object', purpose: MARKETING });
    expect(objecting.ask({ purpose: MARKETING }).reason).toBe('objected');
    for (const type of ['notify', 'request', 'notice_bump', 'age_of_majority', 'unrestrict'] as const) {
      objecting.say({ type, purpose: MARKETING, provenance: OFFICERS });
      expect(objecting.ask({ purpose: MARKETING }).allow).toBe(false);
    }
  });
});

describe('Article 21(5): by automated means', () => {
  const signal = {
    type: 'signal',
    signal: { kind: 'gpc', value: '1', profiling: false },
    provenance: OFFICER,
    purpose: ANY_PURPOSE,
    operations: ['share', 'sell', 'activate_third_party'],
  } as const;
  it('a signal denies what leaves the controller, for every purpose, and not what stays', () => {
    const someone = person()
      .say({ ...GRANT, operations: ['contribute', 'share'] })
      .say({ ...signal, operations: [...signal.operations] });
    expect(someone.ask({ operation: 'share' }).reason).toBe('signal');
    expect(someone.ask().allow).toBe(true);
  });
  it('reaches training only where the controller takes it for an objection to profiling', () => {
    expect(() => person().make({ ...signal, operations: ['contribute'] })).toThrow(/profiling/);
    const someone = person()
      .say(GRANT)
      .say({ ...signal, operations: ['contribute'], signal: { ...signal.signal, profiling: true } });
    expect(someone.ask().reason).toBe('signal');
  });
  it('never allows anything', () => {
    const someone = person().say({ ...signal, operations: [...signal.operations] });
    for (const operation of OPERATIONS) expect(someone.ask({ operation }).allow).toBe(false);
  });
});

describe('Article 22: significant decisions', () => {
  it('take a yes of their own that says where a person reviews', () => {
    const operations = ['decide_significant' as const];
    expect(() => person().make({ ...GRANT, operations })).toThrow(/humanReview/);
    const reviewed = person().say({
      ...GRANT,
      operations,
      terms: { ...TERMS, humanReview: 'https://bank.example/review' },
    });
    expect(reviewed.ask({ operation: 'decide_significant' }).allow).toBe(true);
  });
});
