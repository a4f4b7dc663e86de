import json
from io import StringIO

import numpy as np
import polars as pl
import pytest
from omegaconf import OmegaConf
from rich.console import Console

from shoptalk.errors import InputError
from shoptalk.reporting import claims
from shoptalk.retrieval.significance import compare

LIFTS = {"negatives=in_batch": 0.0, "negatives=ann": 0.1, "negatives=random": 0.001}


def table(lift: float, seed: int, n: int = 60) -> pl.DataFrame:
    base = np.random.default_rng(5).uniform(0.2, 0.6, n)
    noise = np.random.default_rng([seed, int(1000 * lift)]).normal(0, 0.05, n)
    arms = {"zero_shot": base, "adapted": base + 0.05 + lift + noise}
    return pl.concat(
        pl.DataFrame(
            {
                "split": "audit",
                "arm": arm,
                "query_id": [f"q{i:02}" for i in range(n)],
                "ndcg@10": values,
                "number_twin": ["yes" if i < 20 else "no" for i in range(n)],
            }
        )
        for arm, values in arms.items()
    )


@pytest.fixture
def folder(tmp_path):
    number = 0
    for seed in (0, 1):
        for arm, lift in LIFTS.items():
            job = tmp_path / str(number)
            (job / ".hydra").mkdir(parents=True)
            asked = ["experiment=claims/negatives", f"seed={seed}", arm]
            OmegaConf.save(OmegaConf.create(asked), job / ".hydra" / "overrides.yaml")
            if (seed, arm) != (1, "negatives=random"):
                (job / "metrics.json").write_text(json.dumps({"seed": seed}))
                # The order of queries in a file means nothing.
                table(lift, seed).sample(fraction=1, shuffle=True, seed=number).write_parquet(job / "per_query.parquet")
            number += 1
    return tmp_path


def test_an_arm_is_compared_query_by_query_over_the_seeds_it_shares(folder):
    told = {arm["arm"]: arm for arm in claims.judged(claims.arms(folder, "audit"))}
    assert list(told) == list(LIFTS) and told["negatives=random"]["seeds"] == [0]

    def values(arm, seed):
        return table(LIFTS[arm], seed).filter(arm="adapted")["ndcg@10"].to_numpy()

    own, base = (
        np.mean([values(arm, seed) for seed in (0, 1)], axis=0) for arm in ("negatives=ann", "negatives=in_batch")
    )
    expected = compare(own, base)
    ann = told["negatives=ann"]
    assert ann["ndcg@10"] == pytest.approx(own.mean())
    assert (ann["over_first"]["mean"], ann["over_first"]["low"]) == pytest.approx((expected.mean, expected.low))
    assert ann["over_first"]["verdict"] == "better" and ann["over_first"]["holm"] == 2 * expected.p_value
    single = compare(values("negatives=random", 0), values("negatives=in_batch", 0))
    assert told["negatives=random"]["over_first"]["mean"] == pytest.approx(single.mean)
    assert told["negatives=random"]["over_first"]["verdict"] == "inconclusive"
    assert told["negatives=in_batch"]["over_first"] is None


def test_what_all_jobs_share_is_no_part_of_an_arm_and_tables_fit_80_columns(folder):
    for job in claims.jobs(folder):
        path = job / ".hydra" / "overrides.yaml"
        shared = ["threads=1", "run.progress=false", "cache.root=/some/where/far"]
        OmegaConf.save(OmegaConf.create([*OmegaConf.load(path), *shared]), path)
    found = claims.arms(folder, "audit")
    assert list(found) == list(LIFTS)
    one = claims.Slice("negatives=ann", "negatives=in_batch", "number_twin", "yes")
    console = Console(width=80, record=True, file=StringIO())
    console.print(claims.shown(told := claims.judged(found), "audit"))
    console.print(claims.slices_shown(claims.sliced(found, [one]), "audit"))
    text = console.export_text()
    assert "negatives=ann " in text and "in_batch " in text and "…" not in text
    over = next(arm["over_first"] for arm in told if arm["arm"] == "negatives=ann")
    assert f"+{over['low']:.4f} to +{over['high']:.4f}".replace("0.", ".") in text and f"{over['holm']:.4f}" in text


def test_holm_is_that_of_a_naive_loop():
    p = [0.03, 0.001, 0.2, 0.011]
    told = [{"p_value": value, "verdict": "better"} for value in p]
    claims._together(told)
    naive = []
    for value in p:
        # Holm: the largest of (m - rank) * p among all p up to this one.
        naive.append(min(1.0, max((len(p) - sorted(p).index(q)) * q for q in p if q <= value)))
    assert [line["holm"] for line in told] == pytest.approx(naive)
    assert [line["verdict"] for line in told] == ["inconclusive", "better", "inconclusive", "better"]


def test_the_table_is_left_and_says_what_is_missing(folder, capsys):
    claims.CompareArms().on_multirun_end(OmegaConf.create({"hydra": {"sweep": {"dir": str(folder)}}}))
    said = " ".join(capsys.readouterr().out.split())
    assert "Jobs 5 left no figures" in said and "better" in said
    assert [arm["arm"] for arm in json.loads((folder / "claims.json").read_text())["arms"]] == list(LIFTS)


def test_two_arms_are_compared_on_the_queries_of_a_slice(folder):
    one = claims.Slice("negatives=ann", "negatives=in_batch", "number_twin", "yes")
    absent = claims.Slice("negatives=twins", "negatives=ann", "number_twin", "yes")
    [told] = claims.sliced(claims.arms(folder, "audit"), [one, absent])
    own, base = (
        np.mean([table(LIFTS[arm], seed).filter(arm="adapted")["ndcg@10"][:20] for seed in (0, 1)], axis=0)
        for arm in ("negatives=ann", "negatives=in_batch")
    )
    assert told["difference"]["mean"] == pytest.approx((own - base).mean()) and told["difference"]["n"] == 20
    assert told["ndcg@10"] == pytest.approx(own.mean()) and told["seeds"] == [0, 1]
    with pytest.raises(InputError, match="the column traffic"):
        claims.sliced(
            claims.arms(folder, "audit"), [claims.Slice("negatives=ann", "negatives=in_batch", "traffic", "none")]
        )
