/** Who holds the masks: the helpers of the trust file, and how faithfully each took part. */
import type { JSX } from 'preact';
import { count } from '../ui/words.ts';
import type { Status } from './state.ts';

const RECENT = 20;

export function Helpers({ status }: { status: Status }): JSX.Element {
  const helpers = status.info.value?.trust?.helpers ?? [];
  const sealed = (status.progress.value?.ended ?? []).filter(({ status }) => status === 'sealed');
  const recent = sealed.slice(-RECENT);
  const last = sealed.at(-1);
  const operators = new Set(helpers.map(({ operator }) => operator)).size;
  return (
    <section class="card helpers" aria-labelledby="helpers">
      <h2 id="helpers">Mask helpers</h2>
      <p class="soft small">
        A sum is opened only if enough of these add up the same masks. The names are those of the trust file
        that every device pins.{' '}
        {operators > 0 &&
          'Here all of them run on this machine: that shows the software, it protects nothing from you.'}
      </p>
      <div class="scroll" role="region" aria-label="Table: mask helpers" tabIndex={0}>
        <table class="small">
          <caption class="unseen">Mask helpers and their answers</caption>
          <thead>
            <tr>
              <th scope="col">Helper</th>
              <th scope="col">Operator</th>
              <th scope="col">Last round</th>
              <th scope="col">Last {count(Math.max(1, recent.length))} sums</th>
              <th scope="col">Key</th>
            </tr>
          </thead>
          <tbody>
            {helpers.map(({ j, operator, key }) => {
              const answered = recent.filter(({ responding }) => responding.includes(j)).length;
              const here = last?.responding.includes(j);
              return (
                <tr key={j}>
                  <th scope="row">{j}</th>
                  <td>{operator}</td>
                  <td>
                    {here === undefined ? (
                      'no sum yet'
                    ) : (
                      <span class={here ? 'chip good' : 'chip bad'}>{here ? 'answered' : 'silent'}</span>
                    )}
                  </td>
                  <td>{recent.length === 0 ? 'none yet' : `${answered} of ${recent.length}`}</td>
                  <td>
                    <code title={key}>{key.slice(0, 10)}…</code>
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      {helpers.length === 0 && <p class="soft">Their keys are being made.</p>}
    </section>
  );
}
