"""Features and labels of data sets, read from small files of their layout, worked out by hand."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.io import savemat

from graphx.data import find_dataset, synthetic
from graphx.data._attributes import attributes
from graphx.data._roots import Found
from graphx.errors import FormatError
from graphx.graph import Graph


def found(folder: Path, name: str, *contents: Any) -> tuple[Any, Found]:
    """The files of a data set in the order of its family: text, or what writes itself to a path."""
    data = find_dataset(name)
    assert data is not None
    places = [*data.files, *(["musae/" + data.key + "_features.json.gz"] if data.family == "musae" else [])]
    files = {}
    for place, content in zip(places, contents, strict=False):
        path = folder / place.replace("/", "_")
        if callable(content):
            content(path)
        elif place.endswith(".gz"):
            with gzip.open(path, "wt", encoding="utf-8") as out:
                out.write(content)
        elif content is not None:
            path.write_text(content, encoding="utf-8")
        files[place] = path
    return data, Found(folder, files)


def test_genres_of_deezer(tmp_path: Path) -> None:
    """Columns are the genres in the order of the alphabet, whatever that of the file."""
    genres = {"0": ["Rock", "Pop"], "2": [], "1": ["Blues"]}
    data, files = found(tmp_path, "deezer-hu", "", json.dumps(genres))
    made = attributes(data, files, synthetic.path(3))
    assert made["label_names"] == ["Blues", "Pop", "Rock"]
    assert made["y"].tolist() == [[0, 1, 1], [1, 0, 0], [0, 0, 0]] and made["y"].dtype == np.float32


def test_communities_of_prone(tmp_path: Path) -> None:
    data, files = found(tmp_path, "prone-ppi", "", "0 2\n1\n0 1 2\n")
    made = attributes(data, files, synthetic.path(4))
    assert made["y"].tolist() == [[1, 0, 1], [0, 1, 1], [1, 0, 1], [0, 0, 0]]
    data, files = found(tmp_path, "prone-ppi", "", "0 9\n")
    with pytest.raises(FormatError, match="names the node 9, which the graph does not have"):
        attributes(data, files, synthetic.path(4))


def test_labels_by_the_names_of_nodes(tmp_path: Path) -> None:
    """node2vec's PPI numbers its nodes with gaps, and its labels too."""
    graph = Graph.from_edges([0, 1], [1, 2], names=[4, 10, 11])
    data, files = found(tmp_path, "node2vec-ppi", "", "10 7 3\n4 7\n")
    assert attributes(data, files, graph)["y"].tolist() == [[0, 1], [1, 1], [0, 0]]
    for wrong in ("12 1\n", "5 1\n", "0 1\n"):
        data, files = found(tmp_path, "node2vec-ppi", "", wrong)
        with pytest.raises(FormatError, match=f"names the node {wrong.split()[0]}, which the graph does not have"):
            attributes(data, files, graph)


def test_targets_of_musae_in_any_order(tmp_path: Path) -> None:
    text = 'id,facebook_id,page_name,page_type\n2,x,"a, b",tvshow\n0,y,c,company\n1,z,d,tvshow\n'
    features = json.dumps({"1": [30, 10], "0": [10], "2": []})
    data, files = found(tmp_path, "facebook-page-page", "", text, features)
    made = attributes(data, files, synthetic.path(3))
    assert made["y"].tolist() == [0, 1, 1] and made["label_names"] == ["company", "tvshow"]
    assert made["x"].tolist() == [[1, 0], [1, 1], [0, 0]]


def test_numbers_as_classes_are_in_the_order_of_numbers(tmp_path: Path) -> None:
    """As text, 10 would come before 9."""
    rows = "".join(f"{node},{label}\n" for node, label in enumerate([10, 9, 10, 0]))
    data, files = found(tmp_path, "lastfm-asia", "", f"id,target\n{rows}")
    made = attributes(data, files, synthetic.path(4))
    assert made["label_names"] == ["0", "9", "10"] and made["y"].tolist() == [2, 1, 2, 0]
    assert "x" not in made  # no features in the root


def test_twitch_has_two_targets_and_ids_of_its_own(tmp_path: Path) -> None:
    text = "id,days,mature,views,partner,new_id\n77,1,True,5,False,1\n78,2,False,6,False,0\n"
    data, files = found(tmp_path, "twitch-de", "", text)
    made = attributes(data, files, synthetic.path(2))
    assert made["y"].tolist() == [0, 1] and made["partner"].tolist() == [0, 0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,target\n0,1\n0,2\n", "2 labels for 2 nodes; expected each node 0..N-1 once"),
        ("id,target\n0,1\n", "1 labels for 2 nodes"),
        ("id,target\n0,1\n5,2\n", "expected each node 0..N-1 once"),
        ("id,label\n0,1\n1,2\n", r"lastfm-asia: labels or features cannot be read \(KeyError: 'target'\)"),
        ("id,target\nzero,1\n1,2\n", r"cannot be read \(ValueError: invalid literal"),
    ],
)
def test_targets_that_do_not_fit(text: str, message: str, tmp_path: Path) -> None:
    data, files = found(tmp_path, "lastfm-asia", "", text)
    with pytest.raises(FormatError, match=message):
        attributes(data, files, synthetic.path(2))


def test_gender_of_facebook100(tmp_path: Path) -> None:
    info = np.array([[1, 2, 0], [2, 0, 7], [3, 1, 9]], dtype=np.uint16)  # unsigned: 0 less 1 is -1, not 65535
    data, files = found(
        tmp_path, "reed98", lambda path: savemat(path, {"local_info": info, "A": sp.eye_array(3)}, appendmat=False)
    )
    made = attributes(data, files, synthetic.path(3))
    assert made["y"].tolist() == [1, -1, 0] and made["local_info"].tolist() == info.tolist()


def test_groups_of_blogcatalog(tmp_path: Path) -> None:
    group = np.array([[1, 0], [0, 0], [1, 1]])
    data, files = found(
        tmp_path, "blogcatalog", lambda path: savemat(path, {"group": sp.csc_array(group)}, appendmat=False)
    )
    made = attributes(data, files, synthetic.path(3))
    assert made["y"].tolist() == group.tolist() and made["y"].dtype == np.float32


def test_a_simulated_disease(tmp_path: Path) -> None:
    x = sp.csr_array(np.array([[0.5, 0], [0, 2], [1, 1]]))

    def features(path: Path) -> None:
        with path.open("wb") as out:
            sp.save_npz(out, x)

    def labels(path: Path) -> None:
        with path.open("wb") as out:
            np.save(out, np.array([0.0, 1.0, 1.0]))

    data, files = found(tmp_path, "disease-lp", "", labels, features)
    made = attributes(data, files, synthetic.path(3))
    assert made["x"].tolist() == x.toarray().tolist() and made["y"].tolist() == [0, 1, 1]
    with pytest.raises(FormatError, match="3 rows of features for 4 nodes|3 labels for 4 nodes"):
        attributes(data, files, synthetic.path(4))


def test_users_and_items_of_gowalla(tmp_path: Path) -> None:
    """Two users and items from 0: in the test edges, items come after the users of the training file."""
    paths = {}
    for part, text in (("train", "0 5 6\n1 5\n"), ("test", "1 0 6\n")):
        paths[f"gowalla/{part}.txt"] = tmp_path / f"{part}.txt"
        paths[f"gowalla/{part}.txt"].write_text(text)
    data = find_dataset("gowalla")
    assert data is not None
    made = attributes(data, Found(tmp_path, paths), synthetic.path(9))
    assert (made["num_users"], made["num_items"]) == (2, 7)
    assert made["test_edge_index"].tolist() == [[1, 1], [2, 8]]


def test_a_family_without_attributes_has_none(tmp_path: Path) -> None:
    for name in ("karate", "power-law"):
        data = find_dataset(name)
        if data is not None:
            assert attributes(data, Found(tmp_path, {}), synthetic.path(2)) == {}
