"""What simulated searchers do with a list: look, click, stay, try again."""

from dataclasses import dataclass

import numpy as np

from shoptalk.sources.clicks.simulation.world import World

_FIRST_LOOK_MS = 1_500
_CENSORING, _REFORMULATION, _CLICKS, _DWELL = 13, 12, 10, 11


@dataclass(frozen=True)
class Behaviour:
    """Arrays [searches, list_length], but for the last two, [searches].

    Attributes:
        clicked: bool. last: the last click of its search.
        dwell_s: float32 seconds; NaN where there was no click or the dwell was not seen.
        click_ms: int64 milliseconds after the list was shown; 0 without a click.
        reformulated: another query followed. gap_s: float32 seconds from the list to that query, else NaN.
    """

    clicked: np.ndarray
    last: np.ndarray
    dwell_s: np.ndarray
    click_ms: np.ndarray
    reformulated: np.ndarray
    gap_s: np.ndarray


def behave(world: World, relevance: np.ndarray, shown: np.ndarray, bot: np.ndarray) -> Behaviour:
    """Draw the behaviour for ``relevance`` float32 in [0, 1] and ``shown`` bool, both [searches, list_length]."""
    clicked = _clicks(world, relevance, shown, bot)
    last = clicked & (np.cumsum(clicked[:, ::-1], axis=1)[:, ::-1] == 1)
    dwell = _dwell(world, relevance) * clicked
    random = world.generator(_REFORMULATION)
    satisfied = (clicked & (relevance >= 1)).any(axis=1)
    chance = np.where(satisfied, world.reformulated_satisfied, world.reformulated_otherwise)
    reformulated = (random.random(len(bot)) < chance) & ~bot
    waited = np.cumsum(dwell, axis=1) - dwell
    ranks = np.arange(1, shown.shape[1] + 1)
    click_ms = np.where(clicked, (1000 * waited).astype(np.int64) + _FIRST_LOOK_MS * ranks, 0)
    gap = dwell.sum(axis=1) + 5 + random.exponential(20, len(bot))
    unseen = _censored(world, clicked, last, reformulated)
    return Behaviour(
        clicked=clicked,
        last=last,
        dwell_s=np.where(clicked & ~unseen, dwell, np.nan).astype(np.float32),
        click_ms=click_ms,
        reformulated=reformulated,
        gap_s=np.where(reformulated, gap, np.nan).astype(np.float32),
    )


def _clicks(world: World, relevance: np.ndarray, shown: np.ndarray, bot: np.ndarray) -> np.ndarray:
    people = world.click_model.clicks(relevance, shown, world.generator(_CLICKS))
    # Bots are lists among lists: they take the place of people in the draws, so that no other list changes.
    blind = world.generator(_CLICKS).random(shown.shape) < world.bot_click
    return np.where(bot[:, None], blind & shown, people)


def _dwell(world: World, relevance: np.ndarray) -> np.ndarray:
    median = np.exp(relevance * np.log(world.dwell_relevant) + (1 - relevance) * np.log(world.dwell_other))
    noise = world.generator(_DWELL).standard_normal(relevance.shape, dtype=np.float32)
    return median * np.exp(world.dwell_sigma * noise)


def _censored(world: World, clicked: np.ndarray, last: np.ndarray, reformulated: np.ndarray) -> np.ndarray:
    """Last clicks that nothing followed, so many that the world's share of all clicks is censored."""
    open_ended = last & ~reformulated[:, None]
    chance = world.dwell_censored * clicked.sum() / max(1, open_ended.sum())
    return open_ended & (world.generator(_CENSORING).random(clicked.shape) < chance)
