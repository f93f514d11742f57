// Where the documented blocks of TypeScript run, one after the other: what they leave undefined is
// given here. `//: name` stands for a block; its imports go to the top, `//: methods` for a line per
// method that the lists name.
import { strict as assert } from 'node:assert';
import { EventEmitter } from 'node:events';
import { TenlyrNotImplementedError } from '@tenlyr/sdk';

const tenlyr = new Tenlyr({
  apiKey: process.env.TENLYR_ADMIN_KEY,
  baseUrl: process.env.BASE_URL,
});

// The operator's own database, in which the quickstart keeps the key.
const kept: { id: string; apiKey: string }[] = [];
const db = { tenants: { save: async (row: { id: string; apiKey: string }) => kept.push(row) } };

async function quickstart() {
  //: quickstart_provision
}
await quickstart();
const { id: tenantId, apiKey: tenantApiKey } = kept[0];

async function tracked(apiCalls: number) {
  for (let tries = 0; tries < 100; tries += 1) {
    const found = await tenlyr.usage.metrics(tenantApiKey);
    if (found.apiCalls === apiCalls) return;
    await new Promise((wake) => setTimeout(wake, 100));
  }
  assert.fail(`not ${apiCalls} calls`);
}

async function track(req: { user: { tenantApiKey: string }; path: string }) {
  //: quickstart_track
}
await track({ user: { tenantApiKey }, path: '/invoices' });
await tracked(1);

function initialize() {
  //: typescript_initialize
  return tos;
}
assert.ok(initialize().tenants);

async function provisioning() {
  //: provisioning
  assert.equal(tenant.region, 'us-east-1');
}
await provisioning();

async function conflict(name: string, ownerEmail: string, plan: 'growth') {
  //: conflict
}
assert.equal((await conflict('Again', 'quickstart@acme.example', 'growth'))?.id, tenantId);

//: track_middleware
const answer = Object.assign(new EventEmitter(), { statusCode: 200 });
let wentOn = false;
await trackUsage(tenlyr)({ tenantApiKey, path: '/orders' }, answer, () => {
  wentOn = true;
});
answer.emit('finish');
assert.ok(wentOn);
await tracked(2);
const failed = Object.assign(new EventEmitter(), { statusCode: 500 });
await trackUsage(tenlyr)({ tenantApiKey, path: '/orders' }, failed, () => {});
failed.emit('finish');

async function checkUsage(planLimit: number) {
  const warnings: string[] = [];
  const notifyUser = async (text: string) => warnings.push(text);
  const said: unknown[] = [];
  const res = { status: (code: number) => ({ json: (body: unknown) => said.push(code, body) }) };
  await (async () => {
    //: check_usage
  })();
  return [warnings.length, said];
}
assert.deepEqual(await checkUsage(1000), [0, []]);
assert.deepEqual(await checkUsage(2), [1, [429, { error: 'Plan limit reached' }]]);

async function portal(res: { redirect(url: string): void }) {
  //: portal
}
await assert.rejects(portal({ redirect: assert.fail }), TenlyrNotImplementedError);

async function throttle() {
  //: throttle
}
await throttle();

async function move() {
  //: migrate
  assert.equal(migration.status, 'pending');
  //: wait
  assert.deepEqual([completed.status, completed.toLevel], ['completed', 'dedicated_schema']);
}
await move();

async function refused(name: string, ownerEmail: string, plan: 'growth') {
  const sleep = (ms: number) => new Promise((wake) => setTimeout(wake, ms));
  //: errors
}
const complaints: unknown[] = [];
const told = console.error;
console.error = (...words: unknown[]) => complaints.push(...words);
await refused('Again', 'quickstart@acme.example', 'growth');
await refused('', 'nobody', 'growth');
console.error = told;
assert.equal(complaints[0], 'Email already exists');
assert.equal(complaints[1], 422);

//: verify_signature
const delivery = JSON.parse(process.env.DELIVERY ?? '');
const verdict = (secret: string) =>
  verifySignature(Buffer.from(delivery.payload), delivery.headers['Tenlyr-Signature'], secret);
assert.ok(verdict(delivery.secret));
assert.ok(!verdict('whsec_another'));

//: methods
console.log('all blocks ran');
