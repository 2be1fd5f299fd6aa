import { describe, expect, test } from 'vitest';

import { addCheckpointToText, textToAddCheckpoint } from '@twinkeep/audit';

import { hexes, notes, rfc } from './vectors.ts';

const { addCheckpointRequests: requests, checkpoints } = notes.own;

test('the requests of the vectors are read and written alike', () => {
  expect(textToAddCheckpoint(requests['0->6']!)).toEqual({
    oldSize: 0,
    proof: [],
    checkpoint: checkpoints['6'],
  });
  const { proof } = rfc.consistency.find(({ size1, size2 }) => size1 === 6 && size2 === 8)!;
  const second = { oldSize: 6, proof: hexes(proof), checkpoint: checkpoints['8']! };
  expect(textToAddCheckpoint(requests['6->8']!)).toEqual(second);
  expect(addCheckpointToText(second)).toBe(requests['6->8']);
});

describe('malformed requests', () => {
  const request = requests['6->8']!;
  const hash = request.split('\n')[1]!;
  test.each([
    ['nothing', ''],
    ['no checkpoint', request.slice(0, request.indexOf('\n\n') + 1)],
    ['no old size', request.replace('old 6\n', '')],
    ['an old size with a leading zero', request.replace('old 6', 'old 06')],
    ['a negative old size', request.replace('old 6', 'old -6')],
    ['two spaces', request.replace('old 6', 'old  6')],
    ['an old size beyond 2^53', request.replace('old 6', `old ${2 ** 53}`)],
    ['carriage returns', request.replaceAll('\n', '\r\n')],
    ['a proof line that is not base64', request.replace(hash, 'no')],
    ['a hash of the wrong length', request.replace(hash, 'AAAA')],
    ['64 proof lines', request.replace(hash, Array(62).fill(hash).join('\n'))],
  ])('%s', (_, text) => {
    expect(text).not.toBe(request);
    expect(() => textToAddCheckpoint(text)).toThrow(
      expect.objectContaining({ code: 'add-checkpoint/malformed' }),
    );
  });

  test('63 proof lines are not too many', () => {
    const long = request.replace(hash, Array(61).fill(hash).join('\n'));
    expect(textToAddCheckpoint(long).proof).toHaveLength(63);
  });
});
