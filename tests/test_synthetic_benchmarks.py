"""The benchmark of shared prefixes runs, at a size that says nothing about its figures but that they can be."""

import pytest
import tiny_domain
from benchmark_scripts import scripts

from shoptalk.cache import Cache
from shoptalk.domain.beir import Beir

TINY = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "vocab_size": 30_522, "head_dim": 8}


@pytest.fixture
def script():
    with scripts("synthetic") as load:
        yield load("prefix")


def test_both_sides_write_the_same(script, capsys, tmp_path):
    given = [script.Prompt("An instruction and some examples. ", f"document {row}:", row) for row in range(9)]
    name = script.random_model(tmp_path / "model", script.SHAPE | TINY | {"sliding_window": 4})
    model = script.Timed(name, Cache(tmp_path), temperature=0, max_new_tokens=3, precision="fp32")
    figures = script.measure(model, given, 1)
    assert figures["same"] == 1 and figures["ratio"] > 0
    assert figures["tokens"] == {"prefix": 7, "rest": 3, "new": 3}
    script.show(figures, "tiny")
    assert "100.0% of the answers are the same" in capsys.readouterr().out


def test_prompts_share_their_examples(script, tmp_path, capsys):
    with pytest.raises(SystemExit, match="0"):
        script.options().parse_args(["--help"])
    assert "benchmarks/synthetic/prefix.py" in capsys.readouterr().out
    domain = Beir(str(tiny_domain.write(tmp_path / "domain"))).load(Cache(tmp_path / "cache"))
    prompts = script.prompts(domain, 30, 0)
    assert len(prompts) == 30 and len({prompt.rest for prompt in prompts}) > 20
    (prefix,) = {prompt.prefix for prompt in prompts}
    shown = prefix.removeprefix(script.INSTRUCTION).rstrip().split("\n\n")
    train, passages = domain.splits["train"], domain.corpus.passages
    row_of = [domain.corpus.index[doc_ids[0]] for doc_ids in train.positives()]
    pairs = {f"{script.asked(passages[row])} {text}" for text, row in zip(train.texts, row_of, strict=True)}
    assert len(shown) == script.EXAMPLES and {*shown} <= pairs
    assert not {prompt.seed for prompt in prompts} & {*list(dict.fromkeys(row_of))[: script.EXAMPLES]}
