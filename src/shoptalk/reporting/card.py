"""The model card that lies beside an exported model."""

from typing import Any

from jinja2 import Environment

from shoptalk.reporting.tables import ARMS, SPLITS, verdict

TEMPLATE = """---
library_name: sentence-transformers
pipeline_tag: sentence-similarity
tags: [sentence-transformers, feature-extraction, shoptalk]
---

# {{ m.run }}

A bi-encoder adapted with shoptalk to the domain `{{ m.corpus }}` ({{ "{:,}".format(m.documents) }} documents), from `{{ base }}`.

{% for sentence in verdicts %}{{ sentence }}
{% endfor %}
| split | retriever | nDCG@10 | recall@100 | MRR@10 |
|---|---|---|---|---|
{% for split, arm, row in rows %}| {{ split }} | {{ arm }} | {{ "%.3f" % row["ndcg@10"] }} | {{ "%.3f" % row["recall@100"] }} | {{ "%.3f" % row["mrr@10"] }} |
{% endfor %}
Training stream: {{ m.mixing.draws }} draws; {% for s, share in m.mixing.drawn.items() %}{{ s }} {{ "%.0f%%" % (100 * share) }}{{ ", " if not loop.last }}{% endfor %}.
{% for notice in m.notices %}
- {{ notice }}{% endfor %}

```python
from sentence_transformers import SentenceTransformer

model = SentenceTransformer("path/to/this/folder")
queries, documents = model.encode_query(["..."]), model.encode_document(["..."])
```
"""


def card(metrics: dict[str, Any], base: str) -> str:
    """Markdown with front matter: what the model was made of and how it measured."""
    rows = [(split, ARMS[arm], row) for split in SPLITS if split in metrics for arm, row in metrics[split].items()]
    verdicts = [verdict(metrics, split) for split in SPLITS if split in metrics]
    return (
        Environment(autoescape=False).from_string(TEMPLATE).render(m=metrics, base=base, rows=rows, verdicts=verdicts)
    )
