"""The client of docs/clients/python, as its readers use it, against the service."""

import http.server
import json
import os
import pathlib
import sys
import threading
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "docs/clients/python"))
sys.dont_write_bytecode = True

from clerk_sync import Client, Problem, identity  # noqa: E402

SERVICE = os.environ["SERVICE_ORIGIN"]
USER = os.environ["USER_ID"]


def check(name, truth):
    if not truth:
        sys.exit(f"FAIL {name}")
    print(f"ok   {name}")


def refused(name, kind, work, truth=lambda _: True):
    try:
        work()
    except kind as error:
        check(f"{name}: {error}", truth(error))
    else:
        check(name, False)


pauses = []


def sleep(seconds):
    pauses.append(seconds)
    time.sleep(seconds)


caller = Client(SERVICE, lambda: os.environ["USER_TOKEN"], sleep)
me = caller.request("GET", "/api/v1/auth/me")
check("/me is the caller", me["clerk_user_id"] == USER)

bearer = {"Authorization": f"Bearer {os.environ['USER_TOKEN']}"}
verify = urllib.request.Request(f"{SERVICE}/api/v1/auth/verify", headers=bearer)
with urllib.request.urlopen(verify, timeout=10) as answer:
    headers = answer.headers.items()
known = identity(headers, "127.0.0.1")
check("forward auth names the caller", (known["user_id"], known["clerk_user_id"]) == (me["id"], USER))
check("with what /me says", (known["email"], known["role"]) == (me["email"], me["role"]))
refused("no proxy", PermissionError, lambda: identity(headers, "192.0.2.7"))
refused("no user", PermissionError, lambda: identity([], "127.0.0.1"))
refused("a header that is there twice", PermissionError, lambda: identity([*headers, ("X_User_Role", "admin")], "127.0.0.1"))
others = [it for it in headers if it[0].lower() != "x-org-role"]
check("values are decoded", identity([*others, ("X-Org-Role", "a%2Cb")], "::1")["org_role"] == "a,b")

tokens = [os.environ["EXPIRED_TOKEN"], os.environ["USER_TOKEN"]]
renewing = Client(SERVICE, lambda: tokens.pop(0))
check("an expired token is renewed once", renewing.request("GET", "/api/v1/auth/me")["id"] == me["id"] and not tokens)
expired = Client(SERVICE, lambda: os.environ["EXPIRED_TOKEN"])
refused("and not for ever", Problem, lambda: expired.request("GET", "/api/v1/auth/me"),
        lambda it: (it.status, it.code) == (401, "token_expired") and it.instance)
refused("a problem has its code", Problem,
        lambda: caller.request("GET", "/api/v1/listings/0197a0c4-2222-7c3a-9f00-3d2c1b0a9e8f"),
        lambda it: (it.status, it.code) == (404, "resource_not_found"))

for _ in range(12):
    caller.request("GET", "/api/v1/auth/me")
check("a limit of calls is waited for", len(pauses) > 0 and all(0 < it <= 60 for it in pauses))


class Away(http.server.BaseHTTPRequestHandler):
    """What a service says that is away twice, and then back."""

    asked = []

    def answer(self):
        self.asked.append(self.command)
        away = self.path == "/always" or len(self.asked) < 3
        text = json.dumps({"code": "store_unavailable", "title": "away"} if away else {"back": True}).encode()
        self.send_response(503 if away else 200)
        self.send_header("Retry-After", "7")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = answer

    def log_message(self, *_):
        pass


away = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Away)
threading.Thread(target=away.serve_forever, daemon=True).start()
waited = []
patient = Client(f"http://127.0.0.1:{away.server_port}", lambda: "any", waited.append)
check("503 is waited for as long as it says", patient.request("GET", "/") == {"back": True} and waited == [7, 7])
Away.asked.clear()
refused("but not for ever", Problem, lambda: patient.request("GET", "/always"), lambda _: len(Away.asked) == 5)
Away.asked.clear()
refused("and what may have been done is not repeated", Problem, lambda: patient.request("POST", "/always", {}),
        lambda _: len(Away.asked) == 1)
away.shutdown()

seen = []
names = []


def read_until(after, truth):
    """Follows the feed until the caller's row is as wanted; gives the cursor."""
    for items, cursor in Client(SERVICE, lambda: os.environ["SERVICE_TOKEN"], sleep).changes(after):
        for item in items:
            seen.append(int(item["cursor"]))
            if item["kind"] == "user" and item["id"] == USER:
                names.append(item["data"]["first_name"])
        if names and truth(names[-1]):
            return cursor


cursor = read_until("", lambda _: True)
patch = urllib.request.Request(
    f"{os.environ['EMULATOR_ORIGIN']}/v1/users/{USER}", method="PATCH", data=b'{"first_name": "Grace"}',
    headers={"Authorization": f"Bearer {os.environ['EMULATOR_SECRET_KEY']}", "Content-Type": "application/json"})
urllib.request.urlopen(patch, timeout=10).close()
read_until(cursor, lambda name: name == "Grace")
check("the feed goes on behind the cursor, in order, without repeating", seen == sorted(set(seen)))
