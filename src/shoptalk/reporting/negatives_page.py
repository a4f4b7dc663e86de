"""The section of ``report.html`` on negatives: what was mined, why the rest was not, and some to read."""

from collections.abc import Mapping
from typing import Any

from jinja2 import Environment

from shoptalk.reporting.negatives import Negatives
from shoptalk.reporting.negatives_sample import Triple

_CLOSE = "the score comes close to the positive's, so that the document may answer as well; how close is for"
WHY = {
    "known positive": "the document is known to answer the query, in some spelling of it: by a training pair, or by a "
    "judgment of train or calibration",
    "rank window": "the rank lies outside [negatives.low, negatives.high); the first ranks hold the most answers "
    "that nobody recorded",
    "absolute margin": f"{_CLOSE} negatives.absolute_margin",
    "relative margin": f"{_CLOSE} negatives.relative_margin",
    "positive share": f"{_CLOSE} negatives.positive_share",
    "min score": "the score lies below negatives.min_score: too easy to teach much",
    "max score": "the score lies above negatives.max_score: the document may well answer",
    "teacher": "the cross-encoder's calibrated probability that the document answers is not below "
    "negatives.max_probability",
}
"""Why a filter drops a candidate."""

SHORT, LONGEST = 220, 5_000
"""Characters of a passage shown at once, and at most."""

TEMPLATE = """<h2>Negatives</h2>
{% if not n.miners and not n.seen %}<p>{{ n.strategy }} mines no negatives: the other documents of a batch are all that
a pair is told from.</p>{% else %}
<p class="note">{{ n.strategy }} with {% for name, value in n.options.items() %}
<code>negatives.{{ name }}={{ value|option }}</code>
{% endfor %}</p>
<p>{{ n.miners.values()|sum|count }} negatives for {{ n.pairs|count }} pairs, by miner:
{% for miner, some in n.miners.items() %}{{ miner }} {{ some|count }}{{ ", " if not loop.last }}{% else %}none{% endfor
%}.</p>
<h3>From candidates to negatives</h3>
{% if drawn.funnel %}{{ drawn.funnel }}{% endif %}
<table><tr><th>step</th><th>dropped</th><th>left</th><th class="left">why</th></tr>
{% if n.seen %}<tr><td>candidates seen</td><td></td><td>{{ n.seen|count }}</td>
<td class="left">what the search found, over all pairs</td></tr>
{% for name, dropped, left in steps %}<tr><td>{{ name }}</td><td>{{ dropped|count }}</td><td>{{ left|count }}</td>
<td class="left">{{ why.get(name, "") }}</td></tr>
{% endfor %}{% endif %}<tr><td>kept</td><td></td><td>{{ n.kept|count }}</td><td class="left">chosen by
the strategy; candidates beyond what a pair needs are left over</td></tr>
<tr><td>filled</td><td></td><td>{{ n.filled|count }}</td><td class="left">places without a candidate, taken by the
fallback: {{ n.fallback }}</td></tr>
{% if n.given %}<tr><td>given</td><td></td><td>{{ n.given|count }}</td><td class="left">the user's own, in front of the
others</td></tr>{% endif %}</table>
{% if n.scores %}<h3>How hard they are</h3>
<p class="note">Scores of the search, in shares of each series over the same bins; where curves overlap, negatives are
hard to tell from positives. Scores of different kinds stand in figures of their own.
{% if n.mean_score is not none %}Mean {{ n.scale }} of the kept negatives {{ n.mean_score|number }}{% if
n.mean_positive_score is not none %}, of the positives {{ n.mean_positive_score|number }}: the difference, negative less
positive, is {{ (n.mean_score - n.mean_positive_score)|signed }}. The nearer to 0, the harder; above 0 negatives outrank
positives{% endif %}.{% endif %}</p>
{% for scale in n.scores %}{{ drawn["scores " ~ scale] }}{% endfor %}{% endif %}
{% if n.ranks %}<h3>Where they stood</h3>
<p class="note">Ranks of the kept negatives in their miner's search; 0 is the best, and known positives count.
Median {{ n.median_rank|number }}.</p>
{{ drawn.ranks }}{% endif %}
{% if n.probabilities %}<h3>What the teacher thinks of them</h3>
<p class="note">The teacher's calibrated probability that a negative of this run answers its query, where it judged.
{% if n.thresholds %}The line is max_probability={{ n.thresholds|join(", ") }}: what lies at or above it was dropped.
{% endif %}</p>
{{ drawn.probabilities }}{% endif %}
{% if n.false_negatives %}{% set f = n.false_negatives %}<h3>False negatives</h3>
<p>{% if f.n %}By the hidden truth, {{ f.rate|share }} of the mined negatives do answer their query
({{ f.relevant|count }} of {{ f.n|count }}; 95 % Wilson interval {{ f.ci95[0]|share }} to {{ f.ci95[1]|share }}).
{% else %}No negative was mined, so none can be false.{% endif %}</p>
<p class="note">The truth was read after training: what simulated searchers wanted, and the documents that the domain
splits in two and records one of. A query written or judged for a document counts as answered by its other half too.
Intervals take negatives for independent.</p>
<table><tr><th>negatives</th><th>known</th><th>false</th><th>share</th><th>95 % interval</th></tr>
{% for kind, parts in (("miner", f.by_miner), ("source", f.by_source)) %}{% for name, part in parts.items() %}
<tr><td>{{ kind }} {{ name }}</td><td>{{ part.n|count }}</td><td>{{ part.relevant|count }}</td>
<td>{{ part.rate|share }}</td><td>{{ part.ci95[0]|share }} – {{ part.ci95[1]|share }}</td></tr>
{% endfor %}{% endfor %}</table>
<p class="note">Rows by source count mined negatives only.</p>{% endif %}
{% if n.triples %}<h3>Some to read</h3>
<p class="note">{{ n.triples|length }} pairs with one of their negatives each, drawn by seed and pair.</p>
{% for t in n.triples %}<div class="triple">
<p><b>{{ t.query }}</b> <span class="note">{{ t.sources|join(", ") }}</span></p>
{% for word, id, text, facts in t|both %}<p><span class="{{ word }}">{{ word }}</span>
<span class="note"><code>{{ id }}</code>{% for fact in facts %} · {{ fact }}{% endfor %}</span></p>
{% if text|length > short %}<details><summary><span>{{ text[:short] }}…</span></summary>{{ text[:longest] }}
{%- if text|length > longest %}… <span class="note">({{ (text|length - longest)|count }} more characters)</span>
{%- endif %}</details>
{% else %}<p>{{ text or "not in the corpus" }}</p>{% endif %}
{% endfor %}</div>
{% endfor %}{% endif %}{% endif %}
"""


def section(told: Negatives, drawn: Mapping[str, Any]) -> Any:
    """The section as markup, with its figures ``drawn`` under the names that ``negatives_figures`` gives them."""
    from markupsafe import Markup

    page = Environment(autoescape=True)
    page.filters |= {
        "count": "{:,}".format, "number": "{:.4g}".format, "signed": "{:+.4g}".format, "share": _share,
        "option": lambda value: "null" if value is None else str(value), "both": _both,
    }  # fmt: skip
    named = {"n": told, "drawn": drawn, "steps": told.steps(), "why": WHY, "short": SHORT, "longest": LONGEST}
    return Markup(page.from_string(TEMPLATE).render(named))


def _share(value: float) -> str:
    return f"{100 * value:.1f} %"


def _both(triple: Triple) -> list[tuple[str, str, str, list[str]]]:
    """Word, id, passage and facts of the positive and the negative."""
    facts = _facts(miner=triple.miner, score=triple.score, rank=triple.rank, probability=triple.probability)
    if triple.relevant is not None:
        facts.append(f"does {'' if triple.relevant else 'not '}answer, by the hidden truth")
    return [
        ("positive", triple.positive_id, triple.positive, _facts(score=triple.positive_score)),
        ("negative", triple.negative_id, triple.negative, facts),
    ]


def _facts(**values: str | float | None) -> list[str]:
    known = {name: value for name, value in values.items() if value is not None}
    return [f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}" for name, value in known.items()]
