import { describe, expect, test } from 'vitest';
import { HELP, readOptions } from '../../demo/cli.ts';

test('without arguments it is the documented run', () => {
  expect(readOptions([])).toEqual({
    ...{
      file: null,
      splits: 1,
      json: null,
      seed: 1,
      rounds: null,
      nodes: 10,
      customers: 5_000,
      privacy: { epsilon: null, delta: null, participations: null },
      keep: false,
      exit: false,
    },
  });
});

test('every option of the help is understood', () => {
  const args = [
    ...['--data', 'a.csv', '--mapping', 'a.json', '--splits', '5', '--json', 'out.json'],
    ...['--seed', '7', '--rounds', '3', '--nodes', '4'],
    ...['--epsilon', '2', '--delta', '1e-6', '--participations', '20'],
  ];
  expect(readOptions(args)).toEqual({
    file: { data: 'a.csv', mapping: 'a.json' },
    ...{
      splits: 5,
      json: 'out.json',
      seed: 7,
      rounds: 3,
      nodes: 4,
      customers: 5_000,
      privacy: { epsilon: 2, delta: 1e-6, participations: 20 },
      keep: false,
      exit: false,
    },
  });
  expect(readOptions(['--epsilon', 'none']).valueOf()).toMatchObject({ privacy: { epsilon: 'none' } });
  expect(readOptions(['--customers', '400', '--keep'])).toMatchObject({ customers: 400, keep: true });
  expect(readOptions(['--help'])).toBe('help');
  for (const [option] of HELP.matchAll(/--(?!\s)[a-z]+/g)) expect(HELP).toContain(option);
});

describe('a wrong command line is refused with what to do', () => {
  test.each([
    [['--rounds', 'many'], /--rounds: "many" is not a whole number from 1/],
    [['--rounds', '0'], /--rounds: "0"/],
    [['--nodes', '1'], /--nodes: "1" is not a whole number from 2/],
    [['--seed', '1e3'], /--seed/],
    [['--data', 'a.csv'], /--data needs --mapping/],
    [['--mapping', 'a.json'], /give both/],
    [['--data', 'a', '--mapping', 'b', '--customers', '9'], /--customers is for synthetic customers/],
    [['--customers', '100'], /10 nodes need at least 400 customers/],
    [['--epsilon', '0'], /--epsilon: "0" is not a number from 0.01/],
    [['--epsilon', 'much'], /--epsilon: "much"/],
    [['--epsilon', 'none', '--delta', '1e-5'], /leave out --delta/],
    [['--delta', '0.5'], /--delta: "0.5" is not a number/],
    [['--keep', '--splits', '2'], /--keep goes on with one split/],
    [['--colour'], /--colour/],
    [['fast'], /fast/],
  ])('%j', (args, message) => {
    expect(() => readOptions(args)).toThrow(message);
    expect(() => readOptions(args)).toThrow(/Try: npm start -- --help/);
  });
});
