// A certified OpenID Connect provider (oidc-provider) on this machine, for tests/e2e/sign_on_test.py.
//
//   node real.mjs PORT REDIRECT KEY      KEY: "rs" or "es", which key it signs with
//
// Prints its issuer once it answers. Whoever types the name "ann" is Ann; groups are in GROUPS. The
// client "reeve" is public, "reeve-web" has the secret below. Every client must use PKCE.
import { createServer } from "node:http";
import { exportJWK, generateKeyPair } from "jose";
import Provider from "oidc-provider";

const [port, redirect, kind] = process.argv.slice(2);
const GROUPS = { ann: ["ops", "staff"], dave: ["devs"], eve: ["strangers"], mallory: "ops" };
const algorithm = kind === "es" ? "ES256" : "RS256";
const { privateKey } = await generateKeyPair(algorithm, { extractable: true });
const key = { ...(await exportJWK(privateKey)), kid: `${kind}-${process.pid}`, use: "sig", alg: algorithm };
const client = {
  redirect_uris: [redirect],
  response_types: ["code"],
  grant_types: ["authorization_code", "urn:ietf:params:oauth:grant-type:device_code"],
  id_token_signed_response_alg: algorithm,
};
const server = createServer();
await new Promise((done) => server.listen(Number(port), "127.0.0.1", done));
const issuer = `http://127.0.0.1:${server.address().port}`;
const provider = new Provider(issuer, {
  clients: [
    { ...client, client_id: "reeve", token_endpoint_auth_method: "none" },
    { ...client, client_id: "reeve-web", client_secret: "s%c:et with+signs, and 32 characters" },
  ],
  jwks: { keys: [key] },
  cookies: { keys: ["only for tests"] },
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"], groups: ["groups"] },
  conformIdTokenClaims: false, // as most providers do: claims are in the ID token
  pkce: { required: () => true },
  features: { devInteractions: { enabled: true }, deviceFlow: { enabled: true } },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({
      sub: id, name: id, email: `${id}@example.org`, email_verified: true, groups: GROUPS[id],
    }),
  }),
});
server.on("request", provider.callback());
console.log(issuer);
