import json
import shlex
import subprocess
import sys

import pytest
from composing import CONF, options
from hydra import compose, initialize_config_dir
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from shoptalk.configs import register, root
from shoptalk.errors import InputError
from shoptalk.reporting.sweeps.rerun import command_line, experiment_yaml

register()


def by_line(*overrides):
    """What the command line composes: the config, and which option of each group was chosen."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        cfg = OmegaConf.to_container(compose("train", overrides=list(overrides), return_hydra_config=True))
    choices = cfg.pop("hydra")["runtime"]["choices"]
    # As text, in which 1, 1.0, true and '1' differ.
    return json.dumps(cfg, sort_keys=True), {name: chosen for name, chosen in choices.items() if name != "experiment"}


def by_file(folder, *overrides):
    """What ``experiment=found`` composes of the file about ``overrides``."""
    (folder / "experiment").mkdir(exist_ok=True)
    (folder / "experiment" / "found.yaml").write_text(experiment_yaml(overrides, "found\nby a sweep"))
    return by_line(f"hydra.searchpath=[file://{root()},file://{folder}]", "experiment=found")


@pytest.mark.parametrize("overrides", [
    [],
    ["data=clicks+synthetic", "mixing.ratios.clicks=0.3", "mixing.ratios.synthetic=null", "seed=3"],
    ["generator=local_llm", "generator/prompt=styled", "generator.prompt.examples=4", "generator.model.stop=[]"],
    ["generator=api_llm", "generator.model.prices={input: 0.1, output: 4e-1}", "generator/prompt=brainstorm"],
    ["+generator/prompt=few_shot", "generator.prompt.words=7"],
    ["experiment=gpl", "negatives=ann", "temperature.value=1e-5"],
    ["experiment=gpl", "negatives.parts.random=null", "++negatives.parts.bm25.share=3", "+negatives.parts.x.share=1"],
    ["experiment=claims/mixture", "data=labels", "mixing.max_repeats={labels: 40}", "loss=kl"],
    ["data=pairs", "+data@data.sources.manual=pairs", "data.sources.manual.path=b.csv"],
    ["data=[labels,synthetic]", "trainer=smoke", "trainer.pairs=64"],
    ["experiment=oracle"],
    ["teacher=none", "mixing.max_repeats=4", "mixing.max_repeats={clicks: 1}"],
])  # fmt: skip
def test_the_file_composes_what_the_command_line_does(tmp_path, overrides):
    assert by_file(tmp_path, *overrides) == by_line(*overrides)


def hydras(value):
    """A value in Hydra's grammar."""
    if isinstance(value, str):
        return "'" + value.replace("'", "\\'") + "'"
    if isinstance(value, list):
        return "[" + ",".join(map(hydras, value)) + "]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{name}: {hydras(one)}" for name, one in value.items()) + "}"
    return json.dumps(value).replace("Infinity", "inf")


TRICKY = [
    "1e3",
    "1_000",
    "0x1f",
    "null",
    "yes",
    "off",
    "~",
    "",
    " a ",
    "2026-01-01",
    "1:30",
    "-",
    "# no",
    "a: b",
    "é∑",
    "'",
]
words = st.sampled_from(TRICKY) | st.text("ab1e_-.,:#[]{}&*!|>%@?\" '", max_size=8)
plain = st.none() | st.booleans() | st.integers(-5, 10**12) | st.floats(allow_nan=False) | words
values = plain | st.lists(plain, max_size=3) | st.dictionaries(st.sampled_from("abc"), plain, max_size=2)
shares = st.none() | st.floats(0, 1) | st.sampled_from([1e-9, 1e20])
groups = {name: st.sampled_from(options(name)) for name in ("mixing", "negatives", "loss", "temperature", "model")}
groups["data"] = st.sets(st.sampled_from(options("data")), min_size=1).map(lambda names: "+".join(sorted(names)))
llm = st.tuples(st.sampled_from(["local_llm", "api_llm"]), st.sampled_from(options("generator/prompt")))
keys = {
    "seed": st.integers(0, 9), "evaluation.audit": st.booleans(), "run.name": words, "mixing.ratios.clicks": shares,
    "mixing.weights.labels": shares, "mixing.max_repeats": values, "+extra": values, "++run.extra.deep": values,
    "+negatives": st.dictionaries(st.just("more"), values, min_size=1),
}  # fmt: skip


same = given(
    chosen=st.fixed_dictionaries({}, optional=groups),
    prompt=st.none() | llm,
    asked=st.fixed_dictionaries({}, optional=keys),
)
folders = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def composes_the_same(folder, chosen, prompt, asked):
    overrides = [f"{group}={option}" for group, option in chosen.items()]
    overrides += [f"generator={prompt[0]}", f"generator/prompt={prompt[1]}"] if prompt else []
    overrides += [f"{key}={hydras(value)}" for key, value in asked.items()]
    assert by_file(folder, *overrides) == by_line(*overrides)


@settings(folders, max_examples=3)
@same
def test_whatever_is_asked_the_file_composes_the_same(tmp_path, chosen, prompt, asked):
    composes_the_same(tmp_path, chosen, prompt, asked)


@pytest.mark.slow
@settings(folders, max_examples=40)
@same
def test_much_that_may_be_asked_the_file_composes_the_same(tmp_path, chosen, prompt, asked):
    composes_the_same(tmp_path, chosen, prompt, asked)


@settings(max_examples=200, deadline=None)
@given(values, st.sampled_from(["", "+", "++"]))
def test_a_value_reads_back_as_it_was_given(value, sign):
    read = OmegaConf.to_container(OmegaConf.create(experiment_yaml([f"{sign}a.b={hydras(value)}"], "")))
    assert json.dumps(read["a"]["b"]) == json.dumps(value)


def test_the_file_reads_as_a_person_writes_one():
    overrides = ["data=clicks+synthetic", "mixing.ratios.clicks=0.3", "+run.tags=[a,b]", "negatives=ann"]
    assert experiment_yaml(overrides, "Trial 7.") == (
        "# @package _global_\n# Trial 7.\n"
        "defaults:\n  - override /data: clicks+synthetic\n  - override /negatives: ann\n"
        "mixing:\n  ratios:\n    clicks: 0.3\nrun:\n  tags:\n  - a\n  - b\n"
    )


def test_a_note_stays_a_comment():
    text = experiment_yaml(["seed=1"], "one\n\nseed: 7\r\n  last")
    assert OmegaConf.to_container(OmegaConf.create(text)) == {"seed": 1}
    assert text.splitlines()[:5] == ["# @package _global_", "# one", "#", "# seed: 7", "#   last"]


@pytest.mark.parametrize("override, said", [
    ("~negatives.parts.random", "~negatives.parts.random deletes, which an experiment file cannot"),
    ("seed=1,2", "seed=1,2 lists values to try; an experiment file needs one."),
    ("seed=range(3)", "seed=range(3) lists values to try"),
    ("a.0.b=1", "a.0.b=1 sets one element of a list"),
])  # fmt: skip
def test_what_a_file_cannot_say_is_refused(override, said):
    with pytest.raises(InputError, match="^" + said.replace("(", r"\(").replace(")", r"\)")):
        experiment_yaml([override], "")


def test_the_command_line_passes_a_shell_unchanged():
    overrides = [
        "run.name='a \"b\" $HOME'",
        "mixing.max_repeats={clicks: 4}",
        "data=clicks+labels",
        "a=`ls`",
        "b=é!x",
        "c=",
    ]
    line = command_line(overrides)
    assert line.startswith("python train.py ") and shlex.split(line)[2:] == overrides
    shown = "import sys, json; print(json.dumps(sys.argv[1:]))"
    script = f'python() {{ shift; {shlex.quote(sys.executable)} -c {shlex.quote(shown)} "$@"; }}\n{line}'
    ran = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    assert json.loads(ran.stdout) == overrides
