// The emulator's own page in a browser: its buttons, its freshness, and that it leaves alone whoever is typing.
import assert from "node:assert/strict";
import axe from "axe-core";
import { chromium } from "playwright-core";
import { address, control, finish, origin, secretKey, setting, step } from "./steps.mjs";

const browser = await chromium.launch({ executablePath: setting("CHROMIUM"), args: ["--no-sandbox"] });
const page = await (await browser.newContext()).newPage();
const troubles = [];
page.on("pageerror", (error) => troubles.push(error.message));
page.on("console", (message) => /Content Security Policy/.test(message.text()) && troubles.push(message.text()));
page.on("request", (request) => {
  const url = new URL(request.url());
  if (url.protocol !== "data:" && url.origin !== origin) troubles.push(`a request to ${url.origin}`);
});

const api = (path, body) =>
  fetch(`${origin}/v1${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${secretKey}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });

/** Waits until the page has asked for a fresh copy of itself since now. */
const refreshed = () => page.waitForResponse((answer) => answer.request().method() === "GET" && answer.url().startsWith(`${origin}/?`));

await control("PUT", "/chaos", {});

await step("a user is created without leaving the page", async () => {
  await page.goto(`${origin}/?view=users`);
  await page.click("summary:has-text('Create a user')");
  await page.fill("input[name=email_address]", address("page"));
  await page.fill("input[name=first_name]", "Petra");
  await page.click("form[action$=create-user] button");
  await page.waitForSelector("h1:has-text('Petra')");
  assert.match(page.url(), /\?user=user_/);
  assert.equal(await page.textContent("#live"), "Done.");
});

await step("ban, unban, session, token", async () => {
  await page.click("button:text-is('Ban')");
  await page.waitForSelector(".badge.bad:has-text('banned')");
  await page.click("button:text-is('Unban')");
  await page.waitForSelector("button:text-is('Ban')");
  await page.click("button:text-is('Start a session')");
  await page.waitForSelector("button:text-is('Revoke')");
  await page.click("button:text-is('Make a token')");
  const token = await page.inputValue(".notice textarea");
  assert.match(token, /^eyJ[\w-]+\.[\w-]+\.[\w-]+$/);
});

await step("a refusal is said, and keeps the page", async () => {
  await page.fill("form[action$=add-email] input[name=email_address]", address("page"));
  await page.click("form[action$=add-email] button");
  await page.waitForSelector("[role=alert]:has-text('taken')");
  assert.equal(await page.textContent("h1"), "Petra");
});

await step("what others change appears by itself", async () => {
  await page.goto(`${origin}/?view=users`);
  await refreshed();
  await api("/users", { email_address: [address("live")], first_name: "Livia" });
  await page.waitForSelector("a:has-text('Livia')", { timeout: 15_000 });
});

await step("whoever is typing is left alone", async () => {
  await page.fill("input[type=search]", "Livi");
  await api("/users", { email_address: [address("third")], first_name: "Thea" });
  // Nothing is asked for while the field has the keyboard; leaving it lets the page be fresh again.
  assert.equal(await page.inputValue("input[type=search]"), "Livi");
  await page.press("input[type=search]", "Enter");
  await page.waitForSelector("a:has-text('Livia')");
  assert.equal(await page.locator("tbody tr").count(), 1);
});

await step("deleting asks first, and the way back says that nothing is there", async () => {
  await page.click("a:has-text('Livia')");
  await page.click("summary:has-text('Delete')");
  await page.click(".answer button");
  await page.waitForSelector("h1:has-text('Users')");
  await page.goBack();
  await page.waitForSelector("h1:has-text('Not here')");
});

/** Every view, with something in it. */
async function views() {
  const headers = { authorization: `Bearer ${secretKey}` };
  const [user] = await (await fetch(`${origin}/v1/users?limit=1`, { headers })).json();
  const made = await (await api("/organizations", { name: "Works", created_by: user.id })).json();
  const { deliveries } = await control("GET", "/deliveries?limit=1");
  const lists = ["users", "organizations", "sessions", "deliveries", "chaos", "settings"].map((it) => `?view=${it}`);
  return ["", `?user=${user.id}`, `?organization=${made.id}`, `?delivery=${deliveries[0].id}`, ...lists];
}

await step("axe-core finds nothing, light and dark", async () => {
  for (const colorScheme of ["light", "dark"]) {
    const looked = await (await browser.newContext({ colorScheme, bypassCSP: true })).newPage();
    for (const view of await views()) {
      await looked.goto(`${origin}/${view}`);
      await looked.evaluate(axe.source);
      const { violations } = await looked.evaluate(() => globalThis.axe.run());
      assert.deepEqual(violations.map((it) => `${it.id}: ${it.nodes[0].html}`), [], `${view}, ${colorScheme}`);
    }
  }
});

const phone = { viewport: { width: 390, height: 844 } };

await step("every view fits a phone", async () => {
  const small = await (await browser.newContext(phone)).newPage();
  for (const view of await views()) {
    await small.goto(`${origin}/${view}`);
    const width = await small.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(width <= 390, `${view} is ${width} pixels wide`);
  }
});

await step("without a script a button works too", async () => {
  const plain = await (await browser.newContext({ javaScriptEnabled: false })).newPage();
  await plain.goto(`${origin}/?view=chaos`);
  await plain.click("li:has-text('Lossy') button");
  assert.equal((await control("GET", "/chaos")).drop, 0.3);
  await plain.click("li:has-text('Calm') button");
  assert.equal((await control("GET", "/chaos")).drop, 0);
});

await step("no error, nothing against the policy, no other origin", () => assert.deepEqual(troubles, []));

await browser.close();
finish("the emulator's page");
