/**
 * Known vulnerabilities of packages in production, by `npm audit`: any of them fails. Where the registry does not tell, that is
 * said, and is no failure: `npm audit` alone ends with the same status for both.
 */
import { spawnSync } from 'node:child_process';
import { REPOSITORY } from './production.js';

interface Report {
  /** Of a report; what else npm prints is why there is none. */
  readonly auditReportVersion?: number;
  readonly vulnerabilities?: Readonly<
    Record<string, { readonly severity: string; readonly range: string; readonly via: readonly unknown[] }>
  >;
  readonly message?: string;
}

/** The answer of npm, from whatever it printed. */
export function judgeAudit(stdout: string, stderr: string): { readonly status: 0 | 1; readonly text: string } {
  let report: Report;
  try {
    report = JSON.parse(stdout) as Report;
  } catch {
    return { status: 1, text: `npm audit printed no JSON: ${stdout.slice(0, 200)}${stderr.slice(0, 1_000)}` };
  }
  if (report.auditReportVersion === undefined) {
    const { message } = report;
    if (!message) return { status: 1, text: `npm audit gave neither a report nor a reason: ${stdout.slice(0, 200)}` };
    return { status: 0, text: `NOT CHECKED for known vulnerabilities, the registry does not tell: ${message}` };
  }
  const found = Object.entries(report.vulnerabilities ?? {});
  if (found.length === 0) return { status: 0, text: 'no known vulnerabilities in production' };
  const rows = found.map(([name, { severity, range, via }]) => {
    const titles = via.map((one) => (typeof one === 'string' ? `through ${one}` : ((one as { title?: string }).title ?? '')));
    return `${name} ${range}: ${severity}: ${titles.join('; ')}`;
  });
  return { status: 1, text: ['known vulnerabilities in production:', ...rows].join('\n') };
}

if (process.argv[1] === import.meta.filename) {
  const { stdout, stderr } = spawnSync('npm', ['audit', '--omit=dev', '--json'], { cwd: REPOSITORY, encoding: 'utf8' });
  const { status, text } = judgeAudit(stdout ?? '', stderr ?? '');
  process[status === 0 ? 'stdout' : 'stderr'].write(`${text}\n`);
  process.exitCode = status;
}
