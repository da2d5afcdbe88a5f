// A page with the script of Kith, loaded as a shop does: calls wait in an array until the script is there.
export function open({ host, writeKey, options }) {
  window.kith = [["load", { host, writeKey, ...options }]];
  const script = document.createElement("script");
  script.src = new URL("/kith.js", host);
  document.head.append(script);
  const call = (name) => (...given) => void window.kith.push([name, ...given]);
  return Object.fromEntries(["page", "track", "identify", "reset", "consent"].map((name) => [name, call(name)]));
}
