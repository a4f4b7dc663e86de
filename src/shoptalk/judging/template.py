"""The markup of the judging page."""

from shoptalk.serving.page import ASKING, BODY, TOLD, TOP

_STYLE = """ body { margin: 0 auto; padding: 0 1rem 40vh; max-width: 46rem }
 header { position: sticky; top: 0; background: Canvas; border-bottom: 1px solid var(--line);
  margin: 0 -1rem; padding: .6rem 1rem; z-index: 1; max-height: 50vh; overflow-y: auto }
 header p { margin: 0 } h1 { font-size: 1.3rem; margin: .2rem 0 .4rem; overflow-wrap: anywhere }
 progress { width: 100%; height: .5rem; accent-color: #0b6e4f; display: block; margin: .3rem 0 }
 nav { display: flex; flex-wrap: wrap; gap: .4rem; margin-top: .4rem }
 button { font: inherit; color: var(--ink); background: transparent; border: 1px solid var(--soft);
  border-radius: .4rem; padding: .3rem .7rem; min-height: 2.4rem; cursor: pointer }
 button:focus-visible, article:focus-visible, h1:focus-visible { outline: 3px solid #2f80ed; outline-offset: 2px }
 button.more { border: 0; padding: 0 .3rem; min-height: 0; text-decoration: underline }
 ol { list-style: none; margin: 0; padding: 0 }
 article { border: 1px solid var(--line); border-left: 6px solid var(--line); border-radius: .4rem; padding: .5rem 1rem;
  margin: .8rem 0; scroll-margin: .5rem 0 1rem; overflow-wrap: anywhere }
 article[aria-current=true] { border-color: #2f80ed; background: var(--pale) }
 article h2 { font-size: 1.05rem; margin: 0 }
 article p { margin: .3rem 0; white-space: pre-line }
 .grades { display: grid; grid-template-columns: repeat(4, 1fr); gap: .4rem }
 .grades button { min-height: 2.8rem; padding: .2rem } .grades b { display: block }
 .grades button[aria-pressed=true] { background: #0b6e4f; border-color: #0b6e4f; color: #fff }
 .wrong { color: var(--red); font-weight: 600 } .wrong:empty { display: none }
 .heard { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap }
 dialog { color: var(--ink); background: Canvas; border: 1px solid var(--soft); border-radius: .5rem; max-width: 34rem }
 dialog dt { font-weight: 600 } kbd { border: 1px solid var(--soft); border-radius: .2rem; padding: 0 .3rem }
 @media (max-width: 30rem) { nav kbd { display: none } nav button { padding: .3rem .5rem; font-size: .88rem }
  article { padding: .5rem } .grades { gap: .3rem } .grades button { font-size: .8rem; overflow-wrap: normal }
  h1 { font-size: 1.1rem } }
 @media (max-height: 30rem) { header { position: static } }
"""

_MARKUP = """
<header><p class="note"><span id="where"></span></p>
<h1 id="query" tabindex="-1" dir="auto">…</h1>
<progress id="bar" value="0" max="1" aria-label="Documents graded"></progress>
<p class="note" id="counts"></p>
<nav aria-label="Queries">
<button type="button" id="before" aria-keyshortcuts="ArrowLeft">Previous <kbd>←</kbd></button>
<button type="button" id="next" aria-keyshortcuts="ArrowRight">Next <kbd>→</kbd></button>
<button type="button" id="skip" aria-keyshortcuts="s">Skip <kbd>s</kbd></button>
<button type="button" id="undo" aria-keyshortcuts="u">Undo <kbd>u</kbd></button>
<button type="button" id="asked" aria-keyshortcuts="?">Help <kbd>?</kbd></button>
</nav>
<p role="alert" class="wrong" id="wrong"></p></header>
<main><ol id="documents" aria-label="Documents"></ol><p class="verdict" id="finished" tabindex="-1" hidden></p></main>
<p role="status" class="heard" id="heard"></p>
<dialog id="help" aria-labelledby="help-title"><h2 id="help-title">How to grade</h2>
<p>Read the query as whoever typed it meant it, and grade every document by itself.</p>
<dl>{% for grade in meanings %}<dt><kbd>{{ loop.index0 }}</kbd> {{ grade[0] }}</dt><dd>{{ grade[1] }}</dd>
{% endfor %}</dl>
<p><kbd>↓</kbd> <kbd>j</kbd> next document, <kbd>↑</kbd> <kbd>k</kbd> the one before; <kbd>→</kbd> <kbd>←</kbd>
next query, the one before; <kbd>s</kbd> skips a query that you cannot judge; <kbd>u</kbd> takes back what you did last;
<kbd>?</kbd> shows this.</p>
<p>Every grade is saved at once: close the page whenever you like.</p>
<p><label><input type="checkbox" id="keys" checked> Single keys do all this</label></p>
<p><button type="button" id="close">Close</button></p></dialog>
"""

_SCRIPT = """
const grades = told.grades;
const LONG = 700, SHORT = 200; // characters of a document, and of a query, that are shown at first
let query = null, current = 0, work = Promise.resolve();
// One act after the other, however fast keys are pressed: each sees what the one before has changed.
const then = (act) => { work = work.then(act).catch((error) => { byId("wrong").textContent = error.message; }); };
const say = (...sentences) => { byId("wrong").textContent = ""; byId("heard").textContent = sentences.join(" "); };
const cards = () => [...byId("documents").querySelectorAll("article")];

function card(told, place) {
  const title = cut(told.title || "Document " + (place + 1), LONG);
  const heading = made("h2", { id: "title-" + place, dir: "auto" }, ...title);
  const buttons = grades.map((name, grade) => {
    const button = made("button", { type: "button", ariaPressed: String(told.grade === grade) },
      made("b", {}, String(grade)), name);
    button.addEventListener("click", () => then(() => give(place, grade)));
    return button;
  });
  const group = made("div", { className: "grades", role: "group", ariaLabel: "Grade" }, ...buttons);
  const article = made("article", { tabIndex: -1, "aria-labelledby": "title-" + place },
    made("p", { className: "note" }, (place + 1) + " of " + query.documents.length), heading);
  if (told.text) article.append(made("p", { dir: "auto" }, ...cut(told.text, LONG)));
  article.append(group);
  article.addEventListener("focusin", () => mark(place));
  return made("li", {}, article);
}

function mark(place) {
  current = place;
  cards().forEach((one, at) => {
    if (at === place) one.setAttribute("aria-current", "true"); else one.removeAttribute("aria-current");
  });
}

function go(place) {
  const all = cards();
  if (!all.length) return;
  const at = Math.min(Math.max(place, 0), all.length - 1);
  mark(at);
  all[at].focus({ preventScroll: true });
  document.documentElement.style.scrollPaddingTop = document.querySelector("header").offsetHeight + "px";
  all[at].scrollIntoView({ block: all[at].offsetHeight > innerHeight / 2 ? "start" : "nearest" });
}

function count(progress) {
  byId("bar").max = progress.documents;
  byId("bar").value = progress.documents_graded;
  const skipped = progress.queries_skipped ? ", " + progress.queries_skipped + " skipped" : "";
  byId("counts").textContent = progress.queries_graded + " of " + progress.queries + " queries graded" + skipped + "; "
    + progress.documents_graded.toLocaleString("en") + " of " + progress.documents.toLocaleString("en") + " documents";
}

function place() {
  const skipped = query.state === "skipped" ? " (skipped)" : "";
  byId("where").textContent = "Query " + query.number + " of " + told.queries + skipped;
}

function show(found, at) {
  query = found.finished ? null : found;
  count(found.progress);
  byId("finished").hidden = !found.finished;
  byId("documents").replaceChildren();
  window.scrollTo(0, 0);
  if (found.finished) {
    history.replaceState(null, "", location.pathname);
    byId("where").textContent = "";
    byId("query").textContent = "All done";
    byId("finished").textContent =
      "Every query is graded or skipped. Press Ctrl-C in the terminal to write the judgments.";
    byId("finished").focus();
    return "";
  }
  place();
  history.replaceState(null, "", "#" + found.number);
  byId("query").replaceChildren(...cut(found.query, SHORT));
  byId("documents").append(...found.documents.map(card));
  const open = found.documents.findIndex((one) => one.grade === null);
  const wanted = found.documents.findIndex((one) => one.id === at);
  go(wanted >= 0 ? wanted : Math.max(open, 0));
  return "Query " + found.number + ": " + found.query.slice(0, SHORT);
}

// Shows a query; what there is to say of it.
const load = async (address, at) => show(await ask("/api/query?" + address), at);

async function give(at, grade) {
  if (!query) return;
  const about = query.documents[at];
  const found = await ask("/api/grade", { query_id: query.query_id, doc_id: about.id, grade });
  about.grade = grade;
  query.state = found.state;
  count(found.progress);
  place();
  cards()[at].querySelectorAll(".grades button").forEach((button, value) => {
    button.ariaPressed = String(value === grade);
  });
  const said = "Grade " + grade + ", " + grades[grade] + ".";
  const open = (from, to) => query.documents.findIndex((one, n) => n >= from && n < to && one.grade === null);
  const next = open(at + 1, Infinity) >= 0 ? open(at + 1, Infinity) : open(0, at);
  if (next >= 0) { say(said); go(next); } else say(said, await load("after=" + query.number));
}

async function step(by) {
  const number = (query ? query.number : by > 0 ? 0 : told.queries + 1) + by;
  if (number >= 1 && number <= told.queries) say(await load("number=" + number));
  else say(by > 0 ? "This is the last query." : "This is the first query.");
}

async function skip() {
  if (!query) return;
  await ask("/api/skip", { query_id: query.query_id });
  const number = query.number;
  say("Query " + number + " skipped.", await load("after=" + number));
}

async function undo() {
  const found = await ask("/api/undo", {});
  const said = found.number ? await load("number=" + found.number, found.doc_id) : "";
  count(found.progress);
  say("Taken back.", said);
}

const help = () => byId("help").showModal();
const acts = {
  ArrowDown: () => go(current + 1), j: () => go(current + 1), ArrowUp: () => go(current - 1), k: () => go(current - 1),
  ArrowRight: () => step(1), ArrowLeft: () => step(-1), s: skip, u: undo, "?": help,
};
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || (event.repeat && /[0-3su]/.test(event.key))) return;
  if (byId("help").open || !byId("keys").checked) return;
  const act = /^[0-3]$/.test(event.key) ? () => give(current, Number(event.key)) : acts[event.key];
  if (!act) return;
  event.preventDefault();
  then(act);
});
const close = () => byId("help").close();
const pressed = { before: () => step(-1), next: () => step(1), skip, undo, asked: help, close };
for (const [id, act] of Object.entries(pressed)) byId(id).addEventListener("click", () => then(act));
byId("keys").addEventListener("change", () => localStorage.setItem("shoptalk-keys", byId("keys").checked));
byId("keys").checked = localStorage.getItem("shoptalk-keys") !== "false";
then(async () => {
  const number = Number(location.hash.slice(1));
  say(await load(number >= 1 && number <= told.queries ? "number=" + number : "after=0"));
});
"""

MEANINGS = (
    ("Irrelevant", "It does not help whoever asks this."),
    ("Related", "It is about the subject, but does not answer."),
    ("Relevant", "It answers in part, or together with much else."),
    ("Perfect", "It is what whoever asks this wants to see first."),
)
"""Name and meaning of the grades, from 0 up."""

TEMPLATE = f"{TOP}{_STYLE}{BODY}{_MARKUP}{TOLD}{ASKING}{_SCRIPT}</script>\n</body></html>\n"
