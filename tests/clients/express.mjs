// @clerk/express as a server that renders pages: bearer tokens, and the handshake by which a visitor's cookies come.
// The visitor is a small browser without scripts: he keeps cookies and follows redirects.
import assert from "node:assert/strict";
import { address, eventually, finish, mint, origin, publishableKey, secretKey, step } from "./steps.mjs";

// The middleware reads the environment when it is loaded, and options alone do not reach all of it.
Object.assign(process.env, {
  CLERK_API_URL: origin,
  CLERK_SECRET_KEY: secretKey,
  CLERK_PUBLISHABLE_KEY: publishableKey,
  CLERK_PROXY_URL: `${origin}/__clerk`,
  CLERK_TELEMETRY_DISABLED: "1",
});
const { default: express } = await import("express");
const { clerkMiddleware, clerkClient, getAuth } = await import("@clerk/express");

const app = express();
app.use(clerkMiddleware());
app.get("/api", (request, response) => {
  const { userId, sessionId } = getAuth(request);
  response.status(userId ? 200 : 401).json({ userId, sessionId });
});
app.get("/", (request, response) => response.type("html").send(`<p>${getAuth(request).userId ?? "nobody"}</p>`));
const server = await new Promise((resolve) => {
  const listening = app.listen(0, "127.0.0.1", () => resolve(listening));
});
const site = `http://localhost:${server.address().port}`;

/** A browser without scripts. Hosts are enough to tell cookies apart here: ports do not, as in any browser. */
class Visitor {
  #cookies = new Map();

  set(name, value, until = Infinity) {
    this.#cookies.set(name, { value, until });
  }

  get(name) {
    const held = this.#cookies.get(name);
    return held && held.until > Date.now() ? held.value : undefined;
  }

  names(pattern) {
    return [...this.#cookies.keys()].filter((name) => this.get(name) !== undefined && pattern.test(name));
  }

  drop(pattern) {
    for (const name of this.names(pattern)) this.#cookies.delete(name);
  }

  keep(headers) {
    for (const line of headers.getSetCookie()) {
      const [pair, ...attributes] = line.split(";").map((it) => it.trim());
      const name = pair.slice(0, pair.indexOf("="));
      const age = attributes.find((it) => /^max-age=/i.test(it))?.split("=")[1];
      const expires = attributes.find((it) => /^expires=/i.test(it))?.slice("expires=".length);
      const until = age !== undefined ? Date.now() + Number(age) * 1000 : expires ? Date.parse(expires) : Infinity;
      this.set(name, pair.slice(name.length + 1), until);
    }
  }

  /** Waits as a person does: the middleware counts handshakes of two seconds to find loops. */
  async rest() {
    await eventually("the end of the counting", () => this.get("__clerk_redirect_count") === undefined);
  }

  /** The page at the end of all redirects, and the ways there. */
  async visit(url) {
    await this.rest();
    const way = [];
    for (let at = url; way.length < 10; ) {
      const cookie = this.names(/./).map((name) => `${name}=${this.get(name)}`).join("; ");
      const headers = { accept: "text/html", "sec-fetch-dest": "document", ...(cookie && { cookie }) };
      const answer = await fetch(at, { headers, redirect: "manual" });
      this.keep(answer.headers);
      way.push(new URL(at).pathname);
      const next = answer.headers.get("location");
      if (!next) return { status: answer.status, text: await answer.text(), way, url: at };
      at = new URL(next, at).href;
    }
    assert.fail(`redirects without end: ${way.join(" -> ")}`);
  }
}

const sessionCookies = /^__session(_|$)/;
const handshake = "/__clerk/v1/client/handshake";
const user = await clerkClient.users.createUser({ emailAddress: [address("express")] });
const visitor = new Visitor();

await step("no token is a 401, a bearer token gets in", async () => {
  assert.equal((await fetch(`${site}/api`)).status, 401);
  const token = await mint({ user_id: user.id });
  const inside = await fetch(`${site}/api`, { headers: { authorization: `Bearer ${token}` } });
  assert.deepEqual([inside.status, (await inside.json()).userId], [200, user.id]);
  const forged = await mint({ user_id: user.id, key: "other" });
  assert.equal((await fetch(`${site}/api`, { headers: { authorization: `Bearer ${forged}` } })).status, 401);
});

await step("a first visit goes through a handshake and stays signed out", async () => {
  const page = await visitor.visit(`${site}/`);
  assert.deepEqual([page.status, page.text], [200, "<p>nobody</p>"]);
  assert.ok(page.way.includes(handshake), page.way.join(" -> "));
  assert.equal(page.url, `${site}/`, "the address is clean again");
  assert.ok(visitor.get("__clerk_db_jwt"));
  const again = await visitor.visit(`${site}/`);
  assert.deepEqual(again.way, ["/"], "the second visit needs none");
});

/** A call of the Frontend API as this visitor's page makes it. */
async function frontend(path, form) {
  const query = new URLSearchParams({ __clerk_db_jwt: visitor.get("__clerk_db_jwt") });
  const answer = await fetch(`${origin}/__clerk/v1${path}${path.includes("?") ? "&" : "?"}${query}`, {
    method: "POST",
    headers: { origin: site, "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams(form),
  });
  const body = await answer.json();
  assert.ok(answer.ok, `${path}: ${JSON.stringify(body.errors)}`);
  return body;
}

await step("after a sign-in the next page has the session", async () => {
  const { token } = await clerkClient.signInTokens.createSignInToken({ userId: user.id, expiresInSeconds: 600 });
  const { client } = await frontend("/client/sign_ins", { strategy: "ticket", ticket: token });
  assert.equal(client.sessions.length, 1);
  // The page's script would write this one; the rest comes by handshake.
  for (const name of visitor.names(/^__client_uat/)) visitor.set(name, String(Math.floor(client.updated_at / 1000)));
  const page = await visitor.visit(`${site}/`);
  assert.deepEqual([page.status, page.text], [200, `<p>${user.id}</p>`], page.way.join(" -> "));
  assert.ok(page.way.includes(handshake));
  assert.deepEqual((await visitor.visit(`${site}/`)).way, ["/"]);
});

await step("an expired token is renewed on the way", async () => {
  const { sid } = JSON.parse(Buffer.from(visitor.get("__session").split(".")[1], "base64url"));
  const expired = await mint({ session_id: sid, expires_in: -30, claims: { azp: site } });
  for (const name of visitor.names(sessionCookies)) visitor.set(name, expired);
  const page = await visitor.visit(`${site}/`);
  assert.equal(page.text, `<p>${user.id}</p>`);
  assert.ok(page.way.includes(handshake));
  assert.notEqual(visitor.get("__session"), expired);
});

await step("a lost session cookie comes again", async () => {
  visitor.drop(sessionCookies);
  assert.equal((await visitor.visit(`${site}/`)).text, `<p>${user.id}</p>`);
});

await step("a session that was revoked elsewhere is over at the next handshake", async () => {
  const { data } = await clerkClient.sessions.getSessionList({ userId: user.id, status: "active" });
  for (const session of data) await clerkClient.sessions.revokeSession(session.id);
  visitor.drop(sessionCookies);
  const page = await visitor.visit(`${site}/`);
  assert.equal(page.text, "<p>nobody</p>", page.way.join(" -> "));
  assert.deepEqual((await visitor.visit(`${site}/`)).way, ["/"]);
});

server.close();
finish("@clerk/express");
