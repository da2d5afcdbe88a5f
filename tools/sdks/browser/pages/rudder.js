// A page with RudderStack's SDK, in the build that loads no further scripts from its vendor.
import { RudderAnalytics } from "@rudderstack/analytics-js/bundled";

export function open({ host, writeKey, options }) {
  const client = new RudderAnalytics();
  client.load(writeKey, host, { configUrl: host, ...options });
  return client;
}
