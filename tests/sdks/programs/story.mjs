// What an integrator does, from the first tenant to the last: its outcome is printed as JSON.
import {
  AuthenticationError,
  ConflictError,
  NotFoundError,
  Tenlyr,
  TenlyrNotImplementedError,
} from "@tenlyr/sdk";

const language = "typescript";
const tenlyr = new Tenlyr({ apiKey: process.env.ADMIN_KEY, baseUrl: process.env.BASE_URL });
const ownerEmail = `${language}@story.example`;

/** What a call answers in the end: a change of keys reaches every process within a second. */
async function eventually(call) {
  for (let tries = 1; ; tries += 1) {
    const found = await call();
    if (found !== undefined) return found;
    if (tries === 100) throw new Error("it did not come");
    await new Promise((wake) => setTimeout(wake, 100));
  }
}

/** The code of the error that a call ends with; it must be of a class. */
function refusal(call, kind) {
  return eventually(async () => {
    try {
      await call();
    } catch (error) {
      if (error instanceof kind) return error.code;
      throw error;
    }
  });
}

/** The totals that a key shows, once it is believed. */
function totals(tenantKey) {
  return eventually(async () => {
    try {
      return await tenlyr.usage.metrics(tenantKey);
    } catch (error) {
      if (!(error instanceof AuthenticationError)) throw error;
    }
  });
}

const { tenant, apiKey } = await tenlyr.tenants.create({
  name: "Story",
  ownerEmail,
  plan: "growth",
});
const event = await tenlyr.usage.track({
  tenantKey: apiKey,
  metric: "api_call",
  value: 3,
  endpoint: "/invoices",
  statusCode: 200,
});
const batch = await tenlyr.usage.trackBatch(apiKey, [
  { metric: "api_call", value: 2, id: "invoice-1" },
  { metric: "api_call", value: 2, id: "invoice-1" },
  { metric: "seats", value: 4, mode: "set" },
]);
const again = await tenlyr.usage.track({
  tenantKey: apiKey,
  metric: "api_call",
  value: 3,
  id: event.id,
});
const { apiCalls, seats } = await tenlyr.usage.metrics(apiKey);

const other = await tenlyr.tenants.create({ name: "Short", ownerEmail: `other-${ownerEmail}` });
let found = 0;
for await (const one of tenlyr.tenants.listAll({ limit: 1 })) {
  if ([tenant.id, other.tenant.id].includes(one.id)) found += 1;
  if (found === 2) break;
}

const taken = await refusal(() => tenlyr.tenants.create({ name: "Again", ownerEmail }), ConflictError);
const suspended = await tenlyr.tenants.suspend(tenant.id, "unpaid");
const refused = await refusal(() => tenlyr.usage.metrics(apiKey), AuthenticationError);
const reactivated = await tenlyr.tenants.reactivate(tenant.id);
const rotated = await tenlyr.tenants.rotateApiKey(tenant.id);
const revoked = await refusal(() => tenlyr.usage.metrics(apiKey), AuthenticationError);
const { apiCalls: afterwards } = await totals(rotated.apiKey);
const billing = await refusal(() => tenlyr.billing.get(rotated.apiKey), TenlyrNotImplementedError);
const deleted = await tenlyr.tenants.delete(other.tenant.id);
const gone = await refusal(() => tenlyr.tenants.get(other.tenant.id), NotFoundError);

console.log(
  JSON.stringify({
    tenantId: tenant.id,
    sameEvent: again.id === event.id,
    batch: [batch.accepted, batch.duplicates],
    metrics: [apiCalls, seats, afterwards],
    found,
    states: [suspended.status, reactivated.status],
    refusals: [taken, refused, revoked, billing, gone],
    nothing: (deleted ?? null) === null,
  }),
);
