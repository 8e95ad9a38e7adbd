"""The command: what it writes, what it refuses, and how it ends when it cannot go on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import graphx
from graphx.cli import main as graphx_main
from graphx.cli.fastrp import main
from graphx.data import load_graph, synthetic, write_edgelist
from graphx.fastrp import FastRP, OrbitFastRP
from graphx.graph import Graph


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(graphx.__file__).parents[1]))


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line on stderr of a command that is refused."""
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    (line,) = err.splitlines()[-1:]
    assert line.startswith("graphx fastrp: error: ")
    assert not [name for name in os.listdir() if "partial" in name]
    return line.removeprefix("graphx fastrp: error: ")


def read_w2v(path: str) -> tuple[list[str], np.ndarray]:
    header, *lines = Path(path).read_text(encoding="utf-8").splitlines()
    rows = [line.split(" ") for line in lines]
    assert header == f"{len(rows)} {len(rows[0]) - 1}"
    return [row[0] for row in rows], np.array([row[1:] for row in rows], dtype=np.float32)


def test_npy_is_the_estimators_embedding(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["karate", "-o", "e.npy", "--dim", "8", "--weights", "1,0,0.5", "--beta", "-0.5", "--seed", "3"]
    assert main(arguments) == 0
    out, err = capsys.readouterr()
    assert out == "karate: 34 nodes, 78 edges; 8 columns\nwritten: e.npy\n"
    assert err == ""
    model = FastRP(8, iteration_weights=(1, 0, 0.5), normalization_strength=-0.5, random_state=3)
    assert np.array_equal(np.load("e.npy"), model.fit_transform(load_graph("karate")))


def test_refine_storage_and_threads() -> None:
    karate = load_graph("karate")
    assert main(["karate", "-o", "r.npy", "--dim", "4", "--refine", "2", "--threads", "1"]) == 0
    assert np.array_equal(np.load("r.npy"), FastRP(4, refine=2, random_state=0).fit_transform(karate))
    assert main(["karate", "-o", "p.npy", "--dim", "4", "--refine", "2", "--spectrum", "positive"]) == 0
    positive = FastRP(4, refine=2, spectrum="positive", random_state=0).fit_transform(karate)
    assert np.array_equal(np.load("p.npy"), positive)
    assert not np.array_equal(np.load("p.npy"), np.load("r.npy"))
    assert main(["karate", "-o", "b.npy", "--dim", "4", "--storage", "bfloat16"]) == 0
    assert np.array_equal(np.load("b.npy"), FastRP(4, storage="bfloat16", random_state=0).fit_transform(karate))


def test_orbits_in_bfloat16() -> None:
    for storage in ("float32", "bfloat16"):
        assert main(["karate", "-o", f"{storage}.npy", "--dim", "40", "--orbits", "G2", "--storage", storage]) == 0
    exact, half = np.load("float32.npy"), np.load("bfloat16.npy")
    assert 0 < np.abs(half - exact).max() < 0.2  # columns have variance 1
    assert np.corrcoef(half.ravel(), exact.ravel())[0, 1] > 0.999


def test_orbits() -> None:
    assert main(["karate", "-o", "o.npy", "--dim", "4", "--orbits", "1_3_3,1_14_14"]) == 0
    expected = OrbitFastRP("1_3_3,1_14_14", n_components=4, random_state=0).fit_transform(load_graph("karate"))
    assert np.array_equal(np.load("o.npy"), expected)


def test_word2vec_text_reads_back_exactly() -> None:
    assert main(["les-miserables", "-o", "e.w2v", "--dim", "5"]) == 0
    graph = load_graph("les-miserables")
    names, rows = read_w2v("e.w2v")
    expected = graph.names if graph.names is not None else range(graph.num_nodes)
    assert names == [str(name) for name in expected]
    assert np.array_equal(rows, FastRP(5, random_state=0).fit_transform(graph))


def test_text_names_and_integer_names() -> None:
    Path("words.csv").write_text("anna,bert\nbert,çelik\n", encoding="utf-8")
    assert main(["words.csv", "-o", "w.w2v", "--dim", "2"]) == 0
    assert read_w2v("w.w2v")[0] == ["anna", "bert", "çelik"]
    Path("far.csv").write_text("1000000,7\n7,42\n")
    assert main(["far.csv", "-o", "f.w2v", "--dim", "2"]) == 0
    names, _ = read_w2v("f.w2v")
    graph = load_graph("far.csv")
    assert names == [str(name) for name in (range(3) if graph.names is None else graph.names)]


def test_parquet() -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    assert main(["karate", "-o", "e.parquet", "--dim", "3"]) == 0
    table = parquet.read_table("e.parquet")
    assert table.column_names == ["node", "embedding"]
    rows = np.array(table["embedding"].to_pylist(), np.float32)
    assert np.array_equal(rows, FastRP(3, random_state=0).fit_transform(load_graph("karate")))


def test_evaluate_prints_f1(capsys: pytest.CaptureFixture[str]) -> None:
    graph, y = synthetic.stochastic_block_model([80, 80], [[0.3, 0.01], [0.01, 0.3]], seed=0)
    write_edgelist(graph, "blocks.edgelist")
    Path("labels.txt").write_text("# two sides\n" + "".join(f"{u} {'ab'[side]}\n" for u, side in enumerate(y)))
    assert main(["blocks.edgelist", "--dim", "8", "--refine", "3", "--evaluate", "labels.txt"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("10% train: micro F1 ")
    assert float(lines[2].removeprefix("50% train: micro F1 ").split()[0]) > 0.98
    np.save("labels.npy", y)
    assert main(["blocks.edgelist", "--dim", "8", "--refine", "3", "--evaluate", "labels.npy"]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == lines[1:]


def test_plot() -> None:
    pytest.importorskip("matplotlib")
    Path("labels.txt").write_text("".join(f"{u} {u % 2} {u % 3}\n" for u in range(34)))
    assert main(["karate", "--dim", "4", "--plot", "e.png", "--evaluate", "labels.txt"]) == 0
    assert Path("e.png").read_bytes().startswith(b"\x89PNG")


def test_undirected() -> None:
    Path("graph.npz").unlink(missing_ok=True)
    import scipy.sparse

    scipy.sparse.save_npz("graph.npz", scipy.sparse.csr_array(np.triu(np.ones((5, 5)), 1)))
    assert main(["graph.npz", "-o", "e.npy", "--dim", "2", "--undirected", "--refine", "1"]) == 0
    assert np.load("e.npy").shape == (5, 2)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["karate"], "nothing to do"),
        (["karate", "-o", "e.txt"], "expected one of: .npy .parquet .w2v"),
        (["karate", "-o", "none/e.npy"], "does not exist"),
        (["absent.csv", "-o", "e.npy"], "absent.csv"),
        (["karate", "-o", "e.npy", "--evaluate", "absent"], "no such file"),
        (["karate", "-o", "e.npy", "--refine", "2", "--beta", "1"], "--beta"),
        (["karate", "-o", "e.npy", "--refine", "2", "--orbits", "all"], "--orbits"),
        (["karate", "-o", "e.npy", "--spectrum", "positive"], "--spectrum positive says what --refine keeps"),
        (["karate", "-o", "e.npy", "--orbits", "9_9_9"], "9_9_9"),
        (["karate", "-o", "e.npy", "--weights", "0,0"], "every vector would be zero"),
        (["karate", "--plot", "e.doc"], "expected one of: .png"),
    ],
)
def test_refuses(arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert told in refused(capsys, *arguments)


@pytest.mark.parametrize(
    ("text", "told"),
    [("0 a\n1\n", "line 2: '1' has no label"), ("99 a\n", "no node '99'"), ("0 a\n", "at least two")],
)
def test_refuses_labels(text: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("labels.txt").write_text(text)
    assert main(["karate", "--evaluate", "labels.txt", "--dim", "2"]) == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize("option", [["--weights", "1,x"], ["--beta", "inf"], ["--dim", "0"], ["--seed", "-1"]])
def test_argument_errors_exit_2(option: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["karate", "-o", "e.npy", *option])
    assert ended.value.code == 2
    assert option[0] in capsys.readouterr().err


def test_console_script_knows_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert graphx_main(["fastrp", "karate", "-o", "e.npy", "--dim", "2"]) == 0
    assert "2 columns" in capsys.readouterr().out


def test_help_imports_nothing_heavy() -> None:
    code = "import sys; from graphx.cli.fastrp import build_parser; build_parser(); "
    code += "print(*[m for m in ('numpy', 'scipy', 'torch', 'sklearn') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_embedding_does_not_import_torch() -> None:
    code = "import sys; from graphx.cli.fastrp import main; main(['karate', '-o', 'e.w2v', '--dim', '2']); "
    code += "print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False"


def test_ctrl_c_exits_130_and_leaves_no_file() -> None:
    write_edgelist(synthetic.power_law(200_000, average_degree=20, seed=0), "big.edgelist")
    code = (
        "import runpy, sys, graphx.data, graphx.fastrp\n"
        "sys.argv[1:] = 'big.edgelist -o e.npy --refine 1000 --dim 32'.split()\n"
        "print('ready', file=sys.stderr, flush=True)\n"
        "runpy.run_module('graphx.fastrp', run_name='__main__')"  # as python -m does
    )
    with subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "ready\n"
        time.sleep(3)  # the graph is read, and steps are taken
        assert process.poll() is None, "the work was over before the interrupt: make it longer"
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.splitlines()[-1] == "graphx fastrp: interrupted"
    assert not Path("e.npy").exists()


def test_directions_and_weights_of_a_saved_graph() -> None:
    """--undirected makes both directions of an edge one, with the sum of their weights where there are any."""
    for weights, expected in (([1.0, 2.0, 4.0], [3.0, 4.0]), (None, None)):
        Graph.from_edges([0, 1, 1], [1, 0, 2], weights, directed=True).save("arrows.graph", overwrite=True)
        assert main(["arrows.graph", "--undirected", "--dim", "4", "-o", "e.npy"]) == 0
        known = Graph.from_edges([0, 1], [1, 2], expected)
        assert np.array_equal(np.load("e.npy"), FastRP(4, random_state=0).fit_transform(known))
