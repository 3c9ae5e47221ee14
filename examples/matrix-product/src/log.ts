/** One event as one line of JSON, for whatever gathers the logs. */
export function log(
  level: "info" | "error",
  message: string,
  more: Readonly<Record<string, unknown>> = {},
): void {
  const line = { time: new Date().toISOString(), level, message, ...more };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
