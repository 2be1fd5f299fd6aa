/**
 * The five industries. Sources of the planted parameters: orders, the CDNOW cohort (Fader, Hardie 2005 and 2013); prices,
 * Dominick's orange juice; campaign, Hillstrom's e-mail test (visits: 10.6 % without, + 4.5 and + 7.7 points); churn of
 * telecom, IBM's Telco table (26.5 %); missed appointments, the public no-show set (20.2 %). The rest is stated, not fitted.
 */
import type { CareParameters } from './behaviour/care.ts';
import type { Industry } from './options.ts';
import type { IndustryPreset } from './preset.ts';

const CARE: CareParameters = {
  ticketRate: 0.15,
  outageRate: 0,
  perOutage: 0,
  outageDelay: 1,
  perTicket: 0.2,
  ticketDelay: 5,
  resolved: 0.7,
};

const retail: IndustryPreset = {
  segments: [
    { name: 'loyal', weight: 0.3, elasticity: -1.8 },
    { name: 'occasional', weight: 0.45, elasticity: -2.4 },
    { name: 'deal_seeker', weight: 0.25, elasticity: -3.2 },
  ],
  elasticitySpread: 0.3,
  refusals: { behavioral: 0.2, feedback: 0.1, psychographic: 0.25, third_party_enrichment: 0.3 },
  orders: {
    r: 0.2426,
    alpha: 4.4136,
    a: 0.7929,
    b: 2.4259,
    spend: { p: 6.25, q: 3.744, gamma: 15.443 },
    acquisitionWeeks: 12,
  },
  care: { ...CARE, ticketRate: 0.08 },
  choice: {
    offers: [
      { name: 'free_shipping', price: 5 },
      { name: 'bundle', price: 20 },
      { name: 'new_season', price: 45 },
      { name: 'outlet', price: 15 },
      { name: 'gift_card', price: 25 },
    ],
    base: -2.2,
    taste: 0.9,
    priceWeight: 0.02,
    lift: 1.1,
    sessionRate: 2,
    exploration: 0.2,
  },
  campaign: {
    arms: ['none', 'mens_email', 'womens_email'],
    base: -2.25,
    engagement: 0.5,
    effects: [
      [0, 0.85, 0.65],
      [0, 0.9, 0.6],
      [0, -0.2, -0.3],
    ],
    randomisedShare: 0.5,
  },
};

const banking: IndustryPreset = {
  segments: [
    { name: 'affluent', weight: 0.2, elasticity: -0.8 },
    { name: 'family', weight: 0.5, elasticity: -1.2 },
    { name: 'student', weight: 0.3, elasticity: -1.9 },
  ],
  elasticitySpread: 0.2,
  refusals: { feedback: 0.1, psychographic: 0.3, third_party_enrichment: 0.35, contextual: 0.1 },
  subscription: {
    intercept: -4.3,
    contracts: [
      { name: 'free_account', weight: 0.5, termMonths: 1, logit: 0.3 },
      { name: 'paid_account', weight: 0.35, termMonths: 1, logit: 0 },
      { name: 'fixed_deposit', weight: 0.15, termMonths: 12, logit: -1.6 },
    ],
    satisfaction: 0.9,
    tickets: 0.3,
    rise: 0.7,
    competitor: 0.6,
    tenure: 0.2,
    cliff: 2,
    riseRate: 0.05,
    campaignRate: 0.2,
    fee: { min: 0, max: 15 },
  },
  care: CARE,
  choice: {
    offers: [
      { name: 'savings', price: 0 },
      { name: 'credit_card', price: 30 },
      { name: 'loan', price: 60 },
      { name: 'fund', price: 40 },
    ],
    base: -2.6,
    taste: 1,
    priceWeight: 0.01,
    lift: 1,
    sessionRate: 4,
    exploration: 0.2,
  },
  campaign: {
    arms: ['none', 'call', 'letter'],
    base: -2.4,
    engagement: 0.6,
    effects: [
      [0, 0.8, 0.4],
      [0, 0.6, 0.3],
      [0, -0.4, 0.1],
    ],
    randomisedShare: 0.5,
  },
};

const cpg: IndustryPreset = {
  segments: [
    { name: 'brand_loyal', weight: 0.35, elasticity: -1.6 },
    { name: 'switcher', weight: 0.4, elasticity: -2.5 },
    { name: 'bargain_hunter', weight: 0.25, elasticity: -3.4 },
  ],
  elasticitySpread: 0.3,
  refusals: { behavioral: 0.2, feedback: 0.15, psychographic: 0.25, third_party_enrichment: 0.3 },
  market: {
    products: [
      { name: 'house_brand', list: 1.75, share: 0.3, elasticity: -2.77, deepening: -0.48 },
      { name: 'middle_brand', list: 2.25, share: 0.35, elasticity: -1.99, deepening: -1.58 },
      { name: 'premium_brand', list: 2.9, share: 0.35, elasticity: -2.04, deepening: -1.46 },
    ],
    siteUnits: 900,
    customerUnits: 0.5,
    customerShape: 1.2,
    featuredShare: 0.24,
    featuredLift: 0.5,
    cross: 0.4,
    costSpread: 0.12,
    passThrough: 1,
    noiseSpread: 0.08,
    shockSpread: 0.25,
    response: 0.3,
  },
  care: { ...CARE, ticketRate: 0.03 },
  choice: {
    offers: [
      { name: 'coupon', price: 1 },
      { name: 'recipe', price: 0 },
      { name: 'prize_draw', price: 0 },
    ],
    base: -2.4,
    taste: 0.8,
    priceWeight: 0.1,
    lift: 1,
    sessionRate: 1,
    exploration: 0.3,
  },
  campaign: {
    arms: ['none', 'coupon', 'sample'],
    base: -2.1,
    engagement: 0.4,
    effects: [
      [0, 0.3, 0.5],
      [0, 0.7, 0.6],
      [0, 0.9, -0.2],
    ],
    randomisedShare: 0.5,
  },
};

const health: IndustryPreset = {
  segments: [
    { name: 'chronic', weight: 0.35, elasticity: -0.2 },
    { name: 'preventive', weight: 0.4, elasticity: -0.5 },
    { name: 'acute', weight: 0.25, elasticity: -0.3 },
  ],
  elasticitySpread: 0.1,
  refusals: { feedback: 0.15, psychographic: 0.4, third_party_enrichment: 0.45, contextual: 0.2 },
  appointments: {
    rate: 0.35,
    shape: 1.5,
    leadDays: 10,
    reminderShare: 0.5,
    noShow: { intercept: -1.84, lead: 0.035, age: -0.015, past: 0.35, distance: 0.02, reminder: -0.35 },
  },
  adherence: {
    share: 0.55,
    stop: { logit: -4, spread: 0.4 },
    resume: { logit: -2.5, spread: 0.4 },
  },
  care: { ...CARE, ticketRate: 0.05 },
  choice: {
    offers: [
      { name: 'check_up', price: 20 },
      { name: 'vaccination', price: 10 },
      { name: 'course', price: 40 },
    ],
    base: -2.5,
    taste: 0.7,
    priceWeight: 0.01,
    lift: 0.9,
    sessionRate: 0.8,
    exploration: 0.4,
  },
  campaign: {
    arms: ['none', 'letter', 'nurse_call'],
    base: -1.8,
    engagement: 0.4,
    effects: [
      [0, 0.3, 0.9],
      [0, 0.5, 0.6],
      [0, -0.3, 0.2],
    ],
    randomisedShare: 0.5,
  },
};

const telecom: IndustryPreset = {
  segments: [
    { name: 'family', weight: 0.4, elasticity: -1.1 },
    { name: 'single', weight: 0.35, elasticity: -1.5 },
    { name: 'value_seeker', weight: 0.25, elasticity: -2.2 },
  ],
  elasticitySpread: 0.2,
  refusals: { contextual: 0.12, third_party_enrichment: 0.25, feedback: 0.1, psychographic: 0.2 },
  subscription: {
    intercept: -2.6,
    contracts: [
      { name: 'month_to_month', weight: 0.55, termMonths: 1, logit: 0 },
      { name: 'one_year', weight: 0.21, termMonths: 12, logit: -2.5 },
      { name: 'two_year', weight: 0.24, termMonths: 24, logit: -3.5 },
    ],
    satisfaction: 1,
    tickets: 0.35,
    rise: 0.8,
    competitor: 0.6,
    tenure: 0.25,
    cliff: 2.5,
    riseRate: 0.06,
    campaignRate: 0.25,
    fee: { min: 15, max: 110 },
  },
  care: { ...CARE, outageRate: 0.15, perOutage: 0.4, outageDelay: 2 },
  choice: {
    offers: [
      { name: 'bigger_plan', price: 10 },
      { name: 'new_phone', price: 25 },
      { name: 'streaming', price: 8 },
      { name: 'roaming', price: 5 },
      { name: 'insurance', price: 7 },
    ],
    base: -2.4,
    taste: 0.9,
    priceWeight: 0.03,
    lift: 1,
    sessionRate: 2,
    exploration: 0.2,
  },
  campaign: {
    arms: ['none', 'discount', 'upgrade'],
    base: -2.2,
    engagement: 0.5,
    effects: [
      [0, 0.4, 0.7],
      [0, 0.6, 0.5],
      [0, 0.9, -0.3],
    ],
    randomisedShare: 0.5,
  },
};

export const PRESETS: Readonly<Record<Industry, IndustryPreset>> = { retail, banking, cpg, health, telecom };
