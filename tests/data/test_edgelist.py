"""Edge lists as text: the grammar, every bad input, what cleaning counts, and round trips."""

from __future__ import annotations

import gzip
import io
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphx._labels import edge_arrays, node_labels
from graphx.data import read_edgelist, write_edgelist
from graphx.data.synthetic import erdos_renyi
from graphx.errors import FormatError, GraphXError, InputError
from graphx.graph import Graph


def read(tmp_path: Path, text: str | bytes, name: str = "g.txt", **options: Any) -> Graph:
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_edgelist(path, **options)


def edges(graph: Graph) -> list[tuple[Any, ...]]:
    """Every edge once by the names of its ends, sorted; with its weight if it has one."""
    labels = node_labels(graph)
    u, v, w = edge_arrays(graph)
    pairs = [(labels[a], labels[b]) for a, b in zip(u.tolist(), v.tolist(), strict=True)]
    if graph.is_undirected:
        pairs = [(min(p), max(p)) for p in pairs]
    return sorted(pairs if w is None else [(*p, x) for p, x in zip(pairs, w.tolist(), strict=True)])


# -- the grammar -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "0 1\n1 2\n",
        "0\t1\n1\t2\n",
        "0,1\n1,2\n",
        "0;1\n1;2\n",
        "0, 1\n1 ,2\n",
        "  0   1  \n\t1 \t 2",
        "0 1\r\n1 2\r\n",
        "# hello\n% world\n\n0 1\n   \n#x\n1 2",
        "\ufeff0 1\n1 2\n",
        "\ufeff# comment\n0 1\n1 2\n",
        '"0","1"\n"1","2"\n',
        "0 1 {}\n1 2 {}\n",
        "source,target\n0,1\n1,2\n",
        "id_1 id_2\n0 1\n1 2\n",
        "1 2\n0 1\n0 1\n2 1\n1 1\n",
    ],
)
def test_spellings_of_one_path(tmp_path: Path, text: str) -> None:
    g = read(tmp_path, text)
    assert g.indptr.tolist() == [0, 1, 3, 4]
    assert g.indices.tolist() == [1, 0, 2, 1]
    assert g.names is None
    assert not g.is_weighted


def test_everything_is_counted(tmp_path: Path) -> None:
    g = read(tmp_path, "# a\nfrom,to,weight\n10,20,1.5\n20,10,1.5\n\n30,30,2\n10,30,4\n10,20,1.5\n")
    assert edges(g) == [(10, 20, 1.5), (10, 30, 4.0)]
    report = g.report
    assert (report.lines, report.comments, report.header) == (8, 2, "from,to,weight")
    assert (report.edges_read, report.duplicates_merged, report.self_loops_dropped) == (5, 2, 1)
    assert report.relabelled == "integers"
    assert report.source.endswith("g.txt")
    assert report.summary().endswith(
        "g.txt: 5 edges read (2 comment or blank lines skipped); header line 'from,to,weight' skipped; "
        "2 duplicates merged; 1 self-loop dropped; integer ids are not 0..N-1 and were kept as names"
    )


def test_directed_keeps_directions_and_loops_when_asked(tmp_path: Path) -> None:
    g = read(tmp_path, "0 1\n1 0\n1 2\n2 2\n", directed=True, self_loops="keep")
    assert g.indices.tolist() == [1, 0, 2, 2]
    assert not g.is_undirected
    assert g.num_self_loops == 1
    assert g.report.is_clean


def test_integer_ids_are_relabelled_in_ascending_order(tmp_path: Path) -> None:
    g = read(tmp_path, f"{2**40} 7\n7 {2**63 - 1}\n")
    assert isinstance(g.names, np.ndarray)
    assert g.names.dtype == np.int64
    assert g.names.tolist() == [7, 2**40, 2**63 - 1]
    assert g.indices.tolist() == [1, 2, 0, 0]
    big = read(tmp_path, f"{2**64 - 1} 0\n")
    assert isinstance(big.names, np.ndarray)
    assert big.names.tolist() == [0, 2**64 - 1]
    assert big.names.dtype == np.uint64
    close = read(tmp_path, "5 3\n3 9\n")
    assert isinstance(close.names, np.ndarray)
    assert close.names.tolist() == [3, 5, 9]


def test_beyond_64_bits_and_leading_zeros_are_text(tmp_path: Path) -> None:
    g = read(tmp_path, f"{2**64} 1\n")
    assert g.names == ("1", str(2**64))
    zeros = read(tmp_path, "007 7\n7 1\n")
    assert zeros.names == ("007", "1", "7")
    assert zeros.num_edges == 2
    assert zeros.report.text_ids_because.endswith("g.txt:1:1")


def test_text_ids_are_sorted_by_bytes_and_reported(tmp_path: Path) -> None:
    g = read(tmp_path, "b 1\n10 é\nZ b\n")
    assert g.names == ("1", "10", "Z", "b", "é")
    assert edges(g) == [("1", "b"), ("10", "é"), ("Z", "b")]
    assert g.report.relabelled == "text"
    late = read(tmp_path, "1 2\n2 3\n3 x\n")
    assert late.names == ("1", "2", "3", "x")
    assert late.report.text_ids_because.endswith("g.txt:3:3")


def test_quotes_and_delimiters(tmp_path: Path) -> None:
    g = read(tmp_path, '"Smith, J",b\nb,"say ""hi"""\n"Smith, J", c d \n')
    assert g.names == ("Smith, J", "b", "c d", 'say "hi"')
    blank = read(tmp_path, '"a b" c\nc "d,e"\n')
    assert blank.names == ("a b", "c", "d,e")
    assert read(tmp_path, "Jean Valjean\tCosette\n", name="g.tsv").names == ("Cosette", "Jean Valjean")
    assert read(tmp_path, "a|b\nb|c\n", delimiter="|").names == ("a", "b", "c")


def test_one_edge_between_words(tmp_path: Path) -> None:
    assert read(tmp_path, "alice bob\n").names == ("alice", "bob")
    assert read(tmp_path, "alice bob 2\n").is_weighted


def test_headers(tmp_path: Path) -> None:
    assert read(tmp_path, "source,target\na,b\n").names == ("a", "b")
    assert read(tmp_path, "source,target\na,b\n", header=False).names == ("a", "b", "source", "target")
    assert read(tmp_path, "x y w\na b 1\n").report.header == "x y w"
    assert read(tmp_path, "x y\n1 2\n").report.header == "x y"
    assert read(tmp_path, "x y\n1 a\n").names == ("1", "a", "x", "y")  # no header among text ids
    assert edges(read(tmp_path, "0 1\n1 2\n", header=True)) == [(1, 2)]
    assert read(tmp_path, "x 2\n1 2\n").names == ("1", "2", "x")


@pytest.mark.parametrize("text", ["3 2\n0 1\n1 2\n", "4 2\n0 1\n1 0\n2 1\n3 2\n", "3 3 2\n1 2 5\n2 3 5\n"])
def test_a_line_of_sizes_is_asked_about(tmp_path: Path, text: str) -> None:
    with pytest.raises(
        FormatError, match=r"g.txt:1:1: the line .* looks like the sizes.*header=True skips.*header=False"
    ):
        read(tmp_path, text)
    skipped, taken = read(tmp_path, text, header=True), read(tmp_path, text, header=False, duplicates="merge")
    assert taken.report.edges_read == skipped.report.edges_read + 1


def test_columns_and_weights(tmp_path: Path) -> None:
    text = "1 2 0.5 x\n2 3 1e-3 y\n"
    assert edges(read(tmp_path, text, columns=(0, 1))) == [(1, 2), (2, 3)]
    assert edges(read(tmp_path, text, columns=(1, 0, 2))) == [(1, 2, 0.5), (2, 3, 0.001)]
    assert read(tmp_path, text, columns=(3, 0)).names == ("1", "2", "x", "y")
    three = "0 1 2\n1 2 -3.25\n"
    assert edges(read(tmp_path, three)) == [(0, 1, 2.0), (1, 2, -3.25)]
    bare = read(tmp_path, three, weighted=False)
    assert not bare.is_weighted
    assert bare.report.weights_dropped
    assert read(tmp_path, "0 1 +1.5E2\n").weights.tolist() == [150.0, 150.0]  # type: ignore[union-attr]
    assert edges(read(tmp_path, "0 1 2\n1 0 3\n", duplicates="sum")) == [(0, 1, 5.0)]


def test_num_nodes_keeps_isolated_nodes(tmp_path: Path) -> None:
    g = read(tmp_path, "0 5\n", num_nodes=8)
    assert g.num_nodes == 8
    assert g.names is None
    assert g.degrees().tolist() == [1, 0, 0, 0, 0, 1, 0, 0]
    assert read(tmp_path, "# graphx num_nodes=8\n0 5\n").num_nodes == 8
    assert read(tmp_path, "# graphx num_nodes=2\n").num_nodes == 2  # no edge at all


# -- bad input -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("", {}, "g.txt: the file is empty; expected lines 'source target'"),
        ("# only\n% comments\n\n", {}, "g.txt: no edges, only comments, blank lines or a header"),
        ("source,target\n", {}, "g.txt: no edges"),
        ("0 1\n1\n", {}, "g.txt:2:1: 1 column ('1'); expected 2 as on line 1: mend or remove the line"),
        ("5\n0 1\n", {}, "g.txt:1:1: 1 column ('5'); expected 2 (source target) or 3 (source target weight)"),
        (
            "0 1\n\n1 2 3\n",
            {},
            "g.txt:3:1: 3 columns; expected 2 as on line 1: mend the line, or choose with columns=(0, 1)",
        ),
        ("0 1 2\n1 2\n", {}, "g.txt:2:1: 2 columns; expected 3 as on line 1"),
        ("0 1 2 3\n", {}, "g.txt:1:1: 4 columns; expected 2 or 3: choose with columns=(0, 1) or columns=(0, 1, 2)"),
        ("0 1\n", {"columns": (0, 2)}, "g.txt:1:1: 2 columns; expected 3 at least: columns= counts from 0"),
        ("0 1 2\n3 4\n", {"columns": (0, 2)}, "g.txt:2:1: 2 columns; expected 3 at least, as columns= asks"),
        ("0 1\n", {"weighted": True}, "g.txt:1:1: no weight column, but weighted=True"),
        (
            "0 1 nan\n",
            {},
            "g.txt:1:5: the weight 'nan'; expected a finite number: mend or remove it, or pass weighted=False",
        ),
        ("0 1 1\n1 2 inf\n", {}, "g.txt:2:5: the weight 'inf'"),
        ("0 1 1\n1 2 1e999\n", {}, "g.txt:2:5: the weight '1e999'"),
        ("0 1 1\n1 2 heavy\n", {}, "g.txt:2:5: the weight 'heavy'"),
        ("0 1 1\n1 2 0x10\n", {}, "g.txt:2:5: the weight '0x10'"),
        ("a b 1\nb c ?\n", {}, "g.txt:2:5: the weight '?'"),
        ("0 1\n-1 2\n", {}, "g.txt:2:1: the negative node id '-1'; expected integers from 0 on, or names"),
        ("1.0 2.0\n", {}, "g.txt:1:1: the number '1.0' as a node id; expected integers or names: write integers"),
        ("1.000e+00 2.0e+0\n", {}, "g.txt:1:1: the number '1.000e+00' as a node id"),
        ("1,2 3\n", {}, "g.txt:1:3: the number '2 3' as a node id"),
        ("1 2\n2 x\n", {"ids": "integers"}, "g.txt:2:3: the node id 'x'; expected an integer from 0 on"),
        ("1 2\n,3\n", {"delimiter": ","}, "g.txt:1:1: 1 column ('1 2')"),
        ("1,2\n,3\n", {}, "g.txt:2:1: an empty node id"),
        ('"a b\nc d\n', {}, "g.txt:1:1: a quote that does not close its field"),
        ('a b\n"c"x d\n', {}, "g.txt:2:4: a quote that does not close its field"),
        ("0 1 {'weight': 2}\n", {}, "g.txt:1:5: edge data as a Python dict"),
        ("0 1 {}\n1 2 {'weight': 2}\n", {}, "edge data as a Python dict"),
        ("0 1\n1 2\x00\n", {}, "g.txt:2:4: the byte 0x00; expected text"),
        ("0 1\r1 2\r", {}, "g.txt:1:4: a carriage return inside the line"),
        (
            "Jean Valjean\tCosette\n",
            {},
            "g.txt:1:1: blanks and tabs between the fields: 2 columns by tabs, 3 by blanks",
        ),
        (b"caf\xe9 x\n", {}, "g.txt:1:4: a name that is not UTF-8"),
        ("é \x07\n", {}, "g.txt:1:3: the byte 0x07"),
        ("0 9\n", {"num_nodes": 5}, "g.txt: the node id 9; expected ids below num_nodes=5"),
        ("a b\n", {"num_nodes": 5}, "g.txt: ids are text; expected integers below num_nodes"),
        ("0 1 2\n1 0 3\n", {}, "g.txt: edge (0, 1), in either direction, comes with weights 2 and 3"),
        ("a b\nb a\n", {"duplicates": "error"}, "g.txt: edge (a, b), in either direction, comes more than once"),
        ("0 1\n2 2\n", {"self_loops": "error"}, "g.txt: 1 self-loops; pass self_loops='drop' or 'keep'"),
        ("0 1\n" + "x" * (2 << 20), {}, "g.txt:2:1: a line longer than 1 MiB"),
        ("0 1\n" + "x" * (9 << 20), {}, "g.txt:2:1: a line longer than 1 MiB"),
        ("x" * (9 << 20), {}, "g.txt:1:1: a line longer than 1 MiB"),
        ('0 ""\n', {}, "g.txt:1:4: an empty node id"),
    ],
)
def test_bad_text(tmp_path: Path, text: str | bytes, options: dict[str, Any], message: str) -> None:
    for threads in (1, 3):
        with pytest.raises(FormatError) as caught:
            read(tmp_path, text, num_threads=threads, **options)
        told = str(caught.value)
        assert told.removeprefix(f"{tmp_path}{os.sep}").startswith(message) or message in told
        assert "\n" not in told
    data = text.encode() if isinstance(text, str) else text
    if data:
        with pytest.raises(FormatError) as packed:  # the same through gzip
            read(tmp_path, gzip.compress(data), **options)
        assert str(packed.value) == told


def test_the_first_of_several_bad_lines_is_told(tmp_path: Path) -> None:
    lines = [f"{i} {i + 1}" for i in range(1_500_000)]
    for at in (1_400_000, 700_001, 650_000):
        lines[at] = "oops"
        for threads in (1, 2, 7):
            with pytest.raises(FormatError, match=rf"g\.txt:{at + 1}:1: 1 column \('oops'\)"):
                read(tmp_path, "\n".join(lines), num_threads=threads)


def test_negative_ids_are_names_when_asked_or_when_all_ids_are_text(tmp_path: Path) -> None:
    assert read(tmp_path, "-1 2\n", ids="text").names == ("-1", "2")
    assert read(tmp_path, "-1 a\n").names == ("-1", "a")


def test_binary_garbage(tmp_path: Path) -> None:
    garbage = random.Random(0).randbytes(200_000)
    for name in ("g.txt", "g.edgelist", "g.csv"):
        with pytest.raises(FormatError, match=rf"{name}:1:\d+: "):
            read(tmp_path, garbage, name=name)


def test_truncated_and_damaged_gzip(tmp_path: Path) -> None:
    text = "".join(f"{i} {i * 7 % 1000}\n" for i in range(200_000)).encode()
    packed = gzip.compress(text)
    for cut in (5, 100, len(packed) // 2, len(packed) - 3):
        with pytest.raises(FormatError, match="the gzip data are damaged or end early"):
            read(tmp_path, packed[:cut], name="g.txt.gz")
    damaged = packed[: len(packed) // 2] + b"\x00" * 50 + packed[len(packed) // 2 + 50 :]
    with pytest.raises(FormatError, match=r"g\.txt\.gz"):
        read(tmp_path, damaged, name="g.txt.gz")
    assert read(tmp_path, packed, name="g.txt.gz") == read(tmp_path, text)
    assert read(tmp_path, packed, name="no-ending") == read(tmp_path, text)  # told by the bytes


def test_paths_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_edgelist(tmp_path / "absent.txt")
    with pytest.raises(InputError, match="is a folder; expected a file"):
        read_edgelist(tmp_path)
    (tmp_path / "file").write_text("0 1\n")
    with pytest.raises(InputError, match="cannot be opened"):
        read_edgelist(tmp_path / "file" / "below")
    with pytest.raises(InputError, match="cannot be opened"):
        read_edgelist("null\0byte")

    def denied(*args: Any, **kwargs: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", denied)
    with pytest.raises(InputError, match=r"cannot be opened \(Permission denied\); check the path"):
        read_edgelist(tmp_path / "file")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_unreadable_file(tmp_path: Path) -> None:
    path = tmp_path / "secret.txt"
    path.write_text("0 1\n")
    path.chmod(0)
    with pytest.raises(InputError, match="Permission denied"):
        read_edgelist(path)


@pytest.mark.parametrize(
    "options",
    [
        {"ids": "numbers"},
        {"delimiter": ", "},
        {"delimiter": "#"},
        {"columns": (0,)},
        {"columns": (0, 0)},
        {"columns": (0, -1)},
        {"num_nodes": -1},
        {"duplicates": "first"},
        {"self_loops": "maybe"},
        {"explicit_zeros": "maybe"},
        {"num_threads": 0},
    ],
)
def test_bad_arguments(tmp_path: Path, options: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="expected"):
        read(tmp_path, "0 1\n", **options)


# -- streams, threads, interrupts ------------------------------------------------------------------------------------


class _Stdin:
    def __init__(self, data: bytes) -> None:
        self.buffer = io.BytesIO(data)


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    for data in (b"a b\nb c\n", gzip.compress(b"a b\nb c\n")):
        monkeypatch.setattr(sys, "stdin", _Stdin(data))
        g = read_edgelist("-")
        assert g.names == ("a", "b", "c")
        assert g.report.source == "<stdin>"
    monkeypatch.setattr(sys, "stdin", _Stdin(b"0 1\n2\n"))
    with pytest.raises(FormatError, match=r"^<stdin>:2:1: "):
        read_edgelist("-")


def test_a_pipe(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(b"0 1\n1 2\n",))
    writer.start()
    assert read_edgelist(path).num_edges == 2
    writer.join()


@pytest.mark.parametrize("kind", ["dense", "sparse", "huge", "text", "weighted"])
def test_same_bits_for_any_threads_and_through_gzip(tmp_path: Path, kind: str) -> None:
    rng = np.random.default_rng(5)
    ids = rng.integers(0, 50_000, (400_000, 2)).astype(object)
    if kind == "sparse":
        ids = ids * 13 + 5
    if kind == "huge":
        ids = ids * 1_000_003 + 2**40
    weights = rng.integers(0, 9, len(ids))
    lines = [
        f"n{u} n{v}\n" if kind == "text" else f"{u} {v} {w}\n" if kind == "weighted" else f"{u} {v}\n"
        for (u, v), w in zip(ids.tolist(), weights.tolist(), strict=True)
    ]
    text = "".join(lines).encode()  # more than one chunk of 4 MiB
    options: dict[str, Any] = {"duplicates": "sum"} if kind == "weighted" else {}
    made = [read(tmp_path, text, num_threads=t, **options) for t in (1, 2, 3, 7)]
    made += [read(tmp_path, gzip.compress(text, 1), name="g.gz", num_threads=t, **options) for t in (1, 2)]
    assert all(g == made[0] for g in made[1:])
    expected = {(min(u, v), max(u, v)) for u, v in ids.tolist() if u != v}
    assert made[0].num_edges == len(expected)
    names = made[0].names
    if kind in ("sparse", "huge"):
        assert isinstance(names, np.ndarray)
        assert np.array_equal(names, np.unique(ids.astype(np.int64)))
    if kind == "text":
        assert isinstance(names, tuple)
        assert list(names) == sorted({f"n{u}" for u in ids.ravel().tolist()})
    assert made[0].report.duplicates_merged == len(ids) - len(expected) - int((ids[:, 0] == ids[:, 1]).sum())


def test_lines_across_chunk_borders(tmp_path: Path) -> None:
    """Chunks are 4 MiB: shift the lines over the border byte by byte."""
    body = "".join(f"{i % 1000} {(i * 31 + 1) % 1000}\n" for i in range(700_000)).encode()
    expected = read(tmp_path, body)
    for shift in range(1, 14):
        comment = b"#" * (shift - 1) + b"\n" if shift > 1 else b"\n"
        g = read(tmp_path, comment + body, num_threads=2)
        assert g == expected
        assert g.report.lines == 700_001
        assert g.report.edges_read == 700_000


def test_many_comments_before_the_first_edge(tmp_path: Path) -> None:
    comments = b"# a comment that goes on for a while\n" * 300_000
    for data in (comments + b"0 1\n", gzip.compress(comments + b"0 1\n", 1)):
        g = read(tmp_path, data, num_threads=2)
        assert g.num_edges == 1
        assert g.report.comments == 300_000
        assert g.report.lines == 300_001
    with pytest.raises(FormatError, match=r"g\.txt:300002:1: "):
        read(tmp_path, comments + b"0 1\n2\n")


def test_progress_reaches_the_size(tmp_path: Path) -> None:
    seen: list[int] = []
    text = "".join(f"{i} {i + 1}\n" for i in range(1_200_000))
    read(tmp_path, text, progress=seen.append, num_threads=1)
    assert seen == sorted(seen)
    assert all(0 <= x <= len(text) for x in seen)

    def stop(done: int) -> None:
        raise RuntimeError("enough")

    big = "".join(f"{i * 7919 % 1_000_000} {i}\n" for i in range(4_000_000))
    with pytest.raises(RuntimeError, match="enough"):
        read(tmp_path, big, progress=stop, num_threads=2)


def test_ctrl_c_ends_it_at_once(tmp_path: Path) -> None:
    path = tmp_path / "big.txt"
    rng = np.random.default_rng(0)
    block = "".join(f"n{u} n{v}\n" for u, v in rng.integers(0, 2_000_000, (2_000_000, 2)).tolist())
    path.write_text(block * 2)
    code = (
        "import sys, time\nfrom graphx.data import read_edgelist\nprint('go', flush=True)\n"
        f"try:\n    read_edgelist({str(path)!r}, num_threads=int(sys.argv[1]))\n    print('done')\n"
        "except KeyboardInterrupt:\n    print('interrupted', time.monotonic())\n"
    )
    for threads in ("1", "2"):
        child = subprocess.Popen([sys.executable, "-c", code, threads], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        assert child.stdout.readline() == "go\n"
        time.sleep(0.3)
        sent = time.monotonic()
        child.send_signal(signal.SIGINT)
        out, _ = child.communicate(timeout=60)
        assert out.startswith("interrupted"), out
        assert float(out.split()[1]) - sent < 5  # promised: one second, on a machine that is not busy


# -- round trips -----------------------------------------------------------------------------------------------------

_names = st.text(
    st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="\x7f\u2028\u2029\x85"), min_size=1, max_size=8
)


@st.composite
def graphs(draw: st.DrawFn, isolated: bool, names: str) -> Graph:
    n = draw(st.integers(2, 10))
    pairs = draw(st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), min_size=1, max_size=25))
    u, v = np.array(pairs).T
    if not isolated:
        _, dense = np.unique(np.concatenate([u, v]), return_inverse=True)
        u, v = dense[: u.size], dense[u.size :]
        n = int(dense.max()) + 1
    w = None
    if draw(st.booleans()):
        finite = st.floats(allow_nan=False, allow_infinity=False, width=64)
        w = np.array(draw(st.lists(finite, min_size=u.size, max_size=u.size)))
        keep = np.unique(np.minimum(u, v) * n + np.maximum(u, v), return_index=True)[1]
        u, v, w = u[keep], v[keep], w[keep]
        if not isolated and np.unique(np.concatenate([u, v])).size < n:
            raise AssertionError("every end stays")
    labels: Any = None
    if names == "text":
        labels = draw(st.lists(_names, min_size=n, max_size=n, unique=True))
    if names == "integers":
        labels = np.array(draw(st.lists(st.integers(0, 2**63 - 1), min_size=n, max_size=n, unique=True)))
    directed = draw(st.booleans())
    return Graph.from_edges(u, v, w, num_nodes=n, names=labels, directed=directed, duplicates="merge")


@pytest.mark.parametrize("ending", [".edgelist", ".txt", ".tsv", ".csv", ".txt.gz", ".csv.gz"])
@pytest.mark.parametrize("names", ["none", "text", "integers"])
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_write_then_read(tmp_path: Path, ending: str, names: str, data: st.DataObject) -> None:
    g = data.draw(graphs(isolated=names == "none", names=names))
    path = tmp_path / f"round{ending}"
    write_edgelist(g, path)
    back = read_edgelist(path, directed=not g.is_undirected, self_loops="keep")
    if names == "none":
        assert back == g
    assert edges(back) == edges(g)
    assert back.num_nodes == g.num_nodes
    assert back.is_weighted == g.is_weighted
    assert back.report.duplicates_merged == 0
    if names == "text":
        assert set(back.names or ()) == set(g.names)  # type: ignore[arg-type]


def test_written_text_by_hand(tmp_path: Path) -> None:
    g = Graph.from_edges([0, 1], [1, 2], [0.1, 2.0], names=["a b", "#", "c"])
    write_edgelist(g, tmp_path / "g.csv")
    assert (tmp_path / "g.csv").read_text() == '# graphx ids=text\nsource,target,weight\n"a b","#",0.1\n"#",c,2.0\n'
    write_edgelist(Graph.from_edges([0], [1]), tmp_path / "h.csv")
    assert (tmp_path / "h.csv").read_text() == "source,target\n0,1\n"
    assert nx.read_edgelist(tmp_path / "h.csv", delimiter=",", comments="s").number_of_edges() == 1
    write_edgelist(Graph.from_edges([0], [1], names=np.array([5, 3])), tmp_path / "i.tsv")
    assert (tmp_path / "i.tsv").read_text() == "# graphx\n5\t3\n"


def test_large_write(tmp_path: Path) -> None:
    g = erdos_renyi(50_000, 1_200_000, seed=3)
    write_edgelist(g, tmp_path / "g.edgelist")
    assert read_edgelist(tmp_path / "g.edgelist") == g
    loaded = np.loadtxt(tmp_path / "g.edgelist", dtype=np.int64, skiprows=1, max_rows=1000)
    u, v, _ = edge_arrays(g)
    assert np.array_equal(loaded, np.column_stack([u, v])[:1000])


def test_write_refuses_and_leaves_nothing(tmp_path: Path) -> None:
    g = Graph.from_edges([0], [1], num_nodes=3, names=["a", "b", "c"])
    for graph, name, message in [
        (g, "g.txt", "a node with a name has no edge"),
        (Graph.from_edges([0], [1], names=["a\nb", "c"]), "g.txt", "which no line of text can"),
        (Graph.from_edges([0], [1], names=["", "c"]), "g.txt", "is empty, which no line of text can"),
        (g, "g.docx", "the ending '.docx' tells no form"),
        (g, "g.mtx", "cannot hold node names"),
        (g, "g.npz.gz", "write it without .gz"),
        (Graph.from_edges([0], [1], names=["\x01", "c"]), "g.graphml", "a character that XML cannot"),
        (g, "absent/g.npz", "cannot be written"),
    ]:
        with pytest.raises(GraphXError, match=message):
            write_edgelist(graph, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_networkx_files_as_they_are(tmp_path: Path) -> None:
    g = nx.les_miserables_graph()
    nx.write_edgelist(nx.Graph(g.edges), tmp_path / "default.txt")  # "u v {}"
    assert read_edgelist(tmp_path / "default.txt").num_edges == 254
    nx.write_weighted_edgelist(g, tmp_path / "weighted.txt")
    back = read_edgelist(tmp_path / "weighted.txt")
    assert back.is_weighted
    assert edges(back) == sorted((min(u, v), max(u, v), d) for u, v, d in g.edges(data="weight"))


@pytest.mark.parametrize("self_loops", ["drop", "keep"])
@pytest.mark.parametrize("directed", [False, True])
def test_facts_known_from_reading_are_those_of_a_pass(tmp_path: Path, directed: bool, self_loops: Any) -> None:
    path = tmp_path / "g.txt"
    path.write_text("0 1 2.5\n1 2 3\n2 2 1\n3 1 1\n")
    g = read_edgelist(path, directed=directed, self_loops=self_loops)
    again = Graph(np.array(g.indptr), np.array(g.indices), np.array(g.weights))
    assert g._known() == again._known()
