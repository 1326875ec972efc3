// Clerk's own components on the service's pages, in a real browser, under the pages' own policy.
//
// SERVICE_ORIGIN   where the service is; among its own authorized parties, with CLERK_PROXY_URL set to the emulator's
//                  Frontend API and without CLERK_SIGN_IN_URL
// EMULATOR_ORIGIN  where the emulator is, which serves Clerk's bundles from a folder; its webhooks come to the service
// CHROMIUM         the browser's program
import assert from "node:assert/strict";
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
const email = `components-${Date.now().toString(36)}@example.com`;
const password = "correct horse battery";

const browser = await chromium
  .launch({ executablePath: setting("CHROMIUM"), args: ["--no-sandbox", "--disable-gpu"] })
  .catch((error) => fail("the browser starts", error));
const context = await browser.newContext();
context.setDefaultTimeout(30_000);
const page = await context.newPage();
/** Scripts that were refused, and requests to other sites. Some style attributes of Clerk's are refused too: nobody sees it. */
const strays = [];
page.on("request", (request) => {
  const url = request.url();
  if (!url.startsWith(service) && !url.startsWith(emulator) && !/^(data|blob):/.test(url)) strays.push(url);
});
page.on("pageerror", (error) => strays.push(`script: ${error.message}`));
page.on("console", (message) => {
  if (/Content Security Policy/.test(message.text()) && !/style/.test(message.text())) strays.push(message.text());
});

async function step(name, work) {
  try {
    await work();
    console.log(`ok ${name}`);
  } catch (error) {
    fail(name, error);
  }
}

const cookies = async () => new Map((await context.cookies(service)).map(({ name, value }) => [name, value]));

await step("a stranger is shown Clerk's form and signs up", async () => {
  await page.goto(`${service}/settings`);
  await page.waitForURL(`${service}/sign-in?redirect_url=%2Fsettings`);
  await page.locator(".cl-signIn-root").waitFor();
  await page.goto(`${service}/sign-up?redirect_url=/settings`);
  await page.locator("input[name=emailAddress]").fill(email);
  const secret = page.locator("input[name=password]");
  if (await secret.count()) await secret.fill(password);
  await page.locator("input[name=emailAddress]").press("Enter");
  await page.getByText("Verify your email").waitFor();
  await page.locator("input[autocomplete=one-time-code]").first().focus();
  await page.keyboard.type("424242", { delay: 40 });
  await page.waitForURL(`${service}/settings`);
  assert.ok((await cookies()).get("__session"));
});

await step("Clerk's button stands in the header, and signs out", async () => {
  const button = page.locator(".cl-userButtonTrigger");
  await button.waitFor();
  assert.equal(await page.locator("[data-user-menu]").isVisible(), false);
  await page.getByRole("button", { name: "Manage account" }).waitFor();
  await button.click();
  await page.locator(".cl-userButtonPopoverActionButton__signOut").click();
  await page.waitForURL(`${service}/`);
  await page.getByRole("link", { name: "Sign in" }).first().waitFor();
  assert.equal((await cookies()).get("__session") ?? "", "");
});

await step("signing in brings back where one wanted to go", async () => {
  await page.goto(`${service}/settings?tab=1`);
  await page.locator("input[name=identifier]").fill(email);
  await page.locator("input[name=identifier]").press("Enter");
  const secret = page.locator("input[name=password]");
  await secret.waitFor();
  await secret.fill(password);
  await secret.press("Enter");
  await page.waitForURL(`${service}/settings?tab=1`);
  await page.getByText("this session").waitFor();
});

await step("no page asks another site, runs what it must not, or throws", async () => {
  assert.deepEqual(strays, []);
});

await browser.close();
