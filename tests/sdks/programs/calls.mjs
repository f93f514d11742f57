// Calls a server that fails in many ways; the outcomes are printed as JSON.
import { Tenlyr, TenlyrError } from "@tenlyr/sdk";

const { BASE_URL, ADMIN_KEY, TENANT_KEY } = process.env;

const told = {};

/** What a call ends with, and the waits that it asked for. `random` is the jitter's source. */
async function outcome(name, random, call) {
  const waits = [];
  const tenlyr = new Tenlyr({
    apiKey: ADMIN_KEY,
    baseUrl: BASE_URL,
    timeout: name.includes("hangs") ? 5_000 : 60_000,
    random,
    onRetry: ({ waitMs }) => waits.push(waitMs),
  });
  try {
    await call(tenlyr);
    told[name] = ["ok", waits];
  } catch (error) {
    if (!(error instanceof TenlyrError)) throw error;
    told[name] = [error.constructor.name, waits];
  }
}

const half = () => 0.5;
const get = (name) => (tenlyr) => tenlyr.tenants.get(name);
const track = (name) => (tenlyr) =>
  tenlyr.usage.track({ tenantKey: TENANT_KEY, metric: "api_call", value: 1, endpoint: name });
await Promise.all([
  ...process.env.SCENARIOS.split(",").map((name) => outcome(name, half, get(name))),
  ...process.env.EVENTS.split(",").map((name) => outcome(name, half, track(name))),
  ...["1", "2", "3"].map((run) => outcome(`jitter ${run}`, undefined, get("jitter"))),
]);
console.log(JSON.stringify(told));
