// The table: routes in groups, by origin.

const MOST_UNFOLDED = 60; // routes; where more are shown, the groups start folded
const MOST_AT_ONCE = 1000; // routes that "open all" opens
const SOURCES = {
  endpoint: "on the endpoint",
  mount: "on the mount",
  router: "on its router",
  app: "the app’s default",
  "mounted app": "the mounted app’s default",
};

let matching = [];
let shownGroups = [];

const cellsOf = (row) => [...row.querySelectorAll(".cell button")];
const routeRows = () => [...at("table").querySelectorAll("tr.route-row")];

/** The routes that match, in their groups; whatever was unfolded before is as it is by default. */
function showMatching() {
  if (!known.data) return;
  matching = filtered();
  const isUnfolded = matching.length <= MOST_UNFOLDED;
  for (const group of known.data.groups) group.matching = [];
  for (const route of matching) route.group.matching.push(route);
  shownGroups = known.data.groups.filter((group) => group.matching.length > 0);
  for (const group of shownGroups) {
    group.isOpen = isUnfolded && (group.kind !== "documentation" || isFiltered());
    group.limit = PAGE_SIZE;
  }
  showGroups();
}

function showGroups() {
  for (const old of [...at("table").tBodies]) old.remove();
  at("table").append(...shownGroups.map(groupBody));
  const isEmpty = matching.length === 0;
  at("table").hidden = isEmpty;
  at("nothing").hidden = !isEmpty;
  at("nothing-word").textContent = known.data.routes.length === 0 ? "This app has no routes." : "No route matches.";
  at("clear").hidden = !isFiltered();
  at("row-count").textContent = countInWords();
  showFolds();
  document.querySelector(".scroller").scrollTop = 0;
  ensureTabStop();
}

function countInWords() {
  const all = known.data.routes.length;
  const among = shownGroups.length > 1 ? ` in ${shownGroups.length.toLocaleString("en")} groups` : "";
  const total = counted(all, "route");
  return matching.length === all ? `${total}${among}` : `${matching.length.toLocaleString("en")} of ${total}${among}`;
}

/** Open all, fold all: what there is to do of it. */
function showFolds() {
  const areMany = shownGroups.length > 1;
  at("open-all").hidden = !areMany || matching.length > MOST_AT_ONCE;
  at("fold-all").hidden = !areMany;
}

function setAll(isOpen) {
  for (const group of shownGroups) group.isOpen = isOpen;
  showGroups();
}

function groupBody(group) {
  const body = element("tbody", { role: "rowgroup", id: `group-${group.index}`, class: group.kind });
  body.append(groupRow(group));
  fillGroup(body, group);
  return body;
}

function groupRow(group) {
  const row = element("tr", { role: "row", class: "group-row" });
  const fold = button("", { class: "fold", "aria-controls": `group-${group.index}` }, () => {
    group.isOpen = !group.isOpen;
    fillGroup(row.parentElement, group);
    ensureTabStop();
  });
  const { length } = group.matching;
  const count = length === group.routes.length ? counted(length, "route") : `${length} of ${counted(group.routes.length, "route")}`;
  fold.append(element("span", { class: "group-name" }, shown(group.name, 120)), " ", element("span", { class: "group-count" }, count));
  row.append(element("th", { scope: "rowgroup", role: "rowheader", colspan: "2" }, fold), groupFindings(group),
    ...columns().map((column) => groupAccess(group, column)));
  return row;
}

function groupFindings({ matching: routes }) {
  const found = routes.reduce((sum, route) => sum + route.findings.length, 0);
  return element("td", { role: "cell", class: "group-findings" }, found ? counted(found, "finding") : "");
}

/** Of how many of the group's routes a page of that origin may read the answer. */
function groupAccess({ matching: routes }, column) {
  const verdicts = routes.map((route) => verdictOf(column, route.index));
  const allowed = verdicts.filter((each) => each === "yes" || each === "credentials").length;
  const open = verdicts.filter((each) => each === "asks" || each === "unknown").length;
  const words = { 0: "none", [routes.length]: routes.length > 1 ? `all ${routes.length}` : "yes" }[allowed] ?? `${allowed} of ${routes.length}`;
  const said = open ? `${allowed ? `${words}, ` : ""}${open} not certain` : words;
  return element("td", { role: "cell", class: "group-access" },
    element("span", { class: "origin-name" }, columnName(column)), element("span", { class: "word" }, said));
}

/** The rows of a group, if it is open. Its own row stays: it may have the focus. */
function fillGroup(body, group) {
  const [own, ...others] = body.rows;
  for (const other of others) other.remove();
  own.querySelector(".fold").setAttribute("aria-expanded", String(group.isOpen));
  if (!group.isOpen) return;
  body.append(...group.matching.slice(0, group.limit).map(rowOf));
  const left = group.matching.length - group.limit;
  if (left > 0) body.append(moreRow(body, group, left));
}

function moreRow(body, group, left) {
  const more = button(`Show ${Math.min(left, PAGE_SIZE)} more of ${left.toLocaleString("en")}`, { class: "quiet" }, () => {
    const first = group.limit;
    group.limit += PAGE_SIZE;
    body.lastElementChild.remove();
    body.append(...group.matching.slice(first, group.limit).map(rowOf));
    const rest = group.matching.length - group.limit;
    if (rest > 0) body.append(moreRow(body, group, rest));
    focusCell(cellsOf(body.rows[first + 1])[0]);
  });
  const cell = element("td", { role: "cell", colspan: String(3 + columns().length) }, more);
  return element("tr", { role: "row", class: "more-row" }, cell);
}

function showColumns() {
  const heads = ["Route", "Policy", "Findings"].map((name) => element("th", { scope: "col", role: "columnheader" }, name));
  at("columns").replaceChildren(...heads, ...columns().map(columnHead));
}

function columnHead(column) {
  const attributes = { scope: "col", role: "columnheader", class: "origin", "aria-label": columnName(column) };
  if (column.caption) return element("th", attributes, column.caption);
  const { origin } = column;
  const end = origin.indexOf("://") + 3;
  const scheme = end > 2 ? [element("span", { class: "scheme" }, origin.slice(0, end))] : [];
  return element("th", attributes, element("code", {}, ...scheme, shown(end > 2 ? origin.slice(end) : origin, LONGEST_SHOWN, PARTS_OF_NAMES)));
}

function rowOf(route) {
  const row = element("tr", { role: "row", id: `route-${route.index}`, class: "route-row" });
  row.append(routeHead(route), policyCell(route), marksCell(route), ...columns().map((column) => accessCell(route, column)));
  return row;
}

function routeHead(route) {
  const methods = element("span", { class: "methods" });
  for (const method of methodsOf(route)) methods.append(element("span", { class: "method" }, shown(method)), " ");
  const head = element("th", { scope: "row", role: "rowheader", "aria-label": escaped(nameOf(route)) });
  head.append(element("span", { class: "route" }, methods, code(pathOf(route))));
  if (route.host) head.append(small("on ", shown(route.host)));
  const place = placeOf(route);
  head.append(small(shown(place || route.endpoint)));
  return head;
}

function policyCell(route) {
  const cell = element("td", { role: "cell", class: route.policy ? "policy" : "policy none" });
  const { others } = route.words;
  if (route.policy || others.length === 0) cell.append(element("span", {}, shown(route.words.origins, 200, PARTS_OF_NAMES)));
  for (const each of others) cell.append(small(route.policy ? "in front of it: " : "", shown(each)));
  if (route.words.rest) cell.append(small(shown(route.words.rest)));
  if (route.source) cell.append(small(SOURCES[route.source] ?? shown(route.source)));
  if (route.policy && !route.takes_effect) cell.append(small(element("span", { class: "badge error" }, "✕ not applied")));
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

function accessCell(route, column) {
  const kind = verdictOf(column, route.index);
  const { symbol, word } = VERDICTS[kind];
  const pressed = button("", { class: kind, tabindex: "-1" }, () => explainCell(route, column.origin, pressed));
  pressed.append(
    element("span", { class: "origin-name" }, columnName(column)),
    element("span", { class: "word" }, element("span", { "aria-hidden": "true" }, `${symbol} `), word),
  );
  return element("td", { role: "cell", class: "cell" }, pressed);
}

// One cell takes part in the tab order; the arrow keys move to the others. An open group holds up to 1,000.
const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

function moveBetweenCells(event) {
  const cell = event.target.closest(".cell button");
  const step = STEPS[event.key];
  if (!cell || !step || event.ctrlKey || event.altKey || event.metaKey) return;
  const row = cell.closest("tr");
  const rows = routeRows();
  const column = cellsOf(row).indexOf(cell);
  const next = rows[rows.indexOf(row) + step[0]];
  event.preventDefault();
  const target = next && cellsOf(next)[column + step[1]];
  if (target) focusCell(target);
}

function focusCell(cell) {
  enterTabOrder(cell);
  cell.focus();
}

function enterTabOrder(cell) {
  for (const other of at("table").querySelectorAll('.cell button[tabindex="0"]')) other.tabIndex = -1;
  cell.tabIndex = 0;
}

function ensureTabStop() {
  const start = at("table").querySelector('.cell button[tabindex="0"]') ?? at("table").querySelector(".cell button");
  if (start) start.tabIndex = 0;
}

function showRoute(index) {
  clearFilters();
  const { group } = known.data.routes[index];
  const place = group.routes.indexOf(index);
  group.isOpen = true;
  group.limit = Math.max(group.limit, Math.ceil((place + 1) / PAGE_SIZE) * PAGE_SIZE);
  fillGroup(at(`group-${group.index}`), group);
  const row = at(`route-${index}`);
  for (const named of at("table").querySelectorAll(".named")) named.classList.remove("named");
  row.classList.add("named");
  row.scrollIntoView({ block: "center" });
  focusCell(cellsOf(row)[0]);
}
