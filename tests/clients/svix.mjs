// Svix's library and Clerk's verifyWebhook on the emulator's deliveries: the good ones verify, all others do not.
import assert from "node:assert/strict";
import { verifyWebhook } from "@clerk/backend/webhooks";
import { Webhook } from "svix";
import { receiver } from "./receiver.mjs";
import { address, control, eventually, failure, finish, origin, secretKey, setting, step } from "./steps.mjs";

const secret = setting("EMULATOR_WEBHOOK_SECRET");
const before = await control("GET", "/webhooks");
const hooks = await receiver();

const three = ["svix-id", "svix-timestamp", "svix-signature"];
const signed = (message) => Object.fromEntries(three.map((name) => [name, message.headers[name]]));

/** What each of the two verifiers says: the event, or an error. */
async function verdicts(headers, body, key = secret) {
  const request = new Request(hooks.url, { method: "POST", headers: { ...headers, "content-type": "application/json" }, body });
  return Promise.allSettled([
    (async () => new Webhook(key).verify(body, headers))(),
    verifyWebhook(request, { signingSecret: key }),
  ]);
}

async function accepted(headers, body, key) {
  for (const verdict of await verdicts(headers, body, key)) {
    assert.equal(verdict.status, "fulfilled", String(verdict.reason));
  }
}

async function rejected(headers, body, key) {
  for (const verdict of await verdicts(headers, body, key)) assert.equal(verdict.status, "rejected");
}

async function api(method, path, body) {
  const headers = { authorization: `Bearer ${secretKey}`, "content-type": "application/json" };
  const answer = await fetch(`${origin}/v1${path}`, { method, headers, body: JSON.stringify(body ?? {}) });
  const text = await answer.text();
  assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${text}`);
  return JSON.parse(text);
}

await control("PUT", "/chaos", {});
await control("POST", "/webhooks", { url: hooks.url, secret });

const user = await api("POST", "/users", { email_address: [address("hook")], first_name: "Ida" });

const first = await step("a delivery verifies by both", async () => {
  const message = await hooks.message("user.created", (it) => it.type === "user.created" && it.data.id === user.id);
  await accepted(signed(message), message.body);
  assert.equal(message.headers["content-type"], "application/json");
  const event = JSON.parse(message.body);
  assert.equal(event.object, "event");
  assert.equal(event.data.email_addresses[0].email_address, address("hook"));
  assert.ok(event.event_attributes.http_request.client_ip);
  return message;
});

await step("events of one user come in their order, and all verify", async () => {
  const session = await api("POST", "/sessions", { user_id: user.id });
  await api("PATCH", `/users/${user.id}`, { last_name: "Lund" });
  await api("POST", `/sessions/${session.id}/revoke`);
  await api("DELETE", `/users/${user.id}`);
  await hooks.message("user.deleted", (it) => it.type === "user.deleted" && it.data.id === user.id);
  const own = hooks.taken.filter((it) => {
    const { data } = JSON.parse(it.body);
    return data.id === user.id || data.user_id === user.id;
  });
  assert.deepEqual(
    own.map((it) => JSON.parse(it.body).type),
    ["user.created", "session.created", "user.updated", "session.revoked", "user.deleted"],
  );
  for (const message of own) await accepted(signed(message), message.body);
  assert.equal(new Set(own.map((it) => it.headers["svix-id"])).size, own.length);
});

await step("an altered body, id or time does not verify", async () => {
  const headers = signed(first);
  await rejected(headers, first.body.replace("Ida", "Eva"));
  await rejected({ ...headers, "svix-id": "msg_other" }, first.body);
  await rejected({ ...headers, "svix-timestamp": String(Number(headers["svix-timestamp"]) + 1) }, first.body);
});

await step("another secret, a missing header or an unknown version does not verify", async () => {
  const headers = signed(first);
  await rejected(headers, first.body, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
  for (const name of three) {
    const { [name]: _, ...rest } = headers;
    await rejected(rest, first.body);
  }
  await rejected({ ...headers, "svix-signature": headers["svix-signature"].replace("v1,", "v9,") }, first.body);
});

await step("five minutes are the tolerance, both ways", async () => {
  const at = async (minutes, judge) => {
    const time = new Date(Date.now() + minutes * 60_000);
    const signature = new Webhook(secret).sign("msg_1", time, first.body);
    const seconds = String(Math.floor(time.getTime() / 1000));
    await judge({ "svix-id": "msg_1", "svix-timestamp": seconds, "svix-signature": signature }, first.body);
  };
  await at(-4, accepted);
  await at(4, accepted);
  await at(-6, rejected);
  await at(6, rejected);
});

await step("a replay keeps its id and is signed anew", async () => {
  const count = hooks.taken.length;
  await control("POST", `/deliveries/${first.headers["svix-id"]}/replay`);
  const again = await eventually("the replay", () => hooks.taken[count]);
  assert.equal(again.headers["svix-id"], first.headers["svix-id"]);
  assert.equal(again.body, first.body);
  await accepted(signed(again), again.body);
});

await step("a corrupt attempt does not verify, its retry does", async () => {
  await control("PUT", "/chaos", { corrupt: 1 });
  hooks.state.status = 401;
  const made = await api("POST", "/users", { email_address: [address("corrupt")] });
  const bad = await hooks.message("the corrupt one", (it) => it.data.id === made.id);
  await rejected(signed(bad), bad.body);
  hooks.state.status = 204;
  await control("PUT", "/chaos", {});
  const good = await hooks.message("the retry", (it, message) => it.data.id === made.id && message !== bad);
  assert.equal(good.headers["svix-id"], bad.headers["svix-id"]);
  await accepted(signed(good), good.body);
});

await step("after a rotation both secrets verify", async () => {
  const { secret: next } = await control("POST", "/webhooks/rotate", {});
  const made = await api("POST", "/users", { email_address: [address("rotated")] });
  const message = await hooks.message("the event", (it) => it.data.id === made.id);
  assert.equal(message.headers["svix-signature"].split(" ").length, 2);
  await accepted(signed(message), message.body, secret);
  await accepted(signed(message), message.body, next);
});

await step("everything is as it was", async () => {
  await control("POST", "/webhooks", before);
  assert.deepEqual(await control("GET", "/webhooks"), before);
  const error = await failure(verifyWebhook(new Request(hooks.url, { method: "POST", body: "{}" }), { signingSecret: secret }));
  assert.match(error.message, /header/i);
});

hooks.close();
finish("svix");
