import { describe, expect, it } from 'vitest';
import { digestOf, industries, PINNED } from '../support/pinned.ts';

describe('in a browser', () => {
  it.each([...industries])('%s is the same, byte for byte, as in Node', async (industry) => {
    expect(await digestOf(industry)).toBe(PINNED[industry]);
  });
});
