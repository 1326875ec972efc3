// Clerk's own browser library, newest and one major version older, in a real browser against the emulator.
//
// EMULATOR_ORIGIN  where the emulator is, such as http://127.0.0.1:4100
// CLERK_ASSETS     a folder with 6/clerk-js, 6/ui and 5/clerk-js, each with the package's dist inside
// CHROMIUM         the browser's program
// SCREENSHOTS      a folder for pictures of the pages when a step fails; none without it
// EMULATOR_PUBLISHABLE_KEY and EMULATOR_SECRET_KEY are the emulator's own unless set.
import assert from "node:assert/strict";
import { createReadStream, existsSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { chromium } from "playwright-core";

function setting(name) {
  const value = process.env[name];
  if (!value) fail("settings", new Error(`${name} is not set`));
  return value;
}

function fail(name, error) {
  console.error(`FAIL ${name}`);
  console.error(error.cause?.message ? `${error.message}: ${error.cause.message}` : error.message);
  process.exit(1);
}

const emulator = setting("EMULATOR_ORIGIN").replace(/\/$/, "");
const assets = setting("CLERK_ASSETS");
const program = setting("CHROMIUM");
const publishableKey = process.env.EMULATOR_PUBLISHABLE_KEY ?? `pk_test_${Buffer.from("emu-local-42.clerk.accounts.dev$").toString("base64").replace(/=+$/, "")}`;
const secretKey = process.env.EMULATOR_SECRET_KEY ?? "sk_test_emulator";
const run = Date.now().toString(36);
const patience = 20_000;

const scripts = {
  6: ["6/ui/dist/ui.browser.js", "6/clerk-js/dist/clerk.browser.js"],
  5: ["5/clerk-js/dist/clerk.browser.js"],
};
for (const file of Object.values(scripts).flat()) {
  if (!existsSync(join(assets, file))) fail("settings", new Error(`CLERK_ASSETS has no ${file}`));
}

/** A site of its own origin with nothing but Clerk's library, loaded as its documentation says. */
function site() {
  const page = (version) => `<!doctype html><title>Site</title><div id="here"></div>
${scripts[version].slice(0, -1).map((file) => `<script src="/${file}"></script>`).join("\n")}
<script data-clerk-publishable-key="${publishableKey}" data-clerk-proxy-url="${emulator}/__clerk" src="/${scripts[version].at(-1)}"></script>
<script>
  const ui = window.__internal_ClerkUICtor;
  const back = location.pathname;
  const ways = { signInForceRedirectUrl: back, signUpForceRedirectUrl: back, afterSignOutUrl: back };
  window.ready = window.Clerk.load({ telemetry: false, ...ways, ...(ui ? { ui: { ClerkUI: ui } } : {}) });
</script>`;
  const server = createServer((request, response) => {
    const path = normalize(new URL(request.url, "http://site").pathname);
    const version = /^\/site\/([56])$/.exec(path)?.[1];
    if (version) {
      response.setHeader("content-type", "text/html; charset=utf-8");
      return response.end(page(version));
    }
    const file = join(assets, path);
    if (!/^\/[56]\//.test(path) || !existsSync(file)) {
      response.statusCode = 404;
      return response.end();
    }
    response.setHeader("content-type", extname(file) === ".js" ? "text/javascript" : "application/octet-stream");
    createReadStream(file).pipe(response);
  });
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve({ server, origin: `http://127.0.0.1:${server.address().port}` }));
  });
}

// Clerk's library does not fail without its server, it only knows nobody.
const answers = await fetch(`${emulator}/__clerk/v1/environment`).catch((error) => fail("the emulator answers", error));
if (!answers.ok) fail("the emulator answers", new Error(`${emulator} answers ${answers.status}`));
const { server, origin: here } = await site();
const browser = await chromium
  .launch({ executablePath: program, args: ["--no-sandbox", "--disable-gpu"] })
  .catch((error) => fail("the browser starts", error));
/** Requests that left this machine's two origins. */
const strays = [];
let passed = 0;

async function step(version, name, work) {
  const named = `clerk-js ${version}: ${name}`;
  try {
    await work();
    passed += 1;
    console.log(`ok   ${named}`);
  } catch (error) {
    if (process.env.SCREENSHOTS) {
      for (const [place, context] of browser.contexts().entries()) {
        for (const page of context.pages()) await page.screenshot({ path: join(process.env.SCREENSHOTS, `${version}-${place}.png`) });
      }
    }
    fail(named, error);
  }
}

/** One person's browser, with the site open and Clerk loaded. With `clock` its time can be put forward. */
async function visitor(version, { clock = false } = {}) {
  const context = await browser.newContext();
  if (clock) await context.clock.install();
  context.setDefaultTimeout(patience);
  const page = await context.newPage();
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.protocol.startsWith("http") && ![here, emulator].includes(url.origin)) strays.push(request.url());
  });
  const open = async () => {
    await page.goto(`${here}/site/${version}`);
    await page.evaluate(() => window.ready);
  };
  await open();
  return {
    page,
    context,
    open,
    /** Runs in the page; what it gives must be JSON. */
    run: (work, argument) => page.evaluate(work, argument),
    email: () => page.evaluate(() => window.Clerk.user?.primaryEmailAddress?.emailAddress ?? null),
    until: (work, argument) => page.waitForFunction(work, argument, { timeout: patience }),
    mount: (method) =>
      page.evaluate((method) => {
        // The part after # says where in a component one was.
        window.history.replaceState(null, "", window.location.pathname);
        document.getElementById("here").replaceWith(Object.assign(document.createElement("div"), { id: "here" }));
        window.Clerk[method](document.getElementById("here"));
      }, method),
    cookie: async (name) => (await context.cookies(here)).find((it) => it.name === name)?.value,
  };
}

const claims = (token) => JSON.parse(Buffer.from(token.split(".")[1], "base64url"));
const primary = ".cl-formButtonPrimary";

/** Types a code into the form's one code field. */
async function enterCode(page) {
  const field = page.locator("input[autocomplete='one-time-code'], .cl-otpCodeFieldInput input, input.cl-otpCodeFieldInput").first();
  await field.waitFor({ state: "attached" });
  await field.focus();
  await page.keyboard.type("424242", { delay: 30 });
}

async function signUp(person, address) {
  const { page } = person;
  await person.mount("mountSignUp");
  await page.locator("input[name=emailAddress]").fill(address);
  await page.locator("input[name=password]").fill("battery staple");
  await page.locator(primary).click();
  await enterCode(page);
  await person.until(() => window.Clerk?.user);
}

async function identify(person, address) {
  await person.mount("mountSignIn");
  await person.page.locator("input[name=identifier]").fill(address);
  await person.page.locator(primary).click();
  await person.page.locator("input[name=password]").waitFor();
}

/** Signs in with a token of the Backend API, as tests do. */
async function byTicket(person, address) {
  const headers = { authorization: `Bearer ${secretKey}`, "content-type": "application/json" };
  const users = await (await fetch(`${emulator}/v1/users?email_address=${encodeURIComponent(address)}`, { headers })).json();
  const body = JSON.stringify({ user_id: users[0].id });
  const { token } = await (await fetch(`${emulator}/v1/sign_in_tokens`, { method: "POST", headers, body })).json();
  await person.run(async (ticket) => {
    const done = await window.Clerk.client.signIn.create({ strategy: "ticket", ticket });
    await window.Clerk.setActive({ session: done.createdSessionId });
  }, token);
}

async function suite(version) {
  const address = `sam.${version}.${run}@example.com`;
  const sam = await visitor(version);
  const { page } = sam;
  const check = (name, work) => step(version, name, work);

  await check("loads, and nobody is signed in", async () => {
    assert.equal(await sam.run(() => window.Clerk.loaded), true);
    assert.equal(await sam.email(), null);
    assert.equal(await sam.run(() => window.Clerk.version[0]), String(version));
  });

  await check("the sign-up form with a code", async () => {
    await signUp(sam, address);
    assert.equal(await sam.email(), address);
  });

  await check("the page has its cookies, with tokens for this page", async () => {
    const session = claims(await sam.cookie("__session"));
    assert.equal(session.azp, here);
    assert.ok(Number(await sam.cookie("__client_uat")) <= session.iat, "the cookie is older than the client");
    assert.ok(await sam.cookie("__clerk_db_jwt"));
  });

  await check("a new token, and one of a template", async () => {
    const [first, second, template] = await sam.run(async () => {
      const { session } = window.Clerk;
      return [await session.getToken(), await session.getToken({ skipCache: true }), await session.getToken({ template: "other" })];
    });
    assert.notEqual(first, second);
    assert.equal(claims(second).sid, await sam.run(() => window.Clerk.session.id));
    assert.equal(claims(template).sid, undefined);
    assert.equal(claims(template).sub, claims(second).sub);
  });

  await check("the user button opens its menu", async () => {
    await sam.mount("mountUserButton");
    await page.locator(".cl-userButtonTrigger").click();
    await page.locator(".cl-userButtonPopoverCard").getByText(address).first().waitFor();
    await page.keyboard.press("Escape");
  });

  await check("the profile shows and changes the user", async () => {
    await sam.mount("mountUserProfile");
    await page.locator(".cl-profilePage").getByText(address).first().waitFor();
    await sam.run(() => window.Clerk.user.update({ firstName: "Sam", lastName: "Example", unsafeMetadata: { theme: "dark" } }));
    await page.locator(".cl-profilePage").getByText("Sam Example").first().waitFor();
    assert.deepEqual(await sam.run(() => window.Clerk.user.unsafeMetadata), { theme: "dark" });
    await page.locator(".cl-navbarButton").nth(1).click();
    await page.locator(".cl-profilePage").getByText("This device").first().waitFor();
  });

  await check("another address becomes the primary one", async () => {
    const other = `other.${version}.${run}@example.com`;
    const found = await sam.run(async (email) => {
      const { user } = window.Clerk;
      const added = await user.createEmailAddress({ email });
      await added.prepareVerification({ strategy: "email_code" });
      const verified = await added.attemptVerification({ code: "424242" });
      await user.update({ primaryEmailAddressId: added.id });
      return [verified.verification.status, window.Clerk.user.primaryEmailAddress.emailAddress, window.Clerk.user.emailAddresses.length];
    }, other);
    assert.deepEqual(found, ["verified", other, 2]);
    await sam.run(async (email) => {
      const { user } = window.Clerk;
      await user.update({ primaryEmailAddressId: user.emailAddresses.find((it) => it.emailAddress === email).id });
      await user.emailAddresses.find((it) => it.emailAddress !== email).destroy();
    }, address);
    assert.equal(await sam.run(() => window.Clerk.user.emailAddresses.length), 1);
  });

  await check("a new password and a new picture", async () => {
    const before = await sam.run(() => window.Clerk.user.imageUrl);
    const after = await sam.run(async () => {
      const { user } = window.Clerk;
      await user.updatePassword({ currentPassword: "battery staple", newPassword: "battery staple 2" });
      await user.setProfileImage({ file: new Blob(["x"], { type: "image/png" }) });
      return window.Clerk.user.imageUrl;
    });
    assert.notEqual(after, before);
    assert.ok(after.startsWith(emulator));
    const wrong = await sam.run(() =>
      window.Clerk.user.updatePassword({ currentPassword: "wrong", newPassword: "battery staple 3" }).catch((error) => error.errors[0].code),
    );
    assert.equal(wrong, "form_password_incorrect");
  });

  await check("an organization is created, active, and left for the personal account", async () => {
    const organization = await sam.run(async (name) => {
      const made = await window.Clerk.createOrganization({ name });
      await window.Clerk.setActive({ organization: made.id });
      return made.id;
    }, `Works ${version} ${run}`);
    assert.equal(claims(await sam.run(() => window.Clerk.session.getToken())).o.id, organization);
    await sam.mount("mountOrganizationSwitcher");
    await page.locator(".cl-organizationSwitcherTrigger").getByText("Works").first().waitFor();
    await page.locator(".cl-organizationSwitcherTrigger").click();
    await page.locator(".cl-organizationSwitcherPopoverCard").waitFor();
    await page.getByText("Personal account").first().click();
    await sam.until(() => window.Clerk?.loaded && !window.Clerk.organization);
    assert.equal(claims(await sam.run(() => window.Clerk.session.getToken())).o, undefined);
    await sam.run((id) => window.Clerk.setActive({ organization: id }), organization);
    await sam.mount("mountOrganizationProfile");
    await page.locator(".cl-organizationProfile-root, .cl-profilePage").getByText("Works").first().waitFor();
  });

  await check("members are invited, listed and revoked", async () => {
    const found = await sam.run(async (emailAddress) => {
      const { organization } = window.Clerk;
      const invited = await organization.inviteMember({ emailAddress, role: "org:member" });
      const pending = await organization.getInvitations({ status: ["pending"] });
      await invited.revoke();
      const after = await organization.getInvitations({ status: ["pending"] });
      const members = await organization.getMemberships();
      const roles = await organization.getRoles();
      return [pending.total_count, after.total_count, members.data[0].role, roles.total_count];
    }, `invited.${version}.${run}@example.com`);
    assert.deepEqual(found, [1, 0, "org:admin", 2]);
  });

  await check("a reload keeps user and organization", async () => {
    await sam.open();
    assert.equal(await sam.email(), address);
    assert.match(await sam.run(() => window.Clerk.organization?.name), /^Works/);
  });

  const other = await visitor(version);
  await check("another browser is another one", async () => {
    assert.equal(await other.email(), null);
  });

  await check("the sign-in form, with a wrong password and the right one", async () => {
    await identify(other, address);
    await other.page.locator("input[name=password]").fill("battery stable");
    await other.page.locator(primary).click();
    await other.page.locator(".cl-formFieldErrorText").first().waitFor();
    assert.equal(await other.email(), null);
    await other.page.locator("input[name=password]").fill("battery staple 2");
    await other.page.locator(primary).click();
    await other.until(() => window.Clerk?.user);
    assert.equal(await other.email(), address);
  });

  await check("a session revoked elsewhere ends here", async () => {
    const own = await other.run(() => window.Clerk.session.id);
    await sam.run(async (id) => {
      const sessions = await window.Clerk.user.getSessions();
      await sessions.find((it) => it.id === id).revoke();
    }, own);
    await other.run(() => window.Clerk.session.getToken({ skipCache: true }).catch(() => null));
    await other.until(() => window.Clerk?.loaded && !window.Clerk.user);
    await other.open();
    assert.equal(await other.email(), null);
    assert.equal(await sam.email(), address);
  });

  await check("signing out from the menu, and cookies are cleared", async () => {
    await sam.mount("mountUserButton");
    await page.locator(".cl-userButtonTrigger").click();
    await page.getByText("Sign out", { exact: true }).first().click();
    await sam.until(() => window.Clerk?.loaded && !window.Clerk.user);
    await page.waitForLoadState();
    await sam.open();
    assert.equal(await sam.email(), null);
    assert.ok(!(await sam.cookie("__session")));
    assert.equal(await sam.cookie("__client_uat"), "0");
  });

  await check("the sign-in form with a code", async () => {
    await identify(sam, address);
    await page.getByText("Use another method").first().click();
    await page.getByText(/Email code to/).first().click();
    await enterCode(page);
    await sam.until(() => window.Clerk?.user);
    assert.equal(await sam.email(), address);
  });

  await check("signing out by call", async () => {
    await sam.run(() => window.Clerk.signOut());
    await sam.until(() => window.Clerk?.loaded && !window.Clerk.user);
  });

  await check("a sign-in token signs in without a form", async () => {
    await sam.open();
    await byTicket(sam, address);
    assert.equal(await sam.email(), address);
  });

  await check("the token in the cookie is renewed in the background", async () => {
    const late = await visitor(version, { clock: true });
    await byTicket(late, address);
    const before = claims(await late.cookie("__session"));
    const renewed = late.page.waitForResponse((answer) => /\/tokens\?/.test(answer.url()) && answer.ok(), { timeout: patience });
    await late.page.clock.fastForward("00:55");
    await renewed;
    const until = Date.now() + patience;
    while (claims(await late.cookie("__session")).jti === before.jti) {
      assert.ok(Date.now() < until, "the cookie still has the old token");
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await late.context.close();
  });

  await check("the user deletes himself", async () => {
    await sam.run(() => window.Clerk.user.delete());
    await sam.open();
    assert.equal(await sam.email(), null);
  });

  await check("no request went elsewhere", async () => {
    assert.deepEqual(strays, []);
  });
  await sam.context.close();
  await other.context.close();
}

for (const version of [6, 5]) await suite(version);
await browser.close();
server.close();
console.log(`clerk-js: ${passed} steps passed`);
process.exit(0);
