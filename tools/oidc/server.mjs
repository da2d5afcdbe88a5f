// An OpenID Connect server on loopback. Standard input: {port, keys: [kid], secrets: {kid: a private JWK}}.
// Prints one line of JSON once it listens, and {"fetched": "keys"} each time that somebody asks for its keys.
// Clients: `till` (client credentials) and `storefront` (authorization code with PKCE; its tokens name `kith_subject`).
// With no secret for a kid, it makes a key. Restarted with the same secrets, it signs with the first of `keys`.
import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import Provider from "oidc-provider";

const { port, keys, secrets = {}, seconds = 300 } = JSON.parse(readFileSync(0, "utf8"));
const issuer = `http://127.0.0.1:${port}`;
const audience = "https://kith.test";
const print = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
const made = (kid) => ({
  ...generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "jwk" }),
  kid,
  alg: "ES256",
  use: "sig",
});
const jwks = { keys: keys.map((kid) => secrets[kid] ?? made(kid)) };

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: "till",
      client_secret: "till-secret-till-secret",
      grant_types: ["client_credentials"],
      redirect_uris: [],
      response_types: [],
      scope: "customer:read",
    },
    {
      client_id: "storefront",
      token_endpoint_auth_method: "none",
      grant_types: ["authorization_code"],
      response_types: ["code"],
      application_type: "native",
      redirect_uris: [`http://127.0.0.1:${port}/callback`],
      scope: "openid self:read",
    },
  ],
  // Without it, clients are invalid, since there is no RSA key.
  clientDefaults: { id_token_signed_response_alg: "ES256" },
  scopes: ["openid", "self:read", "customer:read"],
  jwks,
  cookies: { keys: ["for-tests"] },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => audience,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        scope: "customer:read self:read",
        audience,
        accessTokenFormat: "jwt",
        accessTokenTTL: seconds,
        jwt: { sign: { alg: "ES256" } },
      }),
    },
  },
  pkce: { required: () => true },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  extraTokenClaims: (_, token) => ({
    kith_roles: [token.clientId],
    ...(token.accountId ? { kith_subject: { namespace: "login", value: token.accountId } } : {}),
  }),
});
provider.use(async (context, next) => {
  await next();
  if (context.path === "/jwks") print({ fetched: "keys" });
});
provider.listen(port, "127.0.0.1", () => print({ issuer, audience, secrets: Object.fromEntries(jwks.keys.map((key) => [key.kid, key])) }));
