/** What the shown task protects, from whom, under whose honesty: the protocol's own statement, made here from the task and the trust file. */
import { useComputed } from '@preact/signals';
import { describePrivacy } from '@twinkeep/protocol';
import type { JSX } from 'preact';
import type { Status } from './state.ts';

export function Protected({ status }: { status: Status }): JSX.Element | null {
  const statement = useComputed(() => {
    const [task, trust] = [status.task.value, status.info.value?.trust ?? null];
    return task === null || trust === null ? null : describePrivacy(task, trust);
  }).value;
  if (statement === null) return null;
  const { paragraph, rows, spending } = statement;
  return (
    <section class="card protected wide" aria-labelledby="protected">
      <h2 id="protected">What this task protects, from whom</h2>
      <p>{paragraph}</p>
      <div class="scroll" role="region" aria-label="Table: what is protected" tabIndex={0}>
        <table class="small words">
          <caption class="unseen">What is protected, from whom, and what that rests on</caption>
          <thead>
            <tr>
              <th scope="col">What</th>
              <th scope="col">Protected</th>
              <th scope="col">From whom</th>
              <th scope="col">What that rests on</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ what, held, from, rests }) => (
              <tr key={what}>
                <th scope="row">{what}</th>
                <td>
                  <span class={held ? 'chip good' : 'chip bad'}>{held ? 'yes' : 'no'}</span>
                </td>
                <td>{from}</td>
                <td>{rests}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {spending.length > 0 && (
        <p class="small soft">
          {spending
            .map(
              ({ participations, epsilon }) =>
                `${participations} × taking part: epsilon ${epsilon.toFixed(2)}`,
            )
            .join(' · ')}
        </p>
      )}
    </section>
  );
}
