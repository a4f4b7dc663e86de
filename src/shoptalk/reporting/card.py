"""The model card that lies beside an exported model."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
import yaml
from jinja2 import Environment

from shoptalk.reporting.markdown import escaped, table
from shoptalk.reporting.tables import ARMS, SPLITS, hidden, verdict
from shoptalk.retrieval.significance import compare

TEMPLATE = """---
{{ front }}---

# {{ e(m.run) }}

A bi-encoder adapted with shoptalk from {{ e(base) }} to the domain {{ e(m.corpus) }}, {{ "{:,}".format(m.documents) }} documents.

{% for sentence in verdicts %}{{ e(sentence) }}

{% endfor %}
| | |
|---|---|
| base model | {{ e(base) }} |
| licence of the base model | {{ e(licence) }} |
| parameters | {{ "{:,}".format(size) }} |
| dimension | {{ dimension }} |
{% if cuts %}| trained to be cut to | {{ cuts|join(", ") }} |
{% endif %}| max length | {{ length }} tokens; what is longer is cut off |
{% for kind, prompt in prompts.items() %}| prompt before a {{ e(kind) }} | {{ e(prompt) or "none" }} |
{% endfor %}
## Intended use

Ranking the documents of {{ e(m.corpus) }} for short queries of the kind it was measured on, by cosine similarity.

## Limits

- It was measured on this domain and its language only; for another, measure before use. What it learned here may cost it
  elsewhere.
- The figures are those of the queries below; queries of another kind may fare otherwise.
- A similarity is no probability: order by it, and set no threshold that you did not measure.
{% if worse is none %}- Nothing was measured slice by slice.
{% elif not worse %}- In no slice that was measured is nDCG@10 lower than that of the base model.
{% else %}- In these slices nDCG@10 is lower than that of the base model as it comes:

{{ worse }}
{% endif %}
## How to load

```python
from sentence_transformers import SentenceTransformer

model = SentenceTransformer("path/to/this/folder"{% if cuts %}, truncate_dim={{ cuts[-1] }}{% endif %})
queries, documents = model.encode_query(["..."]), model.encode_document(["..."])
scores = model.similarity(queries, documents)
```
{% if cuts %}
Leave `truncate_dim` out for the whole vectors.
{% endif %}
## Measured

{{ scores or "No split of the domain was measured." }}

The last column is the adapted model's gain in nDCG@10 over the line's retriever, by a paired test over queries.

## Training data

{{ m.mixing.draws }} draws from these pairs:

{{ sources }}
{% if hidden %}
{{ e(hidden) }}
{% endif %}
What was read, what was left out, and why:

{{ counts }}
{% for notice in m.notices %}
- {{ e(notice) }}{% endfor %}
"""


def card(
    metrics: Mapping[str, Any],
    config: Mapping[str, Any],
    encoder: Any,
    per_query: pl.DataFrame,
    licence: str | None = None,
) -> str:
    """Markdown with front matter as model hubs read it: what the model was made of, how it measured, its limits.

    Args:
        config: all options, resolved.
        encoder: the adapted model, for its sizes and prompts.
        licence: of the base model, an identifier of SPDX or of the hub; ``None`` where it is not known.
    """
    base = str(config["model"]["name"])
    measured = [split for split in SPLITS if split in metrics]
    return (
        Environment(autoescape=False, keep_trailing_newline=True)
        .from_string(TEMPLATE)
        .render(
            m=metrics,
            e=escaped,
            base=base,
            front=_front(metrics, base, licence),
            licence=licence or "see the base model",
            verdicts=[verdict(metrics, split) for split in measured],
            size=sum(weights.numel() for weights in encoder.parameters()),
            dimension=encoder.dimension,
            length=encoder.max_length,
            prompts={kind: encoder.prompts.get(kind, "") for kind in ("query", "document")},
            cuts=sorted(config["loss"].get("matryoshka") or [], reverse=True),
            worse=_worse(metrics, per_query),
            scores=_scores(metrics, measured),
            sources=_sources(metrics),
            hidden=hidden(metrics["simulated"]) if "simulated" in metrics else None,
            counts=_counts(metrics),
        )
    )


def _front(metrics: Mapping[str, Any], base: str, licence: str | None) -> str:
    """Front matter as the Hugging Face hub documents it; the base model by name where it is one of the hub's."""
    told: dict[str, Any] = {"library_name": "sentence-transformers", "pipeline_tag": "sentence-similarity"}
    told["tags"] = ["sentence-transformers", "feature-extraction", "shoptalk"]
    told |= {"license": licence.lower()} if licence else {}
    told |= {"base_model": base} if _of_hub(base) else {}
    results = [_result(metrics, split) for split in SPLITS if split in metrics]
    told |= {"model-index": [{"name": str(metrics["run"]), "results": results}]} if results else {}
    return yaml.safe_dump(told, sort_keys=False, allow_unicode=True)


def _of_hub(name: str) -> bool:
    """Whether a base model's name is ``owner/model``, and neither a folder nor a package."""
    parts = name.split("/")
    return len(parts) == 2 and all(part and part[0].isalnum() and ":" not in part for part in parts)


def _result(metrics: Mapping[str, Any], split: str) -> dict[str, Any]:
    kind = {"type": "information-retrieval", "name": "Information Retrieval"}
    data = {"type": "custom", "name": str(metrics["corpus"]), "split": split}
    values = [{"type": f"cosine_{name}", "value": value} for name, value in metrics[split]["adapted"].items()]
    return {"task": kind, "dataset": data, "metrics": values}


def _scores(metrics: Mapping[str, Any], splits: Sequence[str]) -> str:
    rows = []
    for split, arm in ((split, arm) for split in splits for arm in ARMS if arm in metrics[split]):
        figures = [f"{metrics[split][arm][name]:.3f}" for name in ("ndcg@10", "recall@100", "mrr@10")]
        gain = metrics["gain"][split].get(arm)
        n = metrics["gain"][split]["zero_shot"]["n"]
        rows.append([split, f"{n:,}", ARMS[arm], *figures, _interval(gain["ndcg@10"], *gain["ci95"]) if gain else ""])
    columns = ["split", "queries", "retriever", "nDCG@10", "recall@100", "MRR@10", "gain [95 %]"]
    return table(columns, rows, words=1) if rows else ""


def _interval(mean: float, low: float, high: float) -> str:
    return f"{mean:+.3f} [{low:+.3f}, {high:+.3f}]"


def _worse(metrics: Mapping[str, Any], per_query: pl.DataFrame) -> str | None:
    """A table of the slices where adapting lowered nDCG@10; empty where none is, ``None`` where there are no slices."""
    slices = [
        (split, column, value, told)
        for split, columns in metrics["slices"].items()
        for column, values in columns.items()
        for value, told in values.items()
    ]
    rows = []
    for split, column, value, told in slices:
        if told["adapted"] < told["zero_shot"]:
            part = per_query.filter((pl.col("split") == split) & (pl.col(column) == value)).sort("query_id")
            found = compare(*(part.filter(arm=arm)["ndcg@10"].to_numpy() for arm in ("adapted", "zero_shot")))
            doubt = "" if found.verdict == "worse" else "inconclusive"
            change = _interval(found.mean, found.low, found.high)
            rows.append([split, f"{column}: {value}", f"{found.n:,}", change, doubt])
    columns = ["split", "slice", "queries", "change in nDCG@10 [95 %]", ""]
    return (table(columns, rows, words=2) if rows else "") if slices else None


def _sources(metrics: Mapping[str, Any]) -> str:
    mixing, shares = metrics["mixing"], ("drawn", "share_of_loss")
    rows = [
        [source, f"{mixing['pairs'].get(source, 0):,}", *(f"{mixing[key].get(source, 0):.0%}" for key in shares)]
        for source in mixing["asked"]
    ]
    return table(["source", "pairs", "share of the draws", "share of the loss"], rows)


def _counts(metrics: Mapping[str, Any]) -> str:
    told = {"domain": metrics["domain"], **metrics["sources"], "negatives": metrics["negatives"]["dropped"]}
    rows = [
        [where, reason, f"{count:,}" if isinstance(count, int) else f"{count:.4g}"]
        for where, counts in told.items()
        for reason, count in counts.items()
        if isinstance(count, int | float) and count
    ]
    return table(["where", "what", "count"], rows, words=2)
