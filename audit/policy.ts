// Which logs a verifier believes, and whose cosignatures make a checkpoint good enough (C2SP tlog-policy), as a text:
//
//   log <vkey> [<url>]
//   witness <name> <vkey> [<url>]
//   group <name> all|any|<k> <member>...     witnessed if all, one or at least k of the witnesses and groups named are
//   quorum <name>|none
//
// Lines end with a newline; items are apart by spaces or tabs; empty lines and lines that begin with "#" say nothing. A name is
// defined above where it is used, and belongs to one group at most, so that each witness counts in one way only.
//
// The policy is the verifier's own file, or travels in a pack whose reader compares it with their own: it is trusted once it is
// read, so that what is read is not left to the reader's imagination.

import { hasLoneSurrogate } from './bytes.ts';
import { AuditError, withCode } from './errors.ts';
import { isCount } from './merkle.ts';
import { noteKeyToVkey, vkeyToNoteKey, type NoteAlgorithm, type NoteKey } from './vkey.ts';

export interface TlogPolicy {
  /** The key of each is of type `ed25519` and bears the log's origin. */
  logs: { key: NoteKey; url?: string }[];
  /** The key of each is of type `cosignature`; `name` is for this policy alone. */
  witnesses: { name: string; key: NoteKey; url?: string }[];
  /** Members are witnesses, and groups that stand before. */
  groups: { name: string; threshold: number; members: string[] }[];
  /** A witness or a group; `none`: no cosignature is needed. */
  quorum: string;
}

/** The quorum that asks for nobody. */
export const NO_QUORUM = 'none';

const MAX_TEXT_LENGTH = 64 * 1024;
/** Of logs, of witnesses, of groups, and of members of a group. The specification asks for at least 32. */
const MAX_COUNT = 64;

/** Throws `policy/malformed`, also for keys of a type not known here: a policy that cannot be checked is no policy. */
export function textToPolicy(text: string): TlogPolicy {
  if (text.length > MAX_TEXT_LENGTH) throw malformed('too long');
  if (!isPolicyText(text)) throw malformed('no newline at the end, or a control character');
  const policy: TlogPolicy = { logs: [], witnesses: [], groups: [], quorum: '' };
  for (const line of text.slice(0, -1).split('\n')) {
    const items = line.split(/[ \t]+/).filter((item) => item !== '');
    if (items.length > 0 && !items[0]!.startsWith('#')) readLine(items, policy);
  }
  requirePolicy(policy);
  return policy;
}

/** Throws `policy/malformed` unless `textToPolicy` of the text is the policy again. */
export function policyToText(policy: TlogPolicy): string {
  requirePolicy(policy);
  const lines = [
    ...policy.logs.map(({ key, url }) => ['log', noteKeyToVkey(key), url]),
    ...policy.witnesses.map(({ name, key, url }) => ['witness', name, noteKeyToVkey(key), url]),
    ...policy.groups.map(({ name, threshold, members }) => ['group', name, String(threshold), ...members]),
    ['quorum', policy.quorum],
  ];
  const text = lines.map((items) => `${items.filter((item) => item !== undefined).join(' ')}\n`).join('');
  if (text.length > MAX_TEXT_LENGTH) throw malformed('too long');
  return text;
}

/** Throws `policy/malformed` unless it is a policy that could have been read. */
export function requirePolicy({ logs, witnesses, groups, quorum }: TlogPolicy): void {
  for (const list of [logs, witnesses, groups]) {
    if (list.length > MAX_COUNT) throw malformed(`more than ${MAX_COUNT} logs, witnesses or groups`);
  }
  requireKeys(logs, 'ed25519');
  requireKeys(witnesses, 'cosignature');
  const defined = new Set<string>();
  const members = new Set<string>();
  for (const { name } of witnesses) define(name, defined);
  for (const group of groups) {
    requireGroup(group, defined, members);
    define(group.name, defined);
  }
  if (quorum !== NO_QUORUM && !defined.has(quorum)) throw malformed('no quorum, or one that is not defined');
}

function readLine([keyword, ...items]: string[], policy: TlogPolicy): void {
  if (keyword === 'log') readLog(items, policy);
  else if (keyword === 'witness') readWitness(items, policy);
  else if (keyword === 'group') readGroup(items, policy);
  else if (keyword === 'quorum') readQuorum(items, policy);
  else throw malformed(`a line that begins with ${JSON.stringify(keyword)}`);
}

function readLog([vkey, url, ...rest]: string[], { logs }: TlogPolicy): void {
  if (vkey === undefined || rest.length > 0) throw malformed('a log has a key and perhaps a URL');
  logs.push({ key: readKey(vkey), ...(url === undefined ? {} : { url }) });
}

function readWitness([name, vkey, url, ...rest]: string[], { witnesses }: TlogPolicy): void {
  if (name === undefined || vkey === undefined || rest.length > 0)
    throw malformed('a witness has a name, a key and perhaps a URL');
  witnesses.push({ name, key: readKey(vkey), ...(url === undefined ? {} : { url }) });
}

function readGroup([name, rule, ...members]: string[], policy: TlogPolicy): void {
  if (name === undefined || rule === undefined) throw malformed('a group has a name, a rule and members');
  for (const member of members) requireAbove(member, policy);
  policy.groups.push({ name, threshold: readThreshold(rule, members.length), members });
}

function readQuorum([name, ...rest]: string[], policy: TlogPolicy): void {
  if (name === undefined || rest.length > 0) throw malformed('a quorum has one name');
  if (policy.quorum !== '') throw malformed('a second quorum');
  if (name !== NO_QUORUM) requireAbove(name, policy);
  policy.quorum = name;
}

function readThreshold(rule: string, members: number): number {
  if (rule === 'all') return members;
  if (rule === 'any') return 1;
  if (!/^[1-9][0-9]{0,2}$/.test(rule)) throw malformed('a group is of all, any or a number of its members');
  return Number(rule);
}

function readKey(vkey: string): NoteKey {
  return withCode('policy/malformed', 'policy', () => vkeyToNoteKey(vkey));
}

function requireAbove(name: string, { witnesses, groups }: TlogPolicy): void {
  if (![...witnesses, ...groups].some((each) => each.name === name))
    throw malformed(`${JSON.stringify(name)} is used and not defined above`);
}

/** Two names for one key would count twice. */
function requireKeys(list: readonly { key: NoteKey; url?: string }[], algorithm: NoteAlgorithm): void {
  if (list.some(({ key }) => key.algorithm !== algorithm))
    throw malformed(`a key is not of type ${algorithm}`);
  const keys = new Set(list.map(({ key }) => key.publicKey.join()));
  if (keys.size < list.length) throw malformed('one key under two names');
  if (list.some(({ url }) => url !== undefined && !isItem(url))) throw malformed('a URL has a space');
}

function requireGroup(
  { threshold, members }: TlogPolicy['groups'][number],
  defined: ReadonlySet<string>,
  taken: Set<string>,
): void {
  if (members.length > MAX_COUNT) throw malformed(`more than ${MAX_COUNT} members`);
  if (!isCount(threshold) || threshold < 1 || threshold > members.length)
    throw malformed(`a group of ${members.length} cannot ask for ${threshold}`);
  for (const member of members) {
    if (!defined.has(member)) throw malformed(`${JSON.stringify(member)} is used and not defined above`);
    if (taken.has(member)) throw malformed(`${JSON.stringify(member)} is listed twice`);
    taken.add(member);
  }
}

function define(name: string, defined: Set<string>): void {
  if (name === NO_QUORUM || !isItem(name)) throw malformed(`${JSON.stringify(name)} cannot be a name`);
  if (defined.has(name)) throw malformed(`${JSON.stringify(name)} is defined twice`);
  defined.add(name);
}

function isItem(text: string): boolean {
  return text !== '' && !/[ \t\n]/.test(text) && isPolicyText(`${text}\n`);
}

function isPolicyText(text: string): boolean {
  // oxlint-disable-next-line no-control-regex -- control characters are what this looks for
  return text.endsWith('\n') && !/[\u0000-\u0008\u000b-\u001f\u007f]/.test(text) && !hasLoneSurrogate(text);
}

function malformed(message: string): AuditError {
  return new AuditError('policy/malformed', `policy: ${message}`);
}
