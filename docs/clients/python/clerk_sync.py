"""A client of clerk-sync in Python 3.9 or newer, with the standard library alone. Copy it and change what you need.

    client = Client("https://api.example.com", token=lambda: session_token_of_the_caller)
    me = client.request("GET", "/api/v1/auth/me")
"""

import json
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid

ATTEMPTS = 5
# Whatever a server says, nobody waits longer than this for one attempt, in seconds.
LONGEST_PAUSE = 60
TIMEOUT = 20


class Problem(Exception):
    """An answer of 4xx or 5xx. Decide by `code`, which is stable; `detail` is for people and changes."""

    def __init__(self, status, body, retry_after=None):
        self.status = status
        self.code = body.get("code", "unknown")
        self.errors = body.get("errors") or []
        # The request's id: quote it when you report something.
        self.instance = body.get("instance")
        self.retry_after = retry_after
        super().__init__(f"{status} {self.code}: {body.get('detail') or body.get('title')}")


class Client:
    """`token` gives the token for each attempt: Clerk's session tokens live for a minute, so never keep one."""

    def __init__(self, origin, token, sleep=time.sleep):
        self._origin, self._token, self._sleep = origin.rstrip("/"), token, sleep

    def request(self, method, path, body=None):
        """The answer's JSON, or None for 204. Raises `Problem`, and `OSError` where nothing answers."""
        renewed = False
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._once(method, path, body)
            except Problem as problem:
                if problem.code == "token_expired" and not renewed:
                    renewed = True
                    continue
                if attempt == ATTEMPTS or not may_repeat(method, problem):
                    raise
                # A limit that ends next month names its day: that is for a person to hear, not to wait for.
                if (problem.retry_after or 0) > LONGEST_PAUSE:
                    raise
                self._sleep(problem.retry_after if problem.retry_after is not None else 2 ** (attempt - 1))
        raise AssertionError("every last attempt returns or raises")

    def _once(self, method, path, body):
        headers = {"Authorization": f"Bearer {self._token()}", "Accept": "application/json"}
        data = None
        if body is not None:
            data, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
        request = urllib.request.Request(self._origin + path, data=data, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
                text = answer.read()
        except urllib.error.HTTPError as answer:
            raise problem_of(answer) from None
        return json.loads(text) if text else None

    def changes(self, after=""):
        """Pages of the change feed for ever: `(items, cursor)`. Keep the cursor in the same transaction as what you made of
        the items; after a restart begin with it. Items of kinds that you do not know are for others: pass over them."""
        while True:
            query = urllib.parse.urlencode({"after": after, "limit": 500})
            page = self.request("GET", f"/api/v1/changes?{query}")
            after = page["next_cursor"]
            if page["items"]:
                yield page["items"], after
            else:
                self._sleep(1)


def may_repeat(method, problem):
    """429 says that nothing was done. After a 503 that is sure only for what changes nothing."""
    return problem.status == 429 or (problem.status == 503 and method in ("GET", "HEAD"))


def problem_of(answer):
    try:
        body = json.loads(answer.read())
    except ValueError:
        body = {}  # A proxy between us has words of its own.
    pause = answer.headers.get("Retry-After", "")
    return Problem(answer.code, body if isinstance(body, dict) else {}, int(pause) if pause.isdigit() else None)


def identity(headers, peer, proxies=("127.0.0.1", "::1")):
    """Who calls, as the proxy with forward auth says. `headers` are pairs of name and value as they arrived, `peer` is the
    address of the connection. Raises `PermissionError` for whatever cannot come from the proxy."""
    if peer not in proxies:
        raise PermissionError("the request did not come through the proxy")
    found = {}
    for name, value in headers:
        # WSGI and others write X-User-Id and X_User_Id alike: what is there twice is nobody's.
        name = name.lower().replace("_", "-")
        if name.startswith(("x-user-", "x-clerk-", "x-session-", "x-org-", "x-actor-")):
            if name in found:
                raise PermissionError(f"{name} is there twice")
            found[name] = urllib.parse.unquote(value)
    try:
        user_id = uuid.UUID(found.get("x-user-id", ""))
    except ValueError:
        raise PermissionError("the proxy names no user: is forward auth on for this path?") from None
    return {
        "user_id": str(user_id),
        "clerk_user_id": found.get("x-clerk-user-id") or None,
        "email": found.get("x-user-email") or None,
        "role": found.get("x-user-role") or None,
        "tier": found.get("x-user-tier") or None,
        "org_id": found.get("x-org-id") or None,
        "org_role": found.get("x-org-role") or None,
        "actor_id": found.get("x-actor-id") or None,
    }
