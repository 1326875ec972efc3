// A client of clerk-sync in TypeScript for Node.js 20 or newer, without dependencies. Copy it and change what you need.
//
//     const client = new Client("https://api.example.com", () => session.getToken());
//     const me = await client.request("GET", "/api/v1/auth/me");

const attempts = 5;
/** Whatever a server says, nobody waits longer than this for one attempt, in seconds. */
const longestPause = 60;
const timeout = 20_000;

/** A token for one attempt: Clerk's session tokens live for a minute, so never keep one. */
export type TokenSource = () => string | Promise<string>;
export type Sleep = (seconds: number) => Promise<void>;
export interface Change {
  cursor: string;
  kind: string;
  id: string;
  op: "upsert" | "delete";
  at: string;
  data: Record<string, unknown>;
}
export interface Page {
  items: Change[];
  next_cursor: string;
}

/** An answer of 4xx or 5xx. Decide by `code`, which is stable; `detail` is for people and changes. */
export class Problem extends Error {
  readonly code: string;
  /** The request's id: quote it when you report something. */
  readonly instance?: string;
  readonly errors: unknown[];

  constructor(
    readonly status: number,
    body: { code?: string; title?: string; detail?: string; instance?: string; errors?: unknown[] },
    readonly retryAfter?: number,
  ) {
    super(`${status} ${body.code ?? "unknown"}: ${body.detail ?? body.title}`);
    this.code = body.code ?? "unknown";
    this.instance = body.instance;
    this.errors = body.errors ?? [];
  }
}

export class Client {
  readonly #origin: string;
  readonly #token: TokenSource;
  readonly #sleep: Sleep;

  constructor(origin: string, token: TokenSource, sleep: Sleep = pause) {
    this.#origin = origin.replace(/\/+$/, "");
    this.#token = token;
    this.#sleep = sleep;
  }

  /** The answer's JSON, or null for 204. Throws `Problem`, and what `fetch` throws where nothing answers. */
  async request<T>(method: string, path: string, body?: unknown): Promise<T> {
    let renewed = false;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#once<T>(method, path, body);
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        if (error.code === "token_expired" && !renewed) {
          renewed = true;
          continue;
        }
        if (attempt >= attempts || !mayRepeat(method, error)) throw error;
        // A limit that ends next month names its day: that is for a person to hear, not to wait for.
        if ((error.retryAfter ?? 0) > longestPause) throw error;
        await this.#sleep(error.retryAfter ?? 2 ** (attempt - 1));
      }
    }
  }

  async #once<T>(method: string, path: string, body: unknown): Promise<T> {
    const headers: Record<string, string> = {
      authorization: `Bearer ${await this.#token()}`,
      accept: "application/json",
    };
    if (body !== undefined) headers["content-type"] = "application/json";
    const answer = await fetch(this.#origin + path, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(timeout),
    });
    const text = await answer.text();
    if (!answer.ok) throw problemOf(answer, text);
    return (text ? JSON.parse(text) : null) as T;
  }

  /**
   * Pages of the change feed for ever. Keep `next_cursor` in the same transaction as what you made of the items; after a
   * restart begin with it. Items of kinds that you do not know are for others: pass over them.
   */
  async *changes(after = ""): AsyncGenerator<Page, never> {
    for (;;) {
      const query = new URLSearchParams({ after, limit: "500" });
      const page = await this.request<Page>("GET", `/api/v1/changes?${query}`);
      after = page.next_cursor;
      if (page.items.length > 0) yield page;
      else await this.#sleep(1);
    }
  }
}

/** 429 says that nothing was done. After a 503 that is sure only for what changes nothing. */
function mayRepeat(method: string, problem: Problem): boolean {
  return problem.status === 429 || (problem.status === 503 && (method === "GET" || method === "HEAD"));
}

function problemOf(answer: Response, text: string): Problem {
  let body: ConstructorParameters<typeof Problem>[1] = {};
  try {
    body = Object(JSON.parse(text));
  } catch {
    // A proxy between us has words of its own.
  }
  const seconds = answer.headers.get("retry-after") ?? "";
  return new Problem(answer.status, body, /^\d+$/.test(seconds) ? Number(seconds) : undefined);
}

function pause(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}

export interface Identity {
  userId: string;
  clerkUserId?: string;
  email?: string;
  role?: string;
  tier?: string;
  orgId?: string;
  orgRole?: string;
  actorId?: string;
}

/**
 * Who calls, as the proxy with forward auth says. `rawHeaders` and `peer` are `request.rawHeaders` and
 * `request.socket.remoteAddress`. Throws for whatever cannot come from the proxy.
 */
export function identity(rawHeaders: string[], peer: string | undefined, proxies = ["127.0.0.1", "::1"]): Identity {
  if (!peer || !proxies.includes(peer.replace(/^::ffff:/, ""))) {
    throw new Error("the request did not come through the proxy");
  }
  const found = new Map<string, string>();
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    // Some frameworks read X_User_Id as X-User-Id: what is there twice is nobody's.
    const name = rawHeaders[at]!.toLowerCase().replaceAll("_", "-");
    if (!/^x-(user|clerk|session|org|actor)-/.test(name)) continue;
    if (found.has(name)) throw new Error(`${name} is there twice`);
    found.set(name, decodeURIComponent(rawHeaders[at + 1]!));
  }
  const userId = found.get("x-user-id") ?? "";
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(userId)) {
    throw new Error("the proxy names no user: is forward auth on for this path?");
  }
  const said = (name: string) => found.get(name) || undefined;
  return {
    userId,
    clerkUserId: said("x-clerk-user-id"),
    email: said("x-user-email"),
    role: said("x-user-role"),
    tier: said("x-user-tier"),
    orgId: said("x-org-id"),
    orgRole: said("x-org-role"),
    actorId: said("x-actor-id"),
  };
}
