/** Arguments of the commands about evidence: `verify-pack`, `replay`, `evidence`. */
import type { KeptReceipt } from '@twinkeep/auditor';
import {
  evidenceTargetSchema,
  type importSigningKey,
  type EvidenceTarget,
  type Trust,
} from '@twinkeep/protocol';
import { parseArgs } from 'node:util';
import * as v from 'valibot';
import { readJson, readText, readTrust, UsageError } from './given.ts';

export const EVIDENCE_COMMANDS = ['verify-pack', 'replay', 'evidence'] as const;

export const EVIDENCE_HELP: string = `Usage: twinkeep-audit verify-pack FILE|DIR --trust FILE [--receipt FILE] [--page FILE] [--json]
       twinkeep-audit replay ROUND --trust FILE (--pack FILE|DIR | OFFICER) [--json]
       twinkeep-audit evidence WHAT --out DIR --reason TEXT --trust FILE OFFICER [--json]

verify-pack  an evidence pack, offline: its log entries, signatures and consents
replay       runs the consent gate again for every contribution of one round
evidence     takes a pack out of a coordinator, verifies it, and writes it with a page
             that verifies it again in any browser, without a network

  FILE|DIR         a pack, a page that holds one, or the directory of one
  ROUND            hash of the round's configuration, as results and progress name it
  WHAT             --subject S, --round R, --model M, --subject S --model M, or
                   --from T --to T (ISO 8601): rounds whose set was fixed in that time
  --trust FILE     the trust file: the keys that you rely on. Get it from somebody
                   other than whoever gave you the pack
  --receipt FILE   a receipt of a consent that somebody kept (repeat for more): JSON
                   {"jws":…,"receipt":{…}}; shows an event that the pack keeps back
  --page FILE      also write a page that verifies the pack in any browser
  --out DIR        where the pack goes; made if it is not there
  --reason TEXT    why you look; the coordinator logs it with your name
  OFFICER          --url URL --credential FILE --key FILE: the coordinator, and an
                   officer's credential with its private key (JWK)
  --json           print the verdict as one JSON object
  --help           print this

Exit status: 0 if it verified and every use had consent, 1 if not, 2 if it could not be tried.
`;

export interface Officer {
  url: string;
  credential: string;
  /** Private JWK. */
  key: Parameters<typeof importSigningKey>[0];
}

export type EvidenceCommand = { trust: Trust; receipts: KeptReceipt[]; json: boolean } & (
  | { name: 'verify-pack'; pack: string; page: string | null }
  | { name: 'replay'; target: EvidenceTarget; pack: string }
  | { name: 'replay'; target: EvidenceTarget; officer: Officer; reason: string }
  | { name: 'evidence'; target: EvidenceTarget; officer: Officer; reason: string; out: string }
);

/** @throws UsageError */
export async function readEvidenceCommand(args: string[]): Promise<EvidenceCommand | 'help'> {
  const { values, positionals } = parse(args);
  if (values.help) return 'help';
  const [name, first, ...rest] = positionals;
  const wanted = name === 'evidence' ? 0 : 1;
  if ((first === undefined ? 0 : 1) + rest.length !== wanted)
    throw new UsageError(
      `${name} takes ${wanted === 0 ? 'no argument beside its options' : name === 'replay' ? 'one ROUND' : 'one FILE or DIR'}`,
    );
  if (values.trust === undefined) throw new UsageError(`${name} needs --trust`);
  const common = {
    trust: await readTrust(values.trust),
    receipts: await Promise.all((values.receipt ?? []).map(readReceipt)),
    json: values.json,
  };
  if (name === 'verify-pack') return { name, pack: first as string, page: values.page ?? null, ...common };
  if (name === 'replay') {
    const target = targetOf({ round: first as string });
    if (values.pack !== undefined) return { name, target, pack: values.pack, ...common };
    return {
      name,
      target,
      officer: await readOfficer(values),
      reason: values.reason ?? 'replay of a round',
      ...common,
    };
  }
  if (values.out === undefined) throw new UsageError('evidence needs --out');
  if (values.reason === undefined) throw new UsageError('evidence needs --reason');
  const officer = await readOfficer(values);
  return {
    name: 'evidence',
    target: targetOf(values),
    officer,
    reason: values.reason,
    out: values.out,
    ...common,
  };
}

const CONFIG = {
  allowPositionals: true,
  options: {
    trust: { type: 'string' },
    receipt: { type: 'string', multiple: true },
    pack: { type: 'string' },
    page: { type: 'string' },
    subject: { type: 'string' },
    round: { type: 'string' },
    model: { type: 'string' },
    from: { type: 'string' },
    to: { type: 'string' },
    out: { type: 'string' },
    reason: { type: 'string' },
    url: { type: 'string' },
    credential: { type: 'string' },
    key: { type: 'string' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
} as const;

/** A pseudonym or a hash in base64url may begin with a dash, and is no option for that. */
const DASHED = /^-(?:[A-Za-z0-9_-]{21}|[A-Za-z0-9_-]{42})$/;

function protectDashes(args: readonly string[]): string[] {
  const options: string[] = [];
  const positionals: string[] = [];
  for (const arg of args) {
    const before = options.at(-1);
    if (!DASHED.test(arg)) options.push(arg);
    else if (before?.startsWith('--') === true && !before.includes('='))
      options.push(`${options.pop()}=${arg}`);
    else positionals.push(arg);
  }
  return [...options, '--', ...positionals];
}

type Values = ReturnType<typeof parseArgs<typeof CONFIG>>['values'];

function parse(args: string[]): ReturnType<typeof parseArgs<typeof CONFIG>> {
  try {
    return parseArgs({ ...CONFIG, args: protectDashes(args) });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function targetOf({
  subject,
  round,
  model,
  from,
  to,
}: Pick<Values, 'subject' | 'round' | 'model' | 'from' | 'to'>): EvidenceTarget {
  const given = Object.entries({ subject, round, model, from, to })
    .filter(([, value]) => value !== undefined)
    .map(([name]) => name)
    .join();
  const target = {
    subject: { kind: 'subject', subject },
    round: { kind: 'round', rcHash: round },
    model: { kind: 'model', model },
    'subject,model': { kind: 'subject-model', subject, model },
    'from,to': { kind: 'period', from: Date.parse(from ?? ''), to: Date.parse(to ?? '') },
  }[given];
  if (target === undefined)
    throw new UsageError(
      'say what it is about: a subject, a round, a model, a subject and a model, or a time',
    );
  const parsed = v.safeParse(evidenceTargetSchema, target);
  if (!parsed.success)
    throw new UsageError(
      `${v.getDotPath(parsed.issues[0]) ?? 'the target'} does not have the form that it has everywhere`,
    );
  return parsed.output;
}

async function readOfficer({ url, credential, key }: Values): Promise<Officer> {
  if (url === undefined || credential === undefined || key === undefined)
    throw new UsageError('an officer is --url, --credential and --key');
  if (!URL.canParse(url)) throw new UsageError(`--url: ${url} is no address`);
  const jwk = await readJson(key);
  return {
    url: url.replace(/\/+$/, ''),
    credential: (await readText(credential)).trim(),
    key: jwk as Officer['key'],
  };
}

const receiptSchema: v.GenericSchema<KeptReceipt> = v.strictObject({
  jws: v.string(),
  receipt: v.strictObject({
    event: v.string(),
    index: v.number(),
    leaf: v.string(),
    salt: v.string(),
    proof: v.string(),
  }),
});

async function readReceipt(file: string): Promise<KeptReceipt> {
  const parsed = v.safeParse(receiptSchema, await readJson(file));
  if (!parsed.success) throw new UsageError(`${file} holds no receipt of a consent`);
  return parsed.output;
}
