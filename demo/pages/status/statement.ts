/** Reads the plain text of `demo/statement.ts`: a line at the margin is a heading, `+` and `-` begin an item, deeper lines go on with it. */

export interface StatementSection {
  heading: string;
  items: { good: boolean; text: string }[];
}

export function textToSections(text: string): StatementSection[] {
  const sections: StatementSection[] = [];
  for (const line of text.split('\n').filter((each) => each.trim() !== '')) {
    const [, mark, words = ''] = /^\s+([+-] )?(.*)$/.exec(line) ?? [];
    const section = sections.at(-1);
    if (!line.startsWith(' ') || section === undefined) sections.push({ heading: line.trim(), items: [] });
    else if (mark !== undefined) section.items.push({ good: mark.startsWith('+'), text: words.trim() });
    else (section.items.at(-1) as { text: string }).text += ` ${words.trim()}`;
  }
  return sections;
}
