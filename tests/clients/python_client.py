"""Clerk's Python client and Svix's Python library against the emulator. The models of the former are strict: an answer
that lacks a field, or has one of another type, fails its step."""

import http.server
import json
import os
import sys
import threading
import time
import urllib.request

import clerk_backend_api as clerk_api
from clerk_backend_api import Clerk, models
from clerk_backend_api.security import authenticate_request, verify_token
from clerk_backend_api.security.types import (
    AuthenticateRequestOptions,
    TokenVerificationError,
    VerifyTokenOptions,
)
from svix.webhooks import Webhook, WebhookVerificationError


def setting(name):
    value = os.environ.get(name)
    if not value:
        sys.exit(f"{name} is not set; it says how to reach the emulator (clerk-sync emulator env)")
    return value


ORIGIN = setting("EMULATOR_ORIGIN").rstrip("/")
SECRET_KEY = setting("EMULATOR_SECRET_KEY")
WEBHOOK_SECRET = setting("EMULATOR_WEBHOOK_SECRET")
RUN = format(time.time_ns(), "x")
PAGE = "http://localhost:3000"

clerk = Clerk(bearer_auth=SECRET_KEY, server_url=f"{ORIGIN}/v1")
passed = 0


def step(name):
    """Runs the function at once; the first that fails ends the script."""

    def run(work):
        global passed
        try:
            result = work()
        except Exception as error:  # noqa: BLE001 - whatever differs is to be told
            print(f"FAIL {name}\n{type(error).__name__}: {error}", file=sys.stderr)
            sys.exit(1)
        passed += 1
        print(f"ok   {name}")
        return result

    return run


def equal(found, wanted):
    if found != wanted:
        raise AssertionError(f"found {found!r}, wanted {wanted!r}")


def fails(work, kind):
    try:
        work()
    except kind as error:
        return error
    raise AssertionError("it was let through")


def control(method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    headers = {"content-type": "application/json"}
    request = urllib.request.Request(f"{ORIGIN}/__emu{path}", data=data, method=method, headers=headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        text = answer.read()
    return json.loads(text) if text else None


# `authenticate_request` asks Clerk itself for keys unless it has one.
PEM = control("GET", "/settings?client=python")["python"]["CLERK_JWT_KEY"]


def mint(**request):
    return control("POST", "/tokens", request)["jwt"]


def address(name):
    return f"{name}.{RUN}@example.com"


@step("create a user")
def user():
    made = clerk.users.create(
        email_address=[address("py")],
        password="correct horse battery",
        first_name="Ida",
        public_metadata={"role": "growth"},
    )
    equal(made.first_name, "Ida")
    equal(made.email_addresses[0].verification.status, "verified")
    return made


@step("a taken address is a 422 that can be read")
def _():
    error = fails(lambda: clerk.users.create(email_address=[address("py")]), models.ClerkErrors)
    equal(error.data.errors[0].code, "form_identifier_exists")


@step("get, list, count, and an unknown one")
def _():
    equal(clerk.users.get(user_id=user.id).id, user.id)
    found = clerk.users.list(request={"email_address": [address("py")], "limit": 5})
    equal([it.id for it in found], [user.id])
    equal(clerk.users.count(request={"query": address("py")}).total_count, 1)
    error = fails(lambda: clerk.users.get(user_id="user_unknown"), models.ClerkErrors)
    equal(error.data.errors[0].code, "resource_not_found")


@step("update, metadata, password")
def _():
    equal(clerk.users.update(user_id=user.id, first_name="Ada").first_name, "Ada")
    merged = clerk.users.update_metadata(user_id=user.id, public_metadata={"level": 2})
    equal(merged.public_metadata, {"role": "growth", "level": 2})
    equal(clerk.users.verify_password(user_id=user.id, password="correct horse battery").verified, True)
    fails(lambda: clerk.users.verify_password(user_id=user.id, password="wrong"), clerk_api.models.ClerkBaseError)


@step("e-mail addresses")
def _():
    made = clerk.email_addresses.create(
        request={"user_id": user.id, "email_address": address("second"), "verified": True, "primary": True}
    )
    equal(clerk.email_addresses.get(email_address_id=made.id).email_address, address("second"))
    equal(clerk.email_addresses.update(email_address_id=made.id, verified=True).verification.status, "verified")
    equal(clerk.email_addresses.delete(email_address_id=made.id).deleted, True)


@step("sessions: create, get, list, token")
def session():
    made = clerk.sessions.create(request={"user_id": user.id})
    equal(clerk.sessions.get(session_id=made.id).status, "active")
    listed = clerk.sessions.list(user_id=user.id, status="active")
    equal([it.id for it in listed], [made.id])
    return made


token = clerk.sessions.create_token(session_id=session.id).jwt


@step("verify_token by JWKS and by PEM")
def _():
    by_keys = verify_token(token, VerifyTokenOptions(secret_key=SECRET_KEY, api_url=ORIGIN))
    equal((by_keys["sub"], by_keys["sid"]), (user.id, session.id))
    by_pem = verify_token(token, VerifyTokenOptions(jwt_key=PEM))
    equal(by_pem["sid"], session.id)


@step("verify_token refuses what is expired, foreign or of another page")
def _():
    bad = {
        "token-expired": mint(user_id=user.id, expires_in=-60),
        "token-invalid-signature": mint(user_id=user.id, key="other"),
        "token-invalid-authorized-parties": mint(user_id=user.id, claims={"azp": "http://evil.example"}),
    }
    options = VerifyTokenOptions(jwt_key=PEM, authorized_parties=[PAGE])
    for reason, wrong in bad.items():
        error = fails(lambda wrong=wrong: verify_token(wrong, options), TokenVerificationError)
        equal(error.reason.value[0], reason)


class Request:
    """What the library reads of a request."""

    def __init__(self, **headers):
        self.headers = headers


@step("authenticate_request with the public key")
def _():
    options = AuthenticateRequestOptions(secret_key=SECRET_KEY, jwt_key=PEM, authorized_parties=[PAGE])
    good = mint(session_id=session.id, claims={"azp": PAGE})
    state = authenticate_request(Request(Authorization=f"Bearer {good}"), options)
    equal((state.is_signed_in, state.payload and state.payload["sub"]), (True, user.id))
    state = authenticate_request(Request(Authorization=f"Bearer {mint(user_id=user.id, key='other')}"), options)
    equal(state.is_signed_in, False)
    equal(authenticate_request(Request(), options).is_signed_in, False)


@step("organizations, members and invitations")
def organization():
    made = clerk.organizations.create(request={"name": f"Works {RUN}", "created_by": user.id})
    equal(clerk.organizations.get(organization_id=made.slug).id, made.id)
    other = clerk.users.create(email_address=[address("other")])
    joined = clerk.organization_memberships.create(organization_id=made.id, user_id=other.id, role="org:member")
    equal(joined.public_user_data.user_id, other.id)
    raised = clerk.organization_memberships.update(organization_id=made.id, user_id=other.id, role="org:admin")
    equal(raised.role, "org:admin")
    members = clerk.organization_memberships.list(organization_id=made.id)
    equal(members.total_count, 2)
    equal(clerk.users.get_organization_memberships(user_id=other.id).data[0].organization.id, made.id)
    clerk.organization_memberships.delete(organization_id=made.id, user_id=other.id)
    invited = clerk.organization_invitations.create(
        organization_id=made.id, email_address=address("guest"), role="org:member", inviter_user_id=user.id
    )
    pending = clerk.organization_invitations.list(organization_id=made.id, status="pending")
    equal((pending.total_count, pending.data[0].id), (1, invited.id))
    gone = clerk.organization_invitations.revoke(organization_id=made.id, invitation_id=invited.id)
    equal(gone.status, "revoked")
    clerk.users.delete(user_id=other.id)
    return made


@step("domains, roles and permissions")
def _():
    name = f"w{RUN}.example.com"
    made = clerk.organization_domains.create(organization_id=organization.id, name=name)
    equal(made.affiliation_verification.status, "verified")
    equal(clerk.organization_domains.list(organization_id=organization.id).total_count, 1)
    equal(clerk.organization_domains.delete(organization_id=organization.id, domain_id=made.id).deleted, True)
    roles = clerk.organization_roles.list()
    equal("org:admin" in [it.key for it in roles.data], True)
    equal(clerk.organization_permissions.list().total_count, 8)


@step("JWT templates")
def _():
    name = f"reports-{RUN}"
    # This version of the client drops the members of `claims`, so that only the lifetime can be told apart.
    made = clerk.jwt_templates.create(request={"name": name, "claims": {}, "lifetime": 600})
    equal(clerk.jwt_templates.get(template_id=made.id).name, name)
    equal(name in [it.name for it in clerk.jwt_templates.list()], True)
    answer = clerk.sessions.create_token_from_template(session_id=session.id, template_name=name)
    claims = verify_token(answer.jwt, VerifyTokenOptions(jwt_key=PEM))
    equal((claims["sub"], claims["exp"] - claims["iat"]), (user.id, 600))
    equal(clerk.jwt_templates.delete(template_id=made.id).deleted, True)


@step("invitations to sign up and the waitlist")
def _():
    made = clerk.invitations.create(request={"email_address": address("new"), "notify": False})
    equal(made.id in [it.id for it in clerk.invitations.list(status="pending", limit=500)], True)
    equal(clerk.invitations.revoke(invitation_id=made.id).status, "revoked")
    entry = clerk.waitlist_entries.create(request={"email_address": address("waits")})
    equal(clerk.waitlist_entries.invite(waitlist_entry_id=entry.id).status, "invited")
    equal(clerk.waitlist_entries.list(query=address("waits")).total_count, 1)


@step("billing")
def _():
    control("POST", "/billing/subscribe", {"user_id": user.id, "plan": "pro"})
    equal("pro" in [it.slug for it in clerk.billing.list_plans().data], True)
    held = clerk.users.get_billing_subscription(user_id=user.id)
    equal(held.status, "active")
    equal(clerk.billing.cancel_subscription_item(subscription_item_id=held.subscription_items[0].id).status, "canceled")
    equal(clerk.billing.list_subscription_items(payer_type="user").total_count >= 0, True)


@step("JWKS, instance, testing and sign-in tokens")
def _():
    equal(clerk.jwks.get_jwks().keys[0].kid, "ins_emulator")
    equal(clerk.instance_settings.get().id, "ins_emulator")
    equal(clerk.instance_settings.get_organization_settings().enabled, True)
    equal(clerk.testing_tokens.create().object, "testing_token")
    made = clerk.sign_in_tokens.create(request={"user_id": user.id})
    equal(clerk.sign_in_tokens.revoke(sign_in_token_id=made.id).status, "revoked")


@step("Svix's library takes deliveries, and nothing else")
def _():
    before = control("GET", "/webhooks")
    taken = []
    arrived = threading.Event()

    class Receiver(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            taken.append((dict(self.headers), body))
            self.send_response(204)
            self.end_headers()
            arrived.set()

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        url = f"http://127.0.0.1:{server.server_port}/hooks"
        control("POST", "/webhooks", {"url": url, "secret": WEBHOOK_SECRET})
        clerk.users.update(user_id=user.id, last_name="Lund")
        if not arrived.wait(15):
            raise AssertionError("no delivery came within 15 s")
        headers, body = taken[0]
        headers = {name.lower(): value for name, value in headers.items()}
        Webhook(WEBHOOK_SECRET).verify(body, headers)
        equal(json.loads(body)["type"], "user.updated")
        fails(lambda: Webhook(WEBHOOK_SECRET).verify(body + b" ", headers), WebhookVerificationError)
        other = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
        fails(lambda: Webhook(other).verify(body, headers), WebhookVerificationError)
        old = {**headers, "svix-timestamp": str(int(time.time()) - 600)}
        fails(lambda: Webhook(WEBHOOK_SECRET).verify(body, old), WebhookVerificationError)
    finally:
        control("POST", "/webhooks", before)
        server.shutdown()


@step("revoke, ban, unban, lock, unlock, delete")
def _():
    equal(clerk.sessions.revoke(session_id=session.id).status, "revoked")
    fails(lambda: clerk.sessions.create_token(session_id=session.id), clerk_api.models.ClerkBaseError)
    equal(clerk.users.ban(user_id=user.id).banned, True)
    equal(clerk.users.unban(user_id=user.id).banned, False)
    equal(clerk.users.lock(user_id=user.id).locked, True)
    equal(clerk.users.unlock(user_id=user.id).locked, False)
    equal(clerk.organizations.delete(organization_id=organization.id).deleted, True)
    equal(clerk.users.delete(user_id=user.id).deleted, True)


print(f"clerk-backend-api: {passed} steps passed")
