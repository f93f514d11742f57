// A tenant's database: logins, moves, transactions, closing, over a pg that is played.
import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { describe, it } from "node:test";
import { Tenlyr } from "../dist/esm/index.js";
import { TenantDatabases } from "../dist/esm/pg.js";
import { ADMIN, OTHER_TENANT, TENANT } from "./support/keys.mjs";

describe("a tenant's database", { timeout: 60_000 }, () => {
  it("is reached with a login of the tenant's own, once for many queries", async () => {
    const { databases, world } = scene();
    const db = databases.of({ tenantKey: TENANT });
    await Promise.all([db.query("SELECT 1", [7]), db.query("SELECT 2")]);
    await databases.of({ tenantKey: TENANT }).query("SELECT 3");
    assert.deepEqual(world.asked, [["POST", `Bearer ${TENANT}`, { ttlSeconds: 3600 }]]);
    assert.equal(world.pools.length, 1);
    const { host, port, database, user, password, max, ssl } = world.pools[0].config;
    assert.deepEqual([host, port, database], ["db1", 5432, "app"]);
    assert.deepEqual([user, password, max, ssl], ["login1", "secret1", 5, true]);
    assert.deepEqual(world.ran, [["SELECT 1", [7]], ["SELECT 2"], ["SELECT 3"]]);
    await databases.close();
  });

  it("is one for each tenant, by key or by id", async () => {
    const { databases, world } = scene();
    await databases.of({ tenantKey: TENANT }).query("SELECT 1");
    await databases.of({ tenantKey: OTHER_TENANT }).query("SELECT 1");
    await databases.of({ tenantId: "0197" }).query("SELECT 1");
    assert.deepEqual(world.asked.map(([, bearer, body]) => [bearer, body.tenantId]), [
      [`Bearer ${TENANT}`, undefined],
      [`Bearer ${OTHER_TENANT}`, undefined],
      [`Bearer ${ADMIN}`, "0197"],
    ]);
    await databases.close();
    assert.equal(world.pools.length, 3);
    assert.ok(world.pools.every((pool) => pool.isEnded));
    const enders = world.enders.map((bearer) => bearer.slice("Bearer ".length));
    assert.deepEqual(enders.sort(), [ADMIN, TENANT, OTHER_TENANT].sort());
  });

  it("is closed when too many others are in use, and opened again", async () => {
    const { databases, world } = scene({ maxTenants: 2 });
    for (const id of ["a", "b", "a", "c"]) await databases.of({ tenantId: id }).query("SELECT 1");
    await until(() => world.pools[1].isEnded);
    assert.deepEqual(world.pools.map((pool) => pool.isEnded), [false, true, false]);
    await databases.of({ tenantId: "b" }).query("SELECT 1");
    assert.equal(world.pools.length, 4);
    await databases.close();
  });

  it("gets a new login before the old one ends", async (context) => {
    context.mock.timers.enable({ apis: ["Date"] });
    const { databases, world } = scene({ ttlSeconds: 100 });
    const db = databases.of({ tenantId: "0197" });
    await db.query("SELECT 1");
    context.mock.timers.tick(79_000);
    await db.query("SELECT 1");
    assert.equal(world.pools.length, 1);
    context.mock.timers.tick(2_000);
    await Promise.all([db.query("SELECT 1"), db.query("SELECT 1")]);
    assert.equal(world.pools.length, 2);
    await until(() => world.ended.length === 1);
    assert.deepEqual(world.ended, ["credential1"]);
    assert.ok(world.pools[0].isEnded);
    await databases.close();
    assert.deepEqual(world.ended, ["credential1", "credential2"]);
  });

  it("gets a new login when the old one was ended, but not for ever", async () => {
    const { databases, world } = scene();
    const db = databases.of({ tenantId: "0197" });
    world.errors.push(pgError("28000", "credential_ended"));
    await db.query("SELECT 1");
    assert.deepEqual(world.pools.map((pool) => pool.config.user), ["login1", "login2"]);
    world.errors.push(pgError("28P01", "no"), pgError("28P01", "no"));
    await assert.rejects(db.query("SELECT 1"), { code: "28P01" });
    await databases.close();
  });

  it("is refused like any call", async () => {
    const { databases } = scene();
    const db = databases.of({ tenantKey: "nonsense" });
    await assert.rejects(db.query("SELECT 1"), { name: "AuthenticationError" });
    await assert.rejects(db.query("SELECT 1"), { name: "AuthenticationError" });
    await databases.close();
    await assert.rejects(db.query("SELECT 1"), { code: "closed" });
  });
});

describe("a tenant that moves", { timeout: 60_000 }, () => {
  it("is found at its new place with the same login", async () => {
    const { databases, world } = scene();
    const db = databases.of({ tenantKey: TENANT });
    await db.query("SELECT 1");
    world.host = "db2";
    world.errors.push(MOVED);
    await db.query("UPDATE things SET n = 1");
    assert.deepEqual(world.pools.map((pool) => pool.config.host), ["db1", "db2"]);
    assert.equal(world.pools[1].config.user, "login1");
    assert.deepEqual(world.asked[1].slice(0, 2), ["GET", `Bearer ${TENANT}`]);
    await until(() => world.pools[0].isEnded);
    assert.deepEqual(world.ended, []);
    await databases.close();
    assert.deepEqual(world.ended, ["credential1"]);
  });

  it("has its transaction run again, whole", async () => {
    const { databases, world } = scene();
    const db = databases.of({ tenantId: "0197" });
    let runs = 0;
    const result = await db.transaction(async (transaction) => {
      runs += 1;
      await transaction.query("INSERT 1");
      if (runs === 1) world.errors.push(MOVED);
      await transaction.query("INSERT 2");
      return runs;
    });
    assert.equal(result, 2);
    const once = ["BEGIN", "INSERT 1", "INSERT 2"];
    assert.deepEqual(world.ran.map(([text]) => text), [...once, "ROLLBACK", ...once, "COMMIT"]);
    await databases.close();
  });

  it("is left to the caller when it never settles", async () => {
    const { databases, world } = scene();
    world.errors.push(...Array(6).fill(MOVED));
    const db = databases.of({ tenantId: "0197" });
    await assert.rejects(db.query("SELECT 1"), { message: "placement_moved" });
    assert.equal(world.ran.length, 6);
    await databases.close();
  });

  it("is one thing, another conflict is the caller's", async () => {
    const { databases, world } = scene();
    world.errors.push(pgError("40001", "could not serialize access"));
    const db = databases.of({ tenantId: "0197" });
    await assert.rejects(db.query("SELECT 1"), { message: "could not serialize access" });
    assert.equal(world.ran.length, 1);
    await databases.close();
  });
});

describe("a transaction", { timeout: 60_000 }, () => {
  it("is rolled back by what its work throws, and its connection given back", async () => {
    const { databases, world } = scene();
    const db = databases.of({ tenantId: "0197" });
    const failing = db.transaction(async (transaction) => {
      await transaction.query("INSERT 1");
      throw new Error("enough");
    });
    await assert.rejects(failing, { message: "enough" });
    assert.deepEqual(world.ran.map(([text]) => text), ["BEGIN", "INSERT 1", "ROLLBACK"]);
    assert.deepEqual(world.released, [false]);
    await databases.close();
  });

  it("whose connection is lost does not give it back", async () => {
    const { databases, world } = scene();
    const lost = pgError("ECONNRESET", "the line broke");
    world.errors.push(lost, new Error("not queryable"));
    const db = databases.of({ tenantId: "0197" });
    await assert.rejects(db.transaction(async () => {}), { code: "ECONNRESET" });
    assert.deepEqual(world.released, [true]);
    await databases.close();
  });

  it("whose session is ended by its last answer is run again", async () => {
    const { databases, world } = scene();
    world.errors.push(null, pgError("57P01", "terminating connection"), new Error("lost"));
    world.onError = () => world.clients[0].emit("error", new Error("lost"));
    await databases.of({ tenantId: "0197" }).transaction((tx) => tx.query("INSERT 1"));
    assert.deepEqual(world.released, [true, false]);
    await databases.close();
  });

  it("whose session is ended between two statements is run again", async () => {
    const { databases, world } = scene();
    const db = databases.of({ tenantId: "0197" });
    let runs = 0;
    await db.transaction(async (transaction) => {
      runs += 1;
      if (runs > 1) return;
      const deaf = new Error("not queryable");
      world.errors.push(deaf, deaf);
      world.clients[0].emit("error", pgError("57P01", "terminating connection"));
      await transaction.query("INSERT 1");
    });
    assert.equal(runs, 2);
    assert.deepEqual(world.released, [true, false]);
    assert.deepEqual(world.clients.map((client) => client.listenerCount("error")), [0, 0]);
    await databases.close();
  });

  it("is waited for by close", async () => {
    const { databases, world } = scene();
    let finish;
    const held = new Promise((wake) => (finish = wake));
    const running = databases.of({ tenantId: "0197" }).transaction(() => held);
    await until(() => world.ran.length === 1);
    const closing = databases.close();
    assert.equal(world.pools[0].isEnded, false);
    finish("done");
    assert.equal(await running, "done");
    await closing;
    assert.ok(world.pools[0].isEnded);
    assert.deepEqual(world.ran.map(([text]) => text), ["BEGIN", "COMMIT"]);
  });
});

it("what fails in the background is told", async () => {
  const { databases, world, told } = scene();
  await databases.of({ tenantId: "0197" }).query("SELECT 1");
  world.pools[0].listeners.error(new Error("an idle connection was lost"));
  world.endStatus = 403;
  await databases.close();
  assert.deepEqual(told, ["an idle connection was lost", "Not here."]);
});

const MOVED = pgError("40001", "placement_moved");

function pgError(code, message) {
  return Object.assign(new Error(message), { code });
}

function scene(options = {}) {
  const world = {
    host: "db1",
    endStatus: 204,
    asked: [],
    ended: [],
    enders: [],
    pools: [],
    ran: [],
    clients: [],
    released: [],
    errors: [],
    onError: () => {},
  };
  const told = [];
  const client = new Tenlyr({ apiKey: ADMIN, fetchFn: serving(world) });
  const onError = (error) => told.push(error.message);
  const set = { client, Pool: poolOf(world), pool: { ssl: true }, onError, ...options };
  return { databases: new TenantDatabases(set), world, told };
}

function serving(world) {
  let made = 0;
  return async (url, init) => {
    if (init.method === "DELETE") {
      world.ended.push(new URL(url).pathname.split("/").at(-1));
      world.enders.push(init.headers.Authorization);
      if (world.endStatus === 204) return new Response(null, { status: 204 });
      return Response.json({ message: "Not here." }, { status: world.endStatus });
    }
    const body = init.body === undefined ? null : JSON.parse(init.body);
    world.asked.push([init.method, init.headers.Authorization, body]);
    const place = { host: world.host, port: 5432, database: "app", schema: "op" };
    if (init.method === "GET") return Response.json(place);
    made += 1;
    const login = { id: `credential${made}`, role: `login${made}`, password: `secret${made}` };
    return Response.json({ ...login, ...place }, { status: 201 });
  };
}

// As much of pg.Pool as is used; the world says what goes wrong, except for BEGIN.
function poolOf(world) {
  return class {
    isEnded = false;
    listeners = {};

    constructor(config) {
      this.config = config;
      world.pools.push(this);
    }

    on(event, listener) {
      this.listeners[event] = listener;
    }

    async query(...args) {
      assert.equal(this.isEnded, false, "a closed pool was used");
      const shown = args[1] === undefined ? args.slice(0, 1) : args;
      world.ran.push(shown);
      const error = world.errors.shift();
      if (error) {
        world.onError();
        throw error;
      }
      return { rows: [], rowCount: 0 };
    }

    async connect() {
      assert.equal(this.isEnded, false, "a closed pool was used");
      const client = new EventEmitter();
      client.query = (...args) => this.query(...args);
      client.release = (destroy) => void world.released.push(destroy);
      world.clients.push(client);
      return client;
    }

    async end() {
      this.isEnded = true;
    }
  };
}

async function until(holds) {
  while (!holds()) await new Promise((wake) => setImmediate(wake));
}
