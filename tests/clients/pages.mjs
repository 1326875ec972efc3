// The pages in a real browser, from signing up to being signed out elsewhere, with an offline Clerk and its portal.
//
// SERVICE_ORIGIN   where the service is, such as http://127.0.0.1:8080; among its own authorized parties, with
//                  CLERK_SIGN_IN_URL and CLERK_SIGN_UP_URL set to the emulator's portal
// EMULATOR_ORIGIN  where the emulator is, such as http://127.0.0.1:4100; its webhooks come to the service
// CHROMIUM         the browser's program
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

function fail(name, error) {
  console.error(`FAIL ${name}`);
  console.error(error instanceof assert.AssertionError ? error.message : error);
  process.exit(1);
}

function setting(name) {
  const value = process.env[name];
  if (!value) fail("settings", new Error(`${name} is not set`));
  return value.replace(/\/$/, "");
}

const service = setting("SERVICE_ORIGIN");
const emulator = setting("EMULATOR_ORIGIN");
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const run = Date.now().toString(36);
const patience = 20_000;

const browser = await chromium
  .launch({ executablePath: setting("CHROMIUM"), args: ["--no-sandbox", "--disable-gpu"] })
  .catch((error) => fail("the browser starts", error));

/** What no page may do: ask another site, or break its own policy. */
const strays = [];

async function person(options = {}) {
  const context = await browser.newContext(options);
  context.setDefaultTimeout(patience);
  const page = await context.newPage();
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(service) && !url.startsWith(emulator) && !url.startsWith("data:")) strays.push(url);
  });
  page.on("pageerror", (error) => strays.push(`script: ${error.message}`));
  page.on("console", (message) => {
    if (/Content Security Policy/.test(message.text())) strays.push(message.text());
  });
  return { context, page };
}

async function step(name, work) {
  try {
    await work();
    console.log(`ok ${name}`);
  } catch (error) {
    fail(name, error);
  }
}

async function eventually(what, look) {
  const end = Date.now() + patience;
  for (;;) {
    const seen = await look();
    if (seen) return seen;
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => { setTimeout(resolve, 200); });
  }
}

/** Clerk's Backend API. */
async function clerk(method, path, body) {
  const answer = await fetch(`${emulator}/v1/${path}`, {
    method,
    headers: { Authorization: "Bearer sk_test_emulator", "Content-Type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const told = await answer.json();
  if (!answer.ok) throw new Error(`${method} ${path}: ${JSON.stringify(told)}`);
  return told;
}

/** No finding of axe that keeps anybody from using the page. */
async function accessible(page, name) {
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    // By the debugger, as the page's own policy lets nothing in.
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
    const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
    const told = serious.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(" | ")}`);
    assert.deepEqual(told, [], `${name}, ${colorScheme}`);
  }
  await page.emulateMedia({ colorScheme: "light" });
}

const portal = (page) => page.waitForURL(new RegExp(`^${emulator}/__clerk/sign-`));

async function enterCode(page) {
  const code = await page.locator("code").first().textContent();
  await page.locator("input[name=code]").fill(code.trim());
  await page.locator("form:has(input[name=code]) button").first().click();
}

async function signIn(page, email, path) {
  await page.goto(`${service}${path}`);
  await portal(page);
  await page.locator("input[name=identifier]").fill(email);
  await page.locator("form:has(input[name=identifier]) button").first().click();
  await enterCode(page);
  await page.waitForURL(`${service}${path}`);
}

const said = (page, words) => page.locator("#status", { hasText: words }).waitFor();
const cookies = async (context) => new Map((await context.cookies(service)).map(({ name, value }) => [name, value]));

const email = `ann-${run}@example.com`;
const ann = await person();
let annId;

await step("a stranger is asked to sign in, and signs up with a code", async () => {
  const { page } = ann;
  await page.goto(`${service}/`);
  await accessible(page, "/");
  await page.goto(`${service}/settings`);
  await portal(page);
  await page.getByRole("link", { name: "Sign up" }).click();
  await page.locator("input[name=email_address]").fill(email);
  const password = page.locator("input[name=password]");
  if (await password.count()) await password.fill("correct horse battery");
  const first = page.locator("input[name=first_name]");
  if (await first.count()) await first.fill("Ann");
  await page.locator("form:has(input[name=email_address]) button").first().click();
  await enterCode(page);
  await page.waitForURL(`${service}/settings`);
  await page.locator("main").getByText(email).first().waitFor();
});

await step("the row, the session and the addresses appear", async () => {
  const { page } = ann;
  await eventually("the session and the address", async () => {
    await page.reload();
    const isThere = await page.getByText("this session").count();
    return isThere && (await page.getByText("primary").count());
  });
  const users = await clerk("GET", `users?email_address=${encodeURIComponent(email)}`);
  annId = users[0].id;
  await accessible(page, "/settings");
});

await step("preferences are kept, and what is wrong is said", async () => {
  const { page } = ann;
  const field = page.locator("textarea[name=patch]");
  await field.fill("{ nothing");
  await page.getByRole("button", { name: "Save" }).click();
  await said(page, "no JSON");
  await field.fill("[]");
  await page.getByRole("button", { name: "Save" }).click();
  await page.locator("#status.bad").waitFor();
  await field.fill('{"theme": "dark"}');
  await page.getByRole("button", { name: "Save" }).click();
  await said(page, "Preferences are saved.");
  await page.reload();
  assert.match(await page.locator("textarea[name=patch]").inputValue(), /"theme": "dark"/);
});

await step("a session whose token is lost is found again without a word", async () => {
  const { page, context } = ann;
  await context.clearCookies({ name: /^__session/ });
  await page.goto(`${service}/settings`);
  assert.equal(page.url(), `${service}/settings`);
  assert.ok((await cookies(context)).get("__session"));
});

await step("an open page keeps its token fresh", async () => {
  const { page, context } = ann;
  const before = (await cookies(context)).get("__session");
  // The page's clock goes on by a minute, and the token is about to end as far as it knows.
  await page.clock.install();
  await page.goto(`${service}/settings`);
  await page.clock.fastForward(50_000);
  await eventually("a new token", async () => {
    await page.clock.fastForward(10_000);
    return (await cookies(context)).get("__session") !== before;
  });
});

await step("signing out takes everything away, and signing in brings it back", async () => {
  const { page, context } = ann;
  await page.locator("details.menu summary").click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.waitForURL(`${service}/`);
  await page.getByRole("link", { name: "Sign in" }).first().waitFor();
  const left = await cookies(context);
  assert.equal(left.get("__session") ?? "", "");
  assert.equal(left.get("__client_uat") ?? "0", "0");
  await signIn(page, email, "/settings");
  assert.match(await page.locator("textarea[name=patch]").inputValue(), /"theme": "dark"/);
});

await step("an organization is made active", async () => {
  const { page, context } = ann;
  const made = await clerk("POST", "organizations", { name: `Guild ${run}`, created_by: annId });
  const name = `Switch to Guild ${run}`;
  await eventually("the organization", async () => {
    await page.reload();
    return page.getByRole("button", { name }).count();
  });
  await page.getByRole("button", { name }).click();
  await page.locator("li", { hasText: `Guild ${run}` }).getByText("active").waitFor();
  const payload = (await cookies(context)).get("__session").split(".")[1];
  const claims = JSON.parse(Buffer.from(payload, "base64url").toString());
  assert.equal(claims.o.id, made.id);
  await page.getByRole("button", { name: "Switch to Personal" }).click();
  await page.locator("li", { hasText: "Personal" }).getByText("active").waitFor();
});

await step("the desk is for administrators", async () => {
  const { page } = ann;
  const answer = await page.goto(`${service}/admin`);
  assert.equal(answer.status(), 403);
  await page.getByText("role_required").waitFor();
  await accessible(page, "403");
  const nowhere = await page.goto(`${service}/nowhere`);
  assert.equal(nowhere.status(), 404);
  await accessible(page, "404");
});

const boss = await person();
await step("an administrator sees every page", async () => {
  const address = `boss-${run}@example.com`;
  await clerk("POST", "users", {
    email_address: [address],
    first_name: "Grace",
    public_metadata: { role: "admin" },
  });
  const { page } = boss;
  await signIn(page, address, "/settings");
  await eventually("the role", async () => {
    await page.reload();
    return page.getByRole("link", { name: "Admin" }).count();
  });
  for (const path of ["", "/users", "/organizations", "/deliveries", "/drift", "/audit", `/users/${annId}`]) {
    const answer = await page.goto(`${service}/admin${path}`);
    assert.equal(answer.status(), 200, path);
    await accessible(page, `/admin${path}`);
    await page.setViewportSize({ width: 390, height: 844 });
    const [whole, seen] = await page.evaluate(() => {
      const { scrollWidth, clientWidth } = document.documentElement;
      return [scrollWidth, clientWidth];
    });
    assert.ok(whole <= seen, `/admin${path} is ${whole} wide on a screen of ${seen}`);
    await page.setViewportSize({ width: 1280, height: 900 });
  }
});

await step("a role that is given counts at the next request", async () => {
  const { page } = boss;
  await page.goto(`${service}/admin/users?q=${encodeURIComponent(email)}`);
  await page.locator("tbody a").first().click();
  const form = page.locator("form", { has: page.locator("select[name=role]") });
  await form.locator("select").selectOption("admin");
  await form.locator("input[name=reason]").fill("for a test");
  await form.getByRole("button").click();
  await said(page, "Role is set.");
  await page.getByText("“for a test”").waitFor();
  const answer = await ann.page.goto(`${service}/admin`);
  assert.equal(answer.status(), 200);
  await form.locator("select").selectOption("");
  await form.getByRole("button").click();
  await page.getByText("user.role_cleared").waitFor();
  const again = await ann.page.goto(`${service}/admin`);
  assert.equal(again.status(), 403);
});

await step("a form finds its way although the session's token is lost", async () => {
  const { page, context } = boss;
  await page.goto(`${service}/admin/users`);
  await context.clearCookies({ name: /^__session/ });
  await page.locator("input[name=q]").fill(email);
  await page.getByRole("button", { name: "Search" }).click();
  await page.waitForURL(/admin\/users\?q=/);
  await page.locator("tbody tr").first().waitFor();
  assert.equal(await page.locator("tbody tr").count(), 1);
});

await step("deliveries are seen as they come", async () => {
  const { page } = boss;
  await page.goto(`${service}/admin/deliveries?object_id=${annId}&event_type=user.updated`);
  const rows = page.locator("#deliveries tbody tr");
  const before = await rows.count();
  await clerk("PATCH", `users/${annId}`, { last_name: `Renamed ${run}` });
  await eventually("the delivery", async () => (await rows.count()) > before);
});

await step("a sweep is asked for and seen through", async () => {
  const { page } = boss;
  await page.goto(`${service}/admin/drift`);
  await page.getByRole("button", { name: "Reconcile now" }).click();
  await said(page, "A sweep is on its way.");
  await page.getByRole("heading", { name: /^Last sweep/ }).waitFor();
  await page.getByRole("button", { name: "Reconcile now" }).waitFor();
});

await step("a session that is ended elsewhere ends here", async () => {
  const phone = await person({ viewport: { width: 390, height: 844 } });
  await signIn(phone.page, email, "/settings");
  const end = phone.page.locator("#sessions form button");
  await eventually("the other session", async () => {
    await phone.page.reload();
    return end.count();
  });
  for (let left = await end.count(); left > 0; left -= 1) {
    await end.first().click();
    await said(phone.page, "The session is over.");
    await eventually("one session less", async () => (await end.count()) < left);
  }
  const answer = await ann.page.goto(`${service}/settings`);
  assert.equal(answer.status(), 401);
  await ann.page.getByText("You have been signed out").waitFor();
  await accessible(ann.page, "401");
  assert.equal((await cookies(ann.context)).get("__session") ?? "", "");
  await phone.context.close();
});

await step("pages are read and left without a script", async () => {
  const { context: signedIn } = boss;
  const { page, context } = await person({
    javaScriptEnabled: false,
    storageState: await signedIn.storageState(),
  });
  await page.goto(`${service}/settings`);
  await page.getByText("this session").waitFor();
  await page.locator("details.menu summary").click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.waitForURL(`${service}/`);
  await page.getByRole("link", { name: "Sign in" }).first().waitFor();
  await context.close();
});

await step("no page asks another site, breaks its policy or throws", async () => {
  assert.deepEqual(strays, []);
});

await browser.close();
