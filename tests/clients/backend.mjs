// Clerk's own server library against the emulator: every call that services make, and its verification of tokens.
import assert from "node:assert/strict";
import { createClerkClient, verifyToken } from "@clerk/backend";
import { address, control, failure, finish, mint, origin, publishableKey, secretKey, step } from "./steps.mjs";

const page = "http://localhost:3000";
const telemetry = { disabled: true };
const clerk = createClerkClient({ apiUrl: origin, secretKey, publishableKey, proxyUrl: `${origin}/__clerk`, telemetry });
const { python } = await control("GET", "/settings?client=python");
const jwtKey = python.CLERK_JWT_KEY;

/** Status and code of a refused call. */
async function refused(promise) {
  const error = await failure(promise);
  return [error.status, error.errors?.[0]?.code];
}

const user = await step("createUser", async () => {
  const made = await clerk.users.createUser({
    emailAddress: [address("ida")],
    password: "correct horse battery",
    firstName: "Ida",
    lastName: "Lund",
    externalId: `ext-${Date.now()}`,
    publicMetadata: { role: "growth", nested: { kept: 1 } },
  });
  assert.equal(made.firstName, "Ida");
  assert.equal(made.primaryEmailAddress.emailAddress, address("ida"));
  assert.equal(made.primaryEmailAddress.verification.status, "verified");
  assert.equal(made.passwordEnabled, true);
  return made;
});

await step("createUser with a taken address is a 422", async () => {
  const again = clerk.users.createUser({ emailAddress: [address("ida")] });
  assert.deepEqual(await refused(again), [422, "form_identifier_exists"]);
});

await step("getUser, and 404 for an unknown one", async () => {
  assert.equal((await clerk.users.getUser(user.id)).id, user.id);
  assert.deepEqual(await refused(clerk.users.getUser("user_unknown")), [404, "resource_not_found"]);
});

await step("getUserList and getCount with filters", async () => {
  const found = await clerk.users.getUserList({ emailAddress: [address("ida")], limit: 5 });
  assert.equal(found.totalCount, 1);
  assert.equal(found.data[0].id, user.id);
  const several = await clerk.users.getUserList({ userId: [user.id, "user_unknown"], orderBy: "+created_at" });
  assert.deepEqual(several.data.map((it) => it.id), [user.id]);
  assert.equal(await clerk.users.getCount({ query: address("ida") }), 1);
});

await step("updateUser", async () => {
  const changed = await clerk.users.updateUser(user.id, { firstName: "Ada", username: `ada_${Date.now()}` });
  assert.equal(changed.firstName, "Ada");
  assert.equal(changed.lastName, "Lund");
  assert.ok(changed.updatedAt > user.updatedAt);
});

await step("updateUserMetadata merges, replaceUserMetadata replaces", async () => {
  const merged = await clerk.users.updateUserMetadata(user.id, {
    publicMetadata: { role: null, nested: { more: 2 } },
    privateMetadata: { note: "x" },
  });
  assert.deepEqual(merged.publicMetadata, { nested: { kept: 1, more: 2 } });
  const replaced = await clerk.users.replaceUserMetadata(user.id, { publicMetadata: { only: true } });
  assert.deepEqual(replaced.publicMetadata, { only: true });
  assert.deepEqual(replaced.privateMetadata, { note: "x" });
});

await step("verifyPassword, right and wrong", async () => {
  const right = await clerk.users.verifyPassword({ userId: user.id, password: "correct horse battery" });
  assert.equal(right.verified, true);
  const wrong = clerk.users.verifyPassword({ userId: user.id, password: "wrong" });
  assert.deepEqual(await refused(wrong), [422, "incorrect_password"]);
});

await step("e-mail addresses: create, get, update, delete, replace", async () => {
  const added = await clerk.emailAddresses.createEmailAddress({ userId: user.id, emailAddress: address("second") });
  assert.equal(added.verification.status, "unverified");
  assert.equal((await clerk.emailAddresses.getEmailAddress(added.id)).emailAddress, address("second"));
  const verified = await clerk.emailAddresses.updateEmailAddress(added.id, { verified: true, primary: true });
  assert.equal(verified.verification.status, "verified");
  assert.equal((await clerk.users.getUser(user.id)).primaryEmailAddressId, added.id);
  assert.equal((await clerk.emailAddresses.deleteEmailAddress(added.id)).deleted, true);
  const only = await clerk.users.replaceUserEmailAddress(user.id, { emailAddress: address("only") });
  assert.equal(only.emailAddress, address("only"));
  assert.equal((await clerk.users.getUser(user.id)).emailAddresses.length, 1);
});

await step("phone numbers: create, get, update, delete", async () => {
  const number = `+1555${String(Date.now()).slice(-8)}`;
  const made = await clerk.phoneNumbers.createPhoneNumber({ userId: user.id, phoneNumber: number });
  assert.equal((await clerk.phoneNumbers.getPhoneNumber(made.id)).verification.status, "unverified");
  const verified = await clerk.phoneNumbers.updatePhoneNumber(made.id, { verified: true, primary: true });
  assert.equal(verified.verification.status, "verified");
  assert.equal((await clerk.users.getUser(user.id)).primaryPhoneNumber.phoneNumber, number);
  assert.equal((await clerk.phoneNumbers.deletePhoneNumber(made.id)).deleted, true);
});

await step("profile image", async () => {
  const png = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64");
  const shown = await clerk.users.updateUserProfileImage(user.id, { file: new Blob([png], { type: "image/png" }) });
  assert.equal(shown.hasImage, true);
  assert.equal((await clerk.users.deleteUserProfileImage(user.id)).hasImage, false);
});

const session = await step("createSession, getSession, getSessionList", async () => {
  const made = await clerk.sessions.createSession({ userId: user.id });
  assert.equal(made.status, "active");
  assert.equal((await clerk.sessions.getSession(made.id)).userId, user.id);
  const listed = await clerk.sessions.getSessionList({ userId: user.id, status: "active" });
  assert.deepEqual(listed.data.map((it) => it.id), [made.id]);
  assert.equal(listed.totalCount, 1);
  return made;
});

const { jwt } = await step("getToken, with a lifetime", async () => {
  const token = await clerk.sessions.getToken(session.id);
  assert.match(token.jwt, /^[\w-]+\.[\w-]+\.[\w-]+$/);
  const long = await clerk.sessions.getToken(session.id, undefined, 3600);
  const claims = JSON.parse(Buffer.from(long.jwt.split(".")[1], "base64url"));
  assert.equal(claims.exp - claims.iat, 3600);
  return token;
});

await step("JWT templates: create, list, get, update, token, delete", async () => {
  const name = `reports-${Date.now().toString(36)}`;
  const made = await clerk.jwtTemplates.create({ name, claims: { aud: "reports", who: "{{user.first_name}}" }, lifetime: 120 });
  assert.equal((await clerk.jwtTemplates.get(made.id)).name, name);
  assert.ok((await clerk.jwtTemplates.list()).data.some((it) => it.id === made.id));
  const token = await clerk.sessions.getToken(session.id, name);
  const claims = JSON.parse(Buffer.from(token.jwt.split(".")[1], "base64url"));
  assert.deepEqual([claims.aud, claims.who, claims.exp - claims.iat], ["reports", "Ada", 120]);
  const changed = await clerk.jwtTemplates.update({ templateId: made.id, name, claims: {}, lifetime: 60 });
  assert.equal(changed.lifetime, 60);
  assert.equal((await clerk.jwtTemplates.delete(made.id)).deleted, true);
});

await step("getJwks", async () => {
  const { keys } = await clerk.jwks.getJwks();
  assert.deepEqual(Object.keys(keys[0]).sort(), ["alg", "e", "kid", "kty", "n", "use"]);
});

await step("verifyToken by JWKS and by PEM", async () => {
  const byKeys = await verifyToken(jwt, { secretKey, apiUrl: origin });
  assert.equal(byKeys.sub, user.id);
  assert.equal(byKeys.sid, session.id);
  const byPem = await verifyToken(jwt, { jwtKey });
  assert.equal(byPem.sid, session.id);
});

await step("verifyToken refuses expired, early, foreign, unsigned and foreign-party tokens", async () => {
  const good = { user_id: user.id, session_id: session.id };
  const wrong = {
    "token-expired": { ...good, expires_in: -60 },
    "token-not-active-yet": { ...good, claims: { nbf: Math.floor(Date.now() / 1000) + 600 } },
    "token-invalid-signature": { ...good, key: "other" },
    "token-invalid-algorithm": { ...good, key: "public_pem_as_hmac", header: { alg: "HS256" } },
    "jwk-kid-mismatch": { ...good, header: { kid: "ins_of_somebody_else" } },
  };
  for (const [reason, request] of Object.entries(wrong)) {
    const error = await failure(verifyToken(await mint(request), { secretKey, apiUrl: origin }));
    assert.equal(error.reason, reason, `${reason}: ${error.message}`);
  }
  const party = await mint({ ...good, claims: { azp: "http://evil.example" } });
  const error = await failure(verifyToken(party, { jwtKey, authorizedParties: [page] }));
  assert.equal(error.reason, "token-invalid-authorized-parties");
});

await step("authenticateRequest by bearer token", async () => {
  const request = new Request(`${page}/api`, { headers: { authorization: `Bearer ${jwt}` } });
  const state = await clerk.authenticateRequest(request);
  assert.equal(state.status, "signed-in", state.reason);
  assert.equal(state.toAuth().userId, user.id);
  const bad = new Request(`${page}/api`, { headers: { authorization: `Bearer ${await mint({ user_id: user.id, key: "other" })}` } });
  assert.notEqual((await clerk.authenticateRequest(bad)).status, "signed-in");
});

await step("authenticateRequest by cookies", async () => {
  const now = Math.floor(Date.now() / 1000);
  const token = await mint({ session_id: session.id, claims: { azp: page } });
  const cookie = `__session=${token}; __client_uat=${now - 60}; __clerk_db_jwt=dvb_any`;
  const state = await clerk.authenticateRequest(new Request(`${page}/`, { headers: { cookie } }), { authorizedParties: [page] });
  assert.equal(state.status, "signed-in", `${state.reason}: ${state.message}`);
  const out = await clerk.authenticateRequest(new Request(`${page}/`, { headers: { cookie: "__client_uat=0; __clerk_db_jwt=dvb_any" } }));
  assert.equal(out.status, "signed-out");
});

await step("authenticateRequest asks for a handshake at the emulator", async () => {
  const headers = { accept: "text/html", "sec-fetch-dest": "document" };
  const state = await clerk.authenticateRequest(new Request(`${page}/`, { headers }));
  assert.equal(state.status, "handshake");
  const location = new URL(state.headers.get("location"));
  assert.equal(location.origin, origin);
  assert.equal(location.pathname, "/__clerk/v1/client/handshake");
  assert.equal(location.searchParams.get("redirect_url"), `${page}/`);
});

await step("the handshake gives cookies, by token and by nonce", async () => {
  const entry = new URL(`${origin}/__clerk/v1/client/handshake`);
  entry.search = new URLSearchParams({ redirect_url: `${page}/`, suffixed_cookies: "true", __clerk_hs_reason: "dev-browser-missing" });
  const signed = await fetch(entry, { redirect: "manual" });
  assert.equal(signed.status, 307, await signed.text());
  const back = new URL(signed.headers.get("location"));
  const claims = JSON.parse(Buffer.from(back.searchParams.get("__clerk_handshake").split(".")[1], "base64url"));
  assert.ok(claims.handshake.some((it) => it.startsWith("__clerk_db_jwt=")));
  assert.ok(claims.handshake.some((it) => it.startsWith("__client_uat=0")));
  entry.searchParams.set("format", "nonce");
  const nonced = await fetch(entry, { redirect: "manual" });
  const nonce = new URL(nonced.headers.get("location")).searchParams.get("__clerk_handshake_nonce");
  const payload = await clerk.clients.getHandshakePayload({ nonce });
  assert.ok(payload.directives.some((it) => it.startsWith("__client_uat=0")));
  const state = await clerk.authenticateRequest(new Request(back, { headers: { accept: "text/html", "sec-fetch-dest": "document" } }));
  assert.equal(state.headers.get("location"), `${page}/`, "back to the address without the token");
  assert.ok(state.headers.getSetCookie().length > 0);
});

const organization = await step("organizations: create, get, list, update, metadata", async () => {
  const made = await clerk.organizations.createOrganization({ name: `Works ${Date.now()}`, createdBy: user.id });
  assert.equal((await clerk.organizations.getOrganization({ slug: made.slug })).id, made.id);
  const listed = await clerk.organizations.getOrganizationList({ query: made.name, includeMembersCount: true });
  assert.deepEqual([listed.totalCount, listed.data[0].membersCount], [1, 1]);
  const renamed = await clerk.organizations.updateOrganization(made.id, { name: "Works", maxAllowedMemberships: 5 });
  assert.equal(renamed.maxAllowedMemberships, 5);
  const marked = await clerk.organizations.updateOrganizationMetadata(made.id, { publicMetadata: { size: 3 } });
  assert.deepEqual(marked.publicMetadata, { size: 3 });
  return made;
});

const colleague = await clerk.users.createUser({ emailAddress: [address("colleague")] });

await step("memberships: create, list, update, metadata, delete", async () => {
  const where = { organizationId: organization.id, userId: colleague.id };
  const made = await clerk.organizations.createOrganizationMembership({ ...where, role: "org:member" });
  assert.equal(made.publicUserData.userId, colleague.id);
  const { data, totalCount } = await clerk.organizations.getOrganizationMembershipList({ organizationId: organization.id });
  assert.equal(totalCount, 2);
  assert.ok(data.some((it) => it.role === "org:admin" && it.permissions.length > 0));
  const own = await clerk.users.getOrganizationMembershipList({ userId: colleague.id });
  assert.equal(own.data[0].organization.id, organization.id);
  const raised = await clerk.organizations.updateOrganizationMembership({ ...where, role: "org:admin" });
  assert.equal(raised.role, "org:admin");
  const marked = await clerk.organizations.updateOrganizationMembershipMetadata({ ...where, publicMetadata: { desk: 4 } });
  assert.deepEqual(marked.publicMetadata, { desk: 4 });
  await clerk.organizations.deleteOrganizationMembership(where);
  assert.equal((await clerk.users.getOrganizationMembershipList({ userId: colleague.id })).totalCount, 0);
});

await step("organization invitations: create, bulk, list, get, revoke", async () => {
  const organizationId = organization.id;
  const one = await clerk.organizations.createOrganizationInvitation({ organizationId, emailAddress: address("g1"), role: "org:member", inviterUserId: user.id });
  const many = await clerk.organizations.createOrganizationInvitationBulk(organizationId, [
    { emailAddress: address("g2"), role: "org:member" },
    { emailAddress: address("g3"), role: "org:admin" },
  ]);
  assert.equal(many.totalCount, 2);
  const pending = await clerk.organizations.getOrganizationInvitationList({ organizationId, status: ["pending"] });
  assert.equal(pending.totalCount, 3);
  const got = await clerk.organizations.getOrganizationInvitation({ organizationId, invitationId: one.id });
  assert.equal(got.emailAddress, address("g1"));
  const gone = await clerk.organizations.revokeOrganizationInvitation({ organizationId, invitationId: one.id, requestingUserId: user.id });
  assert.equal(gone.status, "revoked");
});

await step("domains, roles and permissions", async () => {
  const organizationId = organization.id;
  const name = `w${Date.now().toString(36)}.example.com`;
  const domain = await clerk.organizations.createOrganizationDomain({ organizationId, name, enrollmentMode: "automatic_invitation" });
  assert.equal(domain.verification.status, "verified");
  const changed = await clerk.organizations.updateOrganizationDomain({ organizationId, domainId: domain.id, enrollmentMode: "manual_invitation" });
  // This version of the library hands domains on as they come.
  assert.equal(changed.enrollment_mode, "manual_invitation");
  assert.equal((await clerk.organizations.getOrganizationDomainList({ organizationId })).totalCount, 1);
  await clerk.organizations.deleteOrganizationDomain({ organizationId, domainId: domain.id });
  const roles = await clerk.organizationRoles.getOrganizationRoleList();
  assert.ok(roles.data.some((it) => it.key === "org:admin"));
  const permissions = await clerk.organizationPermissions.getOrganizationPermissionList();
  assert.ok(permissions.data.some((it) => it.key === "org:sys_memberships:manage"));
});

await step("a session token carries the active organization", async () => {
  const inside = await clerk.sessions.createSession({ userId: user.id });
  await control("POST", `/sessions/${inside.id}/organization`, { organization_id: organization.id });
  const token = await clerk.sessions.getToken(inside.id);
  const state = await clerk.authenticateRequest(new Request(page, { headers: { authorization: `Bearer ${token.jwt}` } }));
  const auth = state.toAuth();
  assert.deepEqual([auth.orgId, auth.orgRole, auth.orgSlug], [organization.id, "org:admin", organization.slug]);
  assert.equal(auth.has({ role: "org:admin" }), true);
  assert.equal(auth.has({ role: "org:owner" }), false);
});

await step("invitations to sign up: create, bulk, list, revoke", async () => {
  const one = await clerk.invitations.createInvitation({ emailAddress: address("new"), publicMetadata: { from: "tests" }, notify: false });
  assert.equal(one.status, "pending");
  const many = await clerk.invitations.createInvitationBulk([{ emailAddress: address("n1") }, { emailAddress: address("n2") }]);
  assert.equal((many.data ?? many).length, 2);
  const listed = await clerk.invitations.getInvitationList({ status: "pending", query: address("new") });
  assert.equal(listed.data[0].id, one.id);
  assert.equal((await clerk.invitations.revokeInvitation(one.id)).status, "revoked");
});

await step("waitlist: create, bulk, list, invite, reject, delete", async () => {
  const entry = await clerk.waitlistEntries.create({ emailAddress: address("w1") });
  const many = await clerk.waitlistEntries.createBulk([{ emailAddress: address("w2") }, { emailAddress: address("w3") }]);
  const [second, third] = many.data ?? many;
  assert.equal((await clerk.waitlistEntries.invite(entry.id)).status, "invited");
  assert.equal((await clerk.waitlistEntries.reject(second.id)).status, "rejected");
  assert.equal((await clerk.waitlistEntries.delete(third.id)).deleted, true);
  const listed = await clerk.waitlistEntries.list({ query: address("w1") });
  assert.equal(listed.data[0].invitation.status, "pending");
});

await step("billing: plans and subscriptions", async () => {
  await control("POST", "/billing/subscribe", { user_id: user.id, plan: "pro" });
  const plans = await clerk.billing.getPlanList();
  assert.ok(plans.data.some((it) => it.slug === "pro"));
  const subscription = await clerk.billing.getUserBillingSubscription(user.id);
  assert.equal(subscription.status, "active");
  const item = subscription.subscriptionItems[0];
  const cancelled = await clerk.billing.cancelSubscriptionItem(item.id);
  assert.equal(cancelled.status, "canceled");
});

await step("instance, domains, testing token", async () => {
  assert.equal((await clerk.instance.get()).environmentType, "development");
  assert.equal((await clerk.instance.getOrganizationSettings()).enabled, true);
  assert.equal((await clerk.domains.list()).totalCount, 1);
  assert.ok((await clerk.testingTokens.createTestingToken()).token);
});

await step("what is not emulated is a 404 that names the route", async () => {
  const error = await failure(clerk.redirectUrls.getRedirectUrlList());
  assert.equal(error.status, 404);
  assert.match(error.errors[0].longMessage, /GET \/v1\/redirect_urls/);
});

await step("revokeSession ends tokens", async () => {
  assert.equal((await clerk.sessions.revokeSession(session.id)).status, "revoked");
  assert.deepEqual(await refused(clerk.sessions.getToken(session.id)), [401, "authentication_invalid"]);
});

await step("banUser revokes sessions, unbanUser lifts it; lock and unlock", async () => {
  const live = await clerk.sessions.createSession({ userId: user.id });
  assert.equal((await clerk.users.banUser(user.id)).banned, true);
  assert.equal((await clerk.sessions.getSession(live.id)).status, "revoked");
  assert.equal((await clerk.users.unbanUser(user.id)).banned, false);
  assert.equal((await clerk.users.lockUser(user.id)).locked, true);
  assert.equal((await clerk.users.unlockUser(user.id)).locked, false);
});

await step("a wrong secret key is a 401", async () => {
  const stranger = createClerkClient({ apiUrl: origin, secretKey: "sk_live_wrong", publishableKey, telemetry });
  assert.deepEqual(await refused(stranger.users.getCount()), [401, "clerk_key_invalid"]);
});

await step("deleteOrganization, deleteUser", async () => {
  assert.equal((await clerk.organizations.deleteOrganization(organization.id)).deleted, true);
  assert.equal((await clerk.users.deleteUser(user.id)).deleted, true);
  assert.equal((await clerk.users.deleteUser(colleague.id)).deleted, true);
  assert.deepEqual(await refused(clerk.users.getUser(user.id)), [404, "resource_not_found"]);
});

finish("@clerk/backend");
