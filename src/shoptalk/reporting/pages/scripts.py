"""What pages do: tables that sort, tables that scroll by keyboard, and the browser of queries.

What users wrote goes through ``textContent`` alone.
"""

SORT = """
for (const table of document.querySelectorAll("table.sortable")) {
  for (const head of table.tHead.rows[0].cells) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    head.setAttribute("aria-sort", "none");
    button.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      for (const other of table.tHead.rows[0].cells) other.setAttribute("aria-sort", "none");
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const told = (row) => {
        const cell = row.cells[head.cellIndex], by = cell.dataset.by ?? cell.textContent.replace(/,/g, "");
        return by.trim() === "" ? null : isNaN(by) ? by : Number(by);
      };
      const order = (one, other) => {
        const [a, b] = [told(one), told(other)];
        if (a === null || b === null) return (a === null) - (b === null);
        if (typeof a !== typeof b) return typeof a === "string" ? 1 : -1;
        const found = typeof a === "string" ? a.localeCompare(b) : a - b;
        return up ? found : -found;
      };
      table.tBodies[0].append(...[...table.tBodies[0].rows].sort(order));
    });
  }
}
"""
"""A click on a heading of a table of the class ``sortable`` sorts it; a cell's ``data-by`` stands for its text."""

SCROLL = """
const reachable = () => {
  for (const part of document.querySelectorAll("table, pre")) {
    if (part.scrollWidth <= part.clientWidth) { part.removeAttribute("tabindex"); continue; }
    part.tabIndex = 0;
    if (part.matches("table") && !part.ariaLabel) {
      const headings = [...document.querySelectorAll("h2, h3")];
      const above = headings.filter((one) => one.compareDocumentPosition(part) & Node.DOCUMENT_POSITION_FOLLOWING);
      if (above.length) part.ariaLabel = above.at(-1).textContent;
    }
  }
};
addEventListener("resize", reachable);
document.addEventListener("toggle", reachable, true);
reachable();
"""
"""What is wider than the window can be reached and scrolled by keyboard."""

BROWSE = """
{
const told = JSON.parse(document.getElementById("queries-told").textContent);
const part = document.getElementById("queries-browser"), body = part.querySelector("tbody");
const [words, split, slice, kind] = ["words", "split", "slice", "kind"].map((n) => part.querySelector("." + n));
const status = part.querySelector("[role=status]"), more = part.querySelector(".more");
const STEP = 25, heads = [...part.querySelectorAll("th")];
const made = (tag, text, name) => {
  const node = document.createElement(tag);
  if (text !== undefined) node.textContent = text;
  if (name) node.className = name;
  return node;
};
const said = (tag, text) => { const node = made(tag, text); node.dir = "auto"; return node; };
const before = told.arms.indexOf(told.before), after = told.arms.indexOf(told.after);
const change = (row) => row.values[after] - row.values[before];
const kinds = {
  gained: (row) => change(row) > 0, lost: (row) => change(row) < 0, same: (row) => change(row) === 0,
  "right-lost": (row) => row.values[before] >= told.right && change(row) <= -told.fall,
  none: (row) => row.values[after] === 0,
};
for (const row of told.rows) {
  const titles = Object.values(row.found).flat().map(([at]) => told.documents[at].join(" "));
  row.searched = [row.id, row.query, ...titles].join(" ").toLowerCase();
}
let sorted = { by: "change", up: true }, chosen = [], open = STEP;
const key = (row) => sorted.by === "query" ? row.query : sorted.by === "split" ? row.split
  : sorted.by === "change" ? change(row) : row.values[told.arms.indexOf(sorted.by)] ?? -1;
const order = (one, other) => {
  const [a, b] = [key(one), key(other)];
  const found = typeof a === "string" ? a.localeCompare(b) : a - b;
  return sorted.up ? found : -found;
};
const standing = (list, at) => list.findIndex(([other]) => other === at);
const moved = (row, arm, at, rank) => {
  if (arm !== told.after) return "";
  const was = standing(row.found[told.before] || [], at);
  return was < 0 ? "new" : was === rank ? "=" : was > rank ? "↑" + (was - rank) : "↓" + (rank - was);
};
const list = (row, arm) => {
  const box = made("div"), items = made("ol");
  box.append(made("h4", told.names[arm]), items);
  row.found[arm].forEach(([at, score, grade], rank) => {
    const item = made("li"), [id, title] = told.documents[at];
    const facts = [id, score.toFixed(3), moved(row, arm, at, rank)].filter(Boolean).join(" · ");
    item.append(said("bdi", title || id), " ", said("bdi", facts));
    item.lastChild.className = "note";
    if (grade !== null) item.append(" ", made("span", "grade " + grade, grade > 0 ? "positive" : "negative"));
    items.append(item);
  });
  if (!row.found[arm].length) box.append(made("p", "found nothing", "note"));
  return box;
};
const detail = (row) => {
  const line = made("tr"), cell = made("td"), box = made("div", undefined, "found");
  cell.colSpan = heads.length;
  if (row.query.length > told.short) {
    const whole = said("p", row.query + (row.cut ? "… (" + row.cut.toLocaleString("en") + " more characters)" : ""));
    whole.className = "whole";
    cell.append(whole);
  }
  box.append(...Object.keys(row.found).map((arm) => list(row, arm)));
  cell.append(box);
  line.append(cell);
  return line;
};
const shown = (row) => {
  const line = made("tr"), cell = made("td"), button = made("button", undefined, "query");
  button.type = "button";
  const long = row.query.length > told.short;
  button.append(said("bdi", long ? row.query.slice(0, told.short) + "…" : row.query));
  button.setAttribute("aria-expanded", "false");
  button.addEventListener("click", () => {
    const opened = button.getAttribute("aria-expanded") === "true";
    button.setAttribute("aria-expanded", String(!opened));
    if (opened) line.nextSibling.remove(); else line.after(detail(row));
    reachable();
  });
  cell.append(button);
  line.append(cell, made("td", row.split));
  for (const value of row.values) line.append(made("td", value === null ? "" : value.toFixed(3)));
  const points = change(row), by = (points > 0 ? "+" : "") + points.toFixed(3);
  line.append(made("td", by, points > 0 ? "positive" : points < 0 ? "negative" : ""));
  return line;
};
const fill = () => {
  body.replaceChildren(...chosen.slice(0, open).map(shown));
  const cut = chosen.length > open ? ", the first " + open + " of them below" : "";
  status.textContent = chosen.length.toLocaleString("en") + " of " + told.rows.length.toLocaleString("en")
    + " queries" + cut + ".";
  more.hidden = chosen.length <= open;
  reachable();
};
const choose = () => {
  const wanted = words.value.trim().toLowerCase();
  chosen = told.rows.filter((row) => (!split.value || row.split === split.value)
    && (!slice.value || row.slices.includes(Number(slice.value))) && (!kind.value || kinds[kind.value](row))
    && row.searched.includes(wanted)).sort(order);
  open = STEP;
  fill();
};
for (const head of heads) head.querySelector("button").addEventListener("click", () => {
  sorted = { by: head.dataset.key, up: sorted.by === head.dataset.key ? !sorted.up : true };
  for (const other of heads) other.setAttribute("aria-sort", "none");
  head.setAttribute("aria-sort", sorted.up ? "ascending" : "descending");
  choose();
});
words.addEventListener("input", choose);
for (const field of [split, slice, kind]) field.addEventListener("change", choose);
more.addEventListener("click", () => {
  const first = open;
  open += 2 * STEP;
  fill();
  body.querySelectorAll("button.query")[first].focus();
});
addEventListener("DOMContentLoaded", choose);
}
"""
"""The browser of queries, see ``pages.queries``."""
