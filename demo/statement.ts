/** What the run protects, as text for a terminal. The claims are the protocol's own, made from this task and these keys. */
import { describePrivacy, type TaskSpec, type Trust } from '@twinkeep/protocol';

const WIDTH = 110;

export function statementText(task: TaskSpec, trust: Trust): string {
  const { paragraph, rows } = describePrivacy(task, trust);
  const said = rows.flatMap(({ what, held, from, rests }) => [
    '',
    ...wrapped(what, `  ${held ? 'held' : 'NOT '}  `),
    ...wrapped(held ? `kept from ${from}` : from, INDENT),
    ...wrapped(held ? `rests on ${rests}` : rests, INDENT),
  ]);
  return [
    'What this task protects, from whom',
    ...wrapped(paragraph, '  '),
    ...said,
    '',
    ...wrapped(
      'Consent is asked before every use, and every answer is in the log as a commitment that cannot be matched by guessing. Not held off: ' +
        'poisoned updates, participants that the issuer of credentials invents, software other than the published one. ' +
        'docs/threat-model.md argues all of this.',
      '  ',
    ),
  ].join('\n');
}

const INDENT = '        ';

/** @param first before the first line; the others are indented as deep */
function wrapped(text: string, first: string): string[] {
  const lines: string[] = [];
  let line = first;
  for (const word of text.split(' ')) {
    if (line.trimEnd().length > first.trimEnd().length && line.length + word.length > WIDTH) {
      lines.push(line.trimEnd());
      line = ' '.repeat(first.length);
    }
    line += `${word} `;
  }
  return [...lines, line.trimEnd()];
}
