/**
 * Every entry of the published and computed vectors, each once, each with the tolerance it is held to. The last test counts that none
 * was left out. What Twinkeep does not account with (privacy loss distributions, trees, Laplace noise, fractional orders) is
 * reproduced by independent means that live beside this file, so that the vectors check those means, and those our formulas.
 */
import {
  deltaFor,
  distributedGaussianGap,
  distributedGaussianRdp,
  epsilonFor,
  gaussianDelta,
  gaussianEpsilon,
  gaussianNoiseMultiplier,
  gaussianRdp,
  nextClip,
  poissonGaussianRdp,
  rdpToEpsilon,
  RDP_ORDERS,
  roundedSensitivity,
  roundRho,
  skellamRdp,
  statisticalScale,
  updateNoiseMultiplier,
  zcdpDelta,
  zcdpEpsilon,
} from '@twinkeep/protocol';
import { describe, expect, it } from 'vitest';
import vectors from '../../vectors/dp-test-vectors.json' with { type: 'json' };
import { poissonGaussianRdpIntegral, skellamRdpExact, treeSensitivitySquare } from './exact.ts';
import { compose, laplace, sampledGaussian, substitutedGaussian } from './loss-distribution.ts';
import { discreteGaussian } from './statistics.ts';

const published = vectors.published;
const reproduced = new Set<string>();

/** An entry of a list, marked as reproduced. */
function each<T>(name: string, entries: readonly T[], check: (entry: T) => void): void {
  expect(entries.length).toBeGreaterThan(0);
  entries.forEach((entry, i) => {
    check(entry);
    reproduced.add(`${name}/${i}`);
  });
}

function once<T>(name: string, entry: T, check: (entry: T) => void): void {
  check(entry);
  reproduced.add(name);
}

/** |actual / expected - 1| is at most `relative`. */
function near(actual: number, expected: number, relative: number): void {
  expect(
    Math.abs(actual / expected - 1),
    `${actual} is not ${expected} within ${relative}`,
  ).toBeLessThanOrEqual(relative);
}

describe('Rényi divergence of the Poisson-sampled Gaussian', () => {
  it('at integer orders: relative 1e-11', () =>
    each('rdp_poisson_gaussian_integer_orders', vectors.rdp_poisson_gaussian_integer_orders, (entry) =>
      entry.orders.forEach((order, i) =>
        near(poissonGaussianRdp(entry.q, entry.sigma, order), entry.rdp[i]!, 1e-11),
      ),
    ));

  it('at fractional orders, by quadrature: relative 1e-9; between its integer neighbours', () =>
    each(
      'rdp_poisson_gaussian_fractional_orders_quadrature',
      vectors.rdp_poisson_gaussian_fractional_orders_quadrature,
      ({ q, sigma, order, rdp }) => {
        near(poissonGaussianRdpIntegral(q, sigma, order), rdp, 1e-9);
        expect(rdp).toBeLessThan(poissonGaussianRdp(q, sigma, Math.ceil(order)));
        if (order > 2) expect(rdp).toBeGreaterThan(poissonGaussianRdp(q, sigma, Math.floor(order)));
      },
    ));

  it('as dp_accounting publishes it: relative 1e-4 as there, but for its fractional orders', () =>
    once(
      'published/dp_accounting_rdp_poisson_gaussian',
      published.dp_accounting_rdp_poisson_gaussian,
      (entry) => {
        for (const [i, order] of entry.orders.entries()) {
          const expected = Number(entry.rdp[i] === 'inf' ? Infinity : entry.rdp[i]);
          const at = Number(order === 'inf' ? Infinity : order);
          if (at === Infinity)
            expect(entry.count * poissonGaussianRdp(entry.q, entry.sigma, at)).toBe(expected);
          else if (Number.isInteger(at))
            near(entry.count * poissonGaussianRdp(entry.q, entry.sigma, at), expected, entry.rtol);
          else {
            // Here two published values disagree. At orders 1.5 and 2.5 dp_accounting gives an upper bound on purpose, 3 per cent and
            // 0.006 per cent above the integral that Opacus and the quadrature vectors give. Neither is wrong; we use integer orders only.
            const exact = entry.count * poissonGaussianRdpIntegral(entry.q, entry.sigma, at);
            expect(exact).toBeLessThan(expected);
            near(exact, expected, at < 2 ? 0.04 : 1e-4);
          }
        }
      },
    ));
});

describe('Rényi divergences to (epsilon, delta)', () => {
  it('over orders 2 to 256: relative 1e-12, at the same order', () =>
    each('epsilon/rdp', vectors.epsilon, ({ q, sigma, T, delta, eps_rdp_orders_2_to_256, order }) => {
      const found = rdpToEpsilon((alpha) => T * poissonGaussianRdp(q, sigma, alpha), delta);
      near(found.epsilon, eps_rdp_orders_2_to_256, 1e-12);
      expect(found.order).toBe(order);
    }));

  it('of pure differential privacy: absolute 1e-11, at the last order', () =>
    once(
      'published/dp_accounting_pure_dp',
      published.dp_accounting_pure_dp,
      ({ rdp, delta, epsilon, order }) => {
        const orders = RDP_ORDERS.filter((alpha) => alpha <= 32);
        const found = rdpToEpsilon(() => rdp, delta, orders);
        expect(Math.abs(found.epsilon - epsilon)).toBeLessThan(1e-11);
        expect(found.order).toBe(order);
      },
    ));

  it('of a calibrated Gaussian: absolute 1e-6 on a fine grid of orders, as on a continuum', () =>
    once(
      'published/dp_accounting_gaussian_calibration',
      published.dp_accounting_gaussian_calibration,
      (entry) => {
        const orders = Array.from({ length: 98_999 }, (_, i) => 0.001 * (i + 1_001));
        const found = rdpToEpsilon((alpha) => gaussianRdp(entry.sigma, alpha), entry.delta, orders);
        expect(Math.abs(found.epsilon - entry.epsilon)).toBeLessThan(1e-6);
        const claim = { noiseMultiplier: entry.sigma, participations: 1, delta: entry.delta };
        expect(Math.abs(epsilonFor(claim) - entry.epsilon)).toBeLessThan(1e-6);
      },
    ));

  it('of zCDP, as published for Gboard: absolute 0.01 as there', () =>
    once('published/google_gboard_zcdp', published.google_gboard_zcdp, ({ rho, delta, epsilon, tol }) => {
      expect(Math.abs(zcdpEpsilon(rho, delta) - epsilon)).toBeLessThan(tol);
      near(zcdpDelta(rho, zcdpEpsilon(rho, delta)), delta, 1e-9);
    }));

  it('as Opacus publishes it: absolute 1e-9 at its order 3.9, and ours above it by less than 2e-4', () =>
    once('published/opacus_rdp', published.opacus_rdp, ({ q, sigma, steps, delta, epsilon }) => {
      const fractional = rdpToEpsilon((a) => steps * poissonGaussianRdpIntegral(q, sigma, a), delta, [3.9]);
      expect(Math.abs(fractional.epsilon - epsilon)).toBeLessThan(1e-9);
      const ours = rdpToEpsilon((a) => steps * poissonGaussianRdp(q, sigma, a), delta).epsilon;
      expect(ours).toBeGreaterThan(epsilon);
      near(ours, epsilon, 2e-4);
    }));

  it('gives the noise that Opacus calibrates: its search stops within 0.01 of it, so absolute 0.01', () =>
    once('published/opacus_get_noise_multiplier', published.opacus_get_noise_multiplier, (entry) => {
      const { q, epochs, delta, epsilon, sigma } = entry;
      const at = (z: number): number =>
        rdpToEpsilon((a) => (epochs / q) * poissonGaussianRdp(q, z, a), delta).epsilon;
      expect(at(sigma)).toBeLessThan(epsilon);
      expect(at(sigma - 0.01)).toBeGreaterThan(epsilon);
    }));
});

describe('the exact Gaussian', () => {
  it('needs this sigma: relative 1e-12', () =>
    each('analytic_gaussian_sigma', vectors.analytic_gaussian_sigma, ({ eps, delta, sigma }) =>
      near(gaussianNoiseMultiplier({ epsilon: eps, delta, participations: 1 }), sigma, 1e-12),
    ));

  it('gives this epsilon: relative 1e-12', () =>
    each('analytic_gaussian_eps', vectors.analytic_gaussian_eps, ({ sigma, delta, eps }) =>
      near(gaussianEpsilon({ noiseMultiplier: sigma, delta, participations: 1 }), eps, 1e-12),
    ));

  it('gives this epsilon for K participations: relative 1e-12; zCDP, which we claim, is 7 to 8 per cent above', () =>
    each('participation_cap', vectors.participation_cap, ({ K, z, rho, delta, eps }) => {
      near(gaussianEpsilon({ noiseMultiplier: z, delta, participations: K }), eps, 1e-12);
      near(K * roundRho(z), rho, 1e-15);
      const claimed = epsilonFor({ noiseMultiplier: z, delta, participations: K });
      expect(claimed / eps).toBeGreaterThan(1.06);
      expect(claimed / eps).toBeLessThan(1.09);
      near(deltaFor({ noiseMultiplier: z, epsilon: claimed, participations: K }), delta, 1e-9);
    }));

  it('composed three times, as dp_accounting publishes it: absolute 0.001 as there', () =>
    once('published/dp_accounting_pld_gaussian', published.dp_accounting_pld_gaussian, (entry) => {
      const claim = { noiseMultiplier: Math.sqrt(3), participations: entry.count, epsilon: entry.epsilon };
      expect(Math.abs(gaussianDelta(claim) - entry.delta)).toBeLessThan(entry.tol);
    }));

  it('is the smallest noise that dp_accounting finds: relative 1e-7', () =>
    each(
      'published/dp_accounting_smallest_gaussian_noise',
      published.dp_accounting_smallest_gaussian_noise,
      ({ eps, delta, T, sens, std }) =>
        near(sens * gaussianNoiseMultiplier({ epsilon: eps, delta, participations: T }), std, 1e-7),
    ));

  it('is what the central limit makes of sampling, in the interval that Opacus publishes', () =>
    once('published/opacus_gdp', published.opacus_gdp, ({ q, sigma, steps, delta, epsilon_between }) => {
      // Its test takes int(90 // 0.04) steps, which is 2249 in floating point, and not the 2250 that were meant.
      expect(steps).toBe(2_250);
      const mu = q * Math.sqrt(2_249 * Math.expm1(sigma ** -2));
      const epsilon = gaussianEpsilon({ noiseMultiplier: 1 / mu, participations: 1, delta });
      expect(epsilon).toBeGreaterThan(epsilon_between[0]!);
      expect(epsilon).toBeLessThan(epsilon_between[1]!);
    }));
});

describe('privacy loss distributions', () => {
  const worst = (q: number, sigma: number, times: number, window: [number, number], log2Cells = 17) => {
    const both = (['add', 'remove'] as const).map((direction) =>
      compose(sampledGaussian(q, sigma, direction), times, window, log2Cells),
    );
    return {
      delta: (epsilon: number) => Math.max(...both.map((composed) => composed.delta(epsilon))),
      epsilon: (delta: number) => Math.max(...both.map((composed) => composed.epsilon(delta))),
    };
  };

  it('give these epsilons: relative 5e-4 on a coarser grid than theirs; Rényi divergences are above them', () =>
    each('epsilon/pld', vectors.epsilon, ({ q, sigma, T, delta, eps_pld, eps_rdp_orders_2_to_256 }) => {
      const rdp = eps_rdp_orders_2_to_256;
      const epsilon = worst(q, sigma, T, [-rdp - 8, 2 * rdp + 8]).epsilon(delta);
      near(epsilon, eps_pld, 5e-4);
      expect(epsilon).toBeLessThan(rdp);
    }));

  it('of three sampled steps, as dp_accounting publishes it: absolute 0.001 as there', () =>
    once(
      'published/dp_accounting_pld_poisson_gaussian',
      published.dp_accounting_pld_poisson_gaussian,
      (entry) => {
        const delta = worst(entry.q, entry.sigma, entry.count, [-40, 60]).delta(entry.epsilon);
        expect(Math.abs(delta - entry.delta)).toBeLessThan(entry.tol);
      },
    ));

  it('allow the smallest sampled noise that dp_accounting finds: delta relative 1e-3 at it', () =>
    each(
      'published/dp_accounting_smallest_subsampled_gaussian_noise',
      published.dp_accounting_smallest_subsampled_gaussian_noise,
      ({ eps, delta, T, sens, q, std }) => near(worst(q, std / sens, T, [-40, 60]).delta(eps), delta, 1e-3),
    ));

  it('of Koskela’s accountant: relative 1e-3, at ten times as many steps', () =>
    each('published/pld_accountant_koskela', published.pld_accountant_koskela, (entry) => {
      const { kind, q, sigma, T, eps, delta } = entry;
      // The figures are those of 10,000 steps, for which its first example printed them; a later one says 1,000 beside the same figures.
      expect(T).toBe(1_000);
      const steps = 10_000;
      if (kind === 'delta_add_remove') near(worst(q, sigma, steps, [-4, 4]).delta(eps), delta, 1e-3);
      else near(compose(substitutedGaussian(q, sigma), steps, [-8, 8], 17).epsilon(delta), eps, 1e-3);
    }));

  it('of Laplace noise: absolute 0.1 in the scale as there', () =>
    each('published/dp_accounting_laplace_smallest', published.dp_accounting_laplace_smallest, (entry) => {
      const { eps, delta, T, sens, b, tol } = entry;
      if (delta === 0) return expect((T * sens) / eps).toBeCloseTo(b, 10);
      // The smallest scale is within `tol` of b: the next smaller one is too little, the next larger one is enough.
      const deltaAt = (scale: number): number => compose(laplace(scale), T, [-20, 20], 16).delta(eps);
      expect(deltaAt((b - tol) / sens)).toBeGreaterThan(delta);
      expect(deltaAt((b + tol) / sens)).toBeLessThan(delta);
    }));
});

describe('tree aggregation', () => {
  it('of 1,600 steps is below the published epsilons, and not by more than 15 per cent', () =>
    each('published/tf_privacy_tree', published.tf_privacy_tree, ({ noise, steps, delta, eps_less_than }) => {
      const depth = Math.ceil(Math.log2(steps + 1));
      const epsilon = zcdpEpsilon(depth * roundRho(noise), delta);
      expect(epsilon).toBeLessThan(eps_less_than);
      expect(epsilon).toBeGreaterThan(0.85 * eps_less_than);
    }));

  it('has these sensitivities, exactly', () =>
    each(
      'published/tf_privacy_tree_sensitivity_sq',
      published.tf_privacy_tree_sensitivity_sq,
      ([most, separation, steps, square]) =>
        expect(treeSensitivitySquare(most!, separation!, steps!)).toBe(square),
    ));
});

describe('noise in shares', () => {
  it('rounds within these sensitivities: relative 1e-14', () =>
    each('rounded_l2', vectors.rounded_l2, ({ l2, dim, beta, bound }) =>
      near(roundedSensitivity(l2, dim, beta), bound, 1e-14),
    ));

  it('has these gaps to one Gaussian: relative 1e-14', () =>
    each('ddg_tau', vectors.ddg_tau, ({ sigma_scaled, n, tau }) =>
      near(distributedGaussianGap(sigma_scaled, n), tau, 1e-14),
    ));

  it('has these divergences: relative 1e-14', () =>
    each('ddg_rdp', vectors.ddg_rdp, ({ alpha, l1_over_sigma, l2_over_sigma, tau, dim, rdp }) =>
      near(
        distributedGaussianRdp(alpha, {
          l1OverSigma: l1_over_sigma,
          l2OverSigma: l2_over_sigma,
          gap: tau,
          dim,
        }),
        rdp,
        1e-14,
      ),
    ));

  it('of Skellam has these bounds: relative 1e-14', () =>
    each('skellam_rdp_bound', vectors.skellam_rdp_bound, ({ alpha, l1, l2, mu, rdp }) =>
      near(skellamRdp(alpha, { l1, l2, variance: mu }), rdp, 1e-14),
    ));

  it('of Skellam in one dimension is exactly this: relative 1e-9, below the bound', () =>
    each('skellam_rdp_exact_1d_shift1', vectors.skellam_rdp_exact_1d_shift1, ({ alpha, mu, rdp }) => {
      near(skellamRdpExact(alpha, mu), rdp, 1e-9);
      expect(skellamRdp(alpha, { l1: 1, l2: 1, variance: mu })).toBeGreaterThan(rdp);
    }));

  it('goes on a grid of this scale: relative 1e-14', () =>
    each('heuristic_scale', vectors.heuristic_scale, ({ local_sigma, rho, scale, ...rest }) => {
      expect(rho).toBe(1);
      near(statisticalScale({ localSigma: local_sigma, ...rest }), scale, 1e-14);
    }));
});

describe('the discrete Gaussian', () => {
  it('has these normalisers and variances: relative 1e-12', () =>
    each('discrete_gaussian', vectors.discrete_gaussian, ({ sigma, norm_const, variance }) => {
      const law = discreteGaussian(sigma);
      near(law.normaliser, norm_const, 1e-12);
      near(law.variance, variance, 1e-12);
    }));

  it('truncated to -1, 0, 1 has these probabilities: absolute 1e-8', () =>
    once(
      'published/discrete_gaussian_pmf_truncated1',
      published.discrete_gaussian_pmf_truncated1,
      (entry) => {
        for (const [sigma, probabilities] of [
          [1, entry.sigma1],
          [3, entry.sigma3],
        ] as const) {
          const { pmf } = discreteGaussian(sigma);
          const kept = pmf(-1) + pmf(0) + pmf(1);
          probabilities.forEach((p, i) => expect(Math.abs(pmf(i - 1) / kept - p)).toBeLessThan(1e-8));
        }
      },
    ));
});

describe('adaptive clipping', () => {
  it('leaves this noise for the update: relative 1e-14', () =>
    each('adaptive_clip_z_delta', vectors.adaptive_clip_z_delta, ({ z, sigma_b, z_delta }) =>
      near(updateNoiseMultiplier(z, sigma_b), z_delta, 1e-14),
    ));

  it('follows the quantile as published: absolute 1e-7; the arithmetic cases are ours on exponentials', () =>
    each('published/quantile_estimator', published.quantile_estimator, (entry) => {
      const { records, init, target, lr, geometric, estimates } = entry;
      const learningRate = lr === 'ln2' ? Math.LN2 : Number(lr);
      const [from, to] = geometric ? [(x: number) => x, (x: number) => x] : [Math.exp, Math.log];
      let clip = from(init);
      for (const estimate of estimates) {
        const share = records.filter((record) => from(record) <= clip * (1 + 1e-12)).length / records.length;
        clip = nextClip(clip, share, { quantile: target, learningRate });
        expect(Math.abs(to(clip) - estimate)).toBeLessThan(1e-7);
      }
    }));
});

describe('this file', () => {
  it('reproduced every entry of the vectors', () => {
    const names = Object.entries(vectors).flatMap(([section, entries]) => {
      if (section === 'source') return [];
      if (section === 'epsilon')
        return [...listed('epsilon/rdp', entries), ...listed('epsilon/pld', entries)];
      if (section !== 'published') return listed(section, entries);
      return Object.entries(entries).flatMap(([name, entry]) => listed(`published/${name}`, entry));
    });
    expect([...reproduced].toSorted()).toEqual(names.toSorted());
    expect(names).toHaveLength(ENTRIES);
  });
});

/** A list has an entry per element; anything else is one entry. */
function listed(name: string, entries: unknown): string[] {
  return Array.isArray(entries) ? entries.map((_, i) => `${name}/${i}`) : [name];
}

/** Entries in the file as it was handed over. */
const ENTRIES = 120;
