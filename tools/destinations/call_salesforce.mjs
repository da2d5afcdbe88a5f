// Calls Salesforce with jsforce. In is {"url", "token", "calls"}; a call is {"name", "object", …} with what it needs.
// What jsforce sends is seen by the server at the address.
import jsforce from "jsforce";
import "jsforce/lib/api/soap.js";

let text = "";
for await (const chunk of process.stdin) text += chunk;
const { url, token, calls } = JSON.parse(text);
const connection = new jsforce.Connection({ instanceUrl: url, accessToken: token, version: "62.0" });

for (const { name, object, records, key } of calls) {
  const options = { allOrNone: false };
  if (name === "upsert") await connection.sobject(object).upsert(records, key, options);
  else if (name === "update") await connection.sobject(object).update(records, options);
  else if (name === "create") await connection.sobject(object).create(records, options);
  else if (name === "delete") await connection.sobject(object).destroy(records, options);
  else await connection.soap.emptyRecycleBin(records);
}
console.log(calls.length);
