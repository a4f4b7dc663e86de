"""How simulated searchers go through a list and click: one class for each model of the literature.

Whatever the model, somebody who looks at a document of relevance r in [0, 1] finds it attractive with the chance
``noise_click + (sure_click - noise_click) * r`` (Joachims et al. 2017, section 5; graded as in ULTRA). The models
differ in who looks at what. None of their figures is evidence of how people behave; they are assumptions.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from shoptalk.sources.clicks.simulation.checks import require_number, require_share


class ClickModel(Protocol):
    """A way from lists to clicks. Instances are dataclasses: their fields describe them."""

    def clicks(self, relevance: np.ndarray, shown: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """What is clicked, bool [S, K].

        Args:
            relevance: float32 [S, K] in [0, 1], rank 1 first.
            shown: bool [S, K], False where a list has ended.
            random: where all chance comes from.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Attractive:
    """The part all models share: the chance of a click on what is looked at.

    Raises:
        InputError: a chance lies outside [0, 1].
    """

    noise_click: float = 0.1
    sure_click: float = 1.0

    def __post_init__(self) -> None:
        _shares(self, "noise_click", "sure_click")

    def attraction(self, relevance: np.ndarray) -> np.ndarray:
        """Chance of a click on an examined document, in the shape of ``relevance``."""
        return self.noise_click + (self.sure_click - self.noise_click) * relevance


@dataclass(frozen=True)
class PositionBased(Attractive):
    """Examination at rank k has the chance ``1 / k**eta``, whatever else is clicked (Craswell et al. 2008).

    Raises:
        InputError: ``eta`` is negative, or a chance lies outside [0, 1].
    """

    eta: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_number("click_model.eta", self.eta)

    def examination(self, depth: int) -> np.ndarray:
        """Chance of examination by rank, float64 [depth]."""
        return 1.0 / np.arange(1, depth + 1) ** self.eta

    def clicks(self, relevance: np.ndarray, shown: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """See ``ClickModel``."""
        chance = self.examination(shown.shape[1]) * self.attraction(relevance)
        return (random.random(shown.shape) < chance) & shown


@dataclass(frozen=True)
class Trust:
    """Searchers believe high ranks: also what is irrelevant gets clicks there (Agarwal et al. 2019).

    Examination at rank k has the chance ``1 / k**eta``. An examined document is clicked with the chance
    ``1 - (k + 1) / 100`` if relevant and ``false_click / k`` if not, never less if relevant than if not, and in
    between for relevances between; these figures are ULTRA's.

    Raises:
        InputError: ``eta`` is negative, or ``false_click`` lies outside [0, 1].
    """

    eta: float = 1.0
    false_click: float = 0.65

    def __post_init__(self) -> None:
        require_number("click_model.eta", self.eta)
        _shares(self, "false_click")

    def affine(self, depth: int) -> tuple[np.ndarray, np.ndarray]:
        """``alpha`` and ``beta``, float64 [depth]: a click has the chance ``alpha_k * relevance + beta_k``."""
        ranks = np.arange(1, depth + 1)
        examination, false = 1.0 / ranks**self.eta, self.false_click / ranks
        true = np.maximum(1 - (ranks + 1) / 100, false)
        return examination * (true - false), examination * false

    def clicks(self, relevance: np.ndarray, shown: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """See ``ClickModel``."""
        alpha, beta = self.affine(shown.shape[1])
        return (random.random(shown.shape) < alpha * relevance + beta) & shown


@dataclass(frozen=True)
class UserBrowsing(Attractive):
    """Examination depends on the rank k and on how far above it the last click was (Dupret & Piwowarski 2008).

    At distance d from the last click, which is k where nothing was clicked so far, its chance is
    ``k**(-eta * (1 - nearness)) * d**(-eta * nearness)``. So it is ``1 / k**eta`` until the first click, and
    higher the nearer a click is; with ``nearness`` 0 the model is the position-based one.

    Raises:
        InputError: ``eta`` is negative, or ``nearness`` or a chance lies outside [0, 1].
    """

    eta: float = 1.0
    nearness: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        require_number("click_model.eta", self.eta)
        _shares(self, "nearness")

    def examination(self, depth: int) -> np.ndarray:
        """Chance of examination, float64 [depth, depth]: at rank ``row + 1``, distance ``column + 1``."""
        steps = np.arange(1.0, depth + 1)
        return steps[:, None] ** (-self.eta * (1 - self.nearness)) * steps ** (-self.eta * self.nearness)

    def clicks(self, relevance: np.ndarray, shown: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """See ``ClickModel``."""
        theta = self.examination(shown.shape[1])
        clicked = np.zeros(shown.shape, dtype=bool)
        last = np.zeros(len(shown), dtype=np.int64)
        for rank in range(shown.shape[1]):
            chance = theta[rank, rank - last] * self.attraction(relevance[:, rank])
            clicked[:, rank] = (random.random(len(shown)) < chance) & shown[:, rank]
            last[clicked[:, rank]] = rank + 1
        return clicked


@dataclass(frozen=True)
class Cascade(Attractive):
    """Searchers look at one document after the other and stop at a click that satisfies (Craswell et al. 2008).

    A click satisfies where the document's relevance is at least ``satisfying``; at 0 every click does, as in
    the model's original form.

    Raises:
        InputError: a chance or ``satisfying`` lies outside [0, 1].
    """

    satisfying: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        _shares(self, "satisfying")

    def clicks(self, relevance: np.ndarray, shown: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """See ``ClickModel``."""
        onward = (relevance < self.satisfying).astype(np.float64)
        return _down_the_list(self.attraction(relevance), onward, shown, random)


@dataclass(frozen=True)
class DependentClick(Attractive):
    """As the cascade, but after a click at rank k they go on with the chance ``onward / k**decay`` (DCM; Guo et
    al. 2009).

    Raises:
        InputError: ``decay`` is negative, or a chance lies outside [0, 1].
    """

    onward: float = 0.8
    decay: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        _shares(self, "onward")
        require_number("click_model.decay", self.decay)

    def continuation(self, depth: int) -> np.ndarray:
        """Chance to go on after a click, by rank, float64 [depth]."""
        return self.onward / np.arange(1, depth + 1) ** self.decay

    def clicks(self, relevance: np.ndarray, shown: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """See ``ClickModel``."""
        onward = np.broadcast_to(self.continuation(shown.shape[1]), shown.shape)
        return _down_the_list(self.attraction(relevance), onward, shown, random)


@dataclass(frozen=True)
class SDBN(Attractive):
    """As the cascade, but what is clicked satisfies by chance, and who is not satisfied goes on: the simplified
    dynamic Bayesian network (Chapelle & Zhang 2009, section 5).

    Attributes:
        noise_satisfied, sure_satisfied: chance that a click on a document of relevance 0 or 1 satisfies.

    Raises:
        InputError: a chance lies outside [0, 1].
    """

    noise_satisfied: float = 0.1
    sure_satisfied: float = 0.9

    def __post_init__(self) -> None:
        super().__post_init__()
        _shares(self, "noise_satisfied", "sure_satisfied")

    def satisfaction(self, relevance: np.ndarray) -> np.ndarray:
        """Chance that a click satisfies, in the shape of ``relevance``."""
        return self.noise_satisfied + (self.sure_satisfied - self.noise_satisfied) * relevance

    def clicks(self, relevance: np.ndarray, shown: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """See ``ClickModel``."""
        return _down_the_list(self.attraction(relevance), 1 - self.satisfaction(relevance), shown, random)


def _down_the_list(
    attraction: np.ndarray, onward: np.ndarray, shown: np.ndarray, random: np.random.Generator
) -> np.ndarray:
    """Clicks of searchers who look at every document until a click after which they do not go ``onward``.

    ``attraction`` and ``onward`` are chances [S, K].
    """
    clicked = np.zeros(shown.shape, dtype=bool)
    looking = np.ones(len(shown), dtype=bool)
    for rank in range(shown.shape[1]):
        attracted, goes_on = random.random((2, len(shown)))
        clicked[:, rank] = looking & shown[:, rank] & (attracted < attraction[:, rank])
        looking &= ~clicked[:, rank] | (goes_on < onward[:, rank])
    return clicked


def _shares(model: object, *names: str) -> None:
    for name in names:
        require_share(f"click_model.{name}", getattr(model, name))
