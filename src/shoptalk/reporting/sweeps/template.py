"""The markup of ``sweep.html``."""

from shoptalk.reporting.style import HEAD

TEMPLATE = (
    HEAD
    + """ nav a { margin-right: 1rem; display: inline-block } a { color: inherit } figure { margin: 0; min-width: 0 }
 .many { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 17rem), 1fr)); gap: .5rem 1rem }
 pre { overflow-x: auto; padding: .6rem 1rem; border: 1px solid var(--line); font-size: .85rem }
 th button { all: unset; cursor: pointer; font-weight: 600 } th button:focus-visible { outline: 2px solid }
 th[aria-sort=ascending] button::after { content: " ▲" } th[aria-sort=descending] button::after { content: " ▼" }
 .trials td.said { min-width: 20rem } .trials code { white-space: nowrap }
 tr.best { font-weight: 600; background: var(--pale) } tr:target { outline: 2px solid #0b6e4f }
 @media (prefers-color-scheme: dark) { .js-plotly-plot .ternarylayer path.crisp { stroke: var(--line) !important } }
</style></head><body>
<h1>{{ title }}</h1>
<p class="verdict">{{ headline }}</p>
{% for sentence in verdicts %}<p class="verdict">{{ sentence }}</p>
{% endfor %}{% for sentence in notes %}<p class="note">{{ sentence }}</p>
{% endfor %}<nav aria-label="Sections">{% for plot in plots %}<a href="#plot-{{ loop.index }}">{{ plot.heading }}</a>
{% endfor %}<a href="#trials">All trials</a> <a href="#best">Best configuration</a></nav>
{% if closing %}<table><tr><th>trained again</th><th>dev</th><th>{{ closing.split }}</th>
{% for seed in closing.seeds %}<th>{{ closing.split }}, seed {{ seed }}</th>{% endfor %}</tr>
{% for name, arm in (("trial " ~ closing.best.trial, closing.best), ("default", closing.default)) %}
<tr><td>{{ name }}</td><td>{{ "%.4f"|format(arm.dev) }}</td><td>{{ "%.4f"|format(arm.mean) }}</td>
{% for seed in closing.seeds %}<td>{{ "%.4f"|format(arm.means[seed|string]) }}</td>{% endfor %}</tr>
{% endfor %}</table>
{% endif %}{% for plot in plots %}<h2 id="plot-{{ loop.index }}">{{ plot.heading }}</h2>
<p class="note">{{ plot.said }}</p>
<div{% if plot.figures|length > 2 %} class="many"{% endif %}>
{% for name in plot.figures %}<figure aria-label="{{ plot.heading }} {{ name }}">
{% if plot.figures|length > 1 %}<figcaption>{{ name }}</figcaption>{% endif %}
{{ figures[plot.heading ~ " " ~ name] }}</figure>
{% endfor %}</div>
{% endfor %}<h2 id="trials">All trials</h2>
<p class="note">A click on a heading sorts; a click on a point of a plot leads to its row.</p>
<table tabindex="0" aria-label="All trials" class="trials"><thead><tr>
{% for name in ["trial", "state"] + ways + params + ["seconds", "error", "folder"] %}
<th{% if name in ("state", "error", "folder") %} class="left"{% endif %} aria-sort="none">
<button type="button">{{ name }}</button></th>{% endfor %}</tr></thead><tbody>
{% for row in rows %}<tr id="trial-{{ row.number }}"{% if row.best %} class="best"{% endif %}>
<td data-by="{{ row.number }}">{{ row.number }}</td><td class="left">{{ row.state }}</td>
{% for cell in row.cells %}<td data-by="{{ cell|sortable }}">{{ cell|figure }}</td>
{% endfor %}<td class="left said">{{ row.error }}</td><td class="left"><code>{{ row.folder }}</code></td></tr>
{% endfor %}</tbody></table>
<h2 id="best">Best configuration</h2>
{% for one in best %}<h3><a href="#trial-{{ one.number }}">Trial {{ one.number }}</a>: {{ one.figures }}</h3>
<pre tabindex="0"><code>{{ one.command }}</code></pre>
{% if one.yaml %}<p class="note">The same as <code>conf/experiment/NAME.yaml</code>, for
<code>python train.py experiment=NAME</code>:</p>
<pre tabindex="0"><code>{{ one.yaml }}</code></pre>{% else %}<p class="note">{{ one.error }}</p>{% endif %}
{% else %}<p>No trial finished.</p>
{% endfor %}<h2>The sweep</h2>
<p class="note">The command that started it.</p>
<pre tabindex="0"><code>{{ command }}</code></pre>
<script>
document.querySelectorAll(".plotly-graph-div").forEach((plot) => plot.on("plotly_click", (event) => {
  const row = document.getElementById("trial-" + event.points[0].customdata);
  if (row) location.hash = row.id;
}));
document.querySelectorAll(".trials th button").forEach((button) => button.addEventListener("click", () => {
  const head = button.parentElement, body = head.closest("table").tBodies[0];
  const up = head.getAttribute("aria-sort") !== "ascending";
  head.parentElement.querySelectorAll("th").forEach((other) => other.setAttribute("aria-sort", "none"));
  head.setAttribute("aria-sort", up ? "ascending" : "descending");
  const told = (row) => {
    const cell = row.cells[head.cellIndex];
    return { number: cell.dataset.by ? Number(cell.dataset.by) : null, text: cell.textContent };
  };
  const order = (one, other) => {
    const [a, b] = [told(one), told(other)];
    if (!a.text || !b.text) return !a.text - !b.text;
    if ((a.number === null) !== (b.number === null)) return a.number === null ? 1 : -1;
    const found = a.number === null ? a.text.localeCompare(b.text) : a.number - b.number;
    return up ? found : -found;
  };
  body.append(...[...body.rows].sort(order));
}));
</script>
</body></html>
"""
)
