/** Flags of every command that begins a login. */

import { references } from "../candidates.ts";
import { text, texts } from "../flags.ts";

/** Where a login takes place. */
export const SERVER = {
  issuer: text("url", "The authorization server; it says itself what it offers"),
  "authorization-endpoint": text("url", "Where a browser logs in; with --token-endpoint"),
  "token-endpoint": text("url", "Where tokens are given, of a server that does not say so itself"),
} as const;

/** What becomes of it. */
export const MADE = {
  profile: text("id", "The profile to make; without it the provider's name"),
  name: text("text", "What people call it"),
  scope: text("scope", "Who may use it: global, or agent:ID"),
} as const;

/** Who logs in, and for what. */
export const CLIENT = {
  "client-id": text("id", "Of the client that you have registered there"),
  "client-secret-ref": text("ref", "SCOPE/NAME of the client's secret", references),
  "oauth-scope": texts("scope", "A scope to ask for; again and again"),
} as const;
