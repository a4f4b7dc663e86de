"""What a command says of itself: its help, and which options it does not know."""

import os
import re
import shlex
import subprocess
import sys
from importlib import import_module

import pytest
from composing import CONF
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra

from shoptalk.configs import root
from shoptalk.launch import check
from shoptalk.primary import help_of, unknown, unknown_argument

COMMANDS = ["evaluate", "judge", "search", "diff", "report", "simulate"]
ALL = ["train", *COMMANDS]


def told(name):
    """The help as a reader takes it: the call, groups with their options, and the text of the options."""
    text = help_of(name)
    chosen, _, options = text.partition("\nOptions,")
    groups = re.findall(r"^([\w/]+):.*\n((?:    .*\n)+)", chosen, re.MULTILINE)
    return text.partition("\n\n")[0], {group: re.split(r",\s+", names.strip()) for group, names in groups}, options


@pytest.mark.parametrize("name", ALL)
def test_help_lists_the_groups_of_the_command_and_no_others(name):
    with initialize_config_dir(str(CONF), version_base="1.3"):
        chosen = compose(name, return_hydra_config=True).hydra.runtime.choices
        loader = GlobalHydra.instance().config_loader()
        head, groups, _ = told(name)
        assert (f"-m shoptalk.{name} " if name != "train" else "python train.py ") in head
        assert {group for group in groups if "/" not in group} == {group for group in chosen if "/" not in group}
        for group in groups.keys() - {"data", "sweeps", "experiment"}:
            assert groups[group] == sorted(loader.get_group_options(group)), group


def test_help_of_training_lists_overlays_and_what_searches():
    groups = told("train")[1]
    assert {"hydra/sweeper/sampler", "hydra/sweeper/pruner", "generator/prompt"} < set(groups)
    assert "mixture" in groups["sweeps"] and not any("parts" in name for name in groups["sweeps"])
    assert {"gpl", "claims/negatives"} < set(groups["experiment"]) and "clicks" in groups["data"]


@pytest.mark.parametrize("name", ALL)
def test_help_tells_every_option_with_its_comment(name):
    text = told(name)[2]
    with initialize_config_dir(str(CONF), version_base="1.3"):
        cfg = compose(name)
    own = set(cfg) - {group for group in told(name)[1] if "/" not in group}
    assert own and all(re.search(rf"^{key}:", text, re.MULTILINE) for key in own)
    assert text.count(" # ") >= 3 and "output_subdir" not in text and "override" not in text


def test_help_is_told_before_torch_is_read():
    script = """if True:
        import runpy, sys
        sys.argv = ["command", "--help"]
        for name in sys.stdin.read().split():
            try:
                runpy.run_module(name, run_name="__main__")
            except SystemExit as end:
                assert not end.code
        assert not {"torch", "scipy"} & set(sys.modules)
    """
    asked = " ".join(f"shoptalk.{name}" for name in COMMANDS)
    ran = subprocess.run([sys.executable, "-c", script], input=asked, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.count("\nOptions, as NAME=VALUE") == len(COMMANDS)


def test_help_whose_reader_has_left_ends_quietly():
    reader, writer = os.pipe()
    os.close(reader)
    line = [sys.executable, str(root() / "train.py"), "--help"]
    ran = subprocess.run(line, stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    assert ran.stderr == ""


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_refuses_an_option_that_it_does_not_have(name, capsys):
    with initialize_config_dir(str(CONF), version_base="1.3"):
        cfg = compose(name, ["+runn=1"])
    with pytest.raises(SystemExit) as end:
        import_module(f"shoptalk.{name}").main(cfg)
    sentence = capsys.readouterr().err
    assert end.value.code == 1 and sentence.startswith("error: runn is not an option; ") and sentence.count("\n") == 1
    assert ("did you mean run" in sentence) == (name in ("judge", "search", "report", "diff"))


@pytest.mark.parametrize("argument, said", [
    ("domian=beir", "did you mean domain?"),
    ("~domian", "did you mean domain?"),
    ("trainr.pairs=7", "did you mean trainer?"),
    ("sweps=mixture", "did you mean sweeps?"),
    ("zebra=1", "--help lists them all."),
])  # fmt: skip
def test_an_argument_that_names_nothing_is_told_by_its_name(argument, said):
    name = re.match(r"~?(\w+)", argument)[1]
    assert unknown_argument("train", ["seed=1", argument]) == f"{name} is not an option; {said}"


def test_words_for_the_shell_s_completion_are_no_options():
    check("train", ["-sc", "install=bash"])
    with pytest.raises(SystemExit, match=r"^error: install is not an option"):
        check("train", ["install=bash"])


def test_what_a_group_of_overlays_leaves_under_its_own_name_is_refused():
    assert unknown("train", ["domain", "seed", "hydra"]) is None
    assert "sweeps=" in unknown("train", ["domain", "sweeps"]) and "@package _global_" in unknown("train", ["sweeps"])


def test_every_command_of_the_readme_names_options_that_there_are():
    text = (root() / "README.md").read_text().replace("\\\n", " ")
    lines = re.findall(r"^(?:python|torchrun \S+) (train\.py|-m shoptalk\.\w+) (.*)$", text, re.MULTILINE)
    assert len(lines) > 30
    for program, arguments in lines:
        name, words = program.removesuffix(".py").rpartition(".")[2], shlex.split(arguments, comments=True)
        assert unknown_argument(name, words) is None
        assert unknown(name, [word[1:].partition("=")[0] for word in words if word[0] == "+"]) is None
