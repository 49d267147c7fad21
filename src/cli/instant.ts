/** Instants as they are told: RFC 3339 in UTC. */

/** The text of an instant in milliseconds since 1970. */
export function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}
