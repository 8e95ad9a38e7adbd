"""Every command from outside: help that names every option, exit codes, what goes to stdout and what to stderr."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graphx
from graphx.cli import _COMMANDS, main
from graphx.data import load_graph

COMMANDS = sorted(_COMMANDS)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(graphx.__file__).parents[1]))


def parsers(name: str) -> Iterator[tuple[list[str], argparse.ArgumentParser]]:
    """The parser of a command and those of its subcommands, with the words that lead to them."""
    parser = importlib.import_module(f"graphx.cli.{name}").build_parser()
    yield [], parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from (([word], inner) for word, inner in action.choices.items())


def run(*arguments: str, module: str = "graphx", **options: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **options)


# -- help --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", COMMANDS)
def test_help_names_every_option_and_says_what_it_does(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    for words, parser in parsers(name):
        with pytest.raises(SystemExit) as ended:
            main([name, *words, "--help"])
        out, err = capsys.readouterr()
        assert ended.value.code == 0 and err == ""
        for action in parser._actions:
            for option in action.option_strings:
                assert re.search(rf"(^|[\s,]){re.escape(option)}\b", out, re.MULTILINE), (words, option)
            if not action.option_strings and isinstance(action.metavar, str):
                assert action.metavar in out
            if action.option_strings and action.dest != "help":
                assert action.help, f"{name} {' '.join(words)} {action.option_strings[0]} has no help"
        assert max(map(len, out.splitlines())) <= 120


@pytest.mark.parametrize("name", COMMANDS)
def test_options_with_a_default_say_which(name: str) -> None:
    for words, parser in parsers(name):
        for action in parser._actions:
            if action.option_strings and isinstance(action.default, (int, float, str)) and action.default is not False:
                if action.default == argparse.SUPPRESS or action.required:
                    continue
                text = f"{action.help} {' '.join(action.choices) if isinstance(action.choices, list) else ''}"
                assert "default" in text, (words, action.option_strings)
                assert str(action.default) in text.replace("(default)", str(action.default)), action.option_strings


@pytest.mark.parametrize("name", COMMANDS)
def test_no_command_takes_abbreviations_or_nonsense(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    for words, parser in parsers(name):
        long = [option for action in parser._actions for option in action.option_strings if option.startswith("--")]
        short = next((option[:-1] for option in long if option != "--help" and option[:-1] not in long), "--hel")
        for wrong in (short, "--nonsense", "-Z"):
            with pytest.raises(SystemExit) as ended:
                main([name, *words, wrong, "x"])
            out, err = capsys.readouterr()
            assert ended.value.code == 2 and out == ""
            last = err.splitlines()[-1]  # what is unknown is told by the command, what is missing by its subcommand
            assert last.startswith((f"graphx {name}: error: ", f"{' '.join(['graphx', name, *words])}: error: "))


def test_the_list_of_commands_is_that_of_the_files() -> None:
    folder = Path(graphx.__file__).parent / "cli"
    with_main = {path.stem for path in folder.glob("*.py") if "\ndef build_parser" in path.read_text(encoding="utf-8")}
    assert with_main == set(_COMMANDS)


@pytest.mark.parametrize(
    ("arguments", "code", "out", "err"),
    [
        (["--help"], 0, "usage: graphx <command> [options]\n", ""),
        (["-h"], 0, "usage: graphx <command>", ""),
        (["help"], 0, "usage: graphx <command>", ""),
        ([], 2, "usage: graphx <command>", ""),
        (["--version"], 0, f"graphx {graphx.__version__}\n", ""),
        (["gradcoo"], 2, "", "graphx: error: no command 'gradcoo'; the commands are: data, doctor, fastrp,"),
        (["--nonsense"], 2, "", "graphx: error: no command '--nonsense'"),
        ([""], 2, "", "graphx: error: no command ''"),
    ],
)
def test_the_command_of_commands(
    arguments: list[str], code: int, out: str, err: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == code
    told = capsys.readouterr()
    assert told.out.startswith(out) and told.err.startswith(err) and told.err.count("\n") == bool(err)
    assert bool(told.out) == bool(out)


def test_arguments_come_from_the_command_line(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr(sys, "argv", ["graphx", "data", "list", "--family", "packaged"])
    assert main() == 0
    assert "les-miserables" in capsys.readouterr().out


# -- in processes of their own -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "doctor"])
def test_both_spellings_are_the_same_command(name: str) -> None:
    """`graphx NAME` and `python -m graphx.NAME`: the same lines on stderr and the same exit code."""
    wrong = {"data": ["info", "absent.csv"], "linkpred": ["train", "karate", "-o", "absent/m"]}
    arguments = wrong.get(
        name, ["--graph", ".", "--labels", "x"] if name == "zeroshot" else ["absent.csv", "-o", "e.npy"]
    )
    one, other = run(name, *arguments), run(*arguments, module=f"graphx.{name}")
    assert one.returncode == other.returncode == 2
    assert one.stdout == other.stdout == "" and one.stderr == other.stderr
    assert one.stderr.startswith(f"graphx {name}") and ": error: " in one.stderr and one.stderr.count("\n") == 1
    assert os.listdir() == []


def test_results_go_to_stdout_and_what_was_cleaned_to_stderr() -> None:
    Path("g.txt").write_text("5 7\n7 5\n5 5\n7 9\n")
    done = run("gradco", "g.txt", "--matrices", "none", "--json")
    assert done.returncode == 0
    told = json.loads(done.stdout)
    assert told["graph"]["num_nodes"] == 3 and told["cleaning"]["self_loops_dropped"] == 1
    assert done.stderr == (
        "graphx gradco: g.txt: 4 edges read; 1 duplicate merged; 1 self-loop dropped; integer ids are not 0..N-1 and "
        "were kept as names\n"
    )
    quiet = run("gradco", "karate", "--matrices", "none")
    assert quiet.stderr == "" and quiet.stdout.startswith("karate: 34 nodes")


def test_a_closed_stdout_or_stderr_is_no_traceback() -> None:
    command = f"{sys.executable} -m graphx data list --family packaged"
    done = subprocess.run(["bash", "-c", f"{command} >&-"], capture_output=True, text=True, timeout=60, check=False)
    assert "Traceback" not in done.stderr
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m graphx data info absent.csv 2>&-"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2 and done.stdout == ""


# -- files of arrays ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", ["empty", "zip", "text", "objects", "cut"])
@pytest.mark.parametrize(
    "arguments",
    [
        ["fastrp", "karate", "--dim", "2", "--evaluate", "x.npy"],
        ["linkpred", "train", "karate", "-o", "m", "--features", "x.npy"],
    ],
    ids=["labels", "features"],
)
def test_an_npy_that_is_none_is_one_line(
    arguments: list[str], content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = Path("x.npy")
    if content == "zip":
        with path.open("wb") as file:
            np.savez(file, a=np.arange(34))
    elif content == "objects":
        np.save(path, np.array([None] * 34), allow_pickle=True)
    else:
        np.save(path, np.arange(34))
        path.write_bytes({"empty": b"", "text": b"0 a\n1 b\n"}.get(content, path.read_bytes()[:-3]))
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and "x.npy is no .npy of numbers: " in err
    assert os.listdir() == ["x.npy"]


# -- numbers without end -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["gradco", "karate", "--max-memory", "9" * 400], "is not a size"),
        (["gradco", "karate", "--max-memory", "9" * 400 + "T"], "is not a size"),
        (["gradco", "karate", "--threads", "9" * 5000], "--threads"),
        (["fastrp", "karate", "-o", "e.npy", "--seed", "9" * 5000], "--seed"),
        (["fastrp", "karate", "-o", "e.npy", "--dim", "9" * 5000], "--dim"),
        (["fastrp", "karate", "-o", "e.npy", "--weights", "1," + "9" * 400], "is not a finite number"),
        (["data", "split", "karate", "-o", "s.npz", "--val", "1e-400", "--test", "2"], "is not a share"),
    ],
)
def test_numbers_without_end_are_refused_by_the_parser(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2 and told in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["fastrp", "karate", "-o", "e.npy", "--dim", "9" * 30], "out of memory"),
        (["fastrp", "karate", "-o", "e.npy", "--weights", "1e300"], "expected numbers whose sum float32 holds"),
        (["fastrp", "karate", "-o", "e.npy", "--weights", "3e38,3e38"], "expected numbers whose sum float32 holds"),
        (["fastrp", "karate", "-o", "e.npy", "--beta", "1000"], "pass what float32 holds"),
    ],
)
def test_numbers_too_large_for_the_work_are_one_line(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and told in err
    assert os.listdir() == []


def test_any_number_of_threads_is_bounded() -> None:
    assert main(["fastrp", "karate", "-o", "e.npy", "--dim", "2", "--threads", "9" * 30]) == 0
    assert main(["fastrp", "karate", "-o", "f.npy", "--dim", "2", "--threads", "1"]) == 0
    assert Path("e.npy").read_bytes() == Path("f.npy").read_bytes()
    assert load_graph("karate").num_nodes == 34
