/**
 * Prices and demand of goods, week by week and site by site, shared by all customers of a site.
 *
 *   ln price = ln list + passThrough * cost + response * shock + noise,    response = 0 unless prices are endogenous
 *   ln E[units] = ln base + season + shock + featured * lift + (elasticity + featured * deepening) * ln(price / list)
 *                 + cross * mean over the other goods of ln(price / list)
 *
 * The shock is demand that no data set shows. Because an endogenous price moves with it, the slope of a naive regression of
 * log units on log price with all visible controls tends to elasticity + response * var(shock) / var(ln price); the cost
 * moves prices and nothing else, so it is a valid instrument. Defaults: Dominick's orange juice (28,947 store-weeks).
 */
import { bernoulli, normal, poisson } from '../distributions.ts';
import { exp, log } from '../elementary.ts';
import type { RandomSource } from '../prng.ts';
import type { Site } from './sites.ts';

export interface Product {
  name: string;
  /** Euros. */
  list: number;
  /** Share of the purchases. */
  share: number;
  /** Of a site's weekly sales, when not featured. */
  elasticity: number;
  /** Added to the elasticity while featured. */
  deepening: number;
}

export interface MarketParameters {
  products: readonly Product[];
  /** Units of all products that a site of average size sells in a week at list prices. */
  siteUnits: number;
  /** Units that an average customer buys in a week. */
  customerUnits: number;
  /** Shape of the Gamma that spreads customers around it. */
  customerShape: number;
  featuredShare: number;
  featuredLift: number;
  cross: number;
  costSpread: number;
  passThrough: number;
  noiseSpread: number;
  shockSpread: number;
  /** How a price follows the shock in the endogenous mode. */
  response: number;
}

/** What a shop's system shows of a good in one week. */
export interface MarketRow {
  site: number;
  /** Weeks from the start. */
  week: number;
  product: string;
  /** Euros, to the cent. */
  price: number;
  /** ln of the cost over its mean. */
  cost: number;
  featured: boolean;
  /** Units sold by the site, to everybody. */
  units: number;
}

export interface PriceOfWeek {
  /** Cents. */
  price: number;
  /** ln(price / list) of the rounded price. */
  relative: number;
  cost: number;
  featured: boolean;
  shock: number;
}

/** Log demand over the year in periods of four weeks. */
const SEASON = [0.1, 0.06, 0.02, -0.02, -0.06, -0.1, -0.12, -0.1, -0.05, 0, 0.05, 0.1, 0.12] as const;

export function season(week: number): number {
  return SEASON[Math.floor((week % 52) / 4)] as number;
}

export interface Market {
  readonly weeks: number;
  prices(site: number, week: number): readonly PriceOfWeek[];
  /** The mean of `relative` over the goods other than this one. */
  others(prices: readonly PriceOfWeek[], product: number): number;
  rows(): IterableIterator<MarketRow>;
}

export function createMarket(
  random: RandomSource,
  parameters: MarketParameters,
  sites: readonly Site[],
  weeks: number,
  endogenous: boolean,
): Market {
  const { products } = parameters;
  const known = new Map<number, readonly PriceOfWeek[]>();
  const response = endogenous ? parameters.response : 0;

  const prices = (site: number, week: number): readonly PriceOfWeek[] => {
    const address = site * weeks + week;
    let drawn = known.get(address);
    if (drawn === undefined) {
      drawn = products.map((product, i) =>
        drawPrice(random, parameters, product, response, site, week * products.length + i),
      );
      known.set(address, drawn);
    }
    return drawn;
  };
  const others = (all: readonly PriceOfWeek[], product: number): number =>
    products.length < 2
      ? 0
      : all.reduce((sum, { relative }, i) => sum + (i === product ? 0 : relative), 0) / (products.length - 1);

  return {
    weeks,
    prices,
    others,
    *rows() {
      for (const site of sites) {
        const base = parameters.siteUnits * site.weight * sites.length;
        for (let week = 0; week < weeks; week++) {
          const all = prices(site.index, week);
          for (const [i, product] of products.entries()) {
            const { price, relative, cost, featured, shock } = all[i] as PriceOfWeek;
            const slope = product.elasticity + site.elasticityShift + (featured ? product.deepening : 0);
            const mean =
              base *
              product.share *
              exp(
                season(week) +
                  shock +
                  (featured ? parameters.featuredLift : 0) +
                  slope * relative +
                  parameters.cross * others(all, i),
              );
            const units = poisson(
              random.stream(site.index, 'market-units', week * products.length + i),
              mean,
            );
            yield {
              site: site.index,
              week,
              product: product.name,
              price: price / 100,
              cost,
              featured,
              units,
            };
          }
        }
      }
    },
  };
}

function drawPrice(
  random: RandomSource,
  parameters: MarketParameters,
  product: Product,
  response: number,
  site: number,
  address: number,
): PriceOfWeek {
  const draw = (field: string): number => normal(random.stream(site, `market-${field}`, address));
  const cost = Math.round(1e4 * parameters.costSpread * draw('cost')) / 1e4;
  const shock = parameters.shockSpread * draw('shock');
  const noise = parameters.noiseSpread * draw('price');
  const wanted = exp(parameters.passThrough * cost + response * shock + noise);
  const price = Math.max(1, Math.round(100 * product.list * wanted));
  return {
    price,
    relative: log(price / (100 * product.list)),
    cost,
    featured: bernoulli(random.stream(site, 'market-featured', address), parameters.featuredShare),
    shock,
  };
}

/** By how much the slope of a naive regression misses the elasticity when prices are endogenous (see the top). */
export function naiveBias(parameters: MarketParameters): number {
  const { response, shockSpread, costSpread, passThrough, noiseSpread } = parameters;
  const followed = response * shockSpread * shockSpread;
  const fromCost = passThrough * costSpread;
  return followed / (fromCost * fromCost + response * followed + noiseSpread * noiseSpread);
}
