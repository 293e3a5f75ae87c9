// The filters, and the column of the origin that was typed in. Both are kept in the page's address.

const FIELDS = {
  search: "filter-text",
  method: "filter-method",
  policy: "filter-policy",
  finding: "filter-finding",
  verdict: "filter-verdict",
  of: "filter-origin",
};
const TYPED = "origin";
const LONGEST_KEPT = 600;
const PAUSE = 250; // milliseconds without typing, before the address changes: browsers limit how often it may
const POLICIES = {
  none: "no policy",
  closed: "closed (@no_cors)",
  any: "any origin",
  some: "some origins",
  others: "other middleware",
};
const USUAL_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

const valueOf = (name) => at(FIELDS[name]).value;
const isFiltered = () => Object.keys(FIELDS).some((name) => name !== "of" && valueOf(name) !== "");

function filtered() {
  const words = valueOf("search").toLowerCase().split(/\s+/).filter(Boolean);
  const [method, policy, finding, verdict, of] = ["method", "policy", "finding", "verdict", "of"].map(valueOf);
  const asked = of === "" ? columns() : columns().filter((column) => column.origin === of);
  return known.data.routes.filter((route) =>
    words.every((word) => route.haystack.includes(word)) &&
    (method === "" || methodsOf(route).includes(method)) &&
    (policy === "" || route.words.kind === policy) &&
    hasFinding(route, finding) &&
    (verdict === "" || asked.some((column) => verdictOf(column, route.index) === verdict)));
}

function hasFinding({ findings }, wanted) {
  if (wanted === "") return true;
  return findings.some(({ code: found, severity }) => wanted === "any" || found === wanted || severity === wanted);
}

function fill(select, options) {
  const chosen = select.value;
  select.replaceChildren(...options.map(([value, label]) => element("option", { value }, label)));
  choose(select, chosen);
}

/** The option of that value, or the first. */
function choose(select, value) {
  const isThere = [...select.options].some((option) => option.value === value);
  select.value = isThere ? value : select.options[0].value;
}

function showFilters() {
  const { findings, routes } = known.data;
  const codes = [...new Set(findings.map((finding) => finding.code))].sort();
  const severities = Object.keys(SEVERITIES).filter((each) => findings.some(({ severity }) => severity === each));
  const methods = new Set(routes.flatMap(methodsOf));
  const inOrder = [...USUAL_METHODS.filter((each) => methods.has(each)), ...[...methods].filter((each) => !USUAL_METHODS.includes(each)).sort()];
  const kinds = Object.entries(POLICIES).filter(([kind]) => routes.some(({ words }) => words.kind === kind));
  fill(at("filter-method"), [["", "any"], ...inOrder.map((each) => [each, escaped(each)])]);
  fill(at("filter-policy"), [["", "any"], ...kinds]);
  fill(at("filter-finding"), [["", "all routes"], ["any", "with a finding"], ...[...severities, ...codes].map((each) => [each, each])]);
  fill(at("filter-verdict"), [["", "any"], ...Object.entries(VERDICTS).map(([value, { symbol, word }]) => [value, `${symbol} ${word}`])]);
  fill(at("filter-origin"), [["", "any column"], ...columns().map((column) => [column.origin, columnName(column)])]);
}

function clearFilters() {
  at("filters").reset();
  filtersChanged();
}

function filtersChanged() {
  showMatching();
  keepSoon();
}

// The address. Anyone may have written it: its parts become the text of a field, or choose an option.

let pause = 0;

function keepSoon() {
  clearTimeout(pause);
  pause = setTimeout(keepNow, PAUSE);
}

function asAddress() {
  const kept = Object.keys(FIELDS).map((name) => [name, valueOf(name)]);
  if (known.typed) kept.push([TYPED, known.typed.origin]);
  const query = new URLSearchParams(kept.filter(([, value]) => value !== "").map(([name, value]) => [name, value.slice(0, LONGEST_KEPT)]));
  return String(query) && `?${query}`;
}

function keepNow() {
  clearTimeout(pause);
  if (!known.data || asAddress() === location.search) return;
  history.replaceState(null, "", `${location.pathname}${asAddress()}${location.hash}`);
}

/** The filters and the column that the address names: at first, and after going back or forward. */
async function restore() {
  if (!known.data || asAddress() === location.search) return;
  const kept = (name) => (new URLSearchParams(location.search).get(name) ?? "").slice(0, LONGEST_KEPT);
  at("typed-origin").value = kept(TYPED);
  await showTyped(kept(TYPED));
  for (const [name, id] of Object.entries(FIELDS)) {
    if (name === "search") at(id).value = kept(name);
    else choose(at(id), kept(name));
  }
  showMatching();
}

// Another origin.

async function typeOrigin(event) {
  event.preventDefault();
  if (!known.data) return;
  await showTyped(at("typed-origin").value.trim());
  keepNow();
}

// An answer that comes after the next question is not shown.
let latestTyped = 0;

async function showTyped(origin) {
  sayAtField("typed-origin", null);
  latestTyped += 1;
  const number = latestTyped;
  if (origin === (known.typed?.origin ?? "")) return;
  const isNew = origin !== "" && !isShown(origin);
  const typed = isNew ? await ask("access.json", [["origin", origin]]).catch((error) => ({ error })) : null;
  if (number !== latestTyped) return;
  if (typed?.error) {
    sayAtField("typed-origin", typed.error.reason ?? typed.error.message);
    return;
  }
  known.typed = typed;
  if (known.typed && known.typed.access.length !== known.data.routes.length) {
    await load(); // the app has other routes by now
    return;
  }
  showFilters();
  showColumns();
  showGroups();
  if (isShown(origin)) sayAtField("typed-origin", "That origin has a column already.", "hint");
}

const isShown = (origin) => known.data.columns.some((column) => column.origin === origin);
