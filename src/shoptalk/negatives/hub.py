"""A cross-encoder that somebody else trained."""

from shoptalk.cache import digest
from shoptalk.negatives.calibration import Calibration, Platt
from shoptalk.negatives.judging import calibrated
from shoptalk.negatives.scoring import Calibrated, Scores
from shoptalk.negatives.teacher import TeacherAsk, at_least


class HubTeacher:
    """A sequence-classification model with one output, from the hub or a local folder.

    Args:
        name: hub id or folder.
        revision, trust_remote_code, max_length: as of ``CrossEncoder.load``.
        calibration_queries: most queries to calibrate on.
        calibration: how; ``Platt`` unless given.
    """

    def __init__(
        self,
        name: str,
        revision: str | None = None,
        trust_remote_code: bool = False,
        max_length: int | None = None,
        calibration_queries: int = 300,
        calibration: Calibration | None = None,
    ):
        self.name, self.revision = name, revision
        self.trust_remote_code, self.max_length = trust_remote_code, max_length
        self.calibration_queries = at_least(1, calibration_queries, "calibration_queries")
        self.calibration = calibration or Platt()

    def relevance(self, ask: TeacherAsk) -> Calibrated:
        """The model, calibrated on the judged queries."""
        model = self._load()
        key = digest("hub teacher", model.digest, ask.corpus.digest, ask.threads)
        scores = Scores([lambda: model], ask.corpus, ask.cache, key, ask.progress)
        return calibrated(ask, scores, self.calibration, self.calibration_queries)

    def _load(self):
        from shoptalk.models.cross_encoder import CrossEncoder

        return CrossEncoder.load(
            self.name, revision=self.revision, trust_remote_code=self.trust_remote_code, max_length=self.max_length
        )
