"""From a teacher's scores to a calibrated teacher that says how good it is."""

import numpy as np

from shoptalk.negatives.calibration import Calibration, Curve
from shoptalk.negatives.gate import Gate
from shoptalk.negatives.quality import Evidence, Quality, out_of_fold
from shoptalk.negatives.scoring import Calibrated, Scores
from shoptalk.negatives.teacher import TeacherAsk
from shoptalk.negatives.windows import Windows, judged_windows, paired_windows


def calibrated(ask: TeacherAsk, scores: Scores, calibration: Calibration, most: int) -> Calibrated:
    """``scores`` as probabilities, calibrated on the candidates' own rank window and measured on dev.

    Args:
        most: queries to calibrate on.

    Raises:
        InputError: the windows hold relevant documents alone, or none.
    """
    windows, notices = windows_of(ask, most)
    evidence = evidence_of(scores, windows)
    curve = calibration.fit(evidence.logits, evidence.labels, evidence.weights)
    told = _told(evidence, calibration)
    notices += _notices(told, curve)
    if ask.dev is not None and len(ask.dev):
        gate = Gate.of(scores, ask.dense, ask.corpus, ask.dev, ask.window[1])
        told, notices = told | {"dev": gate.told()}, notices + gate.notices()
    return Calibrated(scores, curve, told, notices)


def windows_of(ask: TeacherAsk, most: int) -> tuple[Windows, list[str]]:
    """What a teacher is calibrated on, and what the user should know of it."""
    if ask.calibration is not None and len(ask.calibration):
        return judged_windows(ask.calibration, ask.corpus, ask.dense, ask.window, most), []
    windows = paired_windows(ask.pairs, ask.corpus, ask.known, ask.dense, ask.window, most, ask.seed)
    return windows, ["Without a calibration split the teacher is calibrated on training pairs it did not learn from."]


def evidence_of(scores: Scores, windows: Windows) -> Evidence:
    """Every document of ``windows`` with its logit."""
    logits = scores(windows.queries, windows.rows)
    line, column = np.nonzero(windows.rows >= 0)
    queries = [windows.queries[i] for i in line]
    return Evidence(queries, logits[line, column], windows.labels[line, column], np.ones(len(line)))


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
            f"The teacher cannot tell relevant documents from others, so each gets the probability "
            f"{float(curve(np.zeros(1))[0]):.3f}; give it more pairs."
        )
    return notices
