// What every page offers to the tests: it opens a client by its own options, and calls it with objects of the specification.
import * as sdk from "sdk";

const ways = {
  page: (client, { category, name, properties }) => client.page(category, name, properties),
  track: (client, { event, properties }) => client.track(event, properties),
  identify: (client, { userId, traits }) => client.identify(userId, traits),
  group: (client, { groupId, traits }) => client.group(groupId, traits),
  alias: (client, { userId }) => client.alias(userId), // the SDK knows the id before it
  reset: (client) => client.reset(),
  consent: (client, { purposes }) => client.consent(purposes),
};

let client;
window.shop = {
  open: (plan) => {
    client = sdk.open(plan);
  },
  ready: () => sdk.ready?.(client),
  call: (calls) => {
    for (const call of calls) ways[call.type](client, call);
  },
};
