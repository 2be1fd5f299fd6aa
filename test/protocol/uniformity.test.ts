/** What the coordinator holds of one report looks like noise; what was masked does not. */
import {
  createSigningKey,
  decodeReport,
  randomBytes,
  sodiumReady,
  type SigningKey,
} from '@twinkeep/protocol';
import { beforeAll, describe, expect, it } from 'vitest';
import { byteUniformityP, uniformKsP } from '../support/uniformity.ts';
import { createTestRound, makeReport, quantizeUpdate, type TestRound } from './report-fixture.ts';

const VECTORS = 320;
let round: TestRound;
let device: SigningKey;

beforeAll(async () => {
  await sodiumReady;
  round = await createTestRound(1_000);
  device = await createSigningKey();
});

describe('the test of uniformity', () => {
  it('has the p-values of tables', () => {
    // With 255 degrees of freedom, 293.25 is the 95th percentile of chi-square and 310.46 the 99th.
    const each = 10_000;
    const bytesWith = (chiSquare: number): Uint8Array => {
      const moved = Math.round(Math.sqrt((chiSquare * each) / 2));
      const bytes = Uint8Array.from({ length: 256 * each }, (_, i) => i % 256);
      for (let n = 0; n < moved; n++) bytes[256 * n] = 1;
      return bytes;
    };
    expect(byteUniformityP(bytesWith(0))).toBeCloseTo(1, 10);
    expect(byteUniformityP(bytesWith(293.25))).toBeCloseTo(0.05, 3);
    expect(byteUniformityP(bytesWith(310.46))).toBeCloseTo(0.01, 3);
    expect(byteUniformityP(bytesWith(1_000))).toBeLessThan(1e-50);
    expect(uniformKsP(Array.from({ length: 1_000 }, (_, i) => (i + 0.5) / 1_000))).toBeGreaterThan(0.99);
    expect(uniformKsP(Array.from({ length: 300 }, (_, i) => ((i + 0.5) / 300) ** 1.5))).toBeLessThan(1e-4);
    // Kolmogorov's distribution: a distance of 1.36 / sqrt(n) has a p-value of 0.05.
    const shifted = Array.from({ length: 10_000 }, (_, i) => Math.min(1, (i + 0.5) / 10_000 + 1.358 / 100));
    expect(uniformKsP(shifted)).toBeCloseTo(0.05, 2);
  });

  it('takes random bytes for uniform', () => {
    expect(
      uniformKsP(Array.from({ length: VECTORS }, () => byteUniformityP(randomBytes(4_096)))),
    ).toBeGreaterThan(1e-4);
  });
});

describe('vectors', () => {
  const update = (i: number): Float64Array<ArrayBuffer> =>
    Float64Array.from({ length: 1_000 }, (_, at) => Math.sin(at * i) / 40);

  it('that were masked pass', async () => {
    const values: number[] = [];
    for (let i = 0; i < VECTORS; i++) {
      const { bytes } = await makeReport(round, { device, update: update(i), twins: 1 });
      values.push(byteUniformityP(decodeReport(bytes, round.config, round.rcHash).vectorBytes));
    }
    expect(uniformKsP(values)).toBeGreaterThan(1e-4);
  });

  it('that were not masked are rejected', async () => {
    const values: number[] = [];
    for (let i = 0; i < VECTORS; i++) {
      const { values: steps } = await quantizeUpdate(round, update(i), 1);
      values.push(byteUniformityP(new Uint8Array(steps.buffer)));
    }
    expect(uniformKsP(values)).toBeLessThan(1e-12);
  });
});
