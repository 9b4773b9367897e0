/** Figures of the Debian package on the virtual access point, compared with `node -e 0` there, as docs/access-point.md. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bootGuest, canUseKvm, makePackage } from '../test/support/guest.js';
import { number, quantity, withInterval } from './format.js';
import { median } from './statistics.js';

const DOCUMENT = fileURLToPath(new URL('../../docs/access-point.md', import.meta.url));
const CLIENTS = 3;
const ROUNDS = 6;
const SETTLE_SECONDS = 60;
const SECONDS = 60;

interface Start {
  readonly ms: number;
  readonly cpuMs: number;
}

/** What figures.mjs prints in the guest. */
export interface GuestFigures {
  readonly node: string;
  readonly starts: readonly Start[];
  /** Starts of `node -e 0`. */
  readonly nothing: readonly Start[];
  readonly nothingMb: number;
  readonly settledMb: number;
  readonly laterMb: number;
  readonly cpuMsPerSecond: number;
}

/** Boots the virtual access point, measures there, and writes the document. */
export async function measureAccessPoint(conditions: (version: string) => string): Promise<void> {
  const [made, guest] = await Promise.all([process.env.APSNAP_DEB || makePackage(), bootGuest()]);
  try {
    await guest.sh(`/share/guest/up ${CLIENTS}`);
    await guest.sh(`cp ${guest.give(made)} /root/apsnap.deb && apt-get install -y /root/apsnap.deb`);
    const key = await guest.sh('apsnap key show');
    const printed = await guest.sh(`node /share/guest/figures.mjs ${key} ${ROUNDS} ${SETTLE_SECONDS} ${SECONDS}`, 900_000);
    const figures = JSON.parse(printed) as GuestFigures;
    const document = accessPointDocument(figures, conditions(figures.node), !canUseKvm());
    process.stdout.write(document);
    writeFileSync(DOCUMENT, document);
  } finally {
    await guest.stop();
  }
}

export function accessPointDocument(figures: GuestFigures, conditions: string, isEmulated: boolean): string {
  const { starts, nothing, nothingMb, settledMb, laterMb, cpuMsPerSecond } = figures;
  const both = (figure: string, value: keyof Start) => {
    const [ours, node] = [starts.map((one) => one[value]), nothing.map((one) => one[value])];
    return [figure, withInterval(ours, 'ms'), withInterval(node, 'ms'), number(median(ours) / median(node))];
  };
  const memory = (figure: string, mb: number) => [figure, quantity(mb, 'MB'), quantity(nothingMb, 'MB'), number(mb / nothingMb)];
  const nodeCpuMs = median(nothing.map(({ cpuMs }) => cpuMs));
  const rows = [
    ['figure', 'apsnap', '`node -e 0`', 'ratio'],
    ['---', '---', '---', '---'],
    both('Start of the process to the first fresh `/system`', 'ms'),
    both('CPU until then', 'cpuMs'),
    memory(`Resident memory, idle, after ${SETTLE_SECONDS} s`, settledMb),
    memory(`Resident memory, idle, after ${SETTLE_SECONDS + SECONDS} s`, laterMb),
    [
      'CPU per second, idle, programs included',
      quantity(cpuMsPerSecond, 'ms'),
      quantity(nodeCpuMs, 'ms each'),
      number(cpuMsPerSecond / nodeCpuMs),
    ],
  ];
  return `# On a virtual access point

<!-- Written by \`npm run bench -- --access-point\`. Don't edit this file. -->

The Debian package runs in a virtual machine with two processors, with Debian 12's own Node, kernel
and systemd. hostapd serves two simulated radios, dnsmasq gives addresses, and ${CLIENTS + 1} clients are
connected. The service runs in its sandbox, on default schedules.

${isEmulated ? 'The processor was emulated, so times are several times longer than on real hardware. Compare them\nwith `node -e 0` in the same guest: Node that starts, does nothing and ends.' : 'Compare times with `node -e 0` in the same guest: Node that starts, does nothing and ends.'}

${conditions}

${rows.map((row) => `| ${row.join(' | ')} |`).join('\n')}

Starts are medians, with the 95 % confidence interval of the median. Up to five starts give the lowest
and the highest value.

To measure again, run this as root on Debian. It takes about ten minutes without \`/dev/kvm\`.

\`\`\`sh
npm run bench -- --access-point
\`\`\`
`;
}
