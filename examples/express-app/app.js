// Notes for many customers: each is a tenant of Tenlyr, sees its own notes, and has room for three.
import express from "express";
import { ConflictError, InvalidRequestError, Tenlyr } from "@tenlyr/sdk";
import {
  createTenantMiddleware,
  enforceQuota,
  getCurrentTenant,
  requireActive,
  tenantErrors,
  trackUsage,
} from "@tenlyr/sdk/express";

const MOST_NOTES = 3;
const tenlyr = new Tenlyr({
  apiKey: process.env.TENLYR_ADMIN_KEY,
  baseUrl: process.env.TENLYR_URL ?? "http://127.0.0.1:8000",
});
// In batches, and rather not at all than late: no response waits for being counted.
const usage = tenlyr.usage.buffer({ whenFull: "drop" });
// By slug. A real application keeps these in its database, and the keys sealed.
const customers = new Map();

const app = express();
app.use(express.json());

app.post("/signup", async (req, res) => {
  const { slug, name, email } = req.body;
  if (customers.has(slug)) return res.status(409).json({ error: "The slug is taken." });
  try {
    const { tenant, apiKey } = await tenlyr.tenants.create({ name, ownerEmail: email });
    customers.set(slug, { id: tenant.id, apiKey, notes: [] });
    res.status(201).json({ tenantId: tenant.id });
  } catch (error) {
    // The address is taken, or is none: the visitor's to mend. Anything else is our own trouble.
    const isTheirs = error instanceof ConflictError || error instanceof InvalidRequestError;
    if (!isTheirs) throw error;
    res.status(error.statusCode).json({ error: error.message });
  }
});

// Everything below is some tenant's. Whether the caller belongs to it is for a login to check.
app.use(trackUsage(usage));
app.use(
  createTenantMiddleware({
    config: { resolution: ["subdomain", "header"], baseDomain: "notes.example" },
    cacheTtlMs: 1_000, // a suspension is seen that much later
    lookupTenant: async (slug) => {
      const customer = customers.get(slug);
      if (customer === undefined) return null;
      const { id, status, plan } = await tenlyr.tenants.get(customer.id);
      return { id, slug, status, apiKey: customer.apiKey, metadata: { plan } };
    },
  }),
);
app.use(requireActive());

const notesOf = (req) => customers.get(getCurrentTenant(req).slug).notes;
const room = (req, res, next) =>
  enforceQuota({
    quotaKey: "notes",
    limit: MOST_NOTES,
    checkUsage: () => notesOf(req).length,
  })(req, res, next);

app.get("/notes", (req, res) => {
  res.json({ notes: notesOf(req) });
});

app.post("/notes", room, (req, res) => {
  notesOf(req).push(req.body.text);
  res.status(201).json({ notes: notesOf(req) });
});

app.use(tenantErrors());

const server = app.listen(Number(process.env.PORT ?? 8080), "127.0.0.1", () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`);
});

for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, () => {
    server.close();
    server.closeIdleConnections();
    void usage.close(); // what is counted is sent, then nothing is left to do
  });
}
