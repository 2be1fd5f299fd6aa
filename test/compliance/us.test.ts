/** docs/compliance: us-ca-optout.md, glba-notice-optout.md and hipaa-auth.md, section by section. */
import { OPERATIONS, type GrantTerms } from '@twinkeep/consent';
import { describe, expect, it } from 'vitest';
import {
  createPerson,
  DAY,
  day,
  OFFICER,
  OFFICERS,
  TERMS,
  type Person,
  type Said,
} from './support/person.ts';

const NOTICE = { type: 'notify', terms: { storage: TERMS.storage }, provenance: OFFICER } as const;
const GRANT = { type: 'grant', terms: TERMS } as const;

describe('us-ca-optout', () => {
  const californian = (): Person => createPerson(['US-CA'], 'general');

  it('Cal. Civ. Code 1798.100(a): nothing is allowed before the notice, first-party uses are after it', () => {
    expect(californian().ask().reason).toBe('never-asked');
    expect(californian().say(NOTICE).ask()).toMatchObject({ allow: true, reason: 'not-opted-out' });
  });

  it.each(['share', 'sell', 'activate_third_party', 'decide_significant'] as const)(
    '1798.120(a): a notice never opens %s, a yes does',
    (operation) => {
      expect(() => californian().make({ ...NOTICE, operations: [operation] })).toThrow(/does not allow/);
      expect(
        californian()
          .say({ ...GRANT, operations: [operation] })
          .ask({ operation }).allow,
      ).toBe(true);
    },
  );

  it('1798.120(a): a no works at any time, and no later notice lifts it', () => {
    const out = californian().say(NOTICE).say({ type: 'withdraw' });
    expect(out.ask().reason).toBe('withdrawn');
    expect(out.say(NOTICE).ask().reason).toBe('withdrawn');
  });

  it('1798.120(c): for a child under 13 a guardian answers, from 13 to 15 their own yes', () => {
    const child = (age: 'under-13' | '13-15'): Person =>
      californian().say(NOTICE).say({ type: 'minor_detected', minor: { age }, provenance: OFFICER });
    expect(child('under-13').ask().reason).toBe('guardian-needed');
    expect(child('under-13').say(GRANT).ask().allow).toBe(false);
    expect(child('13-15').ask().allow).toBe(false);
    expect(child('13-15').say(NOTICE).ask().allow).toBe(false);
    expect(child('13-15').say(GRANT).ask().allow).toBe(true);
  });

  it('1798.121: sensitive data takes a yes', () => {
    const sensitive = (): Person => createPerson(['US-CA'], 'general', 'psychographic');
    expect(() => sensitive().make(NOTICE)).toThrow(/does not allow psychographic/);
    expect(sensitive().say(GRANT).ask().allow).toBe(true);
  });

  it('1798.135(c)(4): not asked again for twelve months', () => {
    const out = californian().say(NOTICE).say({ type: 'refuse' });
    expect(out.mayAsk(364 * DAY)).toBe(false);
    expect(out.mayAsk(365 * DAY)).toBe(true);
  });

  it('11 CCR 7025: a preference signal denies sale and sharing, and only narrows', () => {
    const signal = { kind: 'gpc', value: '1', profiling: false } as const;
    const operations = ['share', 'sell', 'activate_third_party'] as const;
    const signalled = californian()
      .say(NOTICE)
      .say({ ...GRANT, operations: [...operations] })
      .say({ type: 'signal', signal, operations: [...operations], provenance: OFFICER });
    for (const operation of operations) expect(signalled.ask({ operation }).reason).toBe('signal');
    expect(signalled.ask().allow).toBe(true);
    const alone = californian().say({
      type: 'signal',
      signal,
      operations: [...operations],
      provenance: OFFICER,
    });
    for (const operation of OPERATIONS) expect(alone.ask({ operation }).allow).toBe(false);
  });
});

describe('glba-notice-optout', () => {
  const customer = (): Person => createPerson(['US-NY'], 'banking', 'transactional');

  it('12 CFR 1016.4: nothing is allowed before the notice', () => {
    expect(customer().ask().allow).toBe(false);
    expect(customer().say(NOTICE).ask().cells).toMatchObject([{ regime: 'glba-notice-optout@1' }]);
  });

  it('1016.10: thirty days after it, unless the customer opted out', () => {
    const noticed = customer().say(NOTICE);
    expect(noticed.ask({ after: 30 * DAY - 1 }).reason).toBe('notice-period');
    expect(noticed.ask({ after: 30 * DAY })).toMatchObject({ allow: true, reason: 'not-opted-out' });
    const out = customer().say(NOTICE).say({ type: 'withdraw' });
    expect(out.ask({ after: 31 * DAY }).reason).toBe('withdrawn');
  });

  it('1016.7: an opt-out works at any time and has no end', () => {
    const out = customer()
      .say(NOTICE)
      .say({ type: 'withdraw', at: day(100) });
    expect(out.say({ ...NOTICE, at: day(200) }).ask({ after: 4_000 * DAY }).reason).toBe('withdrawn');
  });

  it('1016.13 to .15: under an exception there is nothing to wait for; an opt-out is honoured all the same', () => {
    const exception = { ...NOTICE, terms: { ...NOTICE.terms, exception: '1016.14' as const } };
    expect(customer().say(exception).ask().allow).toBe(true);
    expect(customer().say({ type: 'refuse' }).say(exception).ask().allow).toBe(false);
  });

  it('1016.8: a revised notice closes what was allowed until a new one, and takes two officers', () => {
    const revised = customer()
      .say(NOTICE)
      .say({ type: 'notice_bump', provenance: OFFICERS, at: day(40) });
    expect(revised.ask({ after: 41 * DAY }).reason).toBe('notice-outdated');
    expect(() => customer().make({ type: 'notice_bump', provenance: OFFICER })).toThrow(/second officer/);
  });
});

describe('hipaa-auth', () => {
  const patient = (): Person => createPerson(['US-TX'], 'healthcare');
  const terms = {
    ...TERMS,
    consentType: 'explicit',
    disclosers: ['https://clinic.example'],
    recipients: ['https://bank.example'],
    statements: ['right-to-revoke', 'conditioning', 'redisclosure'],
  };
  const authorise = (changes: object = {}): Said => ({
    type: 'grant',
    terms: { ...terms, ...changes } as GrantTerms,
  });

  it('45 CFR 164.508(a)(1): nothing without an authorisation; a notice or the clinic’s own records are none', () => {
    expect(patient().ask().allow).toBe(false);
    expect(patient().say(authorise()).ask()).toMatchObject({
      allow: true,
      cells: [{ regime: 'hipaa-auth@1' }],
    });
    expect(
      patient()
        .say({ ...NOTICE, terms: {} })
        .ask({ after: 100 * DAY }).allow,
    ).toBe(false);
    const collected = {
      by: 'collector' as const,
      collectedBy: { kid: 'A'.repeat(43), party: 'https://clinic.example' },
      evidence: [{ kind: 'csv-column', value: 'signed' }],
    };
    expect(() => patient().make({ ...authorise(), provenance: collected })).toThrow(/may not grant/);
  });

  it.each(['disclosers', 'recipients', 'statements'])(
    '164.508(c)(1): an authorisation without %s is refused',
    (field) => {
      expect(() => patient().make(authorise({ [field]: undefined }))).toThrow(
        /must carry|consent\/event-invalid|grants/,
      );
    },
  );

  it('164.508(c)(1)(v): it ends on a date or with an event', () => {
    expect(patient().make(authorise()).grants[0]).toHaveProperty('validUntil');
    const withEvent = patient().make(authorise({ expiryEvent: 'end of the study' })).grants[0];
    expect(withEvent).not.toHaveProperty('validUntil');
    expect(() => patient().make(authorise({ validUntil: day(1_826) }))).toThrow(/outlasts/);
  });

  it('164.508(c)(1)(vi): a representative says by what authority', () => {
    const guardian = { by: 'guardian' as const, delegation: '01KF0S8Q400000000000000009' };
    expect(() => patient().make({ ...authorise(), provenance: guardian })).toThrow(/authority/);
    expect(() =>
      patient().make({ ...authorise(), provenance: { ...guardian, authority: 'parent' } }),
    ).not.toThrow();
  });

  it.each([
    [['right-to-revoke', 'conditioning']],
    [['conditioning', 'redisclosure']],
    [['right-to-revoke', 'redisclosure']],
  ])('164.508(c)(2): all three statements, not only %j', (statements) => {
    expect(() => patient().make(authorise({ statements }))).toThrow(/statement is missing/);
  });

  it('164.508(b)(3): an authorisation is combined with no other', () => {
    const compound = { required: ['behavioral' as const], optional: ['feedback' as const] };
    expect(() => patient().make({ ...authorise(), categories: compound })).toThrow(/compound/);
    const sensitive = { required: ['behavioral' as const, 'psychographic' as const], optional: [] };
    expect(() => patient().make({ ...authorise(), categories: sensitive })).toThrow(/compound/);
  });

  it('164.508(b)(5): revoked at any time, without the device', () => {
    expect(patient().say(authorise()).say({ type: 'withdraw', provenance: OFFICER }).ask().reason).toBe(
      'withdrawn',
    );
  });
});
