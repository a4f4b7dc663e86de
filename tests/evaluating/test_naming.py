"""Names of retrievers, as the command line gives them."""

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from shoptalk.arms.api.arm import ApiArm
from shoptalk.arms.bm25 import BM25Arm
from shoptalk.arms.encoder import EncoderArm
from shoptalk.arms.hybrid import Hybrid
from shoptalk.arms.reranked import Reranked
from shoptalk.errors import InputError
from shoptalk.evaluating.naming import named, options
from shoptalk.models.encoder import Encoder

DOMAIN = {"_target_": "shoptalk.domain.beir.Beir", "path": "/data/horns", "seed": 0, "log": None}


def run_folder(folder, name="clicks.s0", model=True, **domain):
    folder.mkdir(parents=True)
    OmegaConf.save(OmegaConf.create({"run": {"name": name}, "domain": {**DOMAIN, **domain}}), folder / "config.yaml")
    if model:
        (folder / "model").mkdir()
    return folder


def given(text):
    """What Hydra reads on the command line."""
    return OverridesParser.create().parse_override(f"models={text}").value()


def one(text):
    [arm] = named(given(f"[{text}]"), DOMAIN)
    return arm


def test_names_of_every_kind_go_through_the_command_line(tmp_path):
    run, model = run_folder(tmp_path / "outputs/2026-11-26/12-00-00-123456"), tmp_path / "ce"
    model.mkdir()
    (model / "config.json").touch()
    hub = "BAAI/bge-small-en-v1.5"
    text = f"[bm25,minilm,static,{run},bm25+minilm,minilm|{model},bm25+{run}|{model},{hub}]"
    arms = named(given(text), DOMAIN)
    kinds = [BM25Arm, EncoderArm, EncoderArm, EncoderArm, Hybrid, Reranked, Reranked, EncoderArm]
    assert [type(arm) for arm in arms] == kinds
    assert [arm.name for arm in arms] == [
        "bm25", "minilm", "static", "clicks.s0", "bm25+minilm", "minilm|ce", "bm25+clicks.s0|ce", "bge-small-en-v1.5"
    ]  # fmt: skip
    assert arms[3].load.keywords == {"name": str(run / "model")}
    assert arms[6].by == str(model) and isinstance(arms[6].of, Hybrid)


def test_a_mapping_sets_details():
    api = one("{arm: api, model: big, url: http://localhost:1/v1, dimensions: 64, name: vendor}")
    assert isinstance(api, ApiArm) and api.name == "vendor" and api.fields["query"]["dimensions"] == 64
    hybrid = one("{arm: hybrid, of: [bm25, {arm: minilm, name: base}], k: 7, depth: 9}")
    assert (hybrid.name, hybrid.k, hybrid.depth) == ("bm25+base", 7, 9)
    assert one("{arm: bm25+minilm, k: 7}").k == 7
    assert one("{arm: reranked, of: minilm, by: org/ce, depth: 5}").depth == 5
    assert one("{arm: 'minilm|org/ce', depth: 5, max_length: 64}").options["max_length"] == 64
    assert one("{arm: bm25, stemmer: null}").settings == {"stemmer": None}
    assert one("{arm: minilm, name: short, model: {max_length: 64}}").load.keywords["max_length"] == 64
    assert one("{arm: org/big, model: {trust_remote_code: true}}").load.keywords["trust_remote_code"]


def test_a_single_name_needs_no_list():
    assert [arm.name for arm in named("bm25", DOMAIN)] == ["bm25"]


def test_every_model_config_is_known_and_read_only_when_opened(monkeypatch):
    monkeypatch.setattr(Encoder, "load", lambda *_, **__: pytest.fail("loaded"))
    assert [arm.name for arm in named(options("model"), DOMAIN)] == options("model")


def test_a_name_of_a_config_comes_before_a_folder_called_alike(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "static").mkdir()
    assert one("static").load.keywords["name"].startswith("pypi:")


def test_runs_that_are_called_alike_are_told_apart_by_their_folders(tmp_path):
    a, b, c = (run_folder(tmp_path / name, called) for name, called in (("a", "s0"), ("b", "s0"), ("c", "s1")))
    arms = named([str(a), "bm25", str(b), str(c), f"bm25+{b}"], DOMAIN)
    assert [arm.name for arm in arms] == [f"s0 ({a})", "bm25", f"s0 ({b})", "s1", f"bm25+s0 ({b})"]


def test_the_same_run_alone_and_in_a_hybrid_has_one_name(tmp_path):
    run = run_folder(tmp_path / "a", "s0")
    assert [arm.name for arm in named([str(run), f"bm25+{run}"], DOMAIN)] == ["s0", "bm25+s0"]


def test_paths_and_logs_do_not_make_a_domain_another(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = run_folder(tmp_path / "a", path="horns", log="clicks.parquet")
    assert named([str(run)], {**DOMAIN, "path": str(tmp_path / "horns")})


@pytest.mark.parametrize(
    "text, words",
    [
        ("bm52", ["bm52 is not known (did you mean bm25?); there are", "minilm", "a+b"]),
        ("bm25+bm52", ["bm52 is not known"]),
        ("''", ["an empty name is not known; there are"]),
        ("3", ["models: 3 is no retriever"]),
        ("{name: x}", ["is no retriever"]),
        ("{arm: bm25, k: 60}", ["bm25 has no option k", "k1"]),
        ("{arm: minilm, max_length: 64}", ["minilm has no option max_length", "model, name"]),
        ("{arm: minilm, model: {lenght: 64}}", ["model of minilm has no option lenght", "max_length"]),
        ("{arm: org/big, model: {lenght: 64}}", ["no option lenght", "trust_remote_code"]),
        ("api", ["api needs model", "{arm: api, model: …}"]),
        ("hybrid", ["hybrid needs of"]),
        ("{arm: reranked, of: bm25}", ["reranked needs by"]),
        ("{arm: hybrid, of: [bm25]}", ["two arms or more"]),
        ("bm25+./nowhere", ["models=./nowhere is not an existing folder; give the folder of a finished"]),
        ("bm25,bm25", ["models names bm25 twice"]),
        ("", ["models names nothing"]),
    ],
)  # fmt: skip
def test_a_mistake_is_one_sentence(text, words):
    with pytest.raises(InputError) as error:
        named(given(f"[{text}]"), DOMAIN)
    sentence = str(error.value)
    assert all(word in sentence for word in words) and sentence.endswith(".") and "\n" not in sentence, sentence


def test_a_folder_that_should_be_there_is_no_hub_id(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "outputs").mkdir()
    with pytest.raises(InputError, match="models=outputs/typo is not an existing folder"):
        named(["outputs/typo"], DOMAIN)


def test_a_run_without_a_model_and_a_folder_without_either_are_refused(tmp_path):
    with pytest.raises(InputError, match="is no finished run, for it holds no model;"):
        named([str(run_folder(tmp_path / "a", model=False))], DOMAIN)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="neither a run nor a model"):
        named([str(tmp_path / "empty")], DOMAIN)


@pytest.mark.parametrize(
    "other, words",
    [
        ({"path": "/data/flutes"}, ["Beir, path=/data/flutes", "Beir, path=/data/horns"]),
        ({"seed": 1}, ["Beir, seed=1", "Beir, seed=0"]),
        ({"_target_": "shoptalk.domain.phenotypes.Phenotypes"}, ["(Phenotypes", "(Beir, path=/data/horns)"]),
    ],
)
def test_a_run_of_another_domain_is_refused_and_its_model_may_be_named(tmp_path, other, words):
    good, bad = run_folder(tmp_path / "good", "good"), run_folder(tmp_path / "bad", "bad", **other)
    with pytest.raises(InputError) as error:
        named([str(good), str(bad)], DOMAIN)
    assert all(word in str(error.value) for word in [*words, str(bad / "model")]), error.value
    (bad / "model" / "modules.json").touch()
    assert [arm.name for arm in named([str(good), str(bad / "model")], DOMAIN)] == ["good", str(bad / "model")]
