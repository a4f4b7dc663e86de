"""A language model as a generator: each prompt is answered once, kept, and told where it was not."""

import multiprocessing
from collections import Counter

import polars as pl
import pytest

from shoptalk.cache import Cache
from shoptalk.domain.corpus import Corpus
from shoptalk.domain.judgments import Domain
from shoptalk.errors import InputError
from shoptalk.sources.pairs import Ground, Voice
from shoptalk.sources.synthetic.language import Answer, Prompt
from shoptalk.sources.synthetic.llm import LanguageModelGenerator
from shoptalk.sources.synthetic.material import REAL, Material, Order
from shoptalk.sources.synthetic.prompts import Template
from shoptalk.sources.synthetic.source import SyntheticSource
from shoptalk.sources.synthetic.store import Answers

TITLES = [f"horn {k}" for k in range(6)]
CORPUS = Corpus([f"d{k}" for k in range(6)], TITLES, ["brass"] * 6)


class Scripted:
    """Answers by the document's last word; counts what it is asked, and ends after ``lives`` answers."""

    def __init__(
        self, identity: str = "scripted", lives: int = 1000, faults: tuple[str, ...] = (), lasting: bool = False
    ):
        self.identity, self.lives, self.faults, self.asked = identity, lives, faults, Counter()
        self.lasting = lasting

    def plan(self, prompts):
        return f"{len(prompts)} prompts"

    def answers(self, prompts, voice):
        for place in reversed(range(len(prompts))):
            if not self.lives:
                raise InputError("The model is gone.")
            self.lives -= 1
            rest = prompts[place].rest
            self.asked[rest] += 1
            faulty = next((word for word in self.faults if word in rest), None)
            yield (
                place,
                Answer(None, f"{faulty} is bad", self.lasting)
                if faulty
                else Answer(f"query of {rest[-11]}{prompts[place].seed % 7}"),
            )


def writer(tmp_path, model, said=None):
    material = Material(
        CORPUS, Cache(tmp_path), pl.DataFrame(schema=REAL), None, 0, Voice([].append if said is None else said.append)
    )
    return LanguageModelGenerator(model, Template("", "{document}"), "told").prepared(material)


def orders(count: int = 2) -> list[Order]:
    return [Order(title, "", (None,) * count) for title in TITLES]


def test_a_stopped_run_asks_for_the_rest_alone(tmp_path):
    stopped, said = Scripted(lives=5), []
    with pytest.raises(InputError, match="gone"):
        writer(tmp_path, stopped).write(orders(), 0)
    going_on = Scripted()
    whole = writer(tmp_path, going_on, said).write(orders(), 0)
    assert stopped.asked.total() == 5 and going_on.asked.total() == 7
    assert said[0].startswith("5 of 12") and said[1] == "7 prompts"
    fresh = Scripted()
    assert whole == writer(tmp_path / "other", fresh).write(orders(), 0), "stopping changes nothing"
    again = Scripted()
    assert writer(tmp_path, again).write(orders(), 0) == whole and not again.asked


def test_another_model_or_seed_is_asked_anew(tmp_path):
    for model, seed in ((Scripted(), 0), (Scripted("other"), 0), (Scripted(), 1)):
        writer(tmp_path, model).write(orders(1), seed)
        assert model.asked.total() == len(TITLES)


def test_what_was_not_answered_stands_among_the_rejected_and_is_asked_again(tmp_path):
    model = Scripted(faults=("horn 3",))
    generator = LanguageModelGenerator(model, Template("", "{document}"))
    corpus = Corpus([*CORPUS.ids, "bare"], [*TITLES, " "], [*CORPUS.texts, ""])
    ground = Ground(Domain("toy", corpus, {}), None, Cache(tmp_path), 0)
    found = SyntheticSource(generator, None, 1).read("synthetic", ground)
    assert found.pairs.height == 5 and found.counts["read"] == 7
    assert dict(found.rejected.select("doc_id", "reason").iter_rows()) == {
        "d3": "horn 3 is bad",
        "bare": "the document is empty",
    }
    SyntheticSource(generator, None, 1).read("synthetic", ground)
    assert sorted(model.asked.values()) == [1, 1, 1, 1, 1, 2]


def test_a_fault_that_would_come_again_is_kept(tmp_path):
    model = Scripted(faults=("horn 3",), lasting=True)
    first, again = (writer(tmp_path, model).write(orders(1), 0) for _ in range(2))
    assert first == again and again[3][0].fault == "horn 3 is bad" and set(model.asked.values()) == {1}


def _keep(file, start):
    Answers(file).keep((Prompt("", str(k), 0), Answer(f"answer {k}")) for k in range(start, start + 40))


def test_processes_keep_answers_side_by_side(tmp_path):
    file = tmp_path / "answers.sqlite"
    Answers(file)
    context = multiprocessing.get_context("fork")
    running = [context.Process(target=_keep, args=(file, start)) for start in (0, 20)]
    for process in running:
        process.start()
    for process in running:
        process.join()
    found = Answers(file).find([Prompt("", str(k), 0) for k in range(61)])
    assert found == {k: Answer(f"answer {k}") for k in range(60)}
