/** What cannot work is refused before anything is started. */
import { writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { useWorkplace } from './support/command.ts';
import { GYM_MAPPING, gymMembers, HEADER } from './support/gym.ts';

const { path, start } = useWorkplace();

describe('what cannot work is refused before anything is started, in sentences', () => {
  test.each<[string[], RegExp, number]>([
    [['--data', 'nowhere.csv', '--mapping', 'mapping.json'], /there is no file nowhere\.csv/, 1],
    [['--data', 'members.csv', '--mapping', 'broken.json'], /broken\.json is not JSON/, 1],
    [
      ['--data', 'members.csv', '--mapping', 'wrong.json'],
      /wrong\.json: .*members\.csv|wrong\.json: label/,
      1,
    ],
    [['--data', 'shifted.csv', '--mapping', 'mapping.json'], /shifted\.csv, row 3/, 1],
    [['--data', 'members.csv', '--mapping', 'mapping.json', '--nodes', '90'], /too few for 90 nodes/, 1],
    [['--json', 'no/such/folder/out.json'], /there is no folder/, 2],
    [['--keep'], /nothing to go on with/, 2],
  ])('%j', async (args, message, status) => {
    await writeFile(path('members.csv'), gymMembers(100));
    await writeFile(path('mapping.json'), JSON.stringify(GYM_MAPPING));
    await writeFile(path('broken.json'), '{');
    await writeFile(path('wrong.json'), JSON.stringify({ ...GYM_MAPPING, label: undefined }));
    await writeFile(path('shifted.csv'), `${HEADER}\n1;30;2,5;gold;no;yes\n2;old;2,5;gold;no;yes\n`);
    const demo = start(...args);
    expect(await demo.exit).toBe(status);
    expect(demo.text()).toMatch(message);
    expect(demo.text()).not.toMatch(/ {4}at /);
  });
});
