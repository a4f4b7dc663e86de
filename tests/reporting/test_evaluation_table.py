"""What an evaluation says to people."""

from io import StringIO

from rich.console import Console

from shoptalk.efficiency.cost import Cost
from shoptalk.reporting.evaluation import table

LONG = "clicks.ann.minilm.default.s0:onnx-int8@256/int8"


def arm(mean, n=40):
    measures = {name: mean for name in ("ndcg@10", "recall@100", "mrr@10")}
    return {**measures, "ci95": {name: [mean - 0.05, min(1.0, mean + 0.05)] for name in measures}, "n": n}


def over(mean, verdict, holm=0.012):
    counts = {"wins": 20, "ties": 15, "losses": 5}
    return {
        "ndcg@10": mean,
        "ci95": [mean - 0.04, mean + 0.04],
        "p_value": 0.004,
        "holm": holm,
        "verdict": verdict,
    } | counts


def content(**more):
    return {
        "corpus": "horns", "baseline": "bm25", "winner": "[red]mine", "chosen_on": "dev", "notices": ["[b]old news"],
        "dev": {"bm25": arm(0.4), "[red]mine": arm(0.95), "other": arm(0.3)},
        "test": {"bm25": arm(0.41, 60), "[red]mine": arm(0.5, 60)},
        "over_baseline": {
            "dev": {"[red]mine": over(0.55, "better"), "other": over(-0.1, "worse")},
            "test": {"[red]mine": over(0.09, "better")},
        },
    } | more  # fmt: skip


def said(told, width=120):
    console = Console(width=width, record=True, file=StringIO())
    table.show(told, console)
    return console.export_text()


def test_one_table_of_dev_and_one_reading_of_test():
    text = said(content())
    for piece in ("horns, 40 queries of dev", "[red]mine", "0.950", ".900–1.000", "+0.550", "+.510 to +.590", "20/15/5",
                  "0.0120", "better", "worse", "baseline", "note: [b]old news"):  # fmt: skip
        assert piece in text, (piece, text)
    flat = " ".join(text.split())
    assert flat.endswith(
        "[red]mine is best on dev with 0.950 nDCG@10. Test, read for it and bm25 alone: [red]mine has 0.500 nDCG@10 "
        "(0.450 to 0.550, 60 queries), bm25 0.410; +9.0 points (95 % interval +5.0 to +13.0, p = 0.0040): it is better."
    )
    assert text.count("queries of") == 1


def test_audit_has_a_table_of_its_own():
    audit = {"audit": content()["dev"], "over_baseline": {**content()["over_baseline"], "audit": {}}}
    assert "horns, 40 queries of audit" in said(content(**audit))


def test_other_outcomes():
    alone = table.outcome(content(winner="bm25", test={"bm25": arm(0.41)}))
    assert alone == [
        "bm25 is best on dev with 0.400 nDCG@10; it is the baseline, so test is read for it alone: 0.410 nDCG@10 "
        "(0.360 to 0.460, 40 queries)."
    ]
    unsure = content()
    unsure["over_baseline"]["test"]["[red]mine"]["verdict"] = "inconclusive"
    assert table.outcome(unsure)[1].endswith("p = 0.0040): inconclusive.")
    assert table.outcome(content(chosen_on=None, winner=None)) == [
        "There is no dev split: all are measured on test, and nothing is chosen."
    ]
    budget = {
        "barred": {"other": "takes 30 ms of 15"},
        "left_out": {},
        "best": "other",
        "price": over(-0.02, "inconclusive"),
    }
    assert table.outcome(content(budget=budget))[1] == (
        "The budget bars other: takes 30 ms of 15. Without it other would be chosen: on dev it has 2.0 points nDCG@10 "
        "more (95 % interval -2.0 to +6.0)."
    )
    free = {**budget, "best": "[red]mine", "price": None}
    assert table.outcome(content(budget=free))[1].endswith("It costs nothing: the best of those measured meets it.")
    without = {key: value for key, value in content().items() if key != "test"}
    assert table.outcome(without)[0].endswith("there is no test split to confirm it on.")


def test_no_figure_is_torn_on_a_narrow_terminal():
    told = content()
    told["dev"][LONG] = arm(0.6)
    told["over_baseline"]["dev"][LONG] = over(-0.455, "inconclusive") | {"wins": 1200, "ties": 300, "losses": 500}
    text = said(told, width=80)
    assert "…" not in text and max(map(len, text.splitlines())) <= 80
    for piece in (".900–1.000", "+.510 to +.590", "-.495 to -.415", "20/15/5", "1200/300/500", "MRR@10: report.html"):
        assert piece in text, (piece, text)
    rows = [line.split() for line in text.splitlines() if line.split()]
    firsts = [row[0] for row in rows if any(cell.startswith("0.") for cell in row[1:3])]
    assert firsts == ["bm25", "[red]mine", "other", "clicks.ann.minilm."]
    assert "default.s0:onnx-int8@" in text and "256/int8" in text


def test_one_retriever_alone_has_a_whole_heading():
    told = content(winner="bm25", dev={"bm25": arm(1.0)}, test={"bm25": arm(0.41)})
    told["over_baseline"]["dev"] = {}
    assert "retriever " in said(told, width=80)


def test_a_long_baseline_takes_no_room_from_names():
    told = content(baseline="clicks.ann.minilm.default.s0")
    console = Console(width=80, record=True, file=StringIO())
    console.print(table.table(told, "dev", wide=False))
    text = console.export_text()
    assert "over baseline" in text and "[red]mine" in text and "…" not in text


def test_many_that_a_budget_bars_stand_in_a_table_each_with_its_reason():
    barred = {f"clicks.ann.s0@{size}/int8": f"latency_ms (30 ms, {size}.0% too much)" for size in range(100, 112)}
    budget = {"barred": barred, "left_out": {"large": "its weights alone take 900 MB"}, "best": "other", "price": None}
    text = said(content(budget=budget), width=80)
    for name, why in (budget["barred"] | budget["left_out"]).items():
        assert any(name in line and why in line for line in text.splitlines()), name
    assert "The budget bars 13 retrievers. It costs nothing" in text


def test_names_have_the_room_that_figures_of_cost_leave():
    known = Cost(p50_ms=13.21, p95_ms=114.96, documents_per_s=1234.5, memory_mb=1484, index_bytes=1_129_236_224,
                 index_mb_per_1m=1536)  # fmt: skip
    told = content(costs={LONG: known.told()})
    told["dev"][LONG] = arm(0.6)
    console = Console(width=80, record=True, file=StringIO())
    console.print(table.costs(told))
    firsts = [line.split()[0] for line in console.export_text().splitlines()[-4:-1]]
    assert firsts == ["clicks.ann.minilm.", "default.s0:onnx-int8@", "256/int8"]


def test_costs_stand_in_a_table_and_what_was_not_measured_in_dashes():
    known = Cost(p50_ms=3.21, p95_ms=14.96, documents_per_s=1234.5, memory_mb=484, index_bytes=29_236_224,
                 index_mb_per_1m=1536)  # fmt: skip
    text = said(content(costs={"bm25": Cost(memory_mb=251).told(), "[red]mine": known.told()}))
    lines = [line.split() for line in text[text.index("What they cost") : text.index("note:")].splitlines()]
    rows = {line[0]: line for line in lines if line}
    assert rows["[red]mine"] == ["[red]mine", "0.950", "3.2", "15.0", "1,234", "484", "29.2", "1,536"]
    assert rows["bm25"] == ["bm25", "0.400", "-", "-", "-", "251", "-", "-"]
