/** What the environment says. */
export interface Settings {
  readonly port: number;
  readonly redisUrl: string;
  readonly version: string;
}

/**
 * Return the settings of an environment.
 *
 * @throws Error when a value cannot be used; it names the variable.
 */
export function readSettings(environment: Readonly<Record<string, string | undefined>>): Settings {
  const port = Number(environment["PORT"] ?? "8080");
  if (!Number.isInteger(port) || port < 1 || port > 65535) {
    throw new Error(`PORT is no port: ${environment["PORT"]}`);
  }
  const redisUrl = environment["REDIS_URL"] ?? "redis://redis:6379";
  if (!/^rediss?:\/\//.test(redisUrl)) {
    throw new Error("REDIS_URL is no address of a Redis: it begins with redis:// or rediss://");
  }
  return { port, redisUrl, version: environment["APP_VERSION"] ?? "unversioned" };
}
