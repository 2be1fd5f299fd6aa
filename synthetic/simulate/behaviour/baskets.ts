/** Weekly baskets: units of each good ~ Poisson, around a rate and with a price elasticity of the customer's own. */
import { gamma, poisson } from '../../distributions.ts';
import { exp } from '../../elementary.ts';
import { season, type Market, type MarketParameters, type PriceOfWeek, type Product } from '../market.ts';
import type { Person } from '../person.ts';
import { MONTH_DAYS, type Draw } from './draw.ts';

export interface Purchase {
  week: number;
  product: string;
  units: number;
  /** Cents each. */
  price: number;
  featured: boolean;
}

export interface BasketTruth {
  /** Units a week at list prices, all goods together. */
  rate: number;
  /** Of each good's units to its price, when not featured. */
  elasticity: number;
}

const MAX_UNITS = 99;

export function drawBaskets(
  draw: Draw,
  parameters: MarketParameters,
  market: Market,
  { site, traits }: Person,
  months: number,
): { purchases: Purchase[]; truth: BasketTruth } {
  const { products, customerShape: shape } = parameters;
  const rate = (parameters.customerUnits * gamma(draw('basket-rate'), shape)) / shape;
  const purchases: Purchase[] = [];
  for (let week = 0; week < Math.floor((months * MONTH_DAYS) / 7); week++) {
    const all = market.prices(site, week);
    const stream = draw('basket', week);
    for (const [i, product] of products.entries()) {
      const { price, relative, featured, shock } = all[i] as PriceOfWeek;
      const slope = traits.elasticity + (featured ? (product as Product).deepening : 0);
      const logDemand =
        season(week) +
        shock +
        (featured ? parameters.featuredLift : 0) +
        slope * relative +
        parameters.cross * market.others(all, i);
      const units = Math.min(MAX_UNITS, poisson(stream, rate * product.share * exp(logDemand)));
      if (units > 0) purchases.push({ week, product: product.name, units, price, featured });
    }
  }
  return { purchases, truth: { rate, elasticity: traits.elasticity } };
}
