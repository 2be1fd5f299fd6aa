/** What the demo prints of its protection: the protocol's statement, no word lost, no line too long. */
import { describePrivacy } from '@twinkeep/protocol';
import { expect, test } from 'vitest';
import { statementText } from '../../demo/statement.ts';
import { makeTask } from '../edge-client/fixtures.ts';

const trust = {
  v: 1 as const,
  coordinator: { id: 'urn:c', operator: 'One', key: '' },
  log: { vkey: '' },
  witnesses: null,
  helpers: [1, 2, 3, 4].map((j) => ({ j, operator: 'One', key: '' })),
  issuer: { id: 'urn:i', keys: [] },
};

test('every word of the statement is printed, in lines that fit', () => {
  const text = statementText(makeTask(), trust);
  const plain = text.replaceAll(/\s+/g, ' ');
  const { paragraph, rows } = describePrivacy(makeTask(), trust);
  for (const words of [paragraph, ...rows.flatMap(({ what, from, rests }) => [what, from, rests])])
    expect(plain).toContain(words);
  for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(112);
});

test('what is not held stands out from what is', () => {
  const text = statementText(makeTask(), trust);
  expect(text).toMatch(/\n {2}NOT {3}A single report\n {8}One can open it/);
  expect(text).toMatch(/\n {2}held {2}Events, features and answers\n {8}kept from everyone but/);
});
