/** Cron expressions of six fields, seconds first, as node-cron understands them. */
import cron from 'node-cron';

/**
 * @param expression six cron fields: second, minute, hour, day of the month, month, day of the week
 * @returns what is wrong with it, in words; undefined if nothing is
 */
export function cronProblem(expression: string): string | undefined {
  if (expression.trim().split(/\s+/).length !== 6) return 'six fields are expected, seconds first: */2 * * * * *';
  const { valid, errors } = cron.validateDetailed(expression);
  if (valid) return undefined;
  return errors
    .map(({ field, value, message }) => (value === undefined ? message : `${field} ${JSON.stringify(value)}: ${message}`))
    .join('; ');
}

/**
 * Calls back at each time that an expression names, until stopped.
 *
 * @returns stops it
 */
export function onSchedule(expression: string, callback: () => void): { stop(): void; restart(): void; intervalMs: number } {
  const task = cron.createTask(expression, callback, { suppressMissedWarning: true });
  const [first, second] = task.getNextRuns(2);
  void task.start();
  return {
    intervalMs: first && second ? second.getTime() - first.getTime() : Number.POSITIVE_INFINITY,
    stop: () => void task.destroy(),
    restart() {
      void task.stop();
      void task.start();
    },
  };
}
