// A process whose runtime has no global crypto: prints the idempotency key and the event's type.
import { Tenlyr } from "../../dist/esm/index.js";

delete globalThis.crypto;
if (globalThis.crypto !== undefined) throw new Error("there is a global crypto");

const [apiKey, payload, headers, secret, now] = JSON.parse(process.argv[2]);
let key = "";
const fetchFn = async (_url, init) => {
  key = init.headers["Idempotency-Key"];
  return new Response("{}");
};
const client = new Tenlyr({ apiKey, fetchFn });
await client.alerts.resolveAll();
const event = await client.webhooks.verify(payload, headers, secret, { now });
console.log(JSON.stringify([key, event.type]));
