/** docs/compliance/gdpr-art9.md, article by article. */
import { describe, expect, it } from 'vitest';
import { createPerson, DAY, day, TERMS, type Person } from './support/person.ts';

const EXPLICIT = { ...TERMS, consentType: 'explicit' } as const;
const GRANT = { type: 'grant', terms: EXPLICIT } as const;
const patient = (): Person => createPerson(['FR'], 'healthcare');
const profiled = (): Person => createPerson(['FR'], 'general', 'psychographic');

describe.each([
  ['everything that a clinic keeps', patient],
  ['psychographic data anywhere', profiled],
])('Article 9(1): %s', (_, someone) => {
  it('is denied without an explicit yes, and governed by gdpr-art9', () => {
    expect(someone().ask().allow).toBe(false);
    expect(someone().say(GRANT).ask()).toMatchObject({ allow: true, cells: [{ regime: 'gdpr-art9@1' }] });
  });
  it('a yes that was given under the general rules does not count', () => {
    // The controller told the software that it was in no special sector when it asked.
    const category = someone === patient ? 'behavioral' : 'feedback';
    const asked = createPerson(['FR'], 'general', category).say({ type: 'grant', terms: TERMS });
    expect(asked.ask().allow).toBe(true);
    const now = createPerson(['FR'], 'healthcare', category);
    now.say({
      ...asked.make({ type: 'grant', terms: TERMS }),
      type: 'grant',
      sector: 'general',
      terms: TERMS,
    });
    expect(now.ask().reason).toBe('other-regime');
  });
});

describe('Article 9(2)(a): explicit', () => {
  it('takes two steps and the word explicit', () => {
    expect(() => patient().make({ type: 'grant', terms: TERMS })).toThrow(/not enough/);
    expect(() => patient().make({ ...GRANT, method: 'toggle' })).toThrow(/two steps/);
  });
  it('is taken back in one step', () => {
    expect(patient().say(GRANT).say({ type: 'withdraw', method: 'toggle' }).ask().reason).toBe('withdrawn');
  });
  it('lasts a year at most', () => {
    expect(() => patient().make({ type: 'grant', terms: { ...EXPLICIT, validUntil: day(366) } })).toThrow(
      /outlasts/,
    );
    expect(
      patient()
        .say(GRANT)
        .ask({ after: 365 * DAY }).reason,
    ).toBe('expired');
  });
});

describe('Article 22(4): significant decisions on special categories', () => {
  it('take an explicit yes of their own that says where a person reviews', () => {
    const operations = ['decide_significant' as const];
    expect(() => patient().make({ ...GRANT, operations })).toThrow(/humanReview/);
    const terms = { ...EXPLICIT, humanReview: 'https://clinic.example/review' };
    expect(
      patient().say({ type: 'grant', operations, terms }).ask({ operation: 'decide_significant' }).allow,
    ).toBe(true);
  });
});
