"use strict";

// Whatever comes from the app may be hostile. It enters the page as text, never as markup, and what could not be
// seen in it, or would turn its neighbours around, is shown by its number.

const PAGE_SIZE = 100;
const LONGEST_SHOWN = 300;
const PATIENCE = 15000; // milliseconds, for the real request
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}\p{Cn}]|(?! )\p{Zs}/u;
// Between two parts a line may break: after a slash, a dot, a comma, but not in a number.
const PARTS = new RegExp(`(${UNSEEN.source})|(?<=[/.,])(?=[^/.,0-9])`, "u");
const HARMLESS = new Set(["GET", "HEAD", "OPTIONS"]);
const SEVERITIES = { error: "✕ error", warning: "▲ warning", info: "● info" };
const VERDICTS = {
  yes: { symbol: "✓", word: "yes" },
  credentials: { symbol: "✓", word: "yes + credentials" },
  asks: { symbol: "?", word: "asks" },
  unknown: { symbol: "?", word: "not known" },
  no: { symbol: "✕", word: "no" },
};

const at = (id) => document.getElementById(id);

// What is shown: elements, and text made visible.

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function button(label, attributes, onPress) {
  const made = element("button", { type: "button", ...attributes }, label);
  made.addEventListener("click", onPress);
  return made;
}

const codePoint = (character) => `U+${character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`;

/** Text of the app, kept to itself, with marks in place of what cannot be seen. */
function shown(value, longest = LONGEST_SHOWN) {
  const characters = [...String(value)];
  const isolated = element("bdi", { dir: "ltr" });
  for (const part of characters.slice(0, longest).join("").split(PARTS)) {
    if (UNSEEN.test(part)) isolated.append(element("span", { class: "escape" }, codePoint(part)));
    else if (part) isolated.append(part, element("wbr"));
  }
  const left = characters.length - longest;
  if (left > 0) isolated.append(element("span", { class: "escape" }, `… ${left.toLocaleString("en")} more`));
  return isolated;
}

/** The same for where no element can stand: labels, options. */
function escaped(value, longest = 80) {
  const characters = [...String(value)];
  const text = characters.slice(0, longest).map((one) => (UNSEEN.test(one) ? `⟨${codePoint(one)}⟩` : one)).join("");
  return characters.length > longest ? `${text}…` : text;
}

const code = (value, longest) => element("code", {}, shown(value, longest));
const small = (...children) => element("span", { class: "small" }, ...children);
const counted = (number, one, many = `${one}s`) => `${number.toLocaleString("en")} ${number === 1 ? one : many}`;

function say(id, kind, message) {
  const place = at(id);
  place.className = `outcome ${kind}`;
  place.replaceChildren(message);
}

// What the inspector knows: data.json, and a column for the origin that was typed in.

const known = { data: null, typed: null };

// Each question about a call gets a number: an answer that comes after the next question is not shown.
let latest = 0;

async function ask(question, parameters = []) {
  const response = await fetch(`${question}?${new URLSearchParams(parameters)}`, { headers: { Accept: "application/json" } });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(detailOf(answer) || `the server answered with ${response.status}`);
  return answer;
}

function detailOf({ detail }) {
  return typeof detail === "string" || detail === undefined ? detail : JSON.stringify(detail);
}

const columns = () => (known.typed ? [...known.data.columns, known.typed] : known.data.columns);

function verdictOf(column, index) {
  const [verdict, withCredentials] = column.access[index];
  return verdict === "yes" && withCredentials ? "credentials" : verdict;
}

async function load() {
  at("summary").textContent = "Reading the app…";
  try {
    known.data = await ask("data.json");
    known.typed = known.typed && (await ask("access.json", [["origin", known.typed.origin]]));
  } catch (error) {
    return showProblem(error);
  }
  at("problem").hidden = true;
  prepare();
  showEverything();
}

function showProblem(error) {
  at("summary").textContent = "";
  at("problem").hidden = false;
  at("problem").replaceChildren("The app could not be read: ", shown(error.message));
}

function prepare() {
  const { routes, findings } = known.data;
  routes.forEach((route, index) => {
    route.index = index;
    route.findings = [];
    route.haystack = [methodsOf(route).join(" "), route.path, route.host, route.words.origins, route.words.rest, ...route.words.others, route.endpoint, route.file, route.source]
      .filter(Boolean).join(" ").toLowerCase();
  });
  findings.forEach((finding, index) => {
    finding.index = index;
    if (finding.route !== null) routes[finding.route].findings.push(finding);
  });
}

function placeOf({ file, line }) {
  return file ? `${file}:${line}` : "";
}

function methodsOf({ kind, methods }) {
  if (kind === "websocket") return ["WEBSOCKET"];
  if (kind === "mount") return ["MOUNT"];
  return methods ?? ["ANY"];
}

/** The method that a call of that route would have. */
function usualMethod(route) {
  if (route.kind === "websocket") return "WEBSOCKET";
  const methods = route.methods ?? [];
  return methods.find((method) => !["HEAD", "OPTIONS"].includes(method)) ?? methods[0] ?? "GET";
}

const nameOf = (route) => `${methodsOf(route).join(", ")} ${route.path}`;

// Pages of a long list.

class Pages {
  constructor(place, render) {
    this.render = render;
    this.first = 0;
    this.total = 0;
    const moves = {
      First: () => 0,
      Previous: () => this.first - PAGE_SIZE,
      Next: () => this.first + PAGE_SIZE,
      Last: () => this.lastPage,
    };
    this.buttons = Object.entries(moves).map(([name, move]) =>
      button(name, { "aria-label": `${name} page` }, (event) => {
        // A button that is disabled outright would lose the keyboard's focus at the last page.
        if (event.currentTarget.getAttribute("aria-disabled") !== "true") this.show(move());
      }));
    place.replaceChildren(...this.buttons);
    this.place = place;
  }

  get lastPage() {
    return Math.max(0, Math.floor((this.total - 1) / PAGE_SIZE) * PAGE_SIZE);
  }

  show(first) {
    this.first = Math.min(Math.max(first, 0), this.lastPage);
    this.place.hidden = this.total <= PAGE_SIZE;
    this.buttons.forEach((each, index) => {
      const isOff = index < 2 ? this.first === 0 : this.first === this.lastPage;
      each.setAttribute("aria-disabled", String(isOff));
    });
    this.render(this.first, Math.min(this.first + PAGE_SIZE, this.total));
  }
}

// The matrix.

let matching = [];
const rowPages = new Pages(at("row-pages"), showRows);

function filtered() {
  const words = at("filter-text").value.toLowerCase().split(/\s+/).filter(Boolean);
  const finding = at("filter-finding").value;
  const verdict = at("filter-verdict").value;
  const origin = at("filter-origin").value;
  const asked = origin === "" ? columns() : columns().filter((column) => column.origin === origin);
  return known.data.routes.filter((route) =>
    words.every((word) => route.haystack.includes(word)) &&
    hasFinding(route, finding) &&
    (verdict === "" || asked.some((column) => verdictOf(column, route.index) === verdict)));
}

function hasFinding({ findings }, wanted) {
  if (wanted === "") return true;
  return findings.some(({ code: found, severity }) => wanted === "any" || found === wanted || severity === wanted);
}

function showMatching() {
  if (!known.data) return;
  matching = filtered();
  rowPages.total = matching.length;
  rowPages.show(0);
}

function showRows(first, end) {
  const rows = matching.slice(first, end);
  at("rows").replaceChildren(...rows.map(rowOf));
  at("table").hidden = rows.length === 0;
  at("nothing").hidden = rows.length > 0;
  at("row-count").textContent = rows.length === 0
    ? "No routes"
    : `Routes ${(first + 1).toLocaleString("en")} to ${end.toLocaleString("en")} of ${matching.length.toLocaleString("en")}`;
  document.querySelector(".scroller").scrollTop = 0;
  const start = document.querySelector(".cell button");
  if (start) start.tabIndex = 0;
}

function showColumns() {
  const heads = ["Route", "Policy", "Findings"].map((name) => element("th", { scope: "col", role: "columnheader" }, name));
  at("columns").replaceChildren(...heads, ...columns().map(columnHead));
}

function columnHead({ origin }) {
  const end = origin.indexOf("://") + 3;
  const scheme = end > 2 ? [element("span", { class: "scheme" }, origin.slice(0, end))] : [];
  const name = element("code", {}, ...scheme, shown(end > 2 ? origin.slice(end) : origin));
  return element("th", { scope: "col", role: "columnheader", class: "origin", "aria-label": origin }, name);
}

function rowOf(route) {
  const row = element("tr", { role: "row", id: `route-${route.index}` });
  row.append(routeHead(route), policyCell(route), marksCell(route), ...columns().map((column) => accessCell(route, column)));
  return row;
}

function routeHead(route) {
  const methods = element("span", { class: "methods" });
  for (const method of methodsOf(route)) methods.append(element("span", { class: "method" }, shown(method)), " ");
  const head = element("th", { scope: "row", role: "rowheader", "aria-label": escaped(nameOf(route)) });
  head.append(element("span", { class: "route" }, methods, code(route.path)));
  if (route.host) head.append(small("on ", shown(route.host)));
  const place = placeOf(route);
  head.append(small(shown(place || route.endpoint)));
  return head;
}

const SOURCES = {
  endpoint: "on the endpoint",
  mount: "on the mount",
  router: "on its router",
  app: "the app’s default",
  "mounted app": "the mounted app’s default",
};

function policyCell(route) {
  const cell = element("td", { role: "cell", class: route.policy ? "policy" : "policy none" });
  const { others } = route.words;
  if (route.policy || others.length === 0) cell.append(element("span", {}, shown(route.words.origins, 200)));
  for (const each of others) cell.append(small(route.policy ? "in front of it " : "", shown(each)));
  if (route.words.rest) cell.append(small(shown(route.words.rest)));
  if (route.source) cell.append(small(SOURCES[route.source] ?? shown(route.source)));
  if (route.policy && !route.takes_effect) cell.append(small(element("span", { class: "badge error" }, "✕ not in effect")));
  return cell;
}

function marksCell(route) {
  const cell = element("td", { role: "cell", class: "marks" });
  for (const finding of route.findings) {
    const label = `${SEVERITIES[finding.severity].split(" ")[0]} ${finding.code}`;
    const name = `${finding.code}, ${finding.severity}: show the finding`;
    cell.append(button(label, { class: finding.severity, "aria-label": name }, () => showFinding(finding)));
  }
  return cell;
}

function accessCell(route, { origin, access }) {
  const kind = verdictOf({ access }, route.index);
  const { symbol, word } = VERDICTS[kind];
  const pressed = button("", { class: kind, tabindex: "-1" }, () => explainCell(route, origin, pressed));
  pressed.append(
    element("span", { class: "origin-name" }, origin),
    element("span", { class: "word" }, element("span", { "aria-hidden": "true" }, `${symbol} `), word),
  );
  return element("td", { role: "cell", class: "cell" }, pressed);
}

// One cell takes part in the tab order; the arrow keys move to the others. A page holds up to 900.
const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

function moveBetweenCells(event) {
  const cell = event.target.closest(".cell button");
  const step = STEPS[event.key];
  if (!cell || !step || event.ctrlKey || event.altKey || event.metaKey) return;
  const row = cell.closest("tr");
  const column = [...row.querySelectorAll(".cell button")].indexOf(cell);
  const next = [...at("rows").children].indexOf(row) + step[0];
  const target = at("rows").children[next]?.querySelectorAll(".cell button")[column + step[1]];
  event.preventDefault();
  if (target) focusCell(target);
}

function focusCell(cell) {
  enterTabOrder(cell);
  cell.focus();
}

function enterTabOrder(cell) {
  for (const other of at("rows").querySelectorAll('.cell button[tabindex="0"]')) other.tabIndex = -1;
  cell.tabIndex = 0;
}

function showRoute(index) {
  clearFilters();
  rowPages.show(index - (index % PAGE_SIZE));
  const row = at(`route-${index}`);
  row.classList.add("named");
  row.scrollIntoView({ block: "center" });
  const cell = row.querySelector(".cell button");
  if (cell) focusCell(cell);
  else at("matrix").focus();
}

function clearFilters() {
  at("filters").reset();
  showMatching();
}

async function typeOrigin(event) {
  event.preventDefault();
  if (!known.data) return;
  const origin = at("typed-origin").value.trim();
  at("typed-problem").replaceChildren();
  try {
    known.typed = origin === "" ? null : await ask("access.json", [["origin", origin]]);
  } catch (error) {
    at("typed-problem").replaceChildren(shown(error.message));
    return;
  }
  if (known.typed && known.typed.access.length !== known.data.routes.length) {
    await load(); // the app has other routes by now
    return;
  }
  showFilters();
  showColumns();
  rowPages.render(rowPages.first, Math.min(rowPages.first + PAGE_SIZE, rowPages.total));
}

// Filters.

function fill(select, options) {
  const chosen = select.value;
  select.replaceChildren(...options.map(([value, label]) => element("option", { value }, label)));
  select.value = options.some(([value]) => value === chosen) ? chosen : "";
}

function showFilters() {
  const { findings } = known.data;
  const codes = [...new Set(findings.map((finding) => finding.code))].sort();
  const severities = Object.keys(SEVERITIES).filter((each) => findings.some(({ severity }) => severity === each));
  fill(at("filter-finding"), [["", "all routes"], ["any", "with a finding"], ...[...severities, ...codes].map((each) => [each, each])]);
  fill(at("filter-verdict"), [["", "any"], ...Object.entries(VERDICTS).map(([value, { symbol, word }]) => [value, `${symbol} ${word}`])]);
  fill(at("filter-origin"), [["", "any column"], ...columns().map(({ origin }) => [origin, origin])]);
}

// Findings.

const findingPages = new Pages(at("finding-pages"), showFindings);

function showFindings(first, end) {
  const { findings } = known.data;
  const items = findings.slice(first, end).map(findingItem);
  if (items.length === 0) items.push(element("li", { class: "all-well" }, "✓ Nothing was found."));
  at("finding-list").replaceChildren(...items);
  at("finding-shown").textContent = findings.length > PAGE_SIZE
    ? `Findings ${first + 1} to ${end} of ${findings.length.toLocaleString("en")}` : "";
}

function findingItem(finding) {
  const item = element("li", { id: `finding-${finding.index}`, tabindex: "-1" });
  const badge = element("div", {}, element("span", { class: `badge ${finding.severity}` }, SEVERITIES[finding.severity]));
  badge.append(element("span", { class: "code" }, finding.code));
  const where = element("p", { class: "where" });
  if (finding.route !== null) {
    const route = known.data.routes[finding.route];
    const link = button("", { class: "quiet", "aria-label": `Show ${escaped(nameOf(route))} in the matrix` }, () => showRoute(finding.route));
    link.append(code(nameOf(route), 120));
    where.append(link);
  }
  if (finding.file) where.append(element("span", { class: "mono" }, shown(placeOf(finding))));
  item.append(badge, element("div", {},
    element("p", { class: "what" }, shown(finding.sentence, 600)),
    element("p", { class: "fix" }, "Fix: ", shown(finding.fix, 600)), where));
  return item;
}

function showFinding({ index }) {
  findingPages.show(index - (index % PAGE_SIZE));
  const item = at(`finding-${index}`);
  item.scrollIntoView({ block: "center" });
  item.focus();
}

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
  cameFrom = [route.index, [...cell.closest("tr").querySelectorAll(".cell button")].indexOf(cell)];
  enterTabOrder(cell);
  at("method").value = usualMethod(route);
  at("path").value = route.example ?? route.path;
  at("origin").value = origin;
  at("back").hidden = false;
  formChanged();
  at("explain-title").focus();
  at("explain").scrollIntoView({ block: "start" });
  return explainCall();
}

function goBack() {
  const [index, column] = cameFrom;
  const cell = at(`route-${index}`)?.querySelectorAll(".cell button")[column];
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

async function explainCall() {
  const call = callOfForm(at("origin").value.trim());
  say("outcome", "waiting", "Explaining…");
  at("seen").replaceChildren();
  at("told").replaceChildren();
  latest += 1;
  const number = latest;
  const told = await ask("explain.json", questionOf(call)).catch((error) => ({ problem: error.message }));
  if (number !== latest) return;
  if (told.problem !== undefined) {
    say("outcome", "bad", shown(told.problem, 1000));
    return;
  }
  showVerdict(told);
  at("told").replaceChildren(...explained(told));
}

const OUTCOMES = { true: ["good", "✓"], false: ["bad", "✕"], null: ["waiting", "?"] };

function showVerdict({ allowed, verdict }) {
  const [kind, symbol] = OUTCOMES[allowed];
  say("outcome", kind, element("span", {}, `${symbol} `, shown(verdict, 1000)));
}

function explained({ preflight, steps, reason, fix }) {
  const parts = [element("p", { class: "preflight" }, shown(preflight, 600)), ...steps.map(stepPart)];
  if (reason !== null) parts.push(element("div", { class: "advice" }, element("h3", {}, "The browser’s console says"), pre(reason)));
  if (fix !== null) parts.push(fixPart(fix));
  return parts;
}

const pre = (text) => element("pre", {}, shown(text, 4000));

function headerLines(headers) {
  if (headers.length === 0) return element("p", { class: "note" }, "none that matter");
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
  if (who === null) return "The answer is not known";
  if (status === null) return "The answer is the endpoint’s own";
  const another = ["route_cors", "app", "endpoint"].includes(who) ? "" : `, by ${escaped(who)}`;
  return `The answer: ${status}${another}`;
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

// What this browser does.

async function askBrowser() {
  const call = callOfForm(location.origin);
  latest += 1;
  at("told").replaceChildren();
  at("seen").replaceChildren();
  if (!HARMLESS.has(call.method) && !at("confirm").checked) {
    say("outcome", "waiting", "Nothing was sent. Tick “sends the real request” first.");
    at("confirm").focus();
    return;
  }
  if (!call.path.startsWith("/")) {
    say("outcome", "bad", "Nothing was sent: the path does not start with a slash.");
    return;
  }
  say("outcome", "waiting", "Asking this browser…");
  const number = latest;
  const predicted = await ask("explain.json", questionOf(call)).catch((error) => ({ problem: error.message }));
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

function showComparison(predicted, seen) {
  const isComparable = predicted.problem === undefined && predicted.allowed !== null && seen.allowed !== null;
  const agrees = isComparable ? predicted.allowed === seen.allowed : null;
  const messages = { true: "✓ As predicted", false: "✕ NOT as predicted", null: "There is nothing to compare" };
  const kinds = { true: "good", false: "bad", null: "waiting" };
  say("outcome", kinds[agrees], `${messages[agrees]}: this browser ${inShort(seen)}.`);
  const sides = element("div", { class: "sides" }, predictedPart(predicted), seenPart(seen));
  at("seen").replaceChildren(element("section", { class: "compared", "aria-label": "Predicted, and seen" }, sides));
  if (predicted.problem === undefined) at("told").replaceChildren(...explained(predicted));
}

function inShort({ allowed }) {
  if (allowed === null) return `had no answer within ${PATIENCE / 1000} s`;
  return allowed ? "allowed the call" : "blocked the call";
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
    part.append(element("p", { class: "note" }, inShort(seen)));
  } else if (seen.allowed) {
    part.append(element("p", { class: "agrees good" }, "✓ allowed"), facts(seen),
      element("h4", {}, "Headers that the script can read"), headerLines(seen.headers));
  } else {
    part.append(element("p", { class: "agrees bad" }, "✕ blocked"), pre(seen.error), element("p", { class: "note" },
      "A script is told no more: a refusal and a server that is not there look the same. The console has the reason."));
  }
  return part;
}

function facts({ status, type, url }) {
  return element("dl", {}, element("dt", {}, "Status"), element("dd", {}, String(status)),
    element("dt", {}, "Type"), element("dd", {}, type), element("dt", {}, "URL"), element("dd", {}, code(url)));
}

// The whole.

function showEverything() {
  const { routes, findings, title, columns: named, more_origins: more } = known.data;
  if (title) at("title").replaceChildren(shown(title, 80));
  const policies = new Set(routes.filter((route) => route.policy).map((route) => JSON.stringify(route.policy)));
  at("summary").textContent = [
    counted(routes.length, "route"), counted(policies.size, "policy", "policies"), counted(findings.length, "finding"),
  ].join(" · ");
  at("finding-count").textContent = findings.length ? findings.length.toLocaleString("en") : "";
  at("more-origins").hidden = more.length === 0;
  at("more-origins").textContent = `The columns are the ${named.length} origins that most routes name, of ` +
    `${(named.length + more.length).toLocaleString("en")}. Type another one above.`;
  const suggested = [location.origin, ...named.map(({ origin }) => origin), ...more.slice(0, PAGE_SIZE)];
  at("named-origins").replaceChildren(...suggested.map((value) => element("option", { value })));
  showFilters();
  showColumns();
  showMatching();
  findingPages.total = findings.length;
  findingPages.show(0);
  showBases();
}

function listen() {
  at("filters").addEventListener("input", showMatching);
  at("filters").addEventListener("submit", (event) => event.preventDefault());
  at("clear").addEventListener("click", () => {
    clearFilters();
    at("filter-text").focus();
  });
  at("typed").addEventListener("submit", typeOrigin);
  at("rows").addEventListener("keydown", moveBetweenCells);
  at("reload").addEventListener("click", load);
  at("call").addEventListener("submit", (event) => {
    event.preventDefault();
    explainCall();
  });
  for (const id of ["method", "path", "headers", "credentials", "base-url"]) at(id).addEventListener("input", formChanged);
  at("ask").addEventListener("click", askBrowser);
  at("back").addEventListener("click", goBack);
}

at("origin").value = location.origin;
at("own-origin").textContent = location.origin;
listen();
formChanged();
load();
