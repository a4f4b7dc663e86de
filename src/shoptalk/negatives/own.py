"""A cross-encoder of our own, trained on the run's pairs."""

from collections.abc import Callable, Sequence

import polars as pl

from shoptalk.cache import digest
from shoptalk.errors import InputError
from shoptalk.negatives.calibration import Calibration, InContext
from shoptalk.negatives.crossfit import Examples, examples, sample
from shoptalk.negatives.judging import Calibrated, Judging
from shoptalk.negatives.scoring import Scores
from shoptalk.negatives.teacher import TeacherAsk, above_zero, at_least
from shoptalk.negatives.teacher_losses import Bce, TeacherLoss
from shoptalk.negatives.teacher_training import Recipe, Tell, train


class OwnTeacher:
    """A cross-encoder trained from the base model's weights, cross-fitted over folds of queries.

    Args:
        sources: names of the sources it learns from; ``None`` for all.
        folds: at least 2; a query is judged by the teacher of its fold, trained on the other folds.
        max_pairs: training pairs per fold.
        layers: layers of the base model to keep, from the bottom; ``None`` keeps all.
        max_length: tokens of a pair.
        deep, deep_low, deep_high, random: negatives, see ``crossfit.examples``.
        epochs, batch_size, learning_rate, head_learning_rate: see ``teacher_training.Recipe``.
        loss: what it minimises; ``Bce`` unless given.
        calibration_queries, judged_cases, calibration: see ``Judging``; ``InContext`` unless given.
    """

    def __init__(
        self,
        sources: Sequence[str] | None = None,
        folds: int = 3,
        max_pairs: int = 1500,
        layers: int | None = 3,
        max_length: int | None = 128,
        deep: int = 1,
        deep_low: int = 100,
        deep_high: int = 1000,
        random: int = 1,
        epochs: int = 1,
        batch_size: int = 16,
        learning_rate: float = 1e-4,
        head_learning_rate: float = 2e-3,
        loss: TeacherLoss | None = None,
        calibration_queries: int = 300,
        judged_cases: str | None = None,
        calibration: Calibration | None = None,
    ):
        self.sources = None if sources is None else list(sources)
        self.folds, self.max_pairs = at_least(2, folds, "folds"), at_least(1, max_pairs, "max_pairs")
        self.layers, self.max_length = layers, max_length
        if not 0 <= deep_low < deep_high:
            raise InputError(f"teacher.deep_low={deep_low} must be at least 0 and below teacher.deep_high={deep_high}.")
        if deep < 0 or random < 0 or deep + random < 1:
            raise InputError(f"teacher.deep={deep} and teacher.random={random} must give a negative per pair.")
        self.negatives = {"deep": deep, "deep_low": deep_low, "deep_high": deep_high, "random": random}
        self.recipe = Recipe(
            epochs=at_least(1, epochs, "epochs"),
            batch_size=at_least(1, batch_size, "batch_size"),
            learning_rate=above_zero(learning_rate, "learning_rate"),
            head_learning_rate=above_zero(head_learning_rate, "head_learning_rate"),
        )
        self.loss = loss or Bce()
        self.judging = Judging(calibration_queries, judged_cases, calibration or InContext())

    def relevance(self, ask: TeacherAsk) -> Calibrated:
        """One trained teacher per fold, calibrated together.

        Raises:
            InputError: the sources it is to learn from are not chosen, or have pairs in fewer than two folds.
        """
        chosen = sample(self._pairs(ask), self.max_pairs, self.folds, ask.seed)
        data = examples(chosen, ask.corpus, ask.known, ask.dense, seed=ask.seed, **self.negatives)
        parts = self.parts(data)
        if not all(len(part.queries) for part in parts):
            raise InputError("teacher=own has too few training queries to fold; add pairs, or choose teacher=hub.")
        base = _transformer(ask.encoder)
        keys = [self._key(ask, base, part) for part in parts]
        models = [
            self._model(ask, base, fold, part, key) for fold, (part, key) in enumerate(zip(parts, keys, strict=True))
        ]
        scores = Scores(models, ask.corpus, ask.cache, digest(keys, ask.corpus.digest), ask.progress)
        return self.judging(ask, scores)

    def parts(self, data: Examples) -> Sequence[Examples]:
        """What the teacher of each fold learns from: pairs of the other folds."""
        return [data.without_fold(fold, self.folds).first(self.max_pairs) for fold in range(self.folds)]

    def _pairs(self, ask: TeacherAsk) -> pl.DataFrame:
        if self.sources is None:
            return ask.pairs
        there = ask.pairs["source"].unique().sort().to_list()
        missing = [name for name in self.sources if name not in there]
        if missing:
            raise InputError(f"teacher.sources names {missing[0]}, but this run has {', '.join(there)}.")
        return ask.pairs.filter(pl.col("source").is_in(self.sources))

    def _key(self, ask: TeacherAsk, base, part: Examples) -> str:
        from shoptalk.models.precision import preferred_precision

        precision = preferred_precision(base.device)
        shape = (self.layers, self.max_length, vars(self.recipe), ask.seed, ask.threads, precision)
        loss = (type(self.loss).__name__, vars(self.loss))
        return digest("own teacher", 2, base.digest, ask.corpus.digest, part.digest, shape, loss)

    def _model(self, ask: TeacherAsk, base, fold: int, part: Examples, key: str) -> Callable[[], object]:
        def make(folder) -> None:
            model = self._fresh(base, ask.seed)
            with ask.progress(f"training the teacher of fold {fold + 1} of {self.folds}") as tell:
                self._train(model, part, ask, tell)
            model.save(folder)

        def load():
            return self._fresh(base, ask.seed).restore(ask.cache.folder("teachers", key, make))

        return load

    def _fresh(self, base, seed: int):
        """A cross-encoder with the weights of ``base`` under a new head."""
        from shoptalk.models.cross_encoder import CrossEncoder

        model = CrossEncoder.from_encoder(base, self.layers, max_length=self.max_length, seed=seed)
        return model.to(base.device)

    def _train(self, model, part: Examples, ask: TeacherAsk, tell: Tell) -> None:
        train(model, part, ask.corpus.passages, self.recipe, self.loss, ask.seed, tell)


def _transformer(encoder):
    """The base model, or what a static one was distilled from."""
    if hasattr(encoder, "backbone"):
        return encoder
    if encoder.origin is None:
        raise InputError(
            "teacher=own starts from a transformer, and this static model does not come from one: "
            "choose teacher=hub, other negatives or another model."
        )
    return encoder.origin().to(encoder.device)
