/** The version of palyra, equal to the one in deno.json (a test compares them). */
export const VERSION = "0.1.0";
