/** The statement says what holds, and says it differently wherever less holds. */
import {
  describePrivacy,
  noiseMultiplierFor,
  parseTask,
  type TaskSpec,
  type Trust,
} from '@twinkeep/protocol';
import { describe, expect, it } from 'vitest';
import { makeTask } from '../edge-client/fixtures.ts';
import { noisyCounting } from './counting-task.ts';

const claim = { epsilon: 2, delta: 1e-5, participations: 40 };
const noisy: TaskSpec = parseTask({
  ...makeTask(),
  rounds: 60,
  helpers: { m: 3, c: 1, mode: 'log', q: 2 },
  privacy: {
    mech: 'discrete-gaussian',
    noiseMultiplier: noiseMultiplierFor(claim),
    epsilon: 2,
    delta: 1e-5,
    trainings: 40,
    evaluations: 1,
    adaptiveClip: null,
  },
});
const quorum: TaskSpec = { ...noisy, helpers: { m: 4, c: 1, mode: 'quorum', q: 3 } };

const trust: Trust = {
  v: 1,
  coordinator: { id: 'https://coordinator.example', operator: 'Bank', key: '' },
  log: { vkey: '' },
  witnesses: {
    threshold: 2,
    witnesses: ['North University', 'Consumer Council', 'Data Trust'].map((operator) => ({
      name: operator,
      operator,
      vkey: '',
    })),
  },
  helpers: ['Clinic', 'University', 'Council', 'Trust'].map((operator, i) => ({
    j: i + 1,
    operator,
    key: '',
  })),
  issuer: { id: 'https://app.example', keys: [] },
};
const heldBy = (task: TaskSpec, by: Trust): boolean[] =>
  describePrivacy(task, by).rows.map(({ held }) => held);

describe('a privacy statement', () => {
  it('of a task that counts says that nothing is trained, and what a count costs', () => {
    const { paragraph, rows } = describePrivacy(noisyCounting(1), trust);
    expect(paragraph).toMatch(/^Nothing is trained: it is counted how many people/);
    expect(paragraph).toMatch(/epsilon 1 \(delta 0\.000001\), over at most 3 counts/);
    expect(rows[3]?.from).toMatch(/for 3 counts$/);
    expect(describePrivacy(noisy, trust).paragraph).not.toMatch(/counted/);
  });

  it('of independent parties with noise and witnesses names what is held, by whom, and at which epsilon', () => {
    const { paragraph, rows, spending } = describePrivacy(noisy, trust);
    expect(paragraph).toMatch(/more than 1 of the 3 helpers \(run by Clinic, University and Council\)/);
    expect(paragraph).toMatch(/epsilon 2 \(delta 0\.00001\), over at most 40 trainings/);
    expect(paragraph).toMatch(
      /2 of 3 witnesses \(run by North University, Consumer Council and Data Trust\)/,
    );
    expect(rows.map(({ held }) => held)).toEqual([true, true, true, true, true, false]);
    expect(rows[1]?.rests).toMatch(/Bank, Clinic and University together/);
    expect(spending.map(({ participations }) => participations)).toEqual([1, 10, 20, 40]);
    expect(spending.at(-1)?.epsilon).toBeCloseTo(2, 6);
    expect(spending.every(({ epsilon }, i) => epsilon > (spending[i - 1]?.epsilon ?? 0))).toBe(true);
  });

  it('says that one operator of everything is not kept out', () => {
    const alone: Trust = {
      ...trust,
      helpers: trust.helpers.map((helper) => ({ ...helper, operator: 'Bank' })),
    };
    const { paragraph, rows } = describePrivacy(noisy, alone);
    expect(paragraph).toMatch(
      /^Bank runs the coordinator .* a leaked database, and not against that operator/,
    );
    expect(rows[1]).toMatchObject({ held: false, from: 'Bank can open it' });
    expect(paragraph).toMatch(/Whoever else sees every sum/);
    expect(rows[2]?.held).toBe(false);
    expect(rows[3]?.from).toMatch(/^everyone but Bank/);
  });

  it('counts the helpers that the operator of the coordinator runs beside others', () => {
    const by = (names: string[]): Trust => ({
      ...trust,
      helpers: trust.helpers.map((helper, i) => ({ ...helper, operator: names[i] as string })),
    });
    // One helper of four is within the bound; two are not.
    expect(describePrivacy(quorum, by(['Bank', 'A', 'B', 'C'])).rows[1]?.rests).toMatch(
      /Bank and A together/,
    );
    expect(describePrivacy(quorum, by(['Bank', 'Bank', 'B', 'C'])).rows[1]?.held).toBe(false);
    expect(describePrivacy(quorum, by(['A', 'A', 'B', 'C'])).rows[1]?.rests).toMatch(/Bank and A together/);
  });

  it('says that without noise the sums are not private, and claims no epsilon', () => {
    const { paragraph, rows, spending } = describePrivacy({ ...noisy, privacy: { mech: 'none' } }, trust);
    expect(paragraph).toMatch(/differential privacy is off/);
    expect(paragraph).not.toMatch(/epsilon/);
    expect(rows[3]?.held).toBe(false);
    expect(spending).toEqual([]);
  });

  it('says that without witnesses, or with too low a threshold, two logs could be shown', () => {
    expect(heldBy(quorum, { ...trust, witnesses: null })).toEqual([true, true, true, true, false, false]);
    expect(describePrivacy(quorum, { ...trust, witnesses: null }).paragraph).toMatch(/No witness watches/);
    const low: Trust = { ...trust, witnesses: { ...trust.witnesses!, threshold: 1 } };
    expect(heldBy(quorum, low)).toEqual([true, true, true, true, false, false]);
    // Where the log is what holds the second set off, that is then not held either.
    expect(heldBy(noisy, low)).toEqual([true, true, false, true, false, false]);
    expect(describePrivacy(noisy, low).paragraph).toMatch(/two halves/);
  });

  it('does not count witnesses that the coordinator runs itself', () => {
    const own = (count: number): Trust => ({
      ...trust,
      witnesses: {
        threshold: 4,
        witnesses: [0, 1, 2, 3, 4].map((i) => ({
          name: `w${i}`,
          operator: i < count ? 'Bank' : `Council ${i}`,
          vkey: '',
        })),
      },
    });
    expect([0, 1, 2, 3].map((count) => heldBy(noisy, own(count))[4])).toEqual([true, true, true, false]);
    expect([2, 3].map((count) => heldBy(noisy, own(count))[2])).toEqual([true, false]);
    expect(describePrivacy(noisy, own(0)).rows[4]?.rests).toMatch(/fewer than 3 of the other 5/);
    expect(describePrivacy(noisy, own(2)).rows[4]?.rests).toMatch(/^no other witness signing two logs/);
    expect(describePrivacy(noisy, own(3)).paragraph).toMatch(/no check on Bank, who runs 3 of the 5/);
  });

  it('is another one whenever any of these facts is', () => {
    const variants = [
      describePrivacy(noisy, trust),
      describePrivacy(quorum, trust),
      describePrivacy({ ...noisy, privacy: { mech: 'none' } }, trust),
      describePrivacy(noisy, { ...trust, witnesses: null }),
      describePrivacy(noisy, { ...trust, coordinator: { ...trust.coordinator, operator: 'Clinic' } }),
    ];
    expect(new Set(variants.map((variant) => JSON.stringify(variant))).size).toBe(variants.length);
  });
});
