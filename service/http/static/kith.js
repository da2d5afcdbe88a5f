/* kith.js sends the page views and events of a shop's pages to Kith: docs/connectors/browser.md.
   Before consent it sends nothing and stores nothing. The visitor's id is in a cookie that only the collector reads. */
(() => {
  "use strict";

  const MAX_WAITING = 200; // events; beyond that, the oldest are dropped
  const MAX_EVENT = 32_000; // bytes
  const MAX_BATCH = 60_000; // bytes; a browser sends at most 64 KiB for a page that is gone
  const DELAY = 100; // ms in which further calls join a request
  const FIRST_BACKOFF = 1_000; // ms
  const MAX_BACKOFF = 60_000; // ms
  const STORAGE = "kith";
  const CONSENT_EVENT = "Segment Consent Preference Updated";

  const newVisitor = () => ({ id: crypto.randomUUID() });

  let settings; // what `load` was called with
  let purposes; // what the visitor decided; undefined until then
  let tab = {}; // what the pages of a tab share: {purposes, visitor, unsent}
  let visitor = newVisitor(); // the id that the collector uses if it knows no cookie, and what is to become of the cookie
  let waiting = []; // {event, size, visitor}, in the order of the calls
  let sending = []; // those of the running request
  let failures = 0;
  let left = false; // whether the page is gone, or kept by the browser for a return
  let userId;
  let timer;

  const decided = () => Boolean(settings && purposes);
  const allowed = () => decided() && purposes[settings.purpose] === true;

  function read() {
    try {
      return JSON.parse(sessionStorage.getItem(STORAGE)) ?? {};
    } catch {
      return {}; // storage is off
    }
  }

  function keep(value) {
    tab = value;
    try {
      if (value.purposes) sessionStorage.setItem(STORAGE, JSON.stringify(value));
      else sessionStorage.removeItem(STORAGE);
    } catch {
      // Storage is off or full: the next page begins without what is unsent.
    }
  }

  function context() {
    const campaign = {};
    for (const [name, value] of new URLSearchParams(location.search)) {
      if (name.startsWith("utm_")) campaign[name === "utm_campaign" ? "name" : name.slice(4)] = value;
    }
    return {
      page: {
        path: location.pathname,
        referrer: document.referrer,
        search: location.search,
        title: document.title,
        url: location.href,
      },
      campaign,
      locale: navigator.language,
      screen: { width: screen.width, height: screen.height, density: devicePixelRatio },
      timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
      userAgent: navigator.userAgent,
      library: { name: "kith.js", version: "1" },
      ...(purposes && { consent: { categoryPreferences: purposes } }),
    };
  }

  function entry(fields) {
    const event = { ...fields, messageId: crypto.randomUUID(), timestamp: new Date().toISOString(), context: context() };
    if (userId !== undefined) event.userId = userId;
    return { event, size: new Blob([JSON.stringify(event)]).size, visitor };
  }

  function add(fields) {
    if (decided() && !allowed()) return;
    const added = entry(fields);
    if (added.size > MAX_EVENT) {
      console.error(`kith: an event of ${added.size} bytes is not sent; ${MAX_EVENT} are allowed`);
      return;
    }
    waiting.push(added);
    waiting.splice(0, waiting.length - MAX_WAITING);
    if (!failures) schedule(DELAY);
  }

  // What was decided takes effect: all that waits is sent, or nothing any more and the visitor is forgotten.
  function decide() {
    if (!decided()) return;
    if (!tab.purposes) tab = read();
    const before = tab;
    if (allowed()) {
      if (before.visitor && !visitor.renew) visitor = before.visitor;
      for (const one of waiting) {
        one.event.context.consent = { categoryPreferences: purposes };
        if (!one.visitor.renew) one.visitor = visitor;
      }
      const changed = JSON.stringify(before.purposes) !== JSON.stringify(purposes);
      const statement = changed ? [entry({ type: "track", event: CONSENT_EVENT })] : [];
      waiting = [...(before.unsent ?? []), ...statement, ...waiting];
      keep({ purposes, visitor });
    } else {
      waiting = waiting.filter((one) => one.visitor.forget);
      keep({});
      if (before.purposes) {
        visitor = { ...before.visitor, forget: true };
        waiting = [entry({ type: "track", event: CONSENT_EVENT })];
      }
      visitor = newVisitor();
      userId = undefined;
    }
    failures = 0;
    schedule(0);
  }

  function schedule(delay) {
    clearTimeout(timer);
    timer = setTimeout(send, delay);
  }

  // Takes the next events of one visitor, as many as one request may contain.
  function next() {
    const { id } = waiting[0].visitor;
    let count = 0;
    for (let size = 0; count < waiting.length && waiting[count].visitor.id === id; count++) {
      size += waiting[count].size;
      if (count && size > MAX_BATCH) break;
    }
    return waiting.splice(0, count);
  }

  function body(entries) {
    const batch = entries.map(({ event }) => event);
    return JSON.stringify({ batch, visitor: entries[0].visitor, writeKey: settings.writeKey, sentAt: new Date().toISOString() });
  }

  async function post(text) {
    try {
      // A body of plain text without further headers needs no request before it.
      const answer = await fetch(settings.url, { method: "POST", body: text, credentials: "include", keepalive: true });
      return { status: answer.status, wait: Number(answer.headers.get("Retry-After")) * 1_000 || 0 };
    } catch {
      return { status: 0, wait: 0 }; // no connection
    }
  }

  async function send() {
    if (left || sending.length || !waiting.length || !settings || !(allowed() || waiting[0].visitor.forget)) return;
    sending = next();
    const { status, wait } = await post(body(sending));
    const sent = sending;
    sending = [];
    if (status === 0 || status === 408 || status === 429 || status >= 500) {
      waiting = [...sent, ...waiting].filter((one) => allowed() || one.visitor.forget);
      const backoff = Math.min(MAX_BACKOFF, FIRST_BACKOFF * 2 ** failures++);
      schedule(Math.max(wait, backoff * (0.75 + Math.random() / 2)));
      return;
    }
    failures = 0;
    if (status >= 400) console.error(`kith: the collector refused ${sent.length} events with status ${status}`);
    else if (visitor.renew && visitor.id === sent[0].visitor.id) {
      delete visitor.renew;
      if (allowed()) keep({ ...tab, visitor });
    }
    send();
  }

  addEventListener("visibilitychange", () => document.visibilityState === "hidden" && !failures && send());

  // Nobody reads an answer any more, so the next page of the tab sends all of it again; the collector knows repeats by their ids.
  addEventListener("pagehide", () => {
    left = true;
    const unsent = [...sending, ...waiting];
    if (allowed()) keep({ ...tab, unsent });
    while (waiting.length && settings && (allowed() || waiting[0].visitor.forget)) {
      if (!navigator.sendBeacon(settings.url, body(next()))) break;
    }
    waiting = unsent.slice(sending.length); // a page that is shown again goes on
  });
  addEventListener("pageshow", () => {
    left = false;
    schedule(DELAY);
  });

  const api = {
    // host: URL of the collector, writeKey: key of the source, purpose: the purpose whose consent allows sending.
    load({ host, writeKey, purpose = "Analytics" }) {
      if (!host || !writeKey) throw new Error("kith.load: host and writeKey are required");
      settings = { url: `${host.replace(/\/+$/, "")}/v1/batch`, writeKey, purpose };
      decide();
    },
    // given: what the visitor decided on each purpose, such as {Analytics: true, Advertising: false}.
    consent(given) {
      purposes = { ...given };
      decide();
    },
    // page([category], [name], [properties])
    page(...given) {
      const names = given.filter((value) => typeof value === "string");
      const name = names.pop();
      add({ type: "page", name, category: names.pop(), properties: given.find((value) => typeof value === "object") ?? {} });
    },
    track(event, properties = {}) {
      add({ type: "track", event, properties });
    },
    // identify([userId], [traits])
    identify(...given) {
      const traits = given.find((value) => typeof value === "object") ?? {};
      const id = given.find((value) => typeof value !== "object" && value !== undefined);
      if (id !== undefined) userId = String(id);
      add({ type: "identify", traits });
    },
    // After a logout: what follows is another visitor's.
    reset() {
      userId = undefined;
      visitor = { ...newVisitor(), renew: true };
      if (allowed()) keep({ ...tab, visitor });
    },
    push: (...calls) => calls.forEach(([name, ...given]) => api[name](...given)),
  };

  const early = window.kith; // calls that a page made before this script was loaded: [["load", {...}], ["page"]]
  window.kith = api;
  if (Array.isArray(early)) api.push(...early);
})();
