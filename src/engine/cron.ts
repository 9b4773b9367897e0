/** Calls back by cron expressions of six fields, seconds first, as node-cron understands them. */
import cron from 'node-cron';

export interface Schedule {
  /** Time between the next two runs. */
  readonly intervalMs: number;
  /** Waits again for the next run, because the clock was set. */
  restart(): void;
  stop(): void;
}

/** Calls back at each time of an expression, until stopped. */
export function onSchedule(expression: string, callback: () => void): Schedule {
  return /^\s*\S+(?:\s+\*){5}\s*$/.test(expression)
    ? everyMinute(cron.parse(expression).second, callback)
    : byCalendar(expression, callback);
}

function byCalendar(expression: string, callback: () => void): Schedule {
  const task = cron.createTask(expression, callback, { suppressMissedWarning: true });
  const [first, second] = task.getNextRuns(2);
  void task.start();
  return {
    intervalMs: first && second ? second.getTime() - first.getTime() : Number.POSITIVE_INFINITY,
    restart() {
      void task.stop();
      void task.start();
    },
    stop: () => void task.destroy(),
  };
}

/**
 * Runs an expression that names seconds only, as nearly all do. node-cron would ask Intl for the calendar each time: a task that
 * runs each second costs 1.5 ms of CPU per second, and Intl 8 MB of memory.
 *
 * @param seconds of a minute
 */
function everyMinute(seconds: readonly number[], callback: () => void): Schedule {
  const sorted = [...seconds].sort((a, b) => a - b);
  const gaps = sorted.map((second, index) => (index === 0 ? second + 60 - (sorted.at(-1) ?? 0) : second - (sorted[index - 1] ?? 0)));
  let timer: NodeJS.Timeout;

  function arm(): void {
    const now = Date.now() % 60_000;
    const next = sorted.find((second) => second * 1000 > now) ?? (sorted[0] ?? 0) + 60;
    // Timers may be early by a fraction of a millisecond.
    timer = setTimeout(
      () => {
        callback();
        arm();
      },
      next * 1000 - now + 1,
    );
  }

  arm();
  return {
    intervalMs: Math.max(...gaps) * 1000,
    restart() {
      clearTimeout(timer);
      arm();
    },
    stop: () => clearTimeout(timer),
  };
}
