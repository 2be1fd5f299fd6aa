/** Where the task stands, in one line of figures. */
import { useComputed } from '@preact/signals';
import type { TaskProgress } from '@twinkeep/coordinator/api';
import type { JSX } from 'preact';
import { Meter } from '../ui/meter.tsx';
import { count, plural } from '../ui/words.ts';
import { aucInterval } from './interval.ts';
import type { Status } from './state.ts';

export function Now({ status }: { status: Status }): JSX.Element {
  const { progress, trouble, info } = status;
  const task = progress.value;
  return (
    <section class="now" aria-labelledby="now">
      <div class="now-head">
        <div>
          <h1 id="now">{task === null ? 'No task yet' : task.title}</h1>
          {task !== null && <p class="soft">{sayState(task, info.value?.liveTask ?? null)}</p>}
          <p class="soft" role="status">
            {trouble.value}
          </p>
        </div>
        <TaskChoice status={status} />
      </div>
      {task !== null && <Figures status={status} task={task} />}
    </section>
  );
}

const PHASES = {
  proposed: 'is being checked and signed by the helpers',
  collecting: 'is taking reports',
  acking: 'waits for the helpers’ verdicts',
  revealing: 'is being opened by the helpers',
  sealed: 'is sealed',
  abandoned: 'is abandoned',
} as const;

function sayState(
  { taskId, state, open, rounds, trained, endedBecause, waitsFor }: TaskProgress,
  liveTask: string | null,
): string {
  if (state === 'finished')
    return endedBecause === 'budget-spent'
      ? `Finished after ${plural(trained, 'training round')}: the privacy budget of those who took part is spent.`
      : `Finished after ${plural(trained, 'training round')}.`;
  if (waitsFor === 'helper-closes')
    return 'The last round was given up; the next one waits until enough helpers have closed it for good.';
  if (open === null) return 'Between two rounds.';
  const which =
    taskId === liveTask
      ? 'The live task goes on slowly, so that you can take part'
      : `${trained} of ${rounds} training rounds are done`;
  return `${which}. Round ${open.round} ${PHASES[open.phase]}.`;
}

/** Only where there is a choice. */
function TaskChoice({ status: { tasks, chosen, progress, info } }: { status: Status }): JSX.Element | null {
  if (tasks.value.length < 2) return null;
  const live = info.value?.liveTask;
  return (
    <label class="task-choice small">
      Task
      <select
        value={progress.value?.taskId ?? ''}
        onChange={({ currentTarget }) => {
          chosen.value = currentTarget.value;
        }}
      >
        {tasks.value.map(({ taskId, state }) => (
          <option key={taskId} value={taskId}>
            {taskId} ({taskId === live ? 'live' : state})
          </option>
        ))}
      </select>
    </label>
  );
}

function Figures({ status, task }: { status: Status; task: TaskProgress }): JSX.Element {
  const last = task.ended.findLast(({ status }) => status === 'sealed');
  const figures = useComputed(
    () => status.progress.value?.ended.findLast(({ evaluation }) => evaluation !== null)?.evaluation ?? null,
  ).value;
  const auc = figures?.auc ?? null;
  const interval =
    figures === null || auc === null
      ? null
      : aucInterval(auc, figures.positives, figures.twins - figures.positives, figures.aucError);
  const nodes = status.info.value?.nodes ?? 0;
  // It goes on for as long as anybody stays.
  const isLive = task.taskId === status.info.value?.liveTask;
  return (
    <dl class="figures">
      <Figure
        title="AUC"
        value={auc === null ? '–' : auc.toFixed(3)}
        note={
          interval === null
            ? 'not known yet'
            : `95 % interval ${interval.low.toFixed(2)} to ${interval.high.toFixed(2)}, ${count(Math.round(figures?.twins ?? 0))} held-out twins`
        }
      />
      <Figure
        title="Rounds"
        value={count(task.trained)}
        note={task.open === null ? 'none open' : `round ${task.open.round} is open`}
      >
        {isLive ? <></> : <Meter share={task.trained / task.rounds} />}
      </Figure>
      <Figure
        title="Reports now"
        value={task.open === null ? '–' : count(task.open.received.reports)}
        note={`${plural(nodes, 'region node')} here, and whoever else takes part`}
      />
      <Figure
        title="Twins in the last sum"
        value={last === undefined ? '–' : count(last.twins)}
        note={last === undefined ? 'no sum yet' : `in ${plural(last.count, 'report')}, opened together only`}
      />
      <Figure
        title="Privacy spent"
        value={task.privacy === null ? 'no bound' : `ε ${task.privacy.spent.epsilon.toFixed(2)}`}
        note={
          task.privacy === null
            ? 'sums are exact: differential privacy is off'
            : `of ${task.privacy.epsilon} at most; ${task.privacy.trainings.most} of ${plural(task.privacy.trainings.cap, 'training')}`
        }
      >
        {task.privacy === null ? <></> : <Meter share={task.privacy.spent.epsilon / task.privacy.epsilon} />}
      </Figure>
      <Figure
        title="Log entries"
        value={status.log.value === null ? '–' : count(status.log.value.size)}
        note={status.log.value?.verdict === 'broken' ? 'not to be trusted' : 'checked in this browser'}
      />
    </dl>
  );
}

function Figure({
  title,
  value,
  note,
  children,
}: {
  title: string;
  value: string;
  note: string;
  children?: JSX.Element;
}): JSX.Element {
  return (
    <div class="figure">
      <dt class="small soft">{title}</dt>
      <dd class="value number">{value}</dd>
      <dd class="small soft">{note}</dd>
      {children !== undefined && <dd>{children}</dd>}
    </div>
  );
}
