// The two routes as a team writes them with Fastify: verify the session token with Clerk's public key, read the user's row,
// answer; verify the webhook's signature, write the user, answer. Settings come by the environment:
//
//   PORT, WORKERS, POOL_SIZE (connections of each worker), DATABASE_URL, CLERK_JWT_KEY (PEM), CLERK_ISSUER,
//   CLERK_AUTHORIZED_PARTY, CLERK_WEBHOOK_SECRET, VERIFIER (`fast-jwt`, or `clerk` for Clerk's own SDK)
import cluster from 'node:cluster';

import { verifyToken } from '@clerk/backend';
import { createVerifier } from 'fast-jwt';
import Fastify from 'fastify';
import pg from 'pg';
import { Webhook } from 'svix';

const env = process.env;
const party = env.CLERK_AUTHORIZED_PARTY;

const MAX_PORTFOLIOS = 1;
const MAX_AI_MESSAGES = 20;

// A name makes pg prepare the statement once for each connection.
const SELECT = {
  name: 'me',
  text: 'select * from users where clerk_user_id = $1',
};
const UPSERT = {
  name: 'upsert',
  text: `insert into users (clerk_user_id, email, email_verified, first_name, last_name, image_url, public_metadata, created_at, updated_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    on conflict (clerk_user_id) do update set email = excluded.email, email_verified = excluded.email_verified,
      first_name = excluded.first_name, last_name = excluded.last_name, image_url = excluded.image_url,
      public_metadata = excluded.public_metadata, updated_at = excluded.updated_at
    where users.updated_at < excluded.updated_at`,
};

function verifier() {
  if (env.VERIFIER === 'clerk') {
    const options = { jwtKey: env.CLERK_JWT_KEY, authorizedParties: [party] };
    return (token) => verifyToken(token, options);
  }
  // As its documentation advises: tokens that were verified are remembered, a thousand of them.
  const verify = createVerifier({
    key: env.CLERK_JWT_KEY,
    algorithms: ['RS256'],
    allowedIss: env.CLERK_ISSUER,
    clockTolerance: 5_000,
    cache: true,
  });
  return async (token) => {
    const claims = verify(token);
    if (claims.azp !== party) throw new Error('the token was issued for another site');
    return claims;
  };
}

// Fastify writes answers by a schema, which is quicker than JSON.stringify.
const text = { type: ['string', 'null'] };
const required = { type: 'string' };
const number = { type: 'integer' };
const yes = { type: 'boolean' };
const ME = {
  type: 'object',
  properties: {
    id: required, clerk_user_id: required, email: text, email_verified: yes, first_name: text, last_name: text,
    full_name: text, image_url: text, role: required, role_source: required, tier: required, tier_source: required,
    organization: text, invite_validated: yes, is_active: yes,
    preferences: { type: 'object', additionalProperties: true }, portfolio_id: text,
    portfolio_count: number,
    limits: {
      type: 'object',
      properties: {
        max_portfolios: number, max_ai_messages: number, ai_messages_used: number, ai_messages_remaining: number,
      },
    },
    created_at: required, updated_at: required, last_login_at: text,
  },
};

function answer(user) {
  const full = [user.first_name, user.last_name].filter(Boolean).join(' ');
  return {
    id: user.id,
    clerk_user_id: user.clerk_user_id,
    email: user.email,
    email_verified: user.email_verified,
    first_name: user.first_name,
    last_name: user.last_name,
    full_name: full || null,
    image_url: user.image_url,
    role: user.role,
    role_source: user.role_source,
    tier: user.tier,
    tier_source: user.tier_source,
    organization: user.organization,
    invite_validated: user.invite_validated,
    is_active: user.is_active,
    preferences: user.preferences,
    portfolio_id: user.portfolio_id,
    portfolio_count: user.portfolio_count,
    limits: {
      max_portfolios: MAX_PORTFOLIOS,
      max_ai_messages: MAX_AI_MESSAGES,
      ai_messages_used: user.ai_messages_used,
      ai_messages_remaining: Math.max(0, MAX_AI_MESSAGES - user.ai_messages_used),
    },
    created_at: user.created_at.toISOString(),
    updated_at: user.updated_at.toISOString(),
    last_login_at: user.last_login_at?.toISOString() ?? null,
  };
}

async function serve() {
  const pool = new pg.Pool({ connectionString: env.DATABASE_URL, max: Number(env.POOL_SIZE) });
  const webhook = new Webhook(env.CLERK_WEBHOOK_SECRET);
  const verify = verifier();
  const app = Fastify({ logger: false });
  app.get('/health', async () => ({ status: 'ok' }));

  app.get('/me', { schema: { response: { 200: ME } } }, async (request, reply) => {
    const header = request.headers.authorization;
    if (!header?.startsWith('Bearer ')) return reply.code(401).send({ error: 'no token' });
    let claims;
    try {
      claims = await verify(header.slice(7));
    } catch {
      return reply.code(401).send({ error: 'invalid token' });
    }
    const { rows } = await pool.query({ ...SELECT, values: [claims.sub] });
    if (rows.length === 0) return reply.code(404).send({ error: 'no such user' });
    return answer(rows[0]);
  });

  await app.register(async (hooks) => {
    // The signature is over the bytes as they came.
    hooks.addContentTypeParser('application/json', { parseAs: 'string' }, (_, body, done) => done(null, body));
    hooks.post('/webhooks/clerk', async (request, reply) => {
      try {
        webhook.verify(request.body, request.headers);
      } catch {
        return reply.code(401).send({ error: 'invalid signature' });
      }
      const event = JSON.parse(request.body);
      if (event.type === 'user.created' || event.type === 'user.updated') {
        const user = event.data;
        const email =
          user.email_addresses.find((one) => one.id === user.primary_email_address_id) ?? user.email_addresses[0];
        await pool.query({
          ...UPSERT,
          values: [
            user.id, email?.email_address ?? null, email?.verification?.status === 'verified', user.first_name,
            user.last_name, user.image_url, user.public_metadata, new Date(user.created_at), new Date(user.updated_at),
          ],
        });
      }
      return reply.code(204).send();
    });
  });

  await app.listen({ host: '127.0.0.1', port: Number(env.PORT) });
}

if (cluster.isPrimary && Number(env.WORKERS) > 1) {
  for (let n = 0; n < Number(env.WORKERS); n += 1) cluster.fork();
  cluster.on('exit', () => process.exit(1));
} else {
  await serve();
}
