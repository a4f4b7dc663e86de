"""Every shipped option composes, and its object is built."""

import inspect
from itertools import combinations

import pytest
from composing import CONF, composed, options
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from omegaconf import OmegaConf
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler

from shoptalk.configs import option_of, unsorted_sources
from shoptalk.evaluating.naming import named
from shoptalk.launch import check_keys
from shoptalk.sources.clicks.adapters import flat, sessions
from shoptalk.studies.sampling import Sampling

GROUPS = sorted(path.name for path in CONF.iterdir() if path.is_dir())
ELSEWHERE = {
    "arm",
    "click_model",
    "shape",
    "data",
    "domain",
    "efficiency",
    "experiment",
    "generator",
    "hydra",
    "model",
    "publish",
    "trainer",
}
SOURCES = options("data")


@pytest.mark.parametrize("group, option", [(g, o) for g in GROUPS if g not in ELSEWHERE for o in options(g)])
def test_an_option_builds_its_object(tmp_path, group, option):
    cfg = composed(tmp_path, f"{group}={option}", *(["teacher.name=some/model"] if option == "hub" else []))
    assert instantiate(cfg[group]) is not None


@pytest.mark.parametrize("option", [option for option in options("generator") if "/" not in option])
def test_a_generator_builds_its_object(tmp_path, option):
    assert instantiate(composed(tmp_path, f"generator={option}").generator).prepared


@pytest.mark.parametrize("option", options("generator/prompt"))
def test_a_prompt_builds_its_object(tmp_path, option):
    cfg = composed(tmp_path, f"+generator/prompt={option}")
    assert instantiate(cfg.generator.prompt).bound


@pytest.mark.parametrize("option", options("publish"))
def test_a_publisher_builds_its_object(option):
    with initialize_config_dir(str(CONF), version_base="1.3"):
        assert callable(instantiate(compose("report", [f"publish={option}"]).publish))


@pytest.mark.parametrize("option", options("trainer"))
def test_a_trainer_builds_or_says_what_it_lacks(tmp_path, option):
    from hydra.errors import InstantiationException

    cfg = composed(tmp_path, f"trainer={option}")
    try:
        assert instantiate(cfg.trainer).trainer(tmp_path, 1, [], False, bar=False).max_steps == 1
    except InstantiationException as error:
        told = {"gpu": "needs a CUDA device", "ddp": "torchrun --nproc-per-node=2"}
        assert option in told and told[option] in str(error)


@pytest.mark.parametrize("option", options("domain"))
def test_a_domain_builds_its_object(tmp_path, option):
    cfg = composed(tmp_path, f"domain={option}", *([f"domain.path={tmp_path}"] if option == "beir" else []))
    assert callable(instantiate(cfg.domain).load)


@pytest.mark.parametrize("size", range(1, len(SOURCES) + 1))
def test_every_sorted_combination_of_sources_builds_just_those(tmp_path, size):
    for chosen in combinations(SOURCES, size):
        cfg = composed(tmp_path, f"data={'+'.join(chosen)}")
        sources = instantiate(OmegaConf.to_container(cfg.data.sources, resolve=True))
        assert sorted(sources) == list(chosen) and all(hasattr(s, "read") for s in sources.values())


def test_a_source_may_stand_twice_under_two_names(tmp_path):
    cfg = composed(tmp_path, "data=pairs", "+data@data.sources.manual=pairs", "data.sources.manual.path=b.csv")
    assert sorted(cfg.data.sources) == ["manual", "pairs"] and cfg.data.sources.pairs.path is None


@pytest.mark.parametrize("option", options("experiment"))
def test_an_experiment_composes_and_builds_its_sources(tmp_path, option):
    cfg = composed(tmp_path, f"experiment={option}")
    check_keys("train", cfg)
    assert instantiate(OmegaConf.to_container(cfg.data.sources, resolve=True))


@pytest.mark.parametrize("kind", ["flat", "sessions"])
def test_columns_are_named_without_a_plus(tmp_path, kind):
    for command, fixed in (("train", [f"run.dir={tmp_path}"]), ("judge", [])):
        with initialize_config_dir(str(CONF), version_base="1.3"):
            cfg = compose(command, [*fixed, f"log_format={kind}", "log_format.columns={doc_id: sku}"])
        made = instantiate(cfg.log_format)
        assert made.columns == {"doc_id": "sku"}
        assert made == type(made)(columns={"doc_id": "sku"})


@pytest.mark.parametrize("kind, module", [("flat", flat), ("sessions", sessions)])
def test_every_column_that_may_be_named_stands_in_the_config(tmp_path, kind, module):
    known = composed(tmp_path, f"log_format={kind}").log_format.columns
    assert list(known) == list(getattr(module, "_ALIASES", None) or module._NAMES) and set(known.values()) == {None}


def test_the_number_of_the_first_rank_is_one_option_under_every_command(tmp_path):
    assert composed(tmp_path, "data=clicks", "position_base=0").data.sources.clicks.position_base == 0
    own = composed(tmp_path, "data=clicks", "position_base=0", "data.sources.clicks.position_base=1")
    assert own.data.sources.clicks.position_base == 1
    with initialize_config_dir(str(CONF), version_base="1.3"):
        assert compose("judge", ["position_base=0"]).position_base == 0


def test_what_makes_an_object_is_known_by_its_option(tmp_path):
    for group in ("propensity", "relevance"):
        for option in options(group):
            made = instantiate(composed(tmp_path, f"{group}={option}")[group])
            assert option_of(group, made) == f"{group}={option}"
    assert option_of("propensity", tmp_path) == f"propensity={type(tmp_path).__module__}.PosixPath"


def test_a_mixture_of_negatives_is_set_part_by_part(tmp_path):
    options = ["negatives=mixed", "negatives.parts.bm25.share=3", "~negatives.parts.random"]
    options += ["+negatives.parts.ann.strategy.positive_share=0.95"]
    mixed = instantiate(composed(tmp_path, *options).negatives)
    assert mixed.shares == {"ann": 2, "bm25": 3} and mixed.parts["ann"].knobs.positive_share == 0.95


@pytest.mark.parametrize("option", ["ann", "bm25", "denoised", "twins"])
def test_a_pick_and_a_fallback_are_chosen_by_name(tmp_path, option):
    options = [f"negatives={option}", "negatives.pick._target_=shoptalk.negatives.picks.SimAns", "+negatives.pick.a=50"]
    options += ["negatives.fallback._target_=shoptalk.negatives.fallbacks.Deeper", "+negatives.fallback.ranks=7"]
    strategy = instantiate(composed(tmp_path, *options).negatives)
    assert strategy.knobs.pick.a == 50 and strategy.fallback.ranks == 7


def test_the_sorted_name_is_said():
    sentence = unsorted_sources(["negatives=ann", "data=clicks,synthetic+clicks"])
    assert sentence.endswith("data=clicks+synthetic.") and unsorted_sources(["data=clicks+synthetic"]) is None


@pytest.mark.parametrize("kind, option", [(k, o) for k in ("sampler", "pruner") for o in options(f"hydra/sweeper/{k}")])
def test_a_sampler_and_a_pruner_build_their_objects(kind, option):
    with initialize_config_dir(str(CONF), version_base="1.3"):
        asked = ["hydra/sweeper=study", f"hydra/sweeper/{kind}={option}", "hydra.sweeper.study=x"]
        sweeper = compose("train", asked, return_hydra_config=True).hydra.sweeper
    options_of = OmegaConf.to_container(sweeper[kind])
    built = Sampling(options_of, seed=0).at(0) if kind == "sampler" else instantiate(options_of)
    assert isinstance(built, BaseSampler if kind == "sampler" else BasePruner)


@pytest.mark.parametrize("option", options("arm"))
def test_a_retriever_under_comparison_builds_its_object(option):
    needed = {"api": ", model: big", "hybrid": ", of: [bm25, minilm]", "reranked": ", of: bm25, by: some/model"}
    with initialize_config_dir(str(CONF), version_base="1.3"):
        cfg = compose("evaluate", [f"models=[{{arm: {option}{needed.get(option, '')}}}]"])
    [arm] = named(OmegaConf.to_container(cfg.models), OmegaConf.to_container(cfg.domain, resolve=True))
    node = OmegaConf.load(CONF / "arm" / f"{option}.yaml")
    assert f"{type(arm).__module__}.{type(arm).__name__}" == node["_target_"] and callable(arm.open) and arm.name
    # The yaml holds every option of the class, all but the clock of tests.
    assert set(inspect.signature(type(arm)).parameters) - {"clock"} == set(node) - {"_target_"}


def test_what_is_evaluated_unless_asked_otherwise_is_known_by_name():
    with initialize_config_dir(str(CONF), version_base="1.3"):
        cfg = compose("evaluate")
    arms = named(OmegaConf.to_container(cfg.models), OmegaConf.to_container(cfg.domain, resolve=True))
    assert [arm.name for arm in arms] == ["bm25", "minilm"]
