// What the inspector knows: data.json, and a column for the origin that was typed in.

const known = { data: null, typed: null };

// Each question about a call gets a number: an answer that comes after the next question is not shown.
let latest = 0;

async function ask(question, parameters = []) {
  const response = await fetch(`${question}?${new URLSearchParams(parameters)}`, { headers: { Accept: "application/json" } });
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  const error = new Error(detailOf(answer) || `the server answered with ${response.status}`);
  throw Object.assign(error, { parameter: answer.parameter, reason: answer.reason });
}

function detailOf({ detail }) {
  return typeof detail === "string" || detail === undefined ? detail : JSON.stringify(detail);
}

const columns = () => (known.typed ? [...known.data.columns, known.typed] : known.data.columns);
const columnName = ({ caption, origin }) => caption ?? origin;

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
    showProblem(error);
    return;
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
  const { routes, findings, groups } = known.data;
  groups.forEach((group, index) => {
    group.index = index;
    for (const each of group.routes) routes[each].group = group;
  });
  routes.forEach((route, index) => {
    route.index = index;
    route.findings = [];
    route.haystack = [methodsOf(route).join(" "), pathOf(route), route.host, route.group.name, route.words.origins, route.words.rest, ...route.words.others, route.endpoint, route.file, route.source]
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

/** A mount at the root has no path of its own. */
const pathOf = ({ path }) => path || "/";
const nameOf = (route) => `${methodsOf(route).join(", ")} ${pathOf(route)}`;
