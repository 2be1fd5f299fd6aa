import { bytesToBase64Url, createNoteKey, noteKeyToVkey, type WitnessPolicy } from '@twinkeep/audit';
import { parseTrust, trustToPinned, type Trust } from '@twinkeep/protocol';
import { describe, expect, it } from 'vitest';

describe('the witnesses of a trust root', () => {
  const key = (n: number): string => `${String.fromCharCode(65 + n).repeat(42)}A`;
  const trust: Trust = {
    v: 1,
    coordinator: { id: 'https://coordinator.example', operator: 'Example Bank', key: key(0) },
    log: { vkey: 'log+1+x' },
    witnesses: null,
    helpers: [1, 2, 3].map((j) => ({ j, operator: j < 3 ? 'A' : 'B', key: key(j) })),
    issuer: { id: 'https://bank.example', keys: [key(9)] },
  };
  const witness = (n: number, name = `w${n}`): WitnessPolicy['witnesses'][number] => ({
    name,
    operator: 'A',
    vkey: noteKeyToVkey(createNoteKey(name, new Uint8Array(32).fill(n), 'cosignature')),
  });
  const logKey = new Uint8Array(32).fill(7);
  const plainVkey = noteKeyToVkey(createNoteKey('w1', new Uint8Array(32).fill(1)));

  it('names the witnesses of its log, or says that there are none', () => {
    const witnessed = { ...trust, witnesses: { threshold: 2, witnesses: [witness(1), witness(2)] } };
    expect(parseTrust(structuredClone(witnessed))).toEqual(witnessed);
    const { witnesses: _, ...silent } = trust;
    expect(() => parseTrust(silent)).toThrowError(expect.objectContaining({ code: 'protocol/trust' }));
    expect(trustToPinned(witnessed)).toEqual({
      kid: key(0),
      vkey: trust.log.vkey,
      witnesses: witnessed.witnesses,
    });
  });

  it.each<[string, WitnessPolicy]>([
    ['fewer than it demands', { threshold: 3, witnesses: [witness(1), witness(2)] }],
    ['a threshold of none', { threshold: 0, witnesses: [witness(1)] }],
    ['half a threshold', { threshold: 1.5, witnesses: [witness(1), witness(2)] }],
    ['nobody', { threshold: 1, witnesses: [] }],
    ['one name twice', { threshold: 1, witnesses: [witness(1), witness(2, 'w1')] }],
    ['one key twice', { threshold: 1, witnesses: [witness(1), witness(1, 'again')] }],
    ['a name that is not the key’s', { threshold: 1, witnesses: [{ ...witness(1), name: 'other' }] }],
    ['a key of another type', { threshold: 1, witnesses: [{ ...witness(1), vkey: plainVkey }] }],
    ['a key that cannot be read', { threshold: 1, witnesses: [{ ...witness(1), vkey: 'w1+0+A' }] }],
    ['a witness that nobody runs', { threshold: 1, witnesses: [{ ...witness(1), operator: '' }] }],
    ['the log as its own witness', { threshold: 1, witnesses: [witness(7)] }],
    ['the coordinator as witness', { threshold: 1, witnesses: [witness(0x41)] }],
    ['a helper’s key as a witness’s', { threshold: 1, witnesses: [witness(0x42)] }],
  ])('is refused where the witnesses are %s', (_, witnesses) => {
    const bytesKey = (n: number): string => bytesToBase64Url(new Uint8Array(32).fill(n));
    const full = {
      ...trust,
      coordinator: { ...trust.coordinator, key: bytesKey(0x41) },
      log: { vkey: noteKeyToVkey(createNoteKey('log.example', logKey)) },
      helpers: [{ ...trust.helpers[0]!, key: bytesKey(0x42) }],
    };
    expect(parseTrust({ ...full, witnesses: { threshold: 1, witnesses: [witness(1)] } })).toBeDefined();
    expect(() => parseTrust({ ...full, witnesses })).toThrowError(
      expect.objectContaining({ code: 'protocol/trust' }),
    );
  });
});
