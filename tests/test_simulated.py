from tiny_models import bert

from shoptalk import embedding, simulated
from shoptalk.cache import Cache
from shoptalk.domain.corpus import Corpus
from shoptalk.domain.judgments import Domain, Judged
from shoptalk.models.encoder import Encoder


def test_the_simulated_engine_ranks_alike_whatever_the_processor_multiplies_fast(tmp_path, monkeypatch):
    encoder = Encoder.load(str(bert(tmp_path / "bert")))
    monkeypatch.setattr(simulated.Encoder, "load", lambda name: encoder)
    domain = Domain("tiny", Corpus(["a", "b"], ["red apple", "green pear"], ["", ""]), {})
    found = {}
    for name in ("bf16", "fp32"):
        monkeypatch.setattr(embedding, "preferred_precision", lambda device=None, name=name: name)
        found[name] = simulated.logging_rankers(domain, Cache(tmp_path / name), 1, None)["dense"].embed
    assert found["bf16"].precision == found["fp32"].precision == "fp32"
    assert found["bf16"].identity == found["fp32"].identity


def test_a_cache_without_the_truth_of_its_log_gets_it_again(tmp_path, monkeypatch):
    written = []

    def simulate(domain, rankers, world, log, truth):
        written.append(log)
        for path in (log, truth):
            path.write_text("the same every time")

    monkeypatch.setattr(simulated, "simulate", simulate)
    monkeypatch.setattr(simulated, "logging_rankers", lambda *given: {})
    intents = Judged(["q"], ["apple"], {"q": {"a": 1}})
    domain = Domain("tiny", Corpus(["a"], ["red apple"], [""]), {}, intents=intents)
    found = simulated.simulated_log(domain, Cache(tmp_path / "cache"), 1, None)
    first = found.log()
    found.truth.unlink()
    assert found.log() == first == found.log() and found.truth.exists()
    assert len(written) == 2 and first.exists() and not written[1].exists()
