import { readdirSync, readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exp, log, normalQuantile, sigmoid } from '@twinkeep/synthetic/random';

const relativeError = (got: number, wanted: number): number => Math.abs(got - wanted) / Math.abs(wanted);
const real = (min: number, max: number): fc.Arbitrary<number> => fc.double({ min, max, noNaN: true });

describe('elementary functions', () => {
  it('exp agrees with the engine to the last bits', () => {
    fc.assert(
      fc.property(real(-700, 700), (x) => {
        expect(relativeError(exp(x), Math.exp(x))).toBeLessThan(5e-16);
      }),
      { numRuns: 2_000 },
    );
    expect([exp(0), exp(-1_000), exp(1_000)]).toEqual([1, 0, Infinity]);
  });

  it('log agrees with the engine to the last bits', () => {
    fc.assert(
      fc.property(real(-300, 300), (power) => {
        const x = 10 ** power;
        expect(Math.abs(log(x) - Math.log(x))).toBeLessThanOrEqual(5e-16 * Math.abs(Math.log(x)));
      }),
      { numRuns: 2_000 },
    );
    expect(log(1)).toBe(0);
  });

  it('sigmoid is symmetric and bounded', () => {
    fc.assert(
      fc.property(real(-800, 800), (x) => {
        expect(sigmoid(x) + sigmoid(-x)).toBeCloseTo(1, 15);
      }),
    );
  });

  // scipy.stats.norm.ppf
  it.each([
    [1e-12, -7.034483825301131],
    [1e-5, -4.264890793922825],
    [0.025, -1.9599639845400545],
    [0.2, -0.8416212335729142],
    [0.6, 0.2533471031357997],
    [0.93, 1.475791028179171],
    [0.999999, 4.753424308817087],
  ])('the normal quantile of %s', (p, z) => {
    expect(relativeError(normalQuantile(p), z)).toBeLessThan(1e-14);
  });
});

describe('sources', () => {
  it('use nothing that differs between engines, locales, clocks or runs', () => {
    const folder = new URL('../../synthetic/', import.meta.url);
    const files = ['', 'telecom/', 'simulate/', 'simulate/behaviour/'].flatMap((under) =>
      readdirSync(new URL(under, folder))
        .filter((name) => name.endsWith('.ts'))
        .map((name) => under + name),
    );
    expect(files).toContain('telecom/history.ts');
    expect(files).toContain('simulate/behaviour/orders.ts');
    // No clock, no shared randomness, no locale, and no operation that ECMAScript leaves "implementation-approximated"
    // but the square root.
    const forbidden =
      /Math\.(random|exp|expm1|log\w*|pow|sin|cos|tan|cbrt|hypot)\b|\*\*|Date\.now|new Date\(\)|performance\.|[lL]ocale(Compare|String)|\bIntl\b|getTimezone/;
    const found = files.flatMap((file) => {
      const code = readFileSync(new URL(file, folder), 'utf8').replaceAll(/\/\*[^]*?\*\/|\/\/.*/g, '');
      const match = forbidden.exec(code);
      return match === null ? [] : [`${file}: ${match[0]}`];
    });
    expect(found).toEqual([]);
    expect(forbidden.test('x ** 2')).toBe(true);
  });
});
