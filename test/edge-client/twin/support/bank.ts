/** A bank with a real coordinator, a task, and the papers that its app gives to a twin. */
import type { TwinOptions } from '@twinkeep/edge-client';
import { base64UrlToBytes } from '@twinkeep/audit';
import { issueCredential, type TaskSpec } from '@twinkeep/protocol';
import { createSubject, PUBLIC_URL } from '../../../coordinator/support/parties.ts';
import { smallTask } from '../../../coordinator/support/task.ts';
import type { World } from '../../../coordinator/support/world.ts';

export const NOTICE = {
  id: 'notice',
  version: '1',
  lang: 'en',
  hash: `sha-256:${'A'.repeat(43)}`,
};

/** Everyone is asked to train, so that a test knows what a report holds. */
export function bankTask(changes: Partial<TaskSpec> = {}): TaskSpec {
  const { evaluation } = smallTask();
  return smallTask({ evaluation: { ...evaluation, holdout: 0 }, ...changes });
}

export function bankOptions(
  world: World,
  changes: Partial<Omit<TwinOptions, 'worker'>> = {},
): Omit<TwinOptions, 'worker'> {
  const subject = changes.subject ?? createSubject();
  return {
    coordinatorUrl: PUBLIC_URL,
    trust: world.parties.trust,
    controller: 'https://controller.test',
    subject,
    credential: (deviceKey) =>
      issueCredential(
        {
          sub: subject,
          devicePublicKey: base64UrlToBytes(deviceKey),
          maxTwins: 1,
          scope: 'device',
        },
        world.parties.issuer,
        world.parties.trust.coordinator.id,
        new Date(),
        3_600,
      ),
    tasks: ['churn'],
    notice: NOTICE,
    ...changes,
  };
}

/** The test's coordinator has a public name that no resolver knows. */
export function fetchFrom(world: World): typeof fetch {
  return (input, init) => fetch(String(input).replace(PUBLIC_URL, `http://127.0.0.1:${world.port}`), init);
}

const DAY = 86_400_000;

/** What makes a trainable twin: two signals, and what is to be predicted. */
export function history(now: number, spend: number = 40, churn: 'yes' | 'no' = 'yes'): object[] {
  const at = (days: number): string => new Date(now - days * DAY).toISOString();
  const event = (id: string, type: string, days: number, category: string, data: object): object => ({
    id,
    source: 'app',
    type,
    time: at(days),
    category,
    data,
  });
  return [
    event('call-1', 'support.contact', 50, 'behavioral', {}),
    event('call-2', 'support.contact', 45, 'behavioral', {}),
    event('spend', 'attribute.set', 44, 'transactional', { spend }),
    event('label', 'attribute.set', 5, 'behavioral', { churn }),
  ];
}
