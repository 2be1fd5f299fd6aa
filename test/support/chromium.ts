/**
 * A real Chromium for tests, from npm alone: the package `@sparticuz/chromium` carries the browser and, for machines without
 * libnss3, the libraries it needs. Nothing is downloaded and nothing is installed on the machine.
 *
 * An installed browser is taken before the packaged one: that of the variable `TWINKEEP_CHROMIUM`, else one of `INSTALLED`.
 * The package is unpacked once, under `node_modules/.cache`; a killed unpacking leaves a folder that nothing reads.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { chromium, type Browser, type BrowserContext } from 'playwright-core';

const run = promisify(execFile);

const MODULES = resolve(import.meta.dirname, '../../node_modules');
const PACKAGE = join(MODULES, '@sparticuz/chromium');

const INSTALLED = [
  '/usr/bin/chromium',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** Nothing that a test does not do itself may cause traffic, and root has no sandbox. */
const ARGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const REMEDY =
  'Install Chromium or Google Chrome and set TWINKEEP_CHROMIUM to its executable, ' +
  'or add the libraries (on Debian: apt install libnss3 libexpat1).';

export interface ChromiumOptions {
  /** Further command line arguments. */
  args?: string[];
  /** An installed browser to use. Default: see the head of this file. */
  executable?: string;
  /** Take the libraries of the package even where the machine has its own. */
  packagedLibraries?: boolean;
}

/** What playwright is to start, and how: for those that start it themselves. */
export interface ChromiumLaunch {
  executablePath: string;
  args: string[];
  env: Record<string, string>;
}

/** @throws Error that says what is missing, where Chromium cannot start */
export async function launchChromium(options: ChromiumOptions = {}): Promise<Browser> {
  const launch = await chromiumLaunch(options);
  return chromium.launch({ ...launch, headless: true }).catch((cause: Error) => refuse(launch, cause));
}

/** A browser whose profile is the given folder, and stays there when it ends. */
export async function launchChromiumProfile(
  folder: string,
  options: ChromiumOptions = {},
): Promise<BrowserContext> {
  const launch = await chromiumLaunch(options);
  return chromium
    .launchPersistentContext(folder, { ...launch, headless: true })
    .catch((cause: Error) => refuse(launch, cause));
}

export async function chromiumLaunch(options: ChromiumOptions = {}): Promise<ChromiumLaunch> {
  const args = [...ARGS, ...(options.args ?? [])];
  const installed = installedChromium(options.executable);
  if (installed !== null && options.packagedLibraries !== true)
    return { executablePath: installed, args, env: environment() };
  const folder = await unpackedChromium();
  const executablePath = join(folder, 'chromium');
  const fonts = { FONTCONFIG_FILE: join(folder, 'fonts.conf') };
  const libraries = join(folder, 'al2023', 'lib');
  const packaged = { ...fonts, LD_LIBRARY_PATH: joinPath(libraries, process.env['LD_LIBRARY_PATH']) };
  const asIs = environment(fonts);
  if (options.packagedLibraries !== true && (await missingLibraries(executablePath, asIs)).length === 0)
    return { executablePath, args, env: asIs };
  const env = environment(packaged);
  const missing = await missingLibraries(executablePath, env);
  if (missing.length > 0)
    throw new Error(`Chromium needs libraries that are not here: ${missing.join(', ')}. ${REMEDY}`);
  return { executablePath, args, env };
}

function installedChromium(named = process.env['TWINKEEP_CHROMIUM']): string | null {
  if (named === undefined || named === '') return INSTALLED.find((path) => existsSync(path)) ?? null;
  if (!existsSync(named)) throw new Error(`There is no browser at ${named}, which was to be used. ${REMEDY}`);
  return named;
}

/** Unpacks beside and renames, so that a folder of this name is always whole, whoever else unpacks at this moment. */
async function unpackedChromium(): Promise<string> {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new Error(
      `The packaged Chromium is for Linux on x64, not ${process.platform} on ${process.arch}. ${REMEDY}`,
    );
  const { version } = JSON.parse(await readFile(join(PACKAGE, 'package.json'), 'utf8')) as {
    version: string;
  };
  const folder = join(MODULES, '.cache', `twinkeep-chromium-${version}`);
  if (existsSync(folder)) return folder;
  await mkdir(dirname(folder), { recursive: true });
  const staging = await mkdtemp(`${folder}-`);
  await unpack(staging);
  await writeFile(join(staging, 'fonts.conf'), fontConfiguration(folder));
  await rename(staging, folder).catch(async (error: NodeJS.ErrnoException) => {
    await rm(staging, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  });
  return folder;
}

/** The package unpacks into the temporary folder of its process, and its libraries only where it believes to be on a server without any. */
async function unpack(folder: string): Promise<void> {
  await run(process.execPath, [join(import.meta.dirname, 'unpack-chromium.mjs')], {
    env: { ...process.env, TMPDIR: folder, VERCEL: '1' },
  });
}

/** The packaged font alone, so that a page looks the same on every machine. */
function fontConfiguration(folder: string): string {
  return `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>${join(folder, 'fonts')}</dir><cachedir>${join(folder, 'fonts-cache')}</cachedir></fontconfig>
`;
}

/** Names of the shared libraries that the loader would not find. */
async function missingLibraries(executable: string, env: Record<string, string>): Promise<string[]> {
  const { stdout } = await run('ldd', [executable], { env }).catch((error: Error & { stdout?: string }) => ({
    stdout: `${error.stdout ?? ''}\n\tany library: ldd says '${error.message}' => not found`,
  }));
  return [...stdout.matchAll(/^\s*(.+) => not found/gm)].map((match) => match[1] as string);
}

function refuse({ executablePath, args }: ChromiumLaunch, cause: Error): never {
  throw new Error(
    `Chromium at ${executablePath} did not start with ${args.join(' ')}: ${cause.message}\n${REMEDY}`,
    {
      cause,
    },
  );
}

function environment(more: Record<string, string> = {}): Record<string, string> {
  const present = Object.entries(process.env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  return { ...Object.fromEntries(present), ...more };
}

function joinPath(...parts: (string | undefined)[]): string {
  return parts.filter((part) => part !== undefined && part !== '').join(':');
}
