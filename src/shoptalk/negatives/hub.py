"""A cross-encoder that somebody else trained."""

from dataclasses import replace
from functools import partial

from shoptalk.cache import digest
from shoptalk.negatives import outputs
from shoptalk.negatives.calibration import Calibration, InContext
from shoptalk.negatives.judging import Calibrated, Judging
from shoptalk.negatives.outputs import as_they_are, whichever
from shoptalk.negatives.scoring import Scores
from shoptalk.negatives.teacher import TeacherAsk


class HubTeacher:
    """A sequence-classification model with one or two outputs, from the hub or a local folder.

    Args:
        name: hub id or folder.
        revision, trust_remote_code, max_length: as of ``CrossEncoder.load``.
        output: what its scores are, an entry of ``OUTPUTS``.
        calibration_queries, judged_cases, calibration: see ``Judging``; ``InContext`` unless given.
    """

    def __init__(
        self,
        name: str,
        revision: str | None = None,
        trust_remote_code: bool = False,
        max_length: int | None = None,
        output: str = "auto",
        calibration_queries: int = 300,
        judged_cases: str | None = None,
        calibration: Calibration | None = None,
    ):
        self.name, self.revision = name, revision
        self.trust_remote_code, self.max_length = trust_remote_code, max_length
        self.reader = outputs.output(output)
        self.judging = Judging(calibration_queries, judged_cases, calibration or InContext())

    def relevance(self, ask: TeacherAsk) -> Calibrated:
        """The model, calibrated on the judged queries."""
        from shoptalk.models.precision import preferred_precision

        device = ask.encoder.device
        model = self._load().to(device)
        key = digest("hub teacher", 2, model.digest, ask.corpus.digest, ask.threads, preferred_precision(device))
        build = partial(Scores, [lambda: model], ask.corpus, ask.cache, key, ask.progress)
        windows, _ = self.judging.windows(ask)
        read = self.reader(build()(windows.queries, windows.rows), 0.0 if model.outputs == 1 else -1.0)
        found = self.judging(ask, build(read=read))
        guessed = self.reader is whichever and read is not as_they_are
        return replace(found, notices=[self._said(), *found.notices]) if guessed else found

    def _said(self) -> str:
        return f"The scores of {self.name} are taken for probabilities; set teacher.output=logit if they are none."

    def _load(self):
        from shoptalk.models.cross_encoder import CrossEncoder

        return CrossEncoder.load(
            self.name, revision=self.revision, trust_remote_code=self.trust_remote_code, max_length=self.max_length
        )
