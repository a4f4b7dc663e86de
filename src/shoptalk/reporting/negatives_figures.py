"""The figures of a report on negatives."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from shoptalk.reporting.negatives import POSITIVES, Bins, Negatives
from shoptalk.reporting.plots import laid_out

_COLOURS = {
    POSITIVES: "#5b8def", "ann": "#b44d12", "denoised": "#b44d12", "bm25": "#c9a227", "twins": "#8250a8",
    "random": "#3fa7a0", "given": "#52606d", "filled": "#9aa5b1",
}  # fmt: skip
_LEFT, _DROPPED, _OTHER = "#0b6e4f", "#d9a38a", "#9aa5b1"


def figures(told: Negatives) -> dict[str, Any]:
    """Name to figure, in the order of the page; only those there is something to draw for."""
    found: dict[str, Any] = {"funnel": _funnel(told)} if told.seen else {}
    found |= {f"scores {scale}": _shares(bins, scale) for scale, bins in told.scores.items()}
    if told.ranks:
        step = 1 + int(told.ranks.edges[-1]) // 10
        found["ranks"] = _counts(told.ranks, "rank").update_xaxes(tick0=0, dtick=step)
    if told.probabilities:
        found["probabilities"] = _probabilities(told.probabilities, told.thresholds)
    return found


def _funnel(told: Negatives) -> Any:
    """One bar per step: what is left beside what the step dropped; last the negatives and who made them."""
    import plotly.graph_objects as go

    steps = [("candidates seen", 0, told.seen), *told.steps()]
    names = [*(name for name, *_ in steps), "negatives"]
    parts = {
        "left": ([*(left for *_, left in steps), 0], _LEFT),
        "dropped": ([*(dropped for _, dropped, _ in steps), 0], _DROPPED),
        "kept": ([*[0] * len(steps), told.kept], _COLOURS["ann"]),
        "filled": ([*[0] * len(steps), told.filled], _COLOURS["filled"]),
        "given": ([*[0] * len(steps), told.given], _COLOURS["given"]),
    }
    bars = [
        go.Bar(name=name, y=names, x=values, orientation="h", marker_color=colour)
        for name, (values, colour) in parts.items()
        if any(values)
    ]
    figure = laid_out(go.Figure(bars), 120 + 34 * len(names))
    figure.update_layout(barmode="stack", legend_traceorder="normal")
    return figure.update_yaxes(autorange="reversed").update_xaxes(title="candidates, and at last negatives")


def _shares(bins: Bins, title: str) -> Any:
    """Every series in shares of itself, one over the other."""
    figure = _bars(bins, {name: counts / max(counts.sum(), 1) for name, counts in bins.counts.items()})
    figure.update_layout(barmode="overlay").update_traces(opacity=0.6)
    return figure.update_xaxes(title=title).update_yaxes(title="share of the series", tickformat=".0%")


def _counts(bins: Bins, title: str) -> Any:
    """Series on top of each other."""
    figure = _bars(bins, bins.counts).update_layout(barmode="stack", legend_traceorder="normal")
    return figure.update_xaxes(title=title).update_yaxes(title="negatives")


def _probabilities(bins: Bins, thresholds: Sequence[float]) -> Any:
    figure = _counts(bins, "calibrated probability")
    figure.update_xaxes(range=[0, min(1.05 * max(bins.edges[-1], *thresholds, 0), 1)])
    for threshold in thresholds:
        figure.add_vline(x=threshold, line_dash="dash", line_color=_COLOURS["ann"])
    return figure


def _bars(bins: Bins, heights: dict[str, np.ndarray]) -> Any:
    import plotly.graph_objects as go

    middles, widths = (bins.edges[1:] + bins.edges[:-1]) / 2, np.diff(bins.edges)
    bars = [
        go.Bar(name=name, x=middles, y=height, width=widths, marker_color=_COLOURS.get(name, _OTHER))
        for name, height in heights.items()
    ]
    return laid_out(go.Figure(bars), 300).update_layout(showlegend=True)
