// A process that takes events and ends without closing its buffer: they are sent all the same.
import { Tenlyr } from "../../dist/esm/index.js";
import { ADMIN, TENANT } from "./keys.mjs";

let counted = 0;
const fetchFn = async (_url, init) => {
  const events = JSON.parse(init.body);
  counted += events.length;
  return Response.json({ results: events.map((_, index) => ({ index, status: 201 })) });
};
const client = new Tenlyr({ apiKey: ADMIN, fetchFn });
const buffer = client.usage.buffer({ flushIntervalMs: 3_600_000 });
for (let event = 0; event < 3; event += 1) {
  await buffer.track({ tenantKey: TENANT, metric: "api_call", value: 1 });
}
process.on("exit", () => console.log(`counted ${counted}`));
