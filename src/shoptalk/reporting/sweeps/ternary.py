"""The triangle of a mixture of three: every trial where its shares lie, over a smooth surface."""

from typing import Any

import numpy as np

from shoptalk.reporting.plots import laid_out
from shoptalk.reporting.sweeps.read import ENOUGH, Sweep
from shoptalk.reporting.sweeps.surrogate import REACH, Surface, fitted, triangles

STEPS, BANDS = 36, 14
SCALE = "Viridis"
UNKNOWN = "rgba(154,165,177,.35)"


def ternary(sweep: Sweep, name: str) -> tuple[Any, str]:
    """The figure of one simplex and what it says in words; ``None`` and why, where it cannot be drawn."""
    parts = sweep.simplexes[name]
    trials = [trial for trial in sweep.finished if sweep.shares(name, trial)]
    seen = np.array([sweep.shares(name, trial) for trial in trials], dtype=float)
    figures = np.array([trial.values[0] for trial in trials])
    if why := _lacking(sweep, parts, seen, figures):
        return None, f"No triangle of {name}: {why}."
    corners, centres = triangles(STEPS)
    surface = fitted(seen, figures, centres)
    return _figure(sweep, parts, trials, seen, figures, corners, surface), _words(sweep, name, surface)


def _lacking(sweep: Sweep, parts: tuple[str, ...], seen: np.ndarray, figures: np.ndarray) -> str | None:
    if len(parts) != 3:
        return f"it has {len(parts)} parts, {', '.join(parts)}, and a triangle shows three"
    if len(seen) < ENOUGH:
        return f"{len(seen)} finished trials have its shares, and {ENOUGH} are needed"
    if len(np.unique(seen.round(6), axis=0)) < 3:
        return "all finished trials have one of two mixtures"
    if np.ptp(figures) == 0:
        return f"every finished trial has the same {sweep.objectives[0]}"
    return None


def _words(sweep: Sweep, name: str, surface: Surface) -> str:
    top = surface.peak(sweep.maximised[0])
    mixture = ", ".join(
        f"{part} {share:.0%}" for part, share in zip(sweep.simplexes[name], surface.shares[top], strict=True)
    )
    doubt = " Inconclusive: it explains the trials no better than noise about one mean does (likelihood-ratio test)."
    return (
        f"The surface is best at {mixture}: {surface.mean[top]:.4g} ± {surface.deviation[top]:.2g} (one standard "
        f"deviation). A single trial lies {surface.noise:.2g} about it, for what else the trials vary counts as noise."
        f"{'' if surface.told_apart else doubt} The surface is the mean of a Gaussian process with a noise term; it is "
        f"grey where no finished trial lies within {100 * REACH:.0f} points, that is where more of the mixture than "
        "that would have to move."
    )


def _figure(
    sweep: Sweep,
    parts: tuple[str, ...],
    trials: list[Any],
    seen: np.ndarray,
    figures: np.ndarray,
    corners: np.ndarray,
    surface: Surface,
) -> Any:
    import plotly.graph_objects as go

    known = surface.mean[surface.near]
    low, high = float(min(known.min(), figures.min())), float(max(known.max(), figures.max()))
    best = {trial.number for trial in sweep.best}
    figure = go.Figure([_tiles(corners[~surface.near], UNKNOWN), *_bands(sweep, corners, surface, low, high)])
    figure.add_trace(_hover(parts, surface))
    figure.add_scatterternary(
        a=seen[:, 0].tolist(), b=seen[:, 1].tolist(), c=seen[:, 2].tolist(), mode="markers", name="trials",
        customdata=[trial.number for trial in trials],
        text=[_told(sweep, parts, trial, shares) for trial, shares in zip(trials, seen, strict=True)],
        hovertemplate="%{text}<extra></extra>",
        marker={
            "size": 11, "color": figures.tolist(), "cmin": low, "cmax": high, "colorscale": SCALE,
            "reversescale": not sweep.maximised[0], "line": {"width": 1.5, "color": "#fff"},
            "symbol": ["star" if trial.number in best else "circle" for trial in trials],
            "colorbar": {"title": {"text": sweep.objectives[0], "side": "bottom"}, "orientation": "h", "y": -0.1,
                         "yanchor": "top", "thickness": 12},
        },
    )  # fmt: skip
    ticks = {"tickformat": ".0%", "tickvals": [0.25, 0.5, 0.75], "color": "#7b8794", "min": 0}
    axes = {f"{axis}axis": {"title": {"text": part}, **ticks} for axis, part in zip("abc", parts, strict=True)}
    laid_out(figure, 520)
    return figure.update_layout(
        showlegend=False,
        ternary={"sum": 1, "bgcolor": "rgba(0,0,0,0)", **axes},
        margin={"l": 70, "r": 70, "t": 50, "b": 90},
    )


def _bands(sweep: Sweep, corners: np.ndarray, surface: Surface, low: float, high: float) -> list[Any]:
    from plotly.colors import sample_colorscale

    share = (surface.mean - low) / (high - low)
    band = np.clip((share * BANDS).astype(int), 0, BANDS - 1)
    places = [(number + 0.5) / BANDS for number in range(BANDS)]
    colours = sample_colorscale(SCALE, places if sweep.maximised[0] else [1 - place for place in places])
    return [
        _tiles(corners[surface.near & (band == number)], colours[number])
        for number in range(BANDS)
        if (surface.near & (band == number)).any()
    ]


def _tiles(corners: np.ndarray, colour: str) -> Any:
    """Filled triangles, whose third share is what the first two leave; the line covers the seams between them."""
    import plotly.graph_objects as go

    closed = np.concatenate([corners, corners[:, :1]], axis=1).round(4).tolist()
    a, b = ([share for triangle in closed for share in [*(corner[i] for corner in triangle), None]] for i in (0, 1))
    line = {"color": colour, "width": 0 if colour == UNKNOWN else 1}
    return go.Scatterternary(
        a=a, b=b, sum=1, mode="lines", fill="toself", fillcolor=colour, line=line, hoverinfo="skip"
    )


def _hover(parts: tuple[str, ...], surface: Surface) -> Any:
    """Unseen points that tell the surface's figure under the pointer."""
    import plotly.graph_objects as go

    known = surface.near
    a, b, c = surface.shares[known].round(3).T.tolist()
    told = [f"{m:.4g} ± {d:.2g}" for m, d in zip(surface.mean[known], surface.deviation[known], strict=True)]
    names = "<br>".join(f"{part} %{{{axis}:.0%}}" for part, axis in zip(parts, "abc", strict=True))
    return go.Scatterternary(
        a=a, b=b, c=c, mode="markers", marker={"size": 8, "opacity": 0}, text=told, name="surface",
        hovertemplate=f"surface %{{text}}<br>{names}<extra></extra>",
    )  # fmt: skip


def _told(sweep: Sweep, parts: tuple[str, ...], trial: Any, shares: np.ndarray) -> str:
    figures = [f"{name} {value:.4g}" for name, value in zip(sweep.objectives, trial.values, strict=True)]
    mixture = [f"{part} {share:.1%}" for part, share in zip(parts, shares, strict=True)]
    return "<br>".join([f"trial {trial.number}", *figures, *mixture])
