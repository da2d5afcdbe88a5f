// Send calls of the event specification with one of the SDKs for Node, unchanged and configured by its own options.
//
//     node send.mjs segment|rudder < plan.json
//
// The plan: `host` (a URL), `writeKey`, `options` (of the SDK's client), and `calls`, each an object of the specification,
// such as `{"type": "identify", "userId": "u-1", "traits": {}}`. Prints `{"failed": [...]}`: the message ids that the SDK
// has given up.
import { text } from "node:stream/consumers";

const GIVE_UP = 120_000; // ms, of the SDK that asks how long it may go on when it is closed

function call(client, { type, timestamp, ...message }, callback) {
  client[type](timestamp ? { ...message, timestamp: new Date(timestamp) } : message, callback);
}

async function segment({ host, writeKey, options, calls }) {
  const { Analytics } = await import("@segment/analytics-node");
  const client = new Analytics({ host, writeKey, ...options });
  const failed = [];
  for (const one of calls) call(client, one, (error, context) => error && failed.push(context.event.messageId));
  await client.closeAndFlush({ timeout: GIVE_UP });
  return failed;
}

async function rudder({ host, writeKey, options, calls }) {
  const { default: Analytics } = await import("@rudderstack/rudder-sdk-node");
  // Without a handler, a batch that is given up ends the process.
  const client = new Analytics(writeKey, { dataPlaneUrl: host, logLevel: "none", errorHandler: () => {}, ...options });
  const failed = [];
  const sent = calls.map((one) => {
    const messageId = one.messageId ?? crypto.randomUUID();
    return new Promise((resolve) => call(client, { ...one, messageId }, (error) => resolve(error && failed.push(messageId))));
  });
  await client.flush();
  await Promise.all(sent);
  return failed;
}

const plan = JSON.parse(await text(process.stdin));
console.log(JSON.stringify({ failed: await { segment, rudder }[process.argv[2]](plan) }));
