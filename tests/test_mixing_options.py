"""What holds of every option of ``conf/mixing``: asked against drawn."""

from collections import Counter

import pytest
from composing import composed, options
from hydra.utils import instantiate
from pairs_by_source import table

SIZES = {"clicks": 1400, "labels": 900, "pairs": 2900, "synthetic": 2200}
every = pytest.mark.parametrize("option", options("mixing"))


@every
def test_ten_thousand_draws_hold_the_ratios_asked_within_half_a_percent(tmp_path, option):
    mixing, pairs = instantiate(composed(tmp_path, f"mixing={option}").mixing), table(SIZES)
    made = mixing.schedule(pairs, list(SIZES), 0, 10_000)
    drawn = Counter(pairs["source"].to_numpy()[made.rows])
    asked = mixing.course(SIZES).ratios()
    assert drawn.total() == len(made.rows) == 10_000 and made.notices == ()
    assert asked == pytest.approx(made.asked) and sum(asked.values()) == pytest.approx(1)
    for source, share in asked.items():
        assert abs(drawn[source] / 10_000 - share) <= 0.005
        for stage in made.stages:
            assert abs(stage.drawn[source] - stage.asked[source]) <= 0.005


def test_waypoints_and_shares_are_set_on_the_command_line(tmp_path):
    options = ["mixing.at=[0,0.5,0.5,1]", "mixing.shares.clicks=[1,1,9,9]", "mixing.shares.synthetic=[1,3,0,0]"]
    mixing = instantiate(composed(tmp_path, "mixing=curriculum", *options).mixing)
    sizes = {"clicks": 9, "synthetic": 9}
    assert mixing.course(sizes).ratios(0, 0.5) == pytest.approx({"clicks": 0.375, "synthetic": 0.625})
    assert mixing.course(sizes).ratios(0.5, 1) == pytest.approx({"clicks": 1, "synthetic": 0})


@every
@pytest.mark.parametrize("repeats", [1, "{clicks:1,labels:2,pairs:1,synthetic:3}"])
def test_what_a_cap_cuts_off_is_told(tmp_path, option, repeats):
    sizes = {"clicks": 300, "labels": 40, "pairs": 2900, "synthetic": 90}
    mixing = instantiate(composed(tmp_path, f"mixing={option}", f"mixing.max_repeats={repeats}").mixing)
    caps = mixing.max_repeats if isinstance(mixing.max_repeats, dict) else dict.fromkeys(sizes, mixing.max_repeats)
    most = sum(caps[s] * n for s, n in sizes.items())
    for total in (most // 2, most - 1, most + 1):
        made = mixing.schedule(table(sizes), list(sizes), 0, total)
        counts = {s: made.drawn[s] * len(made.rows) for s in sizes}
        assert len(made.rows) == min(total, most)
        for source, share in made.asked.items():
            assert counts[source] <= caps[source] * sizes[source] + 1e-6
            cut = counts[source] < share * total - 1
            said = [notice for notice in made.notices if notice.startswith(f"{source}: {100 * share:.1f} % ")]
            assert len(said) <= 1 and (said or not cut)
            assert not said or f"{sizes[source]:,} pairs is drawn at most {caps[source]} times" in said[0]
        assert (len(made.rows) < total) == any(f"draws, not {total:,}" in notice for notice in made.notices)
