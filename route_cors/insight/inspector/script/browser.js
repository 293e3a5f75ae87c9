// What this browser does.

const PATIENCE = 15000; // milliseconds

async function askBrowser() {
  const call = callOfForm(location.origin);
  latest += 1;
  at("told").replaceChildren();
  at("seen").replaceChildren();
  if (!HARMLESS.has(call.method) && !at("confirm").checked) {
    say("outcome", "waiting", "Nothing was sent. Tick “Send the real request” first.");
    at("confirm").focus();
    return;
  }
  if (!call.path.startsWith("/")) {
    say("outcome", "bad", "Nothing was sent: the path does not start with a slash.");
    return;
  }
  say("outcome", "waiting", "Waiting for this browser…");
  const number = latest;
  const predicted = await askAbout(call);
  const seen = await (call.method === "WEBSOCKET" ? openWebSocket(call) : reallyFetch(call));
  if (number === latest) showComparison(predicted, seen);
}

async function reallyFetch({ method, path, headers, credentials, base }) {
  try {
    const response = await fetch(base + path, {
      method,
      headers: headers.map(nameAndValue),
      credentials: credentials ? "include" : "same-origin",
      mode: "cors",
      cache: "no-store",
      signal: AbortSignal.timeout(PATIENCE),
    });
    response.body?.cancel();
    return { allowed: true, status: response.status, type: response.type, url: response.url, headers: [...response.headers] };
  } catch (error) {
    return error.name === "TimeoutError" ? { allowed: null } : { allowed: false, error: `${error.name}: ${error.message}` };
  }
}

function nameAndValue(line) {
  const colon = line.indexOf(":");
  return colon < 0 ? [line, ""] : [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
}

function openWebSocket({ path, base }) {
  return new Promise((resolve) => {
    let socket;
    try {
      socket = new WebSocket(base.replace(/^http/, "ws") + path);
    } catch (error) {
      resolve({ allowed: false, error: `${error.name}: ${error.message}` });
      return;
    }
    const timer = setTimeout(() => finish({ allowed: null }), PATIENCE);
    const finish = (seen) => {
      clearTimeout(timer);
      resolve(seen);
      socket.close();
    };
    socket.onopen = () => finish({ allowed: true, status: 101, type: "websocket", url: socket.url, headers: [] });
    socket.onerror = () => finish({ allowed: false, error: "the handshake failed" });
  });
}

const SEEN = { true: "✓ Allowed by this browser", false: "✕ Blocked by this browser", null: "? No answer" };
// No tick and no green for "as predicted": the call may have been blocked.
const AGREEMENT = { true: "= as predicted", false: "≠ not as predicted", null: "nothing to compare it with" };

function showComparison(predicted, seen) {
  const isComparable = predicted.problem === undefined && predicted.allowed !== null && seen.allowed !== null;
  const agrees = isComparable ? predicted.allowed === seen.allowed : null;
  say("outcome", agrees === false ? "odd" : OUTCOMES[seen.allowed][0],
    element("span", {}, SEEN[seen.allowed]), " ", element("span", { class: "agreement" }, AGREEMENT[agrees]));
  const sides = element("div", { class: "sides" }, predictedPart(predicted), seenPart(seen));
  at("seen").replaceChildren(element("section", { class: "compared", "aria-label": "Predicted, and seen" }, sides));
  if (predicted.problem === undefined) at("told").replaceChildren(...explained(predicted));
  reveal("outcome");
}

function predictedPart(predicted) {
  const part = element("div", {}, element("h3", {}, "Predicted"));
  if (predicted.problem !== undefined) {
    part.append(element("p", { class: "note" }, shown(predicted.problem, 600)));
    return part;
  }
  const [kind, symbol] = OUTCOMES[predicted.allowed];
  const words = { true: "allowed", false: "blocked", null: "not known" };
  part.append(element("p", { class: `agrees ${kind}` }, `${symbol} ${words[predicted.allowed]}`));
  part.append(element("p", { class: "note" }, shown(predicted.verdict, 600)));
  return part;
}

function seenPart(seen) {
  const part = element("div", {}, element("h3", {}, "Seen in this browser"));
  if (seen.allowed === null) {
    part.append(element("p", { class: "note" }, `no answer within ${PATIENCE / 1000} s`));
  } else if (seen.allowed) {
    part.append(element("p", { class: "agrees good" }, "✓ allowed"), facts(seen),
      element("h4", {}, "Headers that the script can read"), headerLines(seen.headers));
  } else {
    part.append(element("p", { class: "agrees bad" }, "✕ blocked"), pre(seen.error), element("p", { class: "note" },
      "A script learns no more than this: a refused call and an unreachable server look the same to it. The browser’s console names the reason."));
  }
  return part;
}

function facts({ status, type, url }) {
  return element("dl", {}, element("dt", {}, "Status"), element("dd", {}, String(status)),
    element("dt", {}, "Type"), element("dd", {}, type), element("dt", {}, "URL"), element("dd", {}, code(url)));
}
