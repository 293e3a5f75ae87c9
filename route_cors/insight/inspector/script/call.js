// The form.

let cameFrom = null;

function showBases() {
  const { base_path: path, base_urls: others } = known.data;
  const own = path === null ? [] : [[location.origin + path, `${location.origin}${path} (this page’s own)`]];
  fill(at("base-url"), [...others.map((base) => [base, base]), ...own]);
  if (at("base-url").selectedIndex < 0) at("base-url").selectedIndex = 0;
}

function calledMethod() {
  const typed = at("method").value.trim();
  // What a browser does with it: `patch` stays as it is.
  return /^(delete|get|head|options|post|put|websocket)$/i.test(typed) ? typed.toUpperCase() : typed;
}

function callOfForm(origin) {
  return {
    method: calledMethod(),
    path: at("path").value,
    origin,
    headers: at("headers").value.split("\n").map((line) => line.trim()).filter(Boolean),
    credentials: at("credentials").checked,
    base: at("base-url").value,
  };
}

function questionOf({ method, path, origin, headers, credentials, base }) {
  const question = [["method", method], ["path", path], ["origin", origin], ["credentials", String(credentials)], ["base_url", base]];
  return [...question, ...headers.map((header) => ["header", header])];
}

function explainCell(route, origin, cell) {
  cameFrom = [route.index, cellsOf(cell.closest("tr")).indexOf(cell)];
  enterTabOrder(cell);
  at("method").value = usualMethod(route);
  at("path").value = route.example ?? pathOf(route);
  at("origin").value = origin;
  at("back").hidden = false;
  formChanged();
  at("explain-title").focus();
  at("explain").scrollIntoView({ block: "start" });
  return explainCall();
}

function goBack() {
  const [index, column] = cameFrom;
  const row = at(`route-${index}`);
  const cell = row && cellsOf(row)[column];
  if (!cell) {
    showRoute(index);
    return;
  }
  cell.scrollIntoView({ block: "center" });
  focusCell(cell);
}

function formChanged() {
  const method = calledMethod();
  at("confirm-line").hidden = HARMLESS.has(method);
  at("confirm").checked = false;
  at("confirm-method").replaceChildren(shown(method));
}

// What the app says.

function askAbout(call) {
  return ask("explain.json", questionOf(call)).catch(({ message, parameter, reason }) => ({ problem: message, parameter, reason }));
}

async function explainCall() {
  const call = callOfForm(at("origin").value.trim());
  say("outcome", "waiting", "Explaining…");
  at("seen").replaceChildren();
  at("told").replaceChildren();
  latest += 1;
  const number = latest;
  const told = await askAbout(call);
  if (number !== latest) return;
  sayAtField("origin", told.parameter === "origin" ? told.reason : null);
  if (told.problem !== undefined) {
    say("outcome", "bad", shown(told.problem, 1000));
    return;
  }
  showVerdict(told);
  at("told").replaceChildren(...explained(told));
  reveal("outcome");
}

const OUTCOMES = { true: ["good", "✓"], false: ["bad", "✕"], null: ["waiting", "?"] };

function showVerdict({ allowed, verdict }) {
  const [kind, symbol] = OUTCOMES[allowed];
  say("outcome", kind, element("span", {}, `${symbol} `, shown(verdict, 1000)));
}

function explained({ call, preflight, steps, reason, fix }) {
  const parts = [element("p", { class: "preflight" }, shown(preflight, 600)), ...steps.map(stepPart)];
  if (reason !== null) parts.push(element("div", { class: "advice" }, element("h3", {}, "What the browser’s console says"), pre(reason)));
  if (fix !== null) parts.push(call.origin === strangersOrigin() ? strangerPart(call.origin) : fixPart(fix));
  return parts;
}

const strangersOrigin = () => known.data.columns[0].origin;

/** No policy allows the origin that stands for all others. */
function strangerPart(origin) {
  return element("p", { class: "note" }, shown(origin), " stands for every origin that the app does not name. ",
    "To see what would allow one of them, type it as the origin of the page.");
}

function headerLines(headers) {
  if (headers.length === 0) return element("p", { class: "note" }, "none about CORS");
  const lines = element("pre");
  headers.forEach(([name, value], index) => lines.append(index ? "\n" : "", shown(`${name}: ${value}`, 1000)));
  return lines;
}

const STEP_NAMES = { preflight: "Preflight", actual: "The request itself", websocket: "Websocket handshake" };

function stepPart(step, index) {
  const title = element("h3", {}, `${index + 1}. ${STEP_NAMES[step.name] ?? step.name}`);
  const sides = element("div", { class: "sides" },
    element("div", {}, element("h4", {}, "The browser sends"), headerLines(step.request_headers)),
    element("div", {}, element("h4", {}, answerOf(step)), headerLines(step.response_headers)));
  return element("section", { class: "step", "aria-label": `Step ${index + 1}` },
    element("div", { class: "line" }, title, code(step.request)), checkList(step.checks), sides);
}

function answerOf({ answered_by: who, status }) {
  if (who === null) return "The response is not known";
  if (status === null) return "The response is the endpoint’s own";
  const another = ["route_cors", "app", "endpoint"].includes(who) ? "" : `, by ${escaped(who)}`;
  return `The response: ${status}${another}`;
}

function checkList(checks) {
  const states = { true: ["passed", "✓ passed"], false: ["failed", "✕ failed"], null: ["skipped", "– not asked"] };
  const items = checks.map(({ name, passed, detail }) => {
    const [kind, label] = states[passed];
    return element("li", {}, element("span", { class: kind }, label),
      element("span", {}, element("b", {}, shown(name)), " ", shown(detail, 600)));
  });
  return element("ul", { class: "checks", role: "list" }, ...items);
}

function fixPart({ change, code: written }) {
  const part = element("div", { class: "advice fix" }, element("h3", {}, "The smallest change that would allow it"));
  part.append(element("p", {}, shown(change, 600)));
  if (written !== null) part.append(pre(written));
  return part;
}
