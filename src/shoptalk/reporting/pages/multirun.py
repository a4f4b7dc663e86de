"""``report.html`` of a multirun: every job on dev, and the queries of the best against the first."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from shoptalk.comparing import HEADLINE
from shoptalk.configs import asked
from shoptalk.reporting.pages import queries
from shoptalk.reporting.pages.frame import LIMIT, Section, page, rendered
from shoptalk.reporting.plots import drawn, laid_out
from shoptalk.retrieval.significance import compare

SPLIT = "dev"

HEAD = """<p class="verdict">{{ sentence }}</p>
<p class="note">dev steered every one of these runs and chose among them, so it flatters; test stays unread under
multirun: train the one you choose by itself to read it.</p>"""

TABLE = """<h2>Jobs</h2>{{ drawn.jobs }}
<table class="sortable"><thead><tr><th>job</th><th class="left">options</th><th>nDCG@10</th><th>zero-shot</th>
<th>gain, points</th><th>95 % interval</th><th class="left">verdict</th><th>seconds</th></tr></thead><tbody>
{% for job in jobs %}<tr{% if job.name == best %} class="adapted"{% endif %}><td>{{ job.name }}</td>
<td class="left">{{ job.options }}</td>
{% if job.gain %}<td>{{ job.score|score }}</td><td>{{ job.zero_shot|score }}</td>
<td data-by="{{ job.gain["ndcg@10"] }}">{{ job.gain["ndcg@10"]|signed }}</td>
<td data-by="{{ job.gain.ci95[0] }}">{{ job.gain.ci95[0]|signed }} to {{ job.gain.ci95[1]|signed }}</td>
<td class="left">{{ job.gain.verdict }}</td><td>{{ "%.0f"|format(job.seconds) }}</td>
{% else %}<td></td><td></td><td></td><td></td><td class="left">{{ job.error }}</td><td></td>{% endif %}</tr>
{% endfor %}</tbody></table>"""


def report_of_multirun(folders: Sequence[Path]) -> str | None:
    """The whole page; ``None`` where no job measured dev.

    Args:
        folders: of the jobs, in their order; those that failed are told with their sentence.
    """
    jobs = [_job(folder) for folder in folders]
    done = [job for job in jobs if job["gain"]]
    if not done:
        return None
    best = max(done, key=lambda job: job["score"])
    told = drawn({"jobs": _scores(done, best)})
    title, subtitle = "Runs side by side", f"dev of {', '.join(dict.fromkeys(job['corpus'] for job in done))}."
    head = rendered(HEAD, sentence=_sentence(done[0], best))
    table = Section("jobs", "Jobs", rendered(TABLE, jobs=jobs, drawn=told, best=best["name"]))
    room = LIMIT - len(page(title, subtitle, head, [table]).encode()) - queries.OVERHEAD
    return page(title, subtitle, head, [table, Section("queries", "Queries", _queries(done[0], best, room))])


def _job(folder: Path) -> dict[str, Any]:
    told = {"name": folder.name, "folder": folder, "options": " ".join(asked(folder) or [])}
    if not (folder / "metrics.json").exists():
        reason = folder / "error.txt"
        return {**told, "gain": None, "error": reason.read_text().strip() if reason.exists() else "left no metrics"}
    metrics = json.loads((folder / "metrics.json").read_text())
    if SPLIT not in metrics:
        return {**told, "gain": None, "error": "its domain has no dev split"}
    return {
        **told, "gain": metrics["gain"][SPLIT]["zero_shot"], "corpus": metrics["corpus"],
        "score": metrics[SPLIT]["adapted"]["ndcg@10"], "zero_shot": metrics[SPLIT]["zero_shot"]["ndcg@10"],
        "seconds": metrics["seconds"]["total"],
    }  # fmt: skip


def _sentence(first: Mapping[str, Any], best: Mapping[str, Any]) -> str:
    head = f"Job {best['name']} ({best['options'] or 'no overrides'}) is the best on dev: {best['score']:.3f} nDCG@10"
    if best["name"] == first["name"]:
        return head + "."
    pair = [_table(job, "per_query").sort("query_id") for job in (best, first)]
    if pair[0]["query_id"].to_list() != pair[1]["query_id"].to_list():
        return head + "; it was measured on other queries than the first."
    found = compare(*(table[HEADLINE].to_numpy() for table in pair))
    words = {"better": "is better than", "worse": "is worse than", "inconclusive": "cannot be told from"}
    interval = f"95 % interval {100 * found.low:+.1f} to {100 * found.high:+.1f}"
    return (
        f"{head}. It {words[found.verdict]} the first, job {first['name']}: {100 * found.mean:+.1f} points "
        f"({interval}), not counting that it is the best of several."
    )


def _table(job: Mapping[str, Any], name: str) -> pl.DataFrame:
    """What a job left of its adapted model on dev, as an arm of the job's name."""
    table = pl.read_parquet(job["folder"] / f"{name}.parquet").filter(split=SPLIT, arm="adapted")
    return table.with_columns(arm=pl.lit(job["name"]))


def _queries(first: Mapping[str, Any], best: Mapping[str, Any], room: int) -> Any:
    jobs = list({job["name"]: job for job in (first, best)}.values())
    if not all((job["folder"] / "ranked.parquet").is_file() for job in jobs):
        return ""
    tables = [_table(job, "per_query") for job in jobs]
    shared = tables[0].join(tables[-1], on=["query_id", "query"], how="semi").select("query_id")
    per_query = pl.concat(tables, how="diagonal").join(shared, on="query_id", how="semi")
    ranked = pl.concat(_table(job, "ranked") for job in jobs)
    names = {job["name"]: f"job {job['name']}" for job in jobs}
    return queries.section(per_query, ranked, names, first["name"], best["name"], room)


def _scores(done: Sequence[Mapping[str, Any]], best: Mapping[str, Any]) -> Any:
    import plotly.graph_objects as go

    names = [f"job {job['name']}" for job in done]
    bars = [
        go.Bar(name="zero-shot", x=names, y=[job["zero_shot"] for job in done], marker_color="#9aa5b1"),
        go.Bar(
            name="adapted", x=names, y=[job["score"] for job in done],
            marker_color=["#0b6e4f" if job["name"] == best["name"] else "#5b8def" for job in done],
        ),
    ]  # fmt: skip
    return laid_out(go.Figure(bars).update_yaxes(title="nDCG@10 on dev", range=[0, 1]), 300)
