// A page with Segment's SDK. `options` are those of its destination, such as its delivery strategy.
import { AnalyticsBrowser } from "@segment/analytics-next";

export function open({ host, writeKey, options }) {
  const { protocol, host: authority, pathname } = new URL(host);
  const integration = { apiHost: `${authority}${pathname.replace(/\/$/, "")}/v1`, protocol: protocol.slice(0, -1), ...options };
  return AnalyticsBrowser.load({ writeKey, cdnURL: host }, { integrations: { "Segment.io": integration } });
}
