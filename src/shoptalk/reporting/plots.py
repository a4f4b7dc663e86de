"""How the figures of ``report.html`` look, and the one script they share."""

from collections.abc import Mapping
from typing import Any

CLEAR = "rgba(0,0,0,0)"
"""The page shines through, so that it may be dark."""


def laid_out(figure: Any, height: int) -> Any:
    """``figure`` with the look of the page."""
    figure.update_layout(
        template="plotly_white", height=height, margin={"l": 10, "r": 10, "t": 30, "b": 10}, barmode="group",
        paper_bgcolor=CLEAR, plot_bgcolor=CLEAR, legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"},
    )  # fmt: skip
    return figure


def drawn(figures: Mapping[str, Any]) -> dict[str, Any]:
    """Each figure as markup; the first, which must stand first in the page, brings the script."""
    from markupsafe import Markup

    config = {"displayModeBar": False}
    return {
        name: Markup(figure.to_html(full_html=False, include_plotlyjs=number == 0, config=config))
        for number, (name, figure) in enumerate(figures.items())
    }
