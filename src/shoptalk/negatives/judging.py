"""From a teacher's scores to a calibrated teacher that says how good it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from shoptalk.errors import InputError
from shoptalk.negatives.calibration import Calibration, Curve, InContext
from shoptalk.negatives.context import Context, judged
from shoptalk.negatives.gate import Gate
from shoptalk.negatives.judged_cases import Cases, read_cases
from shoptalk.negatives.quality import Evidence, Quality, out_of_fold
from shoptalk.negatives.scoring import Scores
from shoptalk.negatives.teacher import TeacherAsk
from shoptalk.negatives.windows import Windows, judged_windows, paired_windows


@dataclass(frozen=True)
class Calibrated:
    """A ``Relevance``: logits made probabilities.

    Attributes:
        evidence: what ``curve`` was fitted on.
        told: what ``metrics.json`` says of the teacher.
        notices: sentences the user should see.
        context: where ``curve`` looks at more than the logit.
    """

    scores: Scores
    curve: Curve
    evidence: Evidence
    told: Mapping[str, object] = field(default_factory=dict)
    notices: Sequence[str] = field(default_factory=list)
    context: Context | None = None

    def __call__(self, queries: Sequence[str], positives: Sequence[str], rows: np.ndarray) -> np.ndarray:
        """Float32 probabilities like ``rows`` [n, k], NaN where a row is -1."""
        return self.curve(*judged(self.scores, self.context, queries, rows))


@dataclass(frozen=True)
class Judging:
    """How a teacher's scores are calibrated and measured.

    Attributes:
        queries: most judged queries to calibrate on.
        cases: a file of judged hard cases to calibrate on as well.
        calibration: how.
    """

    queries: int = 300
    cases: str | None = None
    calibration: Calibration = field(default_factory=InContext)

    def __post_init__(self) -> None:
        if self.queries < 1:
            raise InputError(f"teacher.calibration_queries={self.queries} must be at least 1.")

    def __call__(self, ask: TeacherAsk, scores: Scores) -> Calibrated:
        """``scores`` as probabilities, calibrated on the candidates' own rank window and measured on dev.

        Raises:
            InputError: what is judged is relevant throughout, or nowhere; or the file of cases is wrong.
        """
        windows, notices = self.windows(ask)
        context = self._context(ask, scores)
        evidence, cases = of_windows(scores, windows, context), self._cases(ask)
        if cases is not None:
            evidence = evidence.joined(of_cases(scores, cases, context))
            notices = [*notices, cases.notice()]
        curve = evidence.fitted(self.calibration)
        told = _told(evidence, self.calibration) | {"judged_cases": len(cases.rows) if cases else 0}
        notices = [*notices, *_notices(told, curve)]
        if ask.dev is not None and len(ask.dev):
            gate = Gate.of(scores, ask.dense, ask.corpus, ask.dev, ask.window[1])
            told, notices = told | {"dev": gate.told()}, notices + gate.notices()
        return Calibrated(scores, curve, evidence, told, notices, context)

    def windows(self, ask: TeacherAsk) -> tuple[Windows, list[str]]:
        """The judged windows, and what the user should know of them."""
        if ask.calibration is not None and len(ask.calibration):
            return judged_windows(ask.calibration, ask.corpus, ask.dense, ask.window, self.queries), []
        windows = paired_windows(ask.pairs, ask.corpus, ask.known, ask.dense, ask.window, self.queries, ask.seed)
        said = "Without a calibration split the teacher is calibrated on training pairs it did not learn from."
        return windows, [said]

    def _context(self, ask: TeacherAsk, scores: Scores) -> Context | None:
        depth = min(ask.window[1], len(ask.corpus))
        return Context(scores, ask.dense, depth) if self.calibration.in_context else None

    def _cases(self, ask: TeacherAsk) -> Cases | None:
        return None if self.cases is None else read_cases(self.cases, ask.corpus)


def of_windows(scores: Scores, windows: Windows, context: Context | None = None) -> Evidence:
    """Every document of ``windows`` with its logit."""
    logits, figures = judged(scores, context, windows.queries, windows.rows)
    there = np.nonzero(windows.rows >= 0)
    queries = [windows.queries[i] for i in there[0]]
    beside = None if figures is None else figures[there]
    return Evidence(queries, logits[there], windows.labels[there], np.ones(len(queries)), beside)


def of_cases(scores: Scores, cases: Cases, context: Context | None = None) -> Evidence:
    """Every case with its logit. The mean weight becomes 1: all cases together weigh as much as they are many, and
    against each other as the candidates they stand for."""
    logits, figures = judged(scores, context, cases.queries, cases.rows[:, None])
    beside = None if figures is None else figures[:, 0]
    return Evidence(cases.queries, logits[:, 0], cases.labels, cases.weights / cases.weights.mean(), beside)


def _told(evidence: Evidence, calibration: Calibration) -> dict[str, object]:
    """What is measured on ``evidence``; without ``brier`` and the like where there is too little to cross-validate."""
    weights = evidence.weights
    found = {
        "calibration": type(calibration).__name__,
        "queries": len(set(evidence.queries)),
        "documents": len(evidence.logits),
        "relevant": int(evidence.labels.sum()),
        "base_rate": float(weights @ evidence.labels / weights.sum()),
    }
    probabilities = out_of_fold(evidence, calibration)
    return found if probabilities is None else found | Quality.of(evidence, probabilities).told()


def _notices(told: dict, curve: Curve) -> list[str]:
    notices = []
    if "auc" in told:
        notices.append(
            f"The teacher puts a relevant document above another with chance {told['auc']:.2f} (AUC); its "
            f"probabilities take {100 * told['brier_skill']:.0f} % off the Brier score of the base rate "
            f"{told['base_rate']:.3f} and lie {told['ece']:.3f} beside the truth (ECE), over the rank windows of "
            f"{told['queries']} queries that neither it nor the calibration saw: {told['documents']:,} documents, "
            f"{told['relevant']:,} of them relevant."
        )
    else:
        notices.append(
            "How good the teacher is was not measured: fewer than two calibration queries have a relevant document "
            "in their rank window; judge more of them."
        )
    if curve.flat:
        notices.append(
            "The teacher cannot tell relevant documents from others, so each gets the same probability; give it more "
            "pairs."
        )
    return notices
