/** Decides what is due, by cron expressions of six fields, seconds first, as node-cron understands them. */
import cron from 'node-cron';

export interface Ticker<Name> {
  /** Returns the longest time between two runs that follow each other. */
  intervalMs(name: Name): number;
  /** Waits again for the next runs, because the clock was set. */
  restart(): void;
  stop(): void;
}

/**
 * Calls back each second with what is due.
 *
 * @param onTick takes the names whose expressions match, which may be none
 */
export function createTicker<Name>(expressions: ReadonlyMap<Name, string>, onTick: (due: readonly Name[]) => void): Ticker<Name> {
  const seconds = new Map<Name, readonly number[]>();
  const calendar = new Map<Name, CalendarTask>();
  for (const [name, expression] of expressions) {
    if (/^\s*\S+(?:\s+\*){5}\s*$/.test(expression)) {
      seconds.set(name, cron.parse(expression).second);
    } else {
      const task = onCalendar(expression, () => onTick([name]));
      calendar.set(name, task);
    }
  }
  const everySecond = onSeconds((passed) =>
    onTick([...seconds].flatMap(([name, own]) => (own.some((second) => passed.has(second)) ? [name] : []))),
  );
  return {
    intervalMs: (name) => calendar.get(name)?.intervalMs ?? longestGap(seconds.get(name) ?? []) * 1000,
    restart() {
      everySecond.restart();
      for (const task of calendar.values()) task.restart();
    },
    stop() {
      everySecond.stop();
      for (const task of calendar.values()) task.stop();
    },
  };
}

interface CalendarTask {
  readonly intervalMs: number;
  restart(): void;
  stop(): void;
}

function onCalendar(expression: string, callback: () => void): CalendarTask {
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
 * Calls back at the start of each second. Nearly all expressions name seconds only, and one timer serves them all: node-cron would ask
 * Intl for the calendar each time, which costs 1.5 ms of CPU per second for each task, and 8 MB of memory.
 *
 * @param onSecond takes the seconds of the minute that have begun since the last call; more than one if the process was stopped
 */
function onSeconds(onSecond: (passed: ReadonlySet<number>) => void): { restart(): void; stop(): void } {
  let timer: NodeJS.Timeout;
  let last: number;

  function arm(): void {
    // Timers may be early by a fraction of a millisecond.
    timer = setTimeout(tick, 1001 - (Date.now() % 1000));
  }

  function tick(): void {
    const now = Math.floor(Date.now() / 1000);
    const begun = Math.min(Math.max(now - last, 0), 60);
    last = now;
    arm();
    onSecond(new Set(Array.from({ length: begun }, (_, index) => (((now - index) % 60) + 60) % 60)));
  }

  function restart(): void {
    clearTimeout(timer);
    last = Math.floor(Date.now() / 1000);
    arm();
  }

  restart();
  return { restart, stop: () => clearTimeout(timer) };
}

/** Returns the longest time between two of the seconds that follow each other, across the end of the minute. */
function longestGap(seconds: readonly number[]): number {
  const sorted = [...seconds].sort((a, b) => a - b);
  const gaps = sorted.map((second, index) => (index === 0 ? second + 60 - (sorted.at(-1) ?? 0) : second - (sorted[index - 1] ?? 0)));
  return Math.max(...gaps);
}
