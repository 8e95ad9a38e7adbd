"""Options that several commands have: the same words, the same types, the same refusals."""

from __future__ import annotations

import argparse
import importlib

import pytest

from graphx.cli.options import add_table, make_parser, share, whole_number


@pytest.mark.parametrize(
    ("text", "bits", "number"), [("0", 32, 0), ("4294967295", 32, 2**32 - 1), ("4294967296", 64, 2**32)]
)
def test_whole_numbers(text: str, bits: int, number: int) -> None:
    assert whole_number(bits)(text) == number


@pytest.mark.parametrize("text", ["-1", "4294967296", "1.0", "", "\u0661"])
def test_what_is_no_whole_number(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=r"is not a number from 0 to 2\^32 - 1"):
        whole_number()(text)


def test_shares() -> None:
    assert share(none=True)("0") == 0 and share(none=False)("0.999") == 0.999
    for text in ("1", "nan", "-0.1", "half"):
        with pytest.raises(argparse.ArgumentTypeError, match=f"'{text}' is not a share of at least 0 and below 1"):
            share(none=True)(text)
    with pytest.raises(argparse.ArgumentTypeError, match="'0' is not a share above 0 and below 1"):
        share(none=False)("0")


def test_a_parser_takes_no_abbreviation(capsys: pytest.CaptureFixture[str]) -> None:
    parser = make_parser("demo", "-o FILE", "Show.\n  As it stands.", "exit codes:\n  0  done")
    add_table(parser.add_argument, ", by lines")
    text = parser.format_help()
    assert text.startswith("usage: python -m graphx.demo -o FILE\n\nShow.\n  As it stands.\n")
    assert "write the table to a .csv or .tsv file, by lines" in text and text.endswith("exit codes:\n  0  done\n")
    with pytest.raises(SystemExit):
        parser.parse_args(["--out", "x.csv"])
    assert "graphx demo: error: unrecognized arguments: --out" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["data", "fastrp", "gradco", "linkpred", "zeroshot"])
def test_every_command_has_this_form(name: str) -> None:
    parser = importlib.import_module(f"graphx.cli.{name}").build_parser()
    assert parser.prog == f"graphx {name}" and parser.usage.startswith(f"python -m graphx.{name} ")
    assert "exit codes:\n  0 " in parser.format_help()


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("data", ["split", "karate", "-o", "s.npz", "--seed", "-1"]),
        ("fastrp", ["karate", "-o", "e.npy", "--seed", str(2**64)]),
        ("linkpred", ["train", "karate", "-o", "m", "--seed", str(2**32)]),
        ("zeroshot", ["--graph", "g", "--seed", "x"]),
    ],
)
def test_a_seed_is_a_whole_number(capsys: pytest.CaptureFixture[str], name: str, arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        importlib.import_module(f"graphx.cli.{name}").build_parser().parse_args(arguments)
    assert ended.value.code == 2 and "is not a number from 0 to 2^" in capsys.readouterr().err
