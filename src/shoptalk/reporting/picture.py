"""``result.svg``: the result as a picture for a README, a slide or a message."""

from typing import Any

from jinja2 import Environment

from shoptalk.reporting.tables import ARMS, COLOURS, SPLITS

TEMPLATE = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 {{ 60 + 46 * blocks|length }}" font-family="system-ui, sans-serif" font-size="13">
<rect width="100%" height="100%" fill="#fff"/>
<text x="12" y="24" font-size="16" font-weight="600" fill="#1f2933">nDCG@10 on {{ split }}, {{ corpus }}{{ " (click log simulated)" if simulated }}</text>
{% for arm, title in arms.items() %}<rect x="{{ 12 + 100 * loop.index0 }}" y="36" width="12" height="12" fill="{{ colours[arm] }}"/><text x="{{ 29 + 100 * loop.index0 }}" y="47" fill="#52606d">{{ title }}</text>
{% endfor %}{% for name, scores in blocks %}{% set top = 68 + 46 * loop.index0 %}<text x="262" y="{{ top + 20 }}" text-anchor="end" fill="#1f2933">{{ name }}</text>
{% for arm, score in scores %}{% set y = top + 12 * loop.index0 %}{% set width = 430 * score %}<rect x="270" y="{{ y }}" width="{{ "%.1f" % width }}" height="11" fill="{{ colours[arm] }}"/><text x="{{ "%.1f" % (275 + width) }}" y="{{ y + 9 }}" font-size="10.5" fill="#1f2933">{{ "%.3f" % score }}</text>
{% endfor %}{% endfor %}</svg>
"""


def picture(metrics: dict[str, Any]) -> str | None:
    """Bars of nDCG@10 per arm, over all queries and the slices that resolve anything, on ``test`` or else the best split.

    ``None`` where no split was measured.
    """
    split = next((name for name in ("test", *SPLITS) if name in metrics), None)
    if split is None:
        return None
    size = metrics["gain"][split]["zero_shot"]["n"]
    blocks = [(f"all {size:,} queries", _scores({arm: row["ndcg@10"] for arm, row in metrics[split].items()}))]
    for column, values in metrics["slices"].get(split, {}).items():
        title = column.replace("_", " ")
        blocks += [
            (f"{title}: {value} (n={told['n']:,})", _scores(told))
            for value, told in values.items()
            if not told.get("small")
        ]
    return (
        Environment(autoescape=True)
        .from_string(TEMPLATE)
        .render(
            split=split,
            corpus=metrics["corpus"],
            simulated="simulated" in metrics,
            arms=ARMS,
            colours=COLOURS,
            blocks=blocks,
        )
    )


def _scores(by_arm: dict[str, float]) -> list[tuple[str, float]]:
    return [(arm, by_arm[arm]) for arm in ARMS if arm in by_arm]
