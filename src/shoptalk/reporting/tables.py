"""Tables a manager could read, and the one-sentence verdict."""

from typing import Any

from rich import box
from rich.console import Console, Group
from rich.markup import escape
from rich.table import Table

from shoptalk.comparing import SMALL, SPLITS
from shoptalk.reporting.narrow import add_columns, short
from shoptalk.retrieval.significance import Difference

ARMS = {"bm25": "BM25", "zero_shot": "zero-shot", "adapted": "adapted"}
COLOURS = {"bm25": "#9aa5b1", "zero_shot": "#5b8def", "adapted": "#0b6e4f"}


def scores(metrics: dict[str, Any]) -> Table:
    """Arms down, measures across, one block per split."""
    table = Table(title=f"Retrieval on {metrics['corpus']}", title_justify="left")
    table.add_column("split")
    table.add_column("retriever")
    names = ("ndcg@10", "recall@100", "mrr@10")
    for name in (*names, "gain in nDCG@10 over it"):
        table.add_column(name, justify="right")
    for split in (s for s in SPLITS if s in metrics):
        for arm in (a for a in ARMS if a in metrics[split]):
            cells = [f"{metrics[split][arm][name]:.3f}" for name in names]
            over = metrics["gain"].get(split, {}).get(arm)
            table.add_row(
                split, ARMS[arm], *cells, _interval(over) if over else "", style="bold" if arm == "adapted" else ""
            )
        table.add_section()
    return table


def _interval(gain: dict[str, Any]) -> str:
    low, high = gain["ci95"]
    return f"{gain['ndcg@10']:+.3f} [{low:+.3f}, {high:+.3f}]"


def slice_table(metrics: dict[str, Any], split: str) -> Table:
    """Every slice of one split: n, nDCG@10 per arm, gain over zero-shot; no interval where it resolves too little."""
    title, few = f"nDCG@10 by slice ({split})", False
    table = Table(title=title, title_justify="left", box=box.HORIZONTALS, padding=0, caption_justify="left")
    for name in ("slice", "value"):
        table.add_column(name, overflow="fold")
    add_columns(table, "n", *(name.replace("-", "-\n") for name in ARMS.values()), "gain over\nzero-shot [95 %]")
    for column, values in metrics["slices"].get(split, {}).items():
        for value, cells in values.items():
            figures = [short(cells[arm]) if arm in cells else "" for arm in ARMS]
            small = cells.get("small", False)
            gain = _gain(cells["gain"], small) if "gain" in cells else ""
            table.add_row(escape(column), escape(value), str(cells["n"]), *figures, gain, style="dim" if small else "")
            few |= small
        table.add_section()
    if few:
        table.caption = (
            f"too few: fewer than {SMALL} queries, or too few to show (80 % power) even the gain over all queries"
        )
    return table


def _gain(gain: dict[str, Any], small: bool) -> str:
    low, high = (short(side, "+.3f") for side in gain["ci95"])
    return f"{short(gain['ndcg@10'], '+.3f')} {'too few' if small else f'[{low}, {high}]'}"


def mixing_table(metrics: dict[str, Any]) -> Table:
    """Ratio asked, drawn, and as share of the loss, by source."""
    table = Table(title="Mixture", title_justify="left")
    table.add_column("source")
    for name in ("pairs", "asked", "drawn", "share of loss"):
        table.add_column(name, justify="right")
    mixing = metrics["mixing"]
    for source in mixing["asked"]:
        shares = [f"{mixing[key].get(source, 0.0):.1%}" for key in ("asked", "drawn", "share_of_loss")]
        table.add_row(source, str(mixing["pairs"].get(source, 0)), *shares)
    return table


def verdict(metrics: dict[str, Any], split: str) -> str:
    """One sentence: by how much adapting lifted nDCG@10, over what, and whether it is real."""
    parts = []
    for arm in ("zero_shot", "bm25"):
        gain = metrics["gain"][split][arm]
        low, high = gain["ci95"]
        found = Difference(gain["ndcg@10"], low, high, gain["p_value"], gain["n"]).verdict
        word = {"better": "lifts", "worse": "lowers", "inconclusive": "changes"}[found]
        doubt = "; inconclusive" if found == "inconclusive" else ""
        points = f"{100 * abs(gain['ndcg@10']) if found != 'inconclusive' else 100 * gain['ndcg@10']:.1f}"
        parts.append(
            f"{word} nDCG@10 over {ARMS[arm]} by {points} points "
            f"(95 % interval {100 * low:+.1f} to {100 * high:+.1f}, p = {gain['p_value']:.4f}{doubt})"
        )
    n = metrics["gain"][split]["zero_shot"]["n"]
    return f"On {n} {split} queries of {metrics['corpus']}, adapting {' and '.join(parts)}."


def hidden(simulated: dict[str, Any]) -> str:
    """What only the simulator knows, in a sentence."""
    never = simulated["never_shown"]
    pseudo = simulated.get("pseudo_purity", {})
    purity = ", ".join(
        f"{100 * share:.1f} % of the pairs of {name}"
        + (f" (and {100 * pseudo[name]:.1f} % of its pseudo-positives)" if name in pseudo else "")
        for name, share in simulated["purity"].items()
    )
    return (
        f"The click log is simulated. By its hidden truth {purity} are true; {100 * never['of_asked']:.1f} % of the "
        f"{never['asked']:,} intents asked never had their document shown ({100 * never['of_all']:.1f} % of all "
        f"{never['intents']:,})."
    )


def show(metrics: dict[str, Any], console: Console) -> None:
    """Print all tables of a run and its verdict."""
    last = [s for s in SPLITS if s in metrics]
    blocks: list[Any] = [scores(metrics), mixing_table(metrics)]
    if last and metrics["slices"].get(last[-1]):
        blocks.append(slice_table(metrics, last[-1]))
    console.print(Group(*blocks))
    if "simulated" in metrics:
        console.print(hidden(metrics["simulated"]), highlight=False)
    for notice in metrics["notices"]:
        console.print(f"[yellow]note:[/] {notice}", highlight=False)
    if last:
        console.print(f"[bold]{verdict(metrics, last[-1])}[/]", highlight=False)
    if "shipping" in metrics:
        ship = metrics["shipping"]
        for caution in ship["cautions"]:
            console.print(f"[yellow]note:[/] {caution}", highlight=False)
        said = escape(" ".join(ship["reasons"]))
        console.print(f"[bold]{ship['verdict'].capitalize()}[/], by {ship['split']}. {said}", highlight=False)
