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

// Findings.

const findingPages = new Pages(at("finding-pages"), showFindings);

function showFindings(first, end) {
  const { findings } = known.data;
  const items = findings.slice(first, end).map(findingItem);
  if (items.length === 0) items.push(element("li", { class: "nothing" }, "No findings."));
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
    const link = button("", { class: "quiet", "aria-label": `Show ${escaped(nameOf(route))} in the table` }, () => showRoute(finding.route));
    link.append(code(nameOf(route), 120));
    where.append(link);
  }
  if (finding.file) where.append(element("span", { class: "mono" }, shown(placeOf(finding))));
  item.append(badge, element("div", {},
    element("p", { class: "what" }, shown(finding.sentence, 600)), ...fixOf(finding), where));
  return item;
}

/** A sentence; what follows it on lines of their own is code. */
function fixOf({ fix }) {
  const [first, ...rest] = fix.split("\n");
  const sentence = element("p", { class: "fix" }, "Fix: ", shown(first, 600));
  return rest.length === 0 ? [sentence] : [sentence, pre(rest.join("\n"))];
}

function showFinding({ index }) {
  findingPages.show(index - (index % PAGE_SIZE));
  const item = at(`finding-${index}`);
  item.scrollIntoView({ block: "center" });
  item.focus();
}
