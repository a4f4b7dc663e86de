"""Small studies in memory, as a sweep leaves them, and a reader of the page about them."""

import json
import re
from html.parser import HTMLParser

import numpy as np
import optuna
import plotly.io
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.trial import TrialState, create_trial

PARTS = ("clicks", "labels", "synthetic")
SCORE, SECONDS = "dev.adapted.ndcg@10", "seconds.fit"
CLOSING = {
    "split": "test", "seeds": [0, 1],
    "best": {"trial": 1, "overrides": ["data=clicks", "trainer.pairs=99"], "means": {"0": 0.61, "1": 0.63},
             "mean": 0.62, "dev": 0.64},
    "default": {"means": {"0": 0.59, "1": 0.61}, "mean": 0.6, "dev": 0.605},
    "difference": {"mean": 0.02, "low": 0.004, "high": 0.036, "p_value": 0.0123, "n": 300, "verdict": "better"},
    "optimism": 0.035,
}  # fmt: skip


def empty(objectives=(SCORE,), total=10, **told):
    directions = ["minimize" if name.startswith("seconds") else "maximize" for name in objectives]
    study = optuna.create_study(directions=directions)
    given = {"objectives": list(objectives), "fidelity": "", "command": "python train.py sweeps=mixture", "task": []}
    for name, value in (given | {"total": total} | told).items():
        study.set_user_attr(name, value)
    return study


def add(study, values, state=TrialState.COMPLETE, steps=None, shares=None, ranges=None, told=None, **params):
    """One trial; parameters are floats in [0, 1], or one of the choices that ``ranges`` gives."""
    told = {"overrides": [], "folder": "outputs/1", "seconds": 1.5} | (told or {})
    if shares is not None:
        told["simplex"] = {"mixing.ratios": dict(zip(PARTS, shares, strict=False))}
        rest = 1 - shares[0]
        params |= {"mixing.ratios/1": shares[0], "mixing.ratios/2": shares[1] / rest if rest else 0.0}
    distributions = {
        name: CategoricalDistribution(ranges[name]) if name in (ranges or {}) else FloatDistribution(0, 1)
        for name in params
    }
    study.add_trial(
        create_trial(
            state=state, values=values if state is TrialState.COMPLETE else None, params=params,
            distributions=distributions, user_attrs=told, intermediate_values=steps or {},
        )
    )  # fmt: skip


def mixtures(count, seed=0):
    """Shares of three, alike over the simplex, float [count, 3]."""
    return np.random.default_rng(seed).dirichlet([1, 1, 1], count)


def swept(count=12, objectives=(SCORE,), **told):
    """Trials over a mixture and a temperature; the score grows with the share of clicks, or falls with distance."""
    study = empty(objectives, total=count, **told)
    for number, shares in enumerate(mixtures(count).tolist()):
        temperature = ("sharp", "soft")[number % 2]
        values = [0.5 + 0.1 * shares[0] + 0.01 * (number % 2), 10 + 5 * shares[2]][: len(objectives)]
        add(study, values, shares=shares, temperature=temperature, ranges={"temperature": ["sharp", "soft"]})
    return study


class Page(HTMLParser):
    """Checks that tags close in order and load nothing; gathers text, ids, links, rows of tables and figures."""

    def __init__(self, html):
        super().__init__()
        self.open, self.words, self.scripts, self.ids, self.links, self.rows = [], [], [], [], [], []
        self.feed(html)
        self.close()
        assert not self.open
        self.text = " ".join(" ".join(self.words).split())
        self.figures = [figure for script in self.scripts if len(script) < 1_000_000 for figure in plotted(script)]

    def handle_starttag(self, tag, attrs):
        told = dict(attrs)
        assert "src" not in told and told.get("href", "#").startswith("#")
        self.ids += [told["id"]] if "id" in told else []
        self.links += [told["href"]] if "href" in told else []
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        inside = self.open[-1] if self.open else ""
        {"script": self.scripts, "style": []}.get(inside, self.words).append(data)
        if {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data.strip()


def plotted(script):
    """The figures that a script draws, read by Plotly itself."""
    for call in re.finditer(r'Plotly\.newPlot\(\s*"[^"]+",\s*', script):
        data, end = json.JSONDecoder().raw_decode(script, call.end())
        layout, _ = json.JSONDecoder().raw_decode(script, re.compile(r"\s*,\s*").match(script, end).end())
        yield plotly.io.from_json(json.dumps({"data": data, "layout": layout}))
