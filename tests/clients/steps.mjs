// What the client scripts share: settings from the environment, one line a step, and an exit code.
import assert from "node:assert/strict";

/** A setting that the runner must give. */
export function setting(name) {
  const value = process.env[name];
  if (!value) {
    console.error(`${name} is not set; it says how to reach the emulator (clerk-sync emulator env)`);
    process.exit(2);
  }
  return value;
}

export const origin = setting("EMULATOR_ORIGIN").replace(/\/$/, "");
export const secretKey = setting("EMULATOR_SECRET_KEY");
export const publishableKey = setting("EMULATOR_PUBLISHABLE_KEY");

/** Addresses of this run only, so that a second run on the same emulator finds them free. */
const run = Date.now().toString(36);
export const address = (name) => `${name}.${run}@example.com`;

let passed = 0;

/** Runs one step; the first that fails ends the script with what differs. */
export async function step(name, work) {
  try {
    const result = await work();
    passed += 1;
    console.log(`ok   ${name}`);
    return result;
  } catch (error) {
    console.error(`FAIL ${name}`);
    console.error(error instanceof assert.AssertionError ? error.message : error);
    if (error?.errors) console.error(JSON.stringify(error.errors, null, 2));
    process.exit(1);
  }
}

/** Says how many steps there were; the exit code is then 0. */
export function finish(name) {
  console.log(`${name}: ${passed} steps passed`);
  process.exit(0);
}

/** What a promise fails with. */
export async function failure(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  assert.fail("it was let through");
}

/** A call of the emulator's own API. */
export async function control(method, path, body) {
  const answer = await fetch(`${origin}/__emu${path}`, {
    method,
    headers: body === undefined ? {} : { "content-type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  assert.ok(answer.ok, `${method} /__emu${path}: ${answer.status} ${text}`);
  return text ? JSON.parse(text) : null;
}

/** A token with any claims, header or key. */
export async function mint(request) {
  return (await control("POST", "/tokens", request)).jwt;
}

/** Asks again until there is an answer, for 15 seconds at most. */
export async function eventually(what, ask) {
  const until = Date.now() + 15_000;
  for (;;) {
    const found = await ask();
    if (found) return found;
    if (Date.now() > until) assert.fail(`${what} did not come within 15 s`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
