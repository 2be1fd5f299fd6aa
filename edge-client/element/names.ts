/** What things are called: the host app's words before the element's own. */
import type { Category, Operation, PURPOSES } from '@twinkeep/consent';
import { GROUP_OF, TWIN_USES } from './groups.ts';
import type { ConsentTexts } from './types.ts';
import type { Language } from './words/language.ts';

export interface Names {
  controller: string;
  category(category: Category): { name: string; what: string };
  purpose(iri: string): string;
}

/** Written out once more, so that the table of `@twinkeep/consent` and all that comes with it stay out of the page. */
const PURPOSE_NAMES: Readonly<Record<(typeof PURPOSES)[keyof typeof PURPOSES], keyof typeof PURPOSES>> = {
  'https://w3id.org/dpv#ServicePersonalisation': 'servicePersonalisation',
  'https://w3id.org/dpv#ProvidePersonalisedRecommendations': 'personalisedRecommendations',
  'https://w3id.org/dpv#ProvideProductRecommendations': 'productRecommendations',
  'https://w3id.org/dpv#PersonalisedAdvertising': 'personalisedAdvertising',
  'https://w3id.org/dpv#TargetedAdvertising': 'targetedAdvertising',
  'https://w3id.org/dpv#DirectMarketing': 'directMarketing',
  'https://w3id.org/dpv#FraudPreventionAndDetection': 'fraudPrevention',
  'https://w3id.org/dpv#CustomerSolvencyMonitoring': 'solvencyMonitoring',
  'https://w3id.org/dpv#ServiceUsageAnalytics': 'usageAnalytics',
  'https://w3id.org/dpv#ImproveExistingProductsAndServices': 'productImprovement',
  'https://w3id.org/dpv#ServiceOptimisation': 'serviceOptimisation',
  'https://w3id.org/dpv#ResearchAndDevelopment': 'research',
  'https://w3id.org/dpv#CustomerRelationshipManagement': 'customerRelationship',
  'https://w3id.org/dpv#LegalCompliance': 'legalCompliance',
  'https://w3id.org/dpv#RightsFulfilment': 'rightsFulfilment',
};

export function namesOf(texts: ConsentTexts, { words }: Language): Names {
  return {
    controller: texts.controller,
    category: (category) => texts.categories?.[category] ?? words.categories[category],
    purpose(iri) {
      const known = (PURPOSE_NAMES as Readonly<Record<string, keyof typeof PURPOSES>>)[iri];
      // A purpose that nobody has named is still shown by what its address ends with, never hidden.
      return (
        texts.purposes?.[iri] ?? (known === undefined ? iri.replace(/^.*[#/:]/, '') : words.purposes[known])
      );
    },
  };
}

/** A grant or a choice: what of which operations. */
interface Said {
  categories: readonly Category[];
  operations: readonly Operation[];
}

/** Categories by name; where only some of a twin's uses are meant, with these in brackets. */
export function sayCategories(said: readonly Said[], names: Names, language: Language): string {
  const parts = new Map<string, Set<string>>();
  for (const { categories, operations } of said) {
    const uses = [...new Set(operations.map((operation) => GROUP_OF[operation]))];
    const whole = TWIN_USES.every((use) => uses.includes(use));
    const listed = whole ? '' : language.list(uses.map((use) => language.words.groups[use].name));
    const named = parts.get(listed) ?? new Set();
    for (const category of categories) named.add(names.category(category).name);
    parts.set(listed, named);
  }
  return [...parts]
    .map(([uses, named]) => `${language.list([...named])}${uses === '' ? '' : ` (${uses})`}`)
    .join('; ');
}
