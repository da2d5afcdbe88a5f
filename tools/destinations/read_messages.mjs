// Reads what destinations are sent, with the libraries that receivers use.
//
// In is a list of {"headers", "body"}, with "secret" for a webhook. Out is a list: for a webhook whether its signature is
// valid, for a CloudEvent the event, or the list of a batch; null for what is none.
import { HTTP, Kafka } from "cloudevents";
import { Webhook } from "standardwebhooks";

function verified({ secret, headers, body }) {
  try {
    new Webhook(secret).verify(body, headers);
    return true;
  } catch {
    return false;
  }
}

function event({ headers, body, key }) {
  try {
    const message = { headers, body };
    return key === undefined ? HTTP.toEvent(message) : Kafka.toEvent({ ...message, key, value: body });
  } catch {
    return null;
  }
}

let text = "";
for await (const chunk of process.stdin) text += chunk;
const messages = JSON.parse(text);
console.log(JSON.stringify(messages.map((message) => ("secret" in message ? verified(message) : event(message)))));
