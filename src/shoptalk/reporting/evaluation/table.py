"""The table of an evaluation, and what it comes to in sentences."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from shoptalk.reporting.narrow import Folding, add_columns, lined, short

MEASURES = {"ndcg@10": "nDCG@10", "recall@100": "recall@100", "mrr@10": "MRR@10"}
WIDE = 100
"""Columns of a terminal that have room for MRR@10, and for won/tied/lost beside the difference."""
FEW = 2
"""Retrievers barred by a budget that a sentence can name; more stand in a table."""


def show(content: Mapping[str, Any], console: Console) -> None:
    """Print the table of each split that all arms were measured on, notices, and the outcome.

    Args:
        content: that of ``evaluation.json``.
    """
    for split in ("dev", "test", "audit"):
        if split in content and (split != "test" or content["chosen_on"] is None):
            console.print(table(content, split, console.width >= WIDE))
    if "costs" in content:
        console.print(costs(content))
    if len(lost := _lost(content)) > FEW:
        console.print(barred(lost))
    for notice in content["notices"]:
        console.print(f"[yellow]note:[/] {escape(notice)}", highlight=False)
    for sentence in outcome(content):
        console.print(f"[bold]{escape(sentence)}[/]", highlight=False)


def table(content: Mapping[str, Any], split: str, wide: bool = True) -> Table:
    """A row per arm, each mean above its 95 % interval; where it is not ``wide``, without MRR@10."""
    found, baseline = content[split], content["baseline"]
    n = next(iter(found.values()))["n"]
    title = f"{content['corpus']}, {n:,} queries of {split}, means with 95 % intervals"
    title += "" if wide else " (MRR@10: report.html)"
    measures = [measure for measure in MEASURES if wide or measure != "mrr@10"]
    made = lined(title, show_lines=True)
    made.add_column("retriever", min_width=len("retriever"))
    over = f"nDCG@10\nover {escape(baseline) if len(baseline) <= len('baseline') else 'baseline'}"
    add_columns(made, *map(MEASURES.get, measures), *([over, "won/tied/lost"] if wide else [f"{over}\nwon/tied/lost"]))
    made.add_column("verdict\np (Holm)", no_wrap=True)
    for arm, told in found.items():
        cells = [_mean(told[measure], told["ci95"][measure]) for measure in measures]
        against = content["over_baseline"][split].get(arm)
        difference, counts, verdict = _against(against) if against else ("", "", "baseline")
        compared = [difference, counts] if wide else [f"{difference}\n{counts}".strip()]
        made.add_row(Folding(arm), *cells, *compared, verdict, style="bold" if arm == content["winner"] else "")
    return made


COSTS = {
    "p50_ms": "p50\nms", "p95_ms": "p95\nms", "documents_per_s": "documents\nper s", "memory_mb": "memory\nMB",
    "index_bytes": "index\nMB", "index_mb_per_1m": "index\nMB per\nmillion",
}  # fmt: skip
"""Figure of ``Cost`` to its heading."""


def costs(content: Mapping[str, Any]) -> Table:
    """A row per arm: its quality where all were measured, and what it costs."""
    split = content["chosen_on"] or "test"
    title = "What they cost: a query alone from text to results; memory of a process with model and index"
    made = lined(title)
    made.add_column("retriever", min_width=len("retriever"))
    add_columns(made, f"nDCG@10\n{split}", *COSTS.values())
    for arm, told in content["costs"].items():
        row = [cost(name, told[name]) for name in COSTS]
        quality = f"{content[split][arm]['ndcg@10']:.3f}"
        made.add_row(Folding(arm), quality, *row, style="bold" if arm == content["winner"] else "")
    return made


def barred(lost: Mapping[str, str]) -> Table:
    """A row per arm that the budget takes away, and why."""
    made = lined("Barred by the budget")
    made.add_column("retriever")
    made.add_column("why")
    for arm, why in lost.items():
        made.add_row(Folding(arm), escape(why))
    return made


def cost(name: str, figure: float | None) -> str:
    """One figure as people read it."""
    if figure is None:
        return "-"
    figure = figure / 1e6 if name == "index_bytes" else figure
    return f"{figure:,.1f}" if figure < 100 else f"{figure:,.0f}"


def outcome(content: Mapping[str, Any]) -> list[str]:
    """What was chosen and how it does on test, one sentence each."""
    baseline, winner = content["baseline"], content["winner"]
    if content["chosen_on"] is None:
        return ["There is no dev split: all are measured on test, and nothing is chosen."]
    budget = [_price(content["budget"], _lost(content))] if "budget" in content else []
    if winner is None:
        return []  # the sentence that ends the command says by how much the nearest misses
    best = f"{winner} is best on dev with {content['dev'][winner]['ndcg@10']:.3f} nDCG@10"
    if "test" not in content:
        return [f"{best}; there is no test split to confirm it on.", *budget]
    test = content["test"]
    if winner == baseline:
        return [f"{best}; it is the baseline, so test is read for it alone: {_alone(test[winner])}.", *budget]
    gain = content["over_baseline"]["test"][winner]
    low, high = (100 * side for side in gain["ci95"])
    verdict = gain["verdict"] if gain["verdict"] == "inconclusive" else f"it is {gain['verdict']}"
    return [
        f"{best}.",
        *budget,
        f"Test, read for it and {baseline} alone: {winner} has {_alone(test[winner])}, {baseline} "
        f"{test[baseline]['ndcg@10']:.3f}; {100 * gain['ndcg@10']:+.1f} points "
        f"(95 % interval {low:+.1f} to {high:+.1f}, p = {gain['p_value']:.4f}): {verdict}.",
    ]


def _lost(content: Mapping[str, Any]) -> dict[str, str]:
    """Arm that the budget takes away to why."""
    budget = content.get("budget")
    return {**budget["left_out"], **budget["barred"]} if budget else {}


def _price(budget: Mapping[str, Any], lost: Mapping[str, str]) -> str:
    """What the budget takes away."""
    named = "; ".join(f"{arm}: {why}" for arm, why in lost.items())
    bars = f"The budget bars {named if len(lost) <= FEW else f'{len(lost)} retrievers'}."
    if (price := budget["price"]) is None:
        return f"{bars} It costs nothing: the best of those measured meets it."
    low, high = (-100 * side for side in reversed(price["ci95"]))
    return (
        f"{bars} Without it {budget['best']} would be chosen: on dev it has {-100 * price['ndcg@10']:.1f} points "
        f"nDCG@10 more (95 % interval {low:+.1f} to {high:+.1f})."
    )


def _alone(told: Mapping[str, Any]) -> str:
    low, high = told["ci95"]["ndcg@10"]
    return f"{told['ndcg@10']:.3f} nDCG@10 ({low:.3f} to {high:.3f}, {told['n']:,} queries)"


def _mean(mean: float, interval: Sequence[float]) -> str:
    return f"{mean:.3f}\n[dim]{short(interval[0])}–{short(interval[1])}[/]"


def _against(told: Mapping[str, Any]) -> list[str]:
    low, high = (short(side, "+.3f") for side in told["ci95"])
    difference = f"{told['ndcg@10']:+.3f}\n[dim]{low} to {high}[/]"
    return [difference, f"{told['wins']}/{told['ties']}/{told['losses']}", f"{told['verdict']}\n{told['holm']:.4f}"]
