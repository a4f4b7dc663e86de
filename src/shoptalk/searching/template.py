"""The markup of the search page."""

from shoptalk.serving.page import ASKING, BODY, TOLD, TOP

LONGEST = 5_000
"""Characters of a query: as much as fits into an address."""

_STYLE = """ body { max-width: 80rem; margin: 1rem auto } h1 { font-size: 1.4rem; margin: .3rem 0 }
 form { display: flex; flex-wrap: wrap; gap: .5rem; align-items: center }
 input[type=search] { font: inherit; flex: 1 1 14rem; min-width: 0; padding: .5rem .7rem; border: 1px solid var(--soft);
  border-radius: .4rem; color: var(--ink); background: transparent }
 button { font: inherit; color: var(--ink); background: transparent; border: 1px solid var(--soft);
  border-radius: .4rem; padding: .4rem .8rem; cursor: pointer }
 form button { background: #0b6e4f; border-color: #0b6e4f; color: #fff }
 button:focus-visible, input:focus-visible, summary:focus-visible { outline: 3px solid #2f80ed; outline-offset: 2px }
 button.more { border: 0; padding: 0 .3rem; text-decoration: underline }
 label { white-space: nowrap } .wrong { color: var(--red); font-weight: 600 } .wrong:empty { display: none }
 #of-dev { font-size: 1rem; margin: 1rem 0 0 }
 .examples { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: .4rem; margin: .6rem 0 }
 .examples button { font-size: .9rem; text-align: left; overflow-wrap: anywhere }
 #columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 19rem), 1fr)); gap: 0 1.5rem }
 #columns section { min-width: 0 } #columns h2 { font-size: 1.1rem; border-bottom: 2px solid var(--line) }
 #columns ol { list-style: none; margin: 0; padding: 0 }
 #columns li { border-bottom: 1px solid var(--line); padding: .5rem .4rem; overflow-wrap: anywhere }
 #columns li.same { background: var(--pale) } #columns h3 { font-size: 1rem; margin: 0; display: inline }
 #columns li p { margin: .2rem 0; font-size: .92rem; white-space: pre-line }
 .facts { color: var(--soft); font-size: .88rem; display: flex; flex-wrap: wrap; gap: 0 .8rem;
  font-variant-numeric: tabular-nums }
"""

_MARKUP = """
<header><h1>{{ title }}</h1>
<form role="search"><input type="search" id="q" name="q" aria-label="Query" autocomplete="off" autofocus
 maxlength="{{ longest }}" dir="auto"><button type="submit">Search</button>
<label><input type="checkbox" id="words"> BM25 too</label></form></header>
<p role="alert" class="wrong" id="wrong"></p>
{% if examples %}<section aria-labelledby="of-dev"><h2 id="of-dev">Queries of dev to try</h2>
<ul class="examples" id="few"></ul>
<details id="more"><summary>More of them</summary><ul class="examples" id="many"></ul></details></section>
{% endif %}<main><p role="status" class="note" id="heard"></p><div id="columns"></div></main>
"""

_SCRIPT = """
const NAMES = { base: "Base model", adapted: "Adapted model", bm25: "BM25" };
const FEW = 8;
let turn = 0;

function moved(arm, hit) {
  const [from, gone] = arm === "adapted" ? ["from", "new"] : ["to", "gone"];
  if (hit.other === null) return made("b", {
    className: arm === "adapted" ? "positive" : "negative", title: "not among the first " + told.looked + " beside it",
  }, gone);
  if (hit.other === hit.rank) return made("span", {}, "= same rank");
  const up = arm === "adapted" ? hit.other > hit.rank : hit.other < hit.rank;
  return made("span", { className: up ? "positive" : "negative" },
    made("span", { ariaHidden: "true" }, up ? "▲ " : "▼ "), (up ? "up " : "down ") + from + " " + hit.other);
}

function result(arm, hit) {
  const heading = made("h3", { dir: "auto" }, ...cut(hit.title || hit.id, 200));
  const facts = made("div", { className: "facts" }, made("span", {}, "score " + hit.score.toFixed(3)), moved(arm, hit));
  if (hit.grade !== null) facts.append(made("b", { className: hit.grade ? "positive" : "" }, "judged " + hit.grade));
  facts.append(made("span", {}, hit.id));
  const item = made("li", {}, hit.rank + ". ", heading);
  if (hit.title && hit.text) item.append(made("p", { dir: "auto" }, ...cut(hit.text, 240)));
  else if (hit.text) heading.replaceChildren(...cut(hit.text, 240));
  item.append(facts);
  item.dataset.id = hit.id;
  for (const [kind, on] of [["mouseenter", true], ["mouseleave", false], ["focusin", true], ["focusout", false]])
    item.addEventListener(kind, () => alike(hit.id, on));
  return item;
}

function alike(id, on) {
  const items = byId("columns").querySelectorAll("li");
  items.forEach((item) => item.classList.toggle("same", on && item.dataset.id === id));
}

function column(arm, hits) {
  const list = made("ol", {}, ...hits.map((hit) => result(arm, hit)));
  const name = made("h2", { id: "column-" + arm }, NAMES[arm]);
  const section = made("section", { "aria-labelledby": "column-" + arm }, name, list);
  if (!hits.length) section.append(made("p", { className: "note" }, "No document shares a word with the query."));
  return section;
}

async function search() {
  const asked = byId("q").value.trim(), own = ++turn;
  byId("wrong").textContent = "";
  const address = new URLSearchParams({ q: asked });
  if (byId("words").checked) address.set("bm25", "1");
  history.replaceState(null, "", asked ? "?" + address : location.pathname);
  if (!asked) { byId("columns").replaceChildren(); byId("heard").textContent = ""; return; }
  byId("heard").textContent = "Searching …";
  try {
    const found = await ask("/api/search?" + address);
    if (own !== turn) return;
    byId("columns").replaceChildren(...Object.entries(found.columns).map(([arm, hits]) => column(arm, hits)));
    const [before, after] = [found.columns.base, found.columns.adapted];
    const kept = after.filter((hit) => before.some((other) => other.id === hit.id)).length;
    byId("heard").textContent = kept + " of the first " + after.length + " documents are the same in base and adapted.";
  } catch (error) {
    if (own !== turn) return;
    byId("columns").replaceChildren();
    byId("heard").textContent = "";
    byId("wrong").textContent = error.message;
  }
}

function example(one) {
  const button = made("button", { type: "button" }, made("bdi", {}, one.query));
  if (one.change) {
    const sign = one.change > 0 ? "+" : "−";
    button.append(made("span", { className: one.change > 0 ? "positive" : "negative", title: "change in nDCG@10" },
      " " + sign + Math.abs(one.change).toFixed(2)));
  }
  button.addEventListener("click", () => { byId("q").value = one.query; search(); });
  return made("li", {}, button);
}

document.querySelector("form").addEventListener("submit", (event) => { event.preventDefault(); search(); });
byId("words").addEventListener("change", search);
if (told.examples.length) {
  byId("few").append(...told.examples.slice(0, FEW).map(example));
  byId("many").append(...told.examples.slice(FEW).map(example));
  byId("more").hidden = told.examples.length <= FEW;
}
const given = new URLSearchParams(location.search);
byId("q").value = given.get("q") || "";
byId("words").checked = given.get("bm25") === "1";
search();
"""

TEMPLATE = f"{TOP}{_STYLE}{BODY}{_MARKUP}{TOLD}{ASKING}{_SCRIPT}</script>\n</body></html>\n"
