// The client of docs/clients/typescript, as its readers use it, against the service. It is compiled here, strictly.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { finish, origin, secretKey, step } from "./steps.mjs";

const { SERVICE_ORIGIN: service, SERVICE_TOKEN: serviceToken, USER_ID: user, USER_TOKEN: token, EXPIRED_TOKEN: old } = process.env;
const here = path.dirname(fileURLToPath(import.meta.url));
const made = mkdtempSync(path.join(tmpdir(), "snippet-"));
process.on("exit", () => rmSync(made, { recursive: true, force: true }));

const { Client, Problem, identity } = await step("it compiles", async () => {
  const source = path.join(here, "../../docs/clients/typescript/clerk-sync.ts");
  const strict = ["--strict", "--noUncheckedIndexedAccess", "--lib", "es2022,dom"];
  const how = ["--target", "es2022", "--module", "es2022", "--outDir", made];
  const tsc = path.join(here, "node_modules/typescript/bin/tsc");
  execFileSync(process.execPath, [tsc, source, ...strict, ...how], { stdio: "inherit" });
  writeFileSync(path.join(made, "package.json"), '{"type": "module"}');
  return import(pathToFileURL(path.join(made, "clerk-sync.js")));
});

const pauses = [];
const sleep = (seconds) => {
  pauses.push(seconds);
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
};
const caller = new Client(service, () => token, sleep);
const problem = (status, code) => (error) =>
  error instanceof Problem && error.status === status && error.code === code && Boolean(error.message);

const me = await step("/me is the caller", async () => {
  const found = await caller.request("GET", "/api/v1/auth/me");
  assert.equal(found.clerk_user_id, user);
  return found;
});

await step("forward auth names the caller", async () => {
  const answer = await fetch(`${service}/api/v1/auth/verify`, { headers: { authorization: `Bearer ${token}` } });
  const headers = [...answer.headers].flat();
  const known = identity(headers, "127.0.0.1");
  assert.deepEqual([known.userId, known.clerkUserId, known.email, known.role], [me.id, user, me.email, me.role]);
  assert.throws(() => identity(headers, "192.0.2.7"), /through the proxy/);
  assert.throws(() => identity([], "::1"), /no user/);
  assert.throws(() => identity([...headers, "X_User_Role", "admin"], "::1"), /twice/);
  const minimal = ["X-User-Id", me.id, "X-Org-Role", "a%2Cb"];
  assert.deepEqual([identity(minimal, "::ffff:127.0.0.1").orgRole, identity(minimal, "::1").email], ["a,b", undefined]);
});

await step("an expired token is renewed, once", async () => {
  const tokens = [old, token];
  const renewing = new Client(service, () => tokens.shift());
  assert.equal((await renewing.request("GET", "/api/v1/auth/me")).id, me.id);
  assert.equal(tokens.length, 0);
  await assert.rejects(new Client(service, () => old).request("GET", "/api/v1/auth/me"), problem(401, "token_expired"));
});

await step("a problem has its code", async () => {
  const unknown = "/api/v1/listings/0197a0c4-2222-7c3a-9f00-3d2c1b0a9e8f";
  await assert.rejects(caller.request("GET", unknown), problem(404, "resource_not_found"));
});

await step("a limit of calls is waited for", async () => {
  for (let call = 0; call < 12; call += 1) await caller.request("GET", "/api/v1/auth/me");
  assert.ok(pauses.length > 0 && pauses.every((it) => it > 0 && it <= 60), String(pauses));
});

await step("503 is waited for as long as it says, not for ever, and only by what may be repeated", async () => {
  let asked = 0;
  const server = createServer((request, response) => {
    asked += 1;
    const away = request.url === "/always" || asked < 3;
    response.writeHead(away ? 503 : 200, { "retry-after": "7" });
    response.end(JSON.stringify(away ? { code: "store_unavailable", title: "away" } : { back: true }));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const waited = [];
  const patient = new Client(`http://127.0.0.1:${server.address().port}`, () => "any", async (it) => waited.push(it));
  assert.deepEqual([await patient.request("GET", "/"), waited], [{ back: true }, [7, 7]]);
  for (const [method, times] of [["GET", 5], ["POST", 1]]) {
    asked = 0;
    await assert.rejects(patient.request(method, "/always"), problem(503, "store_unavailable"));
    assert.equal(asked, times, method);
  }
  server.close();
});

await step("the feed goes on behind the cursor, in order, without repeating", async () => {
  const seen = [];
  const names = [];
  const readUntil = async (after, wanted) => {
    for await (const page of new Client(service, () => serviceToken, sleep).changes(after)) {
      for (const item of page.items) {
        seen.push(Number(item.cursor));
        if (item.kind === "user" && item.id === user) names.push(item.data.first_name);
      }
      if (wanted(names.at(-1))) return page.next_cursor;
    }
  };
  const cursor = await readUntil("", (name) => name !== undefined);
  const patched = await fetch(`${origin}/v1/users/${user}`, {
    method: "PATCH",
    headers: { authorization: `Bearer ${secretKey}`, "content-type": "application/json" },
    body: JSON.stringify({ first_name: "Grace" }),
  });
  assert.ok(patched.ok);
  await readUntil(cursor, (name) => name === "Grace");
  assert.deepEqual(seen, [...new Set(seen)].sort((a, b) => a - b));
});

finish("docs/clients/typescript");
