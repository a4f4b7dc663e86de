"""What stands first: ship or not and why, what adapting changed, and how far these queries can be trusted."""

from collections.abc import Mapping
from typing import Any

from shoptalk.reporting.pages.frame import rendered
from shoptalk.reporting.tables import ARMS, SPLITS, hidden, verdict
from shoptalk.shipping import SHIP, STAY

TEMPLATE = """{% if ship %}<div class="verdict {{ look }}"><p><strong>{{ ship.verdict }}</strong>, by
{{ ship.split }}.</p><ul class="reasons">
{% for reason in ship.reasons %}<li>{{ reason }}</li>
{% endfor %}</ul></div>
{% endif %}{% for sentence in verdicts %}<p{% if not ship %} class="verdict"{% endif %}>{{ sentence }}</p>
{% endfor %}"""

TRUST = """{% if trust %}<h2>How far to trust this</h2><ul class="reasons">
{% for sentence in trust %}<li>{{ sentence }}</li>
{% endfor %}</ul>{% endif %}"""


def head(metrics: Mapping[str, Any]) -> Any:
    """Markup of what stands above a run's page."""
    splits = [split for split in SPLITS if split in metrics]
    ship = metrics.get("shipping")
    look = {SHIP: "go", STAY: "stay"}.get(ship["verdict"], "unclear") if ship else ""
    return rendered(TEMPLATE, ship=ship, look=look, verdicts=[verdict(metrics, split) for split in splits])


def section(metrics: Mapping[str, Any]) -> Any:
    """Markup of what limits the figures; empty where nothing was measured."""
    return rendered(TRUST, trust=trust(metrics))


def trust(metrics: Mapping[str, Any]) -> list[str]:
    """Sentences on power, judgments, consistency and simulated logs."""
    told = []
    for split in (split for split in SPLITS if split in metrics):
        told += _power(split, metrics.get("power", {}).get(split, {}))
        told += metrics.get("judged", {}).get(split, {}).get("warnings", [])
        told += _consistency(split, metrics.get("consistency", {}).get(split))
    return told + ([hidden(metrics["simulated"])] if "simulated" in metrics else [])


def _power(split: str, found: Mapping[str, Mapping[str, Any]]) -> list[str]:
    known = [(ARMS[arm], told) for arm, told in found.items() if told["smallest"] is not None]
    if not known:
        return []
    parts = [f"{100 * told['smallest']:.1f} points against {name}" for name, told in known]
    return [
        f"The {known[0][1]['n']:,} {split} queries show differences in nDCG@10 from {' and '.join(parts)} on "
        "(80 % power at the 5 % level, two-sided); smaller ones may be there and go unseen."
    ]


def _consistency(split: str, told: Mapping[str, Any] | None) -> list[str]:
    if told is None:
        return []
    gain = told["gain"]
    return [
        f"On {split} {told['queries']} queries fall into {told['groups']} groups that mean the same document; the "
        f"results within a group overlap by {told['adapted']:.3f}, with the base model by {told['zero_shot']:.3f} "
        f"(rank-biased overlap, p = 0.9): {gain['rbo']:+.3f}, 95 % interval {gain['ci95'][0]:+.3f} to "
        f"{gain['ci95'][1]:+.3f}, {gain['verdict']}."
    ]
