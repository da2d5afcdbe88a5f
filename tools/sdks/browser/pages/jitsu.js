// A page with Jitsu's SDK, whose keys have two parts: an id and a secret.
import { jitsuAnalytics } from "@jitsu/js";

export function open({ host, writeKey, options }) {
  return jitsuAnalytics({ host, writeKey: `${writeKey}:${writeKey}`, ...options });
}
