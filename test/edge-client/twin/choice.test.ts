import {
  applyConsent,
  CATEGORIES,
  createConsentEvent,
  createRecordId,
  decide,
  linkToHeads,
  NO_CONSENT,
  type Category,
  type ConsentInput,
  type ConsentState,
} from '@twinkeep/consent';
import { describe, expect, it } from 'vitest';
import type { Choice } from '../../../edge-client/consent-signer.ts';
import {
  grantsFor,
  refusalsFor,
  withdrawalsFor,
  type ChoiceContext,
} from '../../../edge-client/worker/consent-choice.ts';
import { makeTask, NOW, PURPOSE, SUBJECT } from '../fixtures.ts';

const optional = CATEGORIES.filter((category) => category !== 'transactional');
const task = makeTask({ categories: { required: ['transactional'], optional } });
const EXPLICIT = { consentType: 'explicit', method: 'toggle+confirm' } as const;

function contextOf(state: ConsentState, jurisdiction = ['EU', 'DE']): ChoiceContext {
  const retentionDays = Object.fromEntries(CATEGORIES.map((category) => [category, 365]));
  const notice = { id: 'n', version: '1', lang: 'en', hash: `sha-256:${'A'.repeat(43)}` };
  return {
    settings: { jurisdiction, notice, retentionDays },
    specs: [task],
    state,
    now: NOW,
  } as unknown as ChoiceContext;
}

/** The state after choices were made into events, in order. @throws ConsentError as the twin would */
function choose(choices: Choice[], before: ConsentState = NO_CONSENT): ConsentState {
  return choices.reduce((state, choice) => {
    const index = state.lastIndex + 1;
    const event = createConsentEvent({
      ...choice,
      recordId: createRecordId(NOW, new Uint8Array(10).fill(index)),
      subject: SUBJECT,
      controller: 'https://bank.example',
      seq: index + 1,
      links: linkToHeads(state),
      at: NOW,
      provenance: { by: 'subject' },
    } as ConsentInput);
    const id = `sha-256:${String(index).padStart(42, '0')}A`;
    return applyConsent(state, { id, event, index, receivedAt: NOW });
  }, before);
}

const may = (state: ConsentState, category: Category): boolean =>
  decide(
    {
      subject: SUBJECT,
      categories: { required: [category], optional: [] },
      purpose: PURPOSE,
      sector: 'general',
      operation: 'contribute',
      cohort: 2,
    },
    state,
    NOW,
  ).allow;

describe('a choice becomes what the law of its place asks for', () => {
  it('one event for each regime, and the notice of third-party data first, once', () => {
    const choice = { ...EXPLICIT, categories: [...CATEGORIES] };
    const choices = grantsFor(choice, contextOf(NO_CONSENT));
    const all = (each: Choice): Category[] => [...each.categories.required, ...each.categories.optional];
    expect(choices.map((each) => [each.type, all(each)])).toEqual([
      ['notify', ['third_party_enrichment']],
      ['grant', ['transactional', ...optional.filter((category) => category !== 'psychographic')]],
      ['grant', ['psychographic']],
    ]);
    const state = choose(choices);
    for (const category of CATEGORIES) expect(may(state, category)).toBe(true);
    const again = grantsFor(choice, contextOf(state));
    expect(again.map(({ type }) => type)).toEqual(['grant', 'grant']);
  });

  it('a special category takes an explicit yes in two steps', () => {
    const categories: Category[] = ['psychographic'];
    expect(() => choose(grantsFor({ categories }, contextOf(NO_CONSENT)))).toThrow(
      expect.objectContaining({ code: 'consent/regime-violated' }),
    );
    expect(() =>
      choose(grantsFor({ ...EXPLICIT, method: 'toggle', categories }, contextOf(NO_CONSENT))),
    ).toThrow(expect.objectContaining({ code: 'consent/regime-violated' }));
  });

  it('in California the yes is made under its law', () => {
    const [grant] = grantsFor({ categories: ['transactional'] }, contextOf(NO_CONSENT, ['US-CA']));
    const state = choose([grant!]);
    expect(may(state, 'transactional')).toBe(true);
    expect(state.places).toEqual(['US-CA']);
  });

  it('a no needs none of that, and takes everything back', () => {
    const granted = choose(grantsFor({ ...EXPLICIT, categories: [...CATEGORIES] }, contextOf(NO_CONSENT)));
    const withdrawn = choose(withdrawalsFor({}, contextOf(granted)), granted);
    const refused = choose(refusalsFor({}, contextOf(NO_CONSENT)));
    for (const category of CATEGORIES) {
      expect(may(withdrawn, category)).toBe(false);
      expect(may(refused, category)).toBe(false);
    }
    expect(withdrawalsFor({}, contextOf(withdrawn))).toEqual([]);
  });
});
