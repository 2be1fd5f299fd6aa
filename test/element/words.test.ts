/** The three languages: complete by their type; here, that none of them is a copy of another, and which is taken. */
import { describe, expect, test } from 'vitest';
import { DE } from '../../edge-client/element/words/de.ts';
import { EN } from '../../edge-client/element/words/en.ts';
import { ES } from '../../edge-client/element/words/es.ts';
import { languageOf } from '../../edge-client/element/words/language.ts';
import { refused } from '../../edge-client/twin/reasons.ts';

/** Every sentence with where it stands; those with blanks are filled in. */
function sentences(words: unknown, path = ''): [string, string][] {
  if (typeof words === 'string') return [[path, words]];
  if (typeof words === 'function') return [[path, String(words('Firma', 'Ding'))]];
  if (words === null) return [];
  return Object.entries(words as object).flatMap(([key, value]) => sentences(value, `${path}/${key}`));
}

describe('words', () => {
  test.each([
    ['German', DE],
    ['Spanish', ES],
  ])('%s says everything, and nothing in English', (_, words) => {
    const english = new Map(sentences(EN));
    const own = sentences(words).filter(([path]) => !path.startsWith('/reasons'));
    expect(own.map(([path]) => path)).toEqual([...english.keys()]);
    expect(own.filter(([path, sentence]) => sentence === english.get(path))).toEqual([]);
    for (const [path, sentence] of own) expect(sentence.trim().length, path).toBeGreaterThan(1);
  });

  test('the names that a sentence is about come through in every language', () => {
    for (const words of [EN, DE, ES]) {
      expect(words.intro('Firma')).toContain('Firma');
      expect(words.special.confirm('Firma', 'Ding')).toMatch(/Firma.*Ding/);
      expect(words.said.withdrawn('Ding')).toContain('Ding');
      expect(words.groups.app.what('Firma')).toContain('Firma');
    }
  });

  test('a twin’s reasons are told in the element’s language', () => {
    const { reason, why } = refused('storage-full');
    expect(languageOf(['en']).why(reason, why)).toBe(why);
    expect(languageOf(['de']).why(reason, why)).toBe(DE.reasons?.['storage-full']);
    expect(languageOf(['es']).why('never-heard-of', 'As it came.')).toBe('As it came.');
  });

  test.each([
    [['de-AT', 'en'], [], 'de-AT', DE],
    [['fr', 'es'], [], 'es', ES],
    [['', 'de'], [], 'de', DE],
    [['fr', 'ja'], [], 'en', EN],
    [['not a language', 'es-MX'], [], 'es-MX', ES],
    [['en'], ['de-DE', 'en-GB'], 'en-GB', EN],
    [['en-US'], ['en-GB'], 'en-US', EN],
  ])('of the wishes %j in a browser of %j it takes %s', (wishes, regions, tag, words) => {
    expect(languageOf(wishes, regions)).toMatchObject({ tag, words });
  });

  test('dates, numbers and lists are written as there', () => {
    const german = languageOf(['de']);
    expect(german.day('2027-03-02T12:00:00Z')).toBe('2. März 2027');
    expect(german.number(12_345.5)).toBe('12.345,5');
    expect(languageOf(['es']).list(['a', 'b', 'c'])).toBe('a, b y c');
  });
});
