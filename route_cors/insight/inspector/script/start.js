// The whole page.

const SECTIONS = ["#matrix", "#findings", "#explain"];

function showEverything() {
  const { routes, findings, title, columns: [, ...named], more_origins: more } = known.data;
  if (title) at("title").replaceChildren(shown(title, 80));
  const policies = new Set(routes.filter((route) => route.policy).map((route) => JSON.stringify(route.policy)));
  at("summary").textContent = [
    counted(routes.length, "route"), counted(policies.size, "policy", "policies"), counted(findings.length, "finding"),
  ].join(" · ");
  at("finding-count").textContent = findings.length ? findings.length.toLocaleString("en") : "";
  at("more-origins").hidden = more.length === 0;
  at("more-origins").textContent = `The columns show the ${named.length} origins that most routes name, out of ` +
    `${(named.length + more.length).toLocaleString("en")}. Type another one above to see it.`;
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
  at("filters").addEventListener("input", filtersChanged);
  // At the latest when the field is left: a link to a section takes the address along.
  at("filters").addEventListener("change", keepNow);
  at("filters").addEventListener("submit", (event) => {
    event.preventDefault();
    keepNow();
  });
  at("clear").addEventListener("click", () => {
    clearFilters();
    at("filter-text").focus();
  });
  at("open-all").addEventListener("click", () => setAll(true));
  at("fold-all").addEventListener("click", () => setAll(false));
  at("typed").addEventListener("submit", typeOrigin);
  at("typed-origin").addEventListener("input", () => sayAtField("typed-origin", null));
  at("origin").addEventListener("input", () => sayAtField("origin", null));
  at("table").addEventListener("keydown", moveBetweenCells);
  at("reload").addEventListener("click", load);
  at("call").addEventListener("submit", (event) => {
    event.preventDefault();
    explainCall();
  });
  for (const id of ["method", "path", "headers", "credentials", "base-url"]) at(id).addEventListener("input", formChanged);
  at("ask").addEventListener("click", askBrowser);
  at("back").addEventListener("click", goBack);
  window.addEventListener("popstate", restore);
}

async function start() {
  at("origin").value = location.origin;
  at("own-origin").textContent = location.origin;
  listen();
  formChanged();
  await load();
  await restore();
  // The section that the address names was empty when the browser looked for it.
  if (SECTIONS.includes(location.hash)) document.querySelector(location.hash).scrollIntoView();
}

start();
