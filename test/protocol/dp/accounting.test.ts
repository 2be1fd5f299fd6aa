/** The accountant against itself, against brute force, and against what discrete noise really gives. */
import {
  claimHolds,
  deltaFor,
  distributedGaussianGap,
  distributedGaussianRdp,
  epsilonFor,
  gaussianDelta,
  gaussianEpsilon,
  gaussianNoiseMultiplier,
  gaussianRdp,
  nextClip,
  noiseMultiplierFor,
  participationsFor,
  poissonGaussianRdp,
  poissonSubsampledRdp,
  rdpToEpsilon,
  roundedL1Sensitivity,
  roundedSensitivity,
  roundRho,
  shareWithin,
  skellamRdp,
  statisticalScale,
  updateNoiseMultiplier,
  zcdpDelta,
  zcdpEpsilon,
} from '@twinkeep/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { discreteGaussian } from './statistics.ts';

const logUniform = (low: number, high: number): fc.Arbitrary<number> =>
  fc.double({ min: Math.log(low), max: Math.log(high), noNaN: true }).map(Math.exp);
const delta = logUniform(1e-12, 1e-2);
const epsilon = logUniform(0.05, 20);
const participations = fc.integer({ min: 1, max: 2_000 });

function near(actual: number, expected: number, relative: number): void {
  expect(Math.abs(actual / expected - 1), `${actual}, not ${expected}`).toBeLessThanOrEqual(relative);
}

const refused = (work: () => unknown): void =>
  expect(work).toThrowError(expect.objectContaining({ code: 'protocol/privacy' }));

describe('zCDP', () => {
  it('converts as a search over very many orders does', () => {
    fc.assert(
      fc.property(logUniform(1e-6, 50), delta, (rho, target) => {
        let best = Infinity;
        for (let u = -12; u < 25; u += 0.0005) {
          const order = 1 + Math.exp(u);
          best = Math.min(
            best,
            order * rho - Math.log(order * target) / (order - 1) + Math.log1p(-1 / order),
          );
        }
        const found = zcdpEpsilon(rho, target);
        expect(found).toBeLessThanOrEqual(Math.max(0, best) + 1e-12);
        expect(found).toBeGreaterThan(best - 1e-5 * (1 + Math.abs(best)));
      }),
      { numRuns: 30 },
    );
  });

  it('goes to epsilon and back to delta', () => {
    fc.assert(
      fc.property(logUniform(1e-3, 20), delta, (rho, target) => {
        const found = zcdpEpsilon(rho, target);
        fc.pre(found > 0);
        near(zcdpDelta(rho, found), target, 1e-8);
      }),
    );
  });

  it('adds up, and costs more the more there is of it', () => {
    fc.assert(
      fc.property(logUniform(0.1, 100), participations, delta, (z, k, target) => {
        const claim = { noiseMultiplier: z, participations: k, delta: target };
        expect(epsilonFor(claim)).toBe(zcdpEpsilon(k * roundRho(z), target));
        expect(epsilonFor({ ...claim, participations: k + 1 })).toBeGreaterThanOrEqual(epsilonFor(claim));
        expect(epsilonFor({ ...claim, delta: target / 2 })).toBeGreaterThanOrEqual(epsilonFor(claim));
        expect(epsilonFor({ ...claim, noiseMultiplier: z * 1.01 })).toBeLessThanOrEqual(epsilonFor(claim));
      }),
    );
  });

  it('never claims more than exact Gaussian noise would give', () => {
    fc.assert(
      fc.property(logUniform(0.2, 200), participations, delta, (noiseMultiplier, k, target) => {
        const claim = { noiseMultiplier, participations: k, delta: target };
        expect(epsilonFor(claim)).toBeGreaterThanOrEqual(gaussianEpsilon(claim) * (1 - 1e-12));
      }),
    );
  });

  it('never claims more than one discrete Gaussian in one dimension gives, exactly', () => {
    for (const sigma of [0.5, 1, 2.5, 10]) {
      const { pmf, reach } = discreteGaussian(sigma);
      for (const at of [0.1, 0.5, 1, 2, 5]) {
        let exact = 0;
        for (let y = -reach; y <= reach; y++) exact += Math.max(0, pmf(y) - Math.exp(at) * pmf(y - 1));
        expect(deltaFor({ noiseMultiplier: sigma, participations: 1, epsilon: at })).toBeGreaterThanOrEqual(
          exact,
        );
      }
    }
  });

  it('costs nothing where nothing was done, and refuses what is no claim', () => {
    expect(zcdpEpsilon(0, 1e-6)).toBe(0);
    expect(zcdpDelta(0, 1)).toBe(0);
    expect(epsilonFor({ noiseMultiplier: 1, participations: 0, delta: 1e-6 })).toBe(0);
    expect(zcdpDelta(1e9, 1)).toBe(1);
    for (const bad of [0, 1, -1, Number.NaN]) refused(() => zcdpEpsilon(1, bad));
    for (const bad of [-1, Number.NaN, Infinity]) {
      refused(() => zcdpEpsilon(bad, 1e-6));
      refused(() => zcdpDelta(bad, 1));
      refused(() => zcdpDelta(1, bad));
      refused(() => roundRho(bad));
    }
    refused(() => roundRho(0));
    refused(() => rdpToEpsilon((order) => order, 0));
  });
});

describe('any two of epsilon, delta and noise', () => {
  it('give the third', () => {
    fc.assert(
      fc.property(epsilon, delta, participations, (wanted, target, k) => {
        const noiseMultiplier = noiseMultiplierFor({ epsilon: wanted, delta: target, participations: k });
        const claim = { noiseMultiplier, participations: k };
        expect(epsilonFor({ ...claim, delta: target })).toBeLessThanOrEqual(wanted);
        expect(deltaFor({ ...claim, epsilon: wanted })).toBeLessThanOrEqual(target * (1 + 1e-8));
        expect(claimHolds({ ...claim, epsilon: wanted, delta: target })).toBe(true);
        // A step less of noise is too little, and so is one participation more.
        const less = { ...claim, noiseMultiplier: noiseMultiplier - 1.01e-6, delta: target };
        expect(epsilonFor(less)).toBeGreaterThan(wanted);
        expect(participationsFor({ noiseMultiplier, epsilon: wanted, delta: target })).toBeGreaterThanOrEqual(
          k,
        );
        const nextOne = participationsFor({ noiseMultiplier, epsilon: wanted, delta: target }) + 1;
        expect(epsilonFor({ noiseMultiplier, participations: nextOne, delta: target })).toBeGreaterThan(
          wanted,
        );
      }),
      { numRuns: 60 },
    );
  });

  it('for the exact Gaussian too', () => {
    fc.assert(
      fc.property(epsilon, delta, participations, (wanted, target, k) => {
        const noiseMultiplier = gaussianNoiseMultiplier({
          epsilon: wanted,
          delta: target,
          participations: k,
        });
        near(gaussianEpsilon({ noiseMultiplier, participations: k, delta: target }), wanted, 1e-7);
        near(gaussianDelta({ noiseMultiplier, participations: k, epsilon: wanted }), target, 1e-9);
      }),
    );
  });

  it('published figures hold, and a task that claims more than its noise gives does not', () => {
    const claim = { epsilon: 2, delta: 1e-5, participations: 60 };
    const noiseMultiplier = noiseMultiplierFor(claim);
    expect(noiseMultiplier).toBeCloseTo(16.646921, 5);
    expect(claimHolds({ ...claim, noiseMultiplier })).toBe(true);
    expect(claimHolds({ ...claim, noiseMultiplier: noiseMultiplier - 1e-5 })).toBe(false);
    expect(claimHolds({ ...claim, noiseMultiplier, participations: 61 })).toBe(false);
    expect(claimHolds({ ...claim, noiseMultiplier, epsilon: 1.9999 })).toBe(false);
    expect(participationsFor({ epsilon: 2, delta: 1e-5, noiseMultiplier: 0.1 })).toBe(0);
  });

  it('there is none for what no noise gives', () => {
    const claim = { epsilon: 1, delta: 1e-5, participations: 10 };
    for (const bad of [0, -1, Number.NaN]) refused(() => noiseMultiplierFor({ ...claim, epsilon: bad }));
    for (const bad of [0, -1, Number.NaN])
      refused(() => noiseMultiplierFor({ ...claim, participations: bad }));
    for (const bad of [0, 1, Number.NaN]) {
      refused(() => noiseMultiplierFor({ ...claim, delta: bad }));
      refused(() => gaussianNoiseMultiplier({ ...claim, delta: bad }));
      refused(() => gaussianEpsilon({ noiseMultiplier: 1, participations: 1, delta: bad }));
    }
    refused(() => participationsFor({ epsilon: Infinity, delta: 1e-5, noiseMultiplier: 1 }));
  });

  it('in the extremes the Gaussian keeps its tails', () => {
    const at = (noiseMultiplier: number, epsilon: number): number =>
      gaussianDelta({ noiseMultiplier, participations: 1, epsilon });
    expect(at(1e-3, 1)).toBe(1);
    expect(at(100, 3)).toBe(0);
    // delta(0) is the total variation distance, 2 P(N < 1 / 2z) - 1.
    near(at(1, 0), 0.3829249225480262, 1e-13);
    expect(gaussianEpsilon({ noiseMultiplier: 1e6, participations: 1, delta: 1e-5 })).toBe(0);
    refused(() => at(0, 1));
    refused(() => at(1, -1));
  });
});

describe('a Poisson sample', () => {
  it('of randomised response is within the general bound', () => {
    // Truth with probability p: exact divergences of the mixture, in both directions.
    fc.assert(
      fc.property(
        fc.double({ min: 0.55, max: 0.95, noNaN: true }),
        fc.double({ min: 0.01, max: 0.9, noNaN: true }),
        fc.integer({ min: 2, max: 64 }),
        (p, q, order) => {
          const divergence = (a: number[], b: number[], at: number): number =>
            Math.log(a.reduce((sum, x, i) => sum + x ** at * b[i]! ** (1 - at), 0)) / (at - 1);
          const [one, other] = [
            [p, 1 - p],
            [1 - p, p],
          ];
          const mixture = other.map((x, i) => (1 - q) * x + q * one[i]!);
          const bound = poissonSubsampledRdp(q, (at) => divergence(one, other, at), order);
          expect(bound).toBeGreaterThanOrEqual(divergence(mixture, other, order) - 1e-12);
          expect(bound).toBeGreaterThanOrEqual(divergence(other, mixture, order) - 1e-12);
          expect(bound).toBeLessThanOrEqual(divergence(one, other, order));
        },
      ),
    );
  });

  it('of Gaussian noise is within it too, and everything is a sample of itself', () => {
    for (const [q, z, order] of [
      [0.01, 1, 8],
      [0.2, 2, 40],
      [0.5, 0.7, 3],
    ] as const) {
      const general = poissonSubsampledRdp(q, (at) => gaussianRdp(z, at), order);
      expect(general).toBeGreaterThan(poissonGaussianRdp(q, z, order));
      expect(poissonGaussianRdp(q, z, order)).toBeLessThan(gaussianRdp(z, order));
      near(poissonGaussianRdp(1, z, order), gaussianRdp(z, order), 1e-14);
      near(
        poissonSubsampledRdp(1, (at) => gaussianRdp(z, at), order),
        gaussianRdp(z, order),
        1e-14,
      );
    }
  });

  it('has a rate and an integer order', () => {
    for (const q of [0, -0.1, 1.1, Number.NaN]) refused(() => poissonGaussianRdp(q, 1, 2));
    for (const order of [1, 2.5, Number.NaN]) refused(() => poissonGaussianRdp(0.1, 1, order));
  });

  it('has the logarithmic moments of section 3.4: relative 1e-9', () => {
    for (const [q, sigma, order, ln] of [
      [1e-6, 1, 27, 8.7695113031e-10],
      [1e-3, 1, 2, 1.71828035221e-6],
      [0.01, 10, 20, 1.91296999128e-4],
      [0.99, 0.1, 256, 3263997.42711],
    ] as const)
      near((order - 1) * poissonGaussianRdp(q, sigma, order), ln, 1e-9);
  });
});

describe('adaptive clipping', () => {
  it('finds the quantile of norms, with the share read from a noisy sum', () => {
    const norms = Array.from({ length: 200 }, (_, i) => 0.1 * 1.02 ** i);
    const step = 5_000;
    let clip = 10;
    for (let round = 0; round < 100; round++) {
      const sum = norms.reduce((total, norm) => total + (norm <= clip ? step : -step), 0);
      clip = nextClip(clip, shareWithin(sum, norms.length, step), { quantile: 0.5, learningRate: 0.2 });
    }
    expect(norms.filter((norm) => norm <= clip).length / norms.length).toBeCloseTo(0.5, 1);
    expect(shareWithin(0, 10, step)).toBe(0.5);
    expect(shareWithin(10 * step, 10, step)).toBe(1);
    expect(shareWithin(-10 * step, 10, step)).toBe(0);
    expect(nextClip(3, 0.5, { quantile: 0.5, learningRate: 0.2 })).toBe(3);
  });

  it('leaves no noise to a budget that the bits spend alone', () => {
    refused(() => updateNoiseMultiplier(2, 1));
    refused(() => updateNoiseMultiplier(2, 0.5));
    near(updateNoiseMultiplier(1, 1e9), 1, 1e-12);
  });
});

describe('the research’s other figures', () => {
  it('needs the noise of the table in section 3.3: to its last digit', () => {
    const table: Record<number, number[]> = {
      1: [4.2247, 9.4467, 13.36, 18.893],
      2: [2.2305, 4.9875, 7.0534, 9.975],
      4: [1.1935, 2.6688, 3.7742, 5.3376],
      8: [0.6529, 1.46, 2.0648, 2.92],
    };
    for (const [epsilon, row] of Object.entries(table))
      for (const [i, participations] of [1, 5, 10, 20].entries())
        near(
          gaussianNoiseMultiplier({ epsilon: Number(epsilon), delta: 1e-6, participations }),
          row[i]!,
          0.0001,
        );
  });

  it('costs 0.3 per cent by its grid at 14 bits: the rounds of section 3.4, relative 1e-7', () => {
    for (const [n, z, dim, bits, gaussian, distributed, skellam] of [
      [100, 1, 65_536, 20, 5.2224287, 5.2224566, 5.2224566],
      [100, 1, 65_536, 14, 5.2224287, 5.2376138, 5.2376146],
      [50, 2, 1_024, 18, 2.4214513, 2.4215601, 2.4215601],
      [1_000, 1, 131_072, 20, 5.2224287, 5.2225455, 5.2225455],
    ] as const) {
      const localSigma = z / Math.sqrt(n);
      const scale = statisticalScale({ localSigma, clip: 1, bits, n, dim, k: 4 });
      const l2 = roundedSensitivity(scale, dim, Math.exp(-1 / 2));
      const l1 = roundedL1Sensitivity(l2, dim);
      const sigma = z * scale;
      const gap = distributedGaussianGap(localSigma * scale, n);
      const shares = { l1OverSigma: l1 / sigma, l2OverSigma: l2 / sigma, gap, dim };
      near(rdpToEpsilon((a) => gaussianRdp(z, a), 1e-6).epsilon, gaussian, 1e-7);
      near(rdpToEpsilon((a) => distributedGaussianRdp(a, shares), 1e-6).epsilon, distributed, 1e-7);
      near(rdpToEpsilon((a) => skellamRdp(a, { l1, l2, variance: sigma ** 2 }), 1e-6).epsilon, skellam, 1e-7);
    }
  });
});
