// changes.mjs KEY CLIENT ROUNDS   in the guest: has a client leave and join again, and prints for each round, as JSON, after how many
// milliseconds /clients says so: {"leave": 80, "join": 95}. They count from hostapd's own event.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent, get } from 'node:http';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

const [key, client, rounds] = process.argv.slice(2);
const mac = `02:00:00:00:${(Number(client) + 1).toString(16).padStart(2, '0')}:00`;
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
const POLL_MS = 20;
const PATIENCE_MS = 30_000;

const events = spawn('hostapd-events', ['wlan0'], { stdio: ['ignore', 'pipe', 'inherit'] });
const lines = createInterface({ input: events.stdout });

async function eventOf(name) {
  for (;;) {
    const [line] = await once(lines, 'line', { signal: AbortSignal.timeout(PATIENCE_MS) });
    if (line.includes(`${name} ${mac}`)) return performance.now();
  }
}

async function isListed() {
  const [response] = await once(get('http://127.0.0.1:8081/clients', { agent, headers: { access_token: key } }), 'response');
  const { active_clients: clients } = JSON.parse(Buffer.concat(await response.toArray()).toString('utf8'));
  return clients.some((one) => one.mac_address === mac);
}

/** @returns when /clients lists it, or does not */
async function becomes(listed) {
  const deadline = performance.now() + PATIENCE_MS;
  while ((await isListed()) !== listed) {
    if (performance.now() > deadline) throw new Error(`${mac}: after ${PATIENCE_MS} ms it is ${listed ? 'not yet' : 'still'} in /clients`);
    await sleep(POLL_MS);
  }
  return performance.now();
}

async function measure(command, event, listed) {
  const happened = eventOf(event);
  const told = becomes(listed);
  spawn('client', [client, 'wpa', command], { stdio: 'ignore' });
  return Math.round((await told) - (await happened));
}

await once(lines, 'line'); // OK: it is attached
for (let round = 0; round < Number(rounds); round++) {
  const leave = await measure('disconnect', 'AP-STA-DISCONNECTED', false);
  const join = await measure('reconnect', 'AP-STA-CONNECTED', true);
  process.stdout.write(`${JSON.stringify({ leave, join })}\n`);
}
process.exit(0);
