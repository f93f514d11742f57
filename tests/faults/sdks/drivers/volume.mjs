// Takes events into a buffer as it is told to, a line of stdin each time; the end of stdin closes it.
import { openSync, writeSync } from "node:fs";
import { createInterface } from "node:readline";

import { Tenlyr } from "@tenlyr/sdk";

const { env } = process;
const tenants = env.TENANTS.split(",").map((one) => one.split("="));
const wire = openSync(env.WIRE, "w");
let [taken, most, tries, lost] = [0, 0, 0, 0];

/** Notes each try as it leaves and each answer as it comes. */
async function fetchFn(url, init) {
  writeSync(wire, `> ${init.body}\n`);
  tries += 1;
  const response = await fetch(url, init);
  const text = await response.text();
  const found = /"duplicates":(\d+)/.exec(text);
  writeSync(wire, `< ${response.status} ${found?.[1] ?? 0}\n`);
  return new Response(text, { status: response.status, headers: response.headers });
}

const tenlyr = new Tenlyr({ apiKey: tenants[0][1], baseUrl: env.BASE_URL, fetchFn });
const buffer = tenlyr.usage.buffer({
  maxEvents: Number(env.MAX_EVENTS),
  flushEvents: Number(env.FLUSH_EVENTS),
  flushIntervalMs: Number(env.FLUSH_MS),
  onDrop: () => (lost += 1),
  onError: (event, error) => {
    lost += 1;
    console.error(event.id, error);
  },
});

function say(closed) {
  console.log(JSON.stringify({ taken, held: buffer.pending, most, tries, lost, closed }));
}

async function take(count) {
  for (let left = count; left > 0; left -= 1) {
    const [id, tenantKey] = tenants[taken % tenants.length];
    const endpoint = `/faults/${id}/${taken}`;
    await buffer.track({ tenantKey, metric: "api_call", value: 1 + (taken % 3), endpoint });
    taken += 1;
    most = Math.max(most, buffer.pending);
  }
}

const samples = setInterval(() => say(""), 20);
for await (const line of createInterface({ input: process.stdin })) await take(Number(line));
await buffer.close();
clearInterval(samples);
say(buffer.pending === 0 ? "well" : "with an error");
