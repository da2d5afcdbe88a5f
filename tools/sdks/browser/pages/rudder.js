// A page with RudderStack's SDK, in the build that loads no further scripts from its vendor.
import { RudderAnalytics } from "@rudderstack/analytics-js/bundled";

export function open({ host, writeKey, options }) {
  const client = new RudderAnalytics();
  client.load(writeKey, host, { configUrl: host, ...options });
  return client;
}

// A page that is left before its SDK has read its settings takes the calls along.
export function ready(client) {
  return new Promise((resolve) => client.ready(resolve));
}
