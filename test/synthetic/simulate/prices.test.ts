import { createSimulation, type MarketRow, type SimulationOptions } from '@twinkeep/synthetic/simulate';
import { createSimulationTruths } from '@twinkeep/synthetic/truth';
import { describe, expect, it } from 'vitest';
import { leastSquares, mean, solve } from '../support/likelihood.ts';

// 267 sites x 128 weeks x 3 goods = 102,528 rows.
const options: SimulationOptions = {
  industry: 'cpg',
  seed: 5,
  customers: 1,
  months: 30,
  startTime: '2025-01-01T00:00:00Z',
  federation: { sites: 267 },
};
const { parameters } = createSimulationTruths(options);
const market = parameters.market!;
const names = market.products.map(({ name }) => name);

/** Log units against the log price of each good, featured or not, and all that the data show; the slopes come first. */
function design(rows: readonly MarketRow[]): { x: number[][]; y: number[]; kept: MarketRow[] } {
  const kept = rows.filter(({ units }) => units > 0);
  const prices = new Map(rows.map((row) => [`${row.site} ${row.week} ${row.product}`, Math.log(row.price)]));
  const x = kept.map((row) => {
    const good = names.indexOf(row.product);
    const price = Math.log(row.price);
    const featured = Number(row.featured);
    const others = names
      .filter((name) => name !== row.product)
      .map((name) => prices.get(`${row.site} ${row.week} ${name}`)!);
    const period = Math.floor((row.week % 52) / 4);
    return [
      ...names.map((_, i) => Number(i === good) * price),
      ...names.map((_, i) => Number(i === good) * featured * price),
      ...names.map((_, i) => Number(i === good) * featured),
      ...names.map((_, i) => Number(i === good)),
      mean(others),
      ...Array.from({ length: 12 }, (_, i) => Number(i === period)),
    ];
  });
  return { x, y: kept.map(({ units }) => Math.log(units)), kept };
}

const randomised = [...createSimulation(options).market()];
const endogenous = [...createSimulation({ ...options, prices: 'endogenous' }).market()];

describe('prices', () => {
  it('are as many rows as said', () => {
    expect(randomised.length).toBe(267 * 128 * 3);
    expect(endogenous.length).toBe(randomised.length);
  });

  it('randomised: the regression with controls finds every elasticity within 5 %', () => {
    const { x, y } = design(randomised);
    const slopes = leastSquares(x, y);
    for (const [i, { elasticity, deepening }] of market.products.entries()) {
      expect(Math.abs(slopes[i]! / elasticity - 1)).toBeLessThan(0.05);
      expect(Math.abs((slopes[i]! + slopes[3 + i]!) / (elasticity + deepening) - 1)).toBeLessThan(0.05);
    }
    expect(slopes[12]).toBeCloseTo(market.cross, 1);
  });

  it('endogenous: the same regression misses by the stated amount', () => {
    const bias = createSimulationTruths({ ...options, prices: 'endogenous' }).elasticityBias!;
    expect(bias).toBeGreaterThan(0.6);
    expect(createSimulationTruths(options).elasticityBias).toBe(0);
    const { x, y } = design(endogenous);
    const slopes = leastSquares(x, y);
    for (const [i, { elasticity }] of market.products.entries())
      expect(Math.abs(slopes[i]! - elasticity - bias)).toBeLessThan(0.06);
  });

  it('endogenous: the cost as instrument finds every elasticity within 5 %', () => {
    const { x, y, kept } = design(endogenous);
    // Z'X b = Z'y, with the cost in the place of the price in its six columns; those of the goods follow at 6 and 9.
    const width = x[0]!.length;
    const cross = Array.from({ length: width }, () => Array.from({ length: width }, () => 0));
    const right = Array.from({ length: width }, () => 0);
    for (const [i, row] of x.entries()) {
      const { cost } = kept[i]!;
      const instrument = row.map((value, j) =>
        j < 3 ? row[9 + j]! * cost : j < 6 ? row[3 + j]! * cost : value,
      );
      for (let j = 0; j < width; j++) {
        right[j]! += instrument[j]! * y[i]!;
        for (let k = 0; k < width; k++) cross[j]![k]! += instrument[j]! * row[k]!;
      }
    }
    const slopes = solve(cross, right)!;
    for (const [i, { elasticity }] of market.products.entries())
      expect(Math.abs(slopes[i]! / elasticity - 1)).toBeLessThan(0.05);
  });

  it('a site may have an elasticity of its own', () => {
    const shifted = { ...options, federation: { sites: 4, elasticityShift: 0.8 } };
    const { sites } = createSimulationTruths(shifted);
    const rows = [...createSimulation(shifted).market()];
    for (const { index, elasticityShift } of sites) {
      const { x, y } = design(rows.filter(({ site }) => site === index));
      const slopes = leastSquares(x, y);
      const found = mean(market.products.map(({ elasticity }, i) => slopes[i]! - elasticity));
      // Of about 1,150 rows, with a shock of 0.25 on prices that move by 0.15.
      expect(Math.abs(found - elasticityShift)).toBeLessThan(0.25);
    }
    expect(Math.max(...sites.map(({ elasticityShift }) => Math.abs(elasticityShift)))).toBeGreaterThan(0.5);
  });
});

describe('baskets', () => {
  it('follow the prices of the site with the elasticity of the segment', () => {
    const shop: SimulationOptions = { ...options, seed: 6, customers: 1_500, months: 18, federation: {} };
    const simulation = createSimulation(shop);
    const key = createSimulationTruths(shop);
    const start = Date.parse(shop.startTime);
    const rows = [...simulation.market()];
    const prices = new Map(rows.map((row) => [`${row.week} ${row.product}`, row]));
    const units = new Map<string, number>();
    const elasticities: number[] = [];
    for (let index = 0; index < shop.customers; index++) {
      elasticities.push(key.truth(index).elasticity);
      for (const { type, time, data } of simulation.events(index)) {
        if (type !== 'basket.bought') continue;
        const week = Math.floor((Date.parse(time) - start) / (7 * 86_400_000));
        const row = prices.get(`${week} ${String(data['product'])}`)!;
        expect([data['amount'], data['featured']]).toEqual([row.price, row.featured]);
        const address = `${week} ${String(data['product'])}`;
        units.set(address, (units.get(address) ?? 0) + Number(data['units']));
      }
    }
    const sales = rows.map((row) => ({ ...row, units: units.get(`${row.week} ${row.product}`) ?? 0 }));
    const { x, y } = design(sales);
    const slopes = leastSquares(x, y);
    expect(Math.abs(mean(slopes.slice(0, 3)) - mean(elasticities))).toBeLessThan(0.7);
  });
});
