// How fast the emulator answers, for its guide: pages of a long list, and tokens. Proves nothing; prints figures.
import { origin, secretKey } from "./steps.mjs";

const headers = { authorization: `Bearer ${secretKey}`, "content-type": "application/json" };

async function api(method, path, body) {
  const answer = await fetch(`${origin}/v1${path}`, { method, headers, body: body && JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status}`);
  return answer.json();
}

/** Milliseconds that the work takes. */
async function took(work) {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

const { total_count: total } = await api("GET", "/users/count");
console.log(`users: ${total}`);

const bytes = { sum: 0 };
const pages = Math.ceil(total / 500);
const all = await took(async () => {
  for (let page = 0; page < pages; page += 1) {
    const answer = await fetch(`${origin}/v1/users?limit=500&offset=${page * 500}&order_by=+created_at`, { headers });
    bytes.sum += (await answer.arrayBuffer()).byteLength;
  }
});
console.log(`all in ${pages} pages of 500: ${(all / 1000).toFixed(1)} s, ${(bytes.sum / 1e6).toFixed(0)} MB`);

for (const [name, query] of Object.entries({
  "the first page of 10": "limit=10",
  "the last page of 10": `limit=10&offset=${Math.max(0, total - 10)}`,
  "one by e-mail address": "email_address=user77@example.com",
  "a search by a part of a name": "query=number%2077&limit=10",
})) {
  const times = [];
  for (let round = 0; round < 20; round += 1) times.push(await took(() => api("GET", `/users?${query}`)));
  console.log(`${name}: ${times.sort((a, b) => a - b)[10].toFixed(1)} ms`);
}

const [user] = await api("GET", "/users?limit=1");
const session = await api("POST", "/sessions", { user_id: user.id });
const COUNT = 2_000;
const SIDE_BY_SIDE = 16;
let left = COUNT;
const tokens = await took(() =>
  Promise.all(
    Array.from({ length: SIDE_BY_SIDE }, async () => {
      while (left-- > 0) await api("POST", `/sessions/${session.id}/tokens`, {});
    }),
  ),
);
console.log(`tokens, ${SIDE_BY_SIDE} at a time: ${Math.round((COUNT / tokens) * 1000)} a second`);
