/** What sets one industry apart: which behaviours its customers show, and the planted parameters of each. */
import type { Category } from '@twinkeep/consent';
import type { AdherenceParameters } from './behaviour/adherence.ts';
import type { AppointmentParameters } from './behaviour/appointments.ts';
import type { CampaignParameters } from './behaviour/campaign.ts';
import type { CareParameters } from './behaviour/care.ts';
import type { ChoiceParameters } from './behaviour/choice.ts';
import type { OrderParameters } from './behaviour/orders.ts';
import type { SubscriptionParameters } from './behaviour/subscription.ts';
import type { MarketParameters } from './market.ts';

export interface Segment {
  name: string;
  /** Share of the customers where no site skews it. */
  weight: number;
  /** Mean price elasticity of demand. */
  elasticity: number;
}

export interface IndustryPreset {
  segments: readonly Segment[];
  /** Standard deviation of the elasticity within a segment. */
  elasticitySpread: number;
  /** Chance that who grants anything refuses a category; absent = never. */
  refusals: Readonly<Partial<Record<Category, number>>>;
  campaign: CampaignParameters;
  care: CareParameters;
  choice: ChoiceParameters;
  /** Buying without a contract: who left does not say so. */
  orders?: OrderParameters;
  /** Weekly baskets of goods whose prices move. */
  market?: MarketParameters;
  /** A contract that ends by notice, or a relation that is kept month by month. */
  subscription?: SubscriptionParameters;
  appointments?: AppointmentParameters;
  adherence?: AdherenceParameters;
}
