import type { RandomStream } from '../../prng.ts';

/** The streams of one customer: a field's name and, where something happens repeatedly, its ordinal or its month. */
export type Draw = (field: string, index?: number) => RandomStream;

/** Months of 30 days, so that windows are the same length for everybody; all times within a life are days from its start. */
export const MONTH_DAYS = 30;
