/** A file of another shape than the demo's own: members of a gym, and the mapping that reads it. */
export const HEADER = 'member;age;visits;tier;left;contactable';

/** Semicolons, decimal commas, "?" for what is not known, and a column of consents. */
export function gymMembers(size: number): string {
  let seed = 42;
  const uniform = (): number => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
  const lines = Array.from({ length: size }, (_, i) => {
    const visits = uniform() * 5;
    const tier = ['bronze', 'silver', 'gold'][Math.floor(uniform() * 3)];
    const leaves = uniform() < 1 / (1 + Math.exp(3 * (visits - 2) + (tier === 'gold' ? 2 : 0)));
    const age = uniform() < 0.1 ? '?' : String(18 + Math.floor(uniform() * 60));
    const consent = i % 10 === 9 ? 'no' : 'yes';
    return `${i + 1};${age};${visits.toFixed(2).replace('.', ',')};${tier};${leaves ? 'yes' : 'no'};${consent}`;
  });
  return `${HEADER}\n${lines.join('\n')}\n`;
}

export const GYM_MAPPING = {
  title: 'Which members are about to leave the gym',
  source: 'gym',
  format: { delimiter: ';', decimal: ',', missing: ['?'] },
  subject: 'member',
  columns: {
    age: { category: 'contextual', type: 'number', bounds: [18, 80], missingIndicator: true },
    visits: { category: 'behavioral', type: 'number', bounds: [0, 5] },
    tier: { category: 'transactional', type: 'category', vocabulary: ['bronze', 'silver', 'gold'] },
  },
  label: { column: 'left', category: 'transactional', positive: ['yes'], negative: ['no'], horizonDays: 30 },
  consent: {
    purpose: 'https://w3id.org/dpv#CustomerRelationshipManagement',
    notice: {
      id: 'gym-notice',
      version: '1',
      lang: 'en',
      text: 'May your twin learn who is about to leave?',
    },
    required: ['transactional', 'behavioral'],
    evidence: 'column contactable',
    column: 'contactable',
    granted: ['yes'],
  },
};
