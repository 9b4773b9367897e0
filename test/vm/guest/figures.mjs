// figures.mjs KEY ROUNDS SETTLE_SECONDS SECONDS   in the guest: measures apsnap.service and `node -e 0`, and prints the values as JSON.
// Starts are measured ROUNDS times, both in turn. Then the service idles for SETTLE_SECONDS, and its CPU time counts for SECONDS.
import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

const [key, rounds, settleSeconds, seconds] = process.argv.slice(2);
const SERVICE = 'apsnap.service';
const POLL_MS = 20;
const PATIENCE_MS = 120_000;

const run = (program, ...args) => execFileSync(program, args, { encoding: 'utf8' }).trim();
const property = (name) => run('systemctl', 'show', '--property', name, '--value', SERVICE);
/** Returns microseconds of the clock that systemd's monotonic timestamps use. */
const monotonicUs = () => Number(process.hrtime.bigint() / 1000n);
const residentMb = (pid) => Number(/^VmRSS:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;

async function isFresh() {
  try {
    const asked = request('http://127.0.0.1:8081/system', { method: 'HEAD', agent: false, headers: { access_token: key } }).end();
    const [response] = await once(asked, 'response');
    response.resume();
    return response.statusCode === 200 && response.headers['sample-state'] === 'fresh';
  } catch {
    return false; // it doesn't listen yet
  }
}

/** Starts the service. Counts from the start of its process, not from its unit's, which copies the key first. */
async function start() {
  run('systemctl', 'stop', SERVICE);
  run('systemctl', 'start', '--no-block', SERVICE);
  const deadline = performance.now() + PATIENCE_MS;
  while (!(await isFresh())) {
    if (performance.now() > deadline) throw new Error(`/system is not fresh ${PATIENCE_MS} ms after the start`);
    await sleep(POLL_MS);
  }
  const freshUs = monotonicUs();
  const pid = property('MainPID');
  const threads = readdirSync(`/proc/${pid}/task`);
  const cpu = threads.map((thread) => Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]) / 1e6);
  return { ms: (freshUs - Number(property('ExecMainStartTimestampMonotonic'))) / 1000, cpuMs: cpu.reduce((sum, ms) => sum + ms, 0) };
}

/** Runs `node -e 0`, timed by bash. */
function startNothing() {
  const { stderr } = spawnSync('bash', ['-c', "TIMEFORMAT='%R %U %S'; time node -e 0"], { encoding: 'utf8' });
  const [real, user, system] = stderr.trim().split(' ').map(Number);
  return { ms: real * 1000, cpuMs: (user + system) * 1000 };
}

/** Returns the CPU time of the unit in milliseconds, programs included. */
function unitCpuMs() {
  const stat = readFileSync(`/sys/fs/cgroup${property('ControlGroup')}/cpu.stat`, 'utf8');
  return Number(/^usage_usec (\d+)/m.exec(stat)[1]) / 1000;
}

const starts = [];
const nothing = [];
for (let round = 0; round < Number(rounds); round++) {
  if (round % 2 === 0) nothing.push(startNothing());
  starts.push(await start());
  if (round % 2 !== 0) nothing.push(startNothing());
}
const nothingMb = Number(run('node', '-e', 'console.log(process.memoryUsage.rss())')) / 2 ** 20;
await sleep(Number(settleSeconds) * 1000);
const pid = property('MainPID');
const settledMb = residentMb(pid);
const [before, beforeUs] = [unitCpuMs(), monotonicUs()];
await sleep(Number(seconds) * 1000);
const cpuMsPerSecond = ((unitCpuMs() - before) / (monotonicUs() - beforeUs)) * 1e6;
const node = process.versions.node;
process.stdout.write(`${JSON.stringify({ node, starts, nothing, nothingMb, settledMb, laterMb: residentMb(pid), cpuMsPerSecond })}\n`);
