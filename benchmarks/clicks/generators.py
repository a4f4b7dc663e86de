"""Does the matching click model foretell held-out clicks best? SIMULATED clicks of each model, fitted by each.

Every click model of the simulator clicks in the lists of the recovery world; the first 80 % of the sessions fit,
the last 20 % are foretold. Shown are the log-likelihood of a held-out list given the clicks above each rank (nats,
higher is better) and the perplexity per rank (1 is best, 2 a coin). A model ties with the best one where it is
behind by at most one standard error of their paired difference over seeds.

RegressionEM is told a feature that real logs do not have: relevance + N(0, 1), a number per query and document.
AllPairs, AdjacentChain and Given(eta=1) know propensities alone and stand in a position-based model; the last is told
the true theta of PositionBased clicks. So there are two verdicts, among all models and among those told nothing.
No model matches the clicks of Trust, which here are an extra.

    python benchmarks/clicks/generators.py [--sessions 100000] [--seeds 5]
"""

import argparse
from dataclasses import replace

import numpy as np
import polars as pl
from common import CONSOLE, parser, simulated, summary, told, write
from rich.table import Table

from shoptalk.errors import InputError
from shoptalk.sources.clicks.observed import Features, Observed
from shoptalk.sources.clicks.propensity.browsing import Cascade, DependentClicks, SimplifiedDBN, UserBrowsingEM
from shoptalk.sources.clicks.propensity.em import PositionEM
from shoptalk.sources.clicks.propensity.given import Given
from shoptalk.sources.clicks.propensity.held import log_likelihood, of_estimator
from shoptalk.sources.clicks.propensity.intervention import AdjacentChain, AllPairs
from shoptalk.sources.clicks.propensity.regression import RegressionEM
from shoptalk.sources.clicks.simulation import click_models
from shoptalk.sources.clicks.simulation.click_models import ClickModel
from shoptalk.sources.clicks.simulation.pool import PoolLists

RANKERS, TRAINED = 3, 0.8
GENERATORS: dict[str, tuple[ClickModel, tuple[str, ...]]] = {
    "PositionBased": (click_models.PositionBased(), ("PositionEM", "AllPairs", "AdjacentChain", "Given(eta=1)")),
    "UserBrowsing": (click_models.UserBrowsing(), ("UserBrowsingEM",)),
    "Cascade": (click_models.Cascade(), ("Cascade",)),
    "DependentClick": (click_models.DependentClick(), ("DependentClicks",)),
    "SDBN": (click_models.SDBN(), ("SimplifiedDBN",)),
    "Trust": (click_models.Trust(), ()),
}
"""Name to the searchers' model and the models of its kind (RegressionEM, whose attractiveness is another, apart)."""

TOLD = ("RegressionEM", "Given(eta=1)")
"""Models that are told something about the world."""

MODELS = {
    "PositionEM": PositionEM(), "RegressionEM": RegressionEM(), "UserBrowsingEM": UserBrowsingEM(),
    "Cascade": Cascade(), "DependentClicks": DependentClicks(), "SimplifiedDBN": SimplifiedDBN(),
    "AllPairs": AllPairs(), "AdjacentChain": AdjacentChain(), "Given(eta=1)": Given(eta=1),
}  # fmt: skip


def noisy_relevance(lists: PoolLists, seed: int) -> Features:
    """One feature of a pair: its relevance + N(0, 1), the same whenever it is asked for."""
    noise = np.random.default_rng([seed, 2]).standard_normal(lists.relevant.shape)
    values = (lists.relevant + noise).astype(np.float32)

    def features(pairs: pl.DataFrame) -> np.ndarray:
        return values[pairs["query_id"].to_numpy(), pairs["doc_id"].cast(pl.Int64).to_numpy()][:, None]

    return features


def foretold(model: ClickModel, sessions: int, seed: int) -> dict[str, tuple[float, np.ndarray] | str]:
    """Per model of ``MODELS`` the held-out log-likelihood of a list and the perplexity by rank, float64 [10], or the
    sentence that it refuses the log with."""
    lists, clicked, _ = simulated(model, RANKERS, sessions, seed)
    cut = int(TRAINED * sessions)
    train = Observed.of_lists(lists.query[:cut], lists.document[:cut], clicked[:cut])
    train = replace(train, features=noisy_relevance(lists, seed))
    held = lists.query[cut:], lists.document[cut:], clicked[cut:]
    shown = np.ones(held[2].shape, dtype=bool)
    found: dict[str, tuple[float, np.ndarray] | str] = {}
    for name, estimator in MODELS.items():
        try:
            found[name] = log_likelihood(of_estimator(train, estimator)(*held), held[2], shown)
        except InputError as error:
            found[name] = str(error)
    return found


def measure(sessions: int, seeds: int) -> dict[str, dict]:
    """Per generator: per model ``likelihood`` (a summary), ``behind`` the best (mean and standard error of the
    paired difference), ``standing`` (best, ties or behind) and ``perplexity`` by rank (summaries); ``verdicts``;
    ``refused``: models that refused any seed, and their sentence."""
    figures = {}
    for name, (model, matching) in GENERATORS.items():
        found = [foretold(model, sessions, seed) for seed in range(seeds)]
        refused = {m: s for f in found for m, s in f.items() if isinstance(s, str)}
        able = [m for m in MODELS if m not in refused]
        scores = {m: np.array([f[m][0] for f in found]) for m in able}
        perplexity = {m: [summary(at) for at in zip(*(f[m][1] for f in found), strict=True)] for m in able}
        standing = standings(scores)
        models = {m: {"likelihood": summary(scores[m]), "perplexity": perplexity[m]} | standing[m] for m in able}
        untold = {m: values for m, values in scores.items() if m not in TOLD}
        verdicts = {"all": verdict(scores, matching), "told nothing": verdict(untold, matching)}
        figures[name] = {"models": models, "matching": list(matching), "verdicts": verdicts, "refused": refused}
    return figures


def standings(scores: dict[str, np.ndarray]) -> dict[str, dict]:
    """Per model: how far behind the best (``behind``, ``error``: mean and standard error over seeds), ``standing``."""
    top = max(scores, key=lambda name: scores[name].mean())
    found = {}
    for name, values in scores.items():
        behind = scores[top] - values
        error = behind.std(ddof=1) / np.sqrt(len(behind)) if len(behind) > 1 else 0.0
        standing = "best" if name == top else "ties" if behind.mean() <= error else "behind"
        found[name] = {"behind": float(behind.mean()), "error": float(error), "standing": standing}
    return found


def verdict(scores: dict[str, np.ndarray], matching: tuple[str, ...]) -> str:
    """Which of the ``matching`` models win or tie among those of ``scores``, and by how much the others are behind."""
    standing = standings(scores)
    mine = sorted((m for m in matching if m in scores), key=lambda m: standing[m]["behind"])
    if not mine:
        return f"none matches; {next(m for m, f in standing.items() if f['standing'] == 'best')} is best"
    words = {"best": "wins", "ties": "ties", "behind": "is {:.4f} behind"}
    return ", ".join(f"{m} {words[standing[m]['standing']].format(standing[m]['behind'])}" for m in mine)


def show(figures: dict[str, dict], sessions: int, seeds: int) -> None:
    """A table per generator, and the verdicts."""
    for generator, found in figures.items():
        title = f"SIMULATED {generator} clicks: {TRAINED * sessions:,.0f} lists fit, {(1 - TRAINED) * sessions:,.0f} "
        table = Table(title=f"{title}held out, {seeds} seeds\n(RegressionEM sees noisy relevance: relevance + N(0,1))")
        for column in ("model", "log-likelihood ± sd", "behind ± se", "", "perplexity at 1", "3", "10", "mean"):
            table.add_column(column, justify="left" if column in ("model", "") else "right")
        for name, f in sorted(found["models"].items(), key=lambda item: item[1]["behind"]):
            perplexity = np.array([at["mean"] for at in f["perplexity"]])
            some = (f"{p:.4f}" for p in (*perplexity[[0, 2, 9]], perplexity.mean()))
            behind = f"{f['behind']:.4f} ± {f['error']:.4f}"
            marked = name + (" *" if name in found["matching"] else "")
            table.add_row(marked, told(f["likelihood"], 4), behind, f["standing"], *some)
        CONSOLE.print(table)
        for name, sentence in found["refused"].items():
            CONSOLE.print(f"{name} refused: {sentence}")
    table = Table(title="SIMULATED: do the matching models (*) win or tie?")
    for column in ("generator", "among all models", f"without {' and '.join(TOLD)}"):
        table.add_column(column)
    for generator, found in figures.items():
        table.add_row(generator, *found["verdicts"].values())
    CONSOLE.print(table)


def main(chosen: argparse.Namespace) -> None:
    """Measure, print, write."""
    figures = measure(chosen.sessions, chosen.seeds)
    show(figures, chosen.sessions, chosen.seeds)
    write(figures, chosen.out, "generators")


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--sessions", type=int, default=100_000, help="lists, of which a fifth is held out (100000)")
    main(options.parse_args())
