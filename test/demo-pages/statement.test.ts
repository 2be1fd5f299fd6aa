import { expect, test } from 'vitest';
import { textToSections } from '../../demo/pages/status/statement.ts';
import { PROTECTED_TODAY } from '../../demo/statement.ts';

test('every word that npm start prints is on the page, once, under its heading and on its side', () => {
  const sections = textToSections(PROTECTED_TODAY);
  const words = sections.flatMap(({ heading, items }) => [heading, ...items.map(({ text }) => text)]);
  const plain = (text: string): string[] =>
    text
      .replace(/^\s+[+-] /gm, ' ')
      .split(/\s+/)
      .filter(Boolean);
  expect(plain(words.join(' '))).toEqual(plain(PROTECTED_TODAY));
  const marks = [...PROTECTED_TODAY.matchAll(/^ +([+-]) /gm)].map(([, mark]) => mark === '+');
  expect(marks.length).toBeGreaterThan(4);
  expect(sections.flatMap(({ items }) => items.map(({ good }) => good))).toEqual(marks);
  expect(sections.length).toBeGreaterThan(1);
});

test('lines that go on with an item belong to it', () => {
  expect(textToSections('Head\n  + one\n    goes on\n  - two\n\nOther\n  - three\n')).toEqual([
    {
      heading: 'Head',
      items: [
        { good: true, text: 'one goes on' },
        { good: false, text: 'two' },
      ],
    },
    { heading: 'Other', items: [{ good: false, text: 'three' }] },
  ]);
});
