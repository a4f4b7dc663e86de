import pytest

from shoptalk.domain.traffic import silent_sections, term_traffic, traffic_levels

IDS = [f"D{number}" for number in range(1000)]


def test_traffic_is_zipf_over_sixty_per_cent():
    traffic = term_traffic(IDS, seed=0)
    shares = sorted((share for share in traffic.values() if share > 0), reverse=True)
    assert set(traffic) == set(IDS)
    assert len(shares) == 600
    assert sum(shares) == pytest.approx(1)
    assert [shares[0] / share for share in shares] == pytest.approx(range(1, 601))


def test_traffic_depends_on_the_set_of_ids_and_the_seed_alone():
    assert term_traffic([*IDS[::-1], *IDS], seed=3) == term_traffic(IDS, seed=3)
    assert term_traffic(IDS, seed=3) != term_traffic(IDS, seed=4)
    assert term_traffic([], seed=0) == {}


def test_levels_are_thirds_of_those_with_traffic():
    traffic = term_traffic(IDS, seed=1)
    levels = traffic_levels(traffic)
    by_level = {level: [traffic[d] for d in IDS if levels[d] == level] for level in ("none", "little", "much")}
    assert {level: len(shares) for level, shares in by_level.items()} == {"none": 400, "little": 400, "much": 200}
    assert max(by_level["none"]) == 0 < min(by_level["little"])
    assert max(by_level["little"]) < min(by_level["much"])


SECTIONS = {doc_id: [f"S{number % 10}"] for number, doc_id in enumerate(IDS)}


def test_whole_sections_fall_silent_for_at_most_forty_per_cent():
    sections = SECTIONS | {"D0": ["S0", "S1"], "D1": []}
    traffic, names = term_traffic(IDS, 0, sections), silent_sections(IDS, 0, sections)
    silent = {doc_id for doc_id, share in traffic.items() if share == 0}
    assert silent == {doc_id for doc_id in IDS if names & set(sections[doc_id])}
    assert 300 <= len(silent) <= 400 and sum(traffic.values()) == pytest.approx(1)
    shares = sorted((share for share in traffic.values() if share > 0), reverse=True)
    assert [shares[0] / share for share in shares] == pytest.approx(range(1, len(shares) + 1))


def test_a_section_too_large_is_passed_over_for_smaller_ones():
    sections = {doc_id: ["large"] if number < 500 else [f"S{number}"] for number, doc_id in enumerate(IDS)}
    names = silent_sections(IDS, 0, sections)
    assert "large" not in names and len(names) == 400


def test_silent_sections_depend_on_the_seed():
    assert silent_sections(IDS, 1, SECTIONS) == silent_sections(IDS[::-1], 1, SECTIONS)
    assert len({frozenset(silent_sections(IDS, seed, SECTIONS)) for seed in range(5)}) > 1
