#!/usr/bin/env node
// Prints the names of the connected clients whenever they change. Needs Node 20, no packages.
//
//     APSNAP_URL=http://10.3.141.1:8081 APSNAP_KEY=… node watch-clients.mjs
const { APSNAP_URL: url, APSNAP_KEY: key } = process.env;

// EventSource can't send the key, so read the stream with fetch.
const response = await fetch(`${url}/events?documents=clients`, { headers: { access_token: key } });
if (!response.ok) {
  const { detail } = await response.json();
  console.error(`${response.status}: ${detail}`);
  process.exit(1);
}

let printed;
let text = '';
for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
  text += chunk;
  // An empty line ends each event. The last part may be incomplete.
  const events = text.split('\n\n');
  text = events.pop();
  for (const event of events) print(event);
}

/** @param {string} event `event: clients`, `id: 7` and `data: {…}`, each on its own line */
function print(event) {
  if (!/^event: ?clients$/m.test(event)) return;
  const clients = JSON.parse(/^data: ?(.*)$/m.exec(event)[1]);
  const names = clients.active_clients.map(({ hostname, mac_address }) => hostname || mac_address).join(', ');
  // Signals and rates change all the time. Names only change when a client joins or leaves.
  if (names !== printed) console.log(names || 'No clients');
  printed = names;
}
