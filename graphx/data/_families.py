"""The families of data sets: which files they are made of, where these come from, whom to cite."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["FAMILIES", "Family", "files_of"]

_UNSTATED: Final = "none stated"


@dataclass(frozen=True, slots=True)
class Family:
    """Data sets that are read alike.

    Attributes:
        task: What they are for.
        files: Their files below a root; ``{key}`` and ``{low}`` are the data set, ``{i}`` counts 0 to 9.
        optional: Patterns of files that may be there.
        source: Where the files come from.
        licence: Of the repository or package that ships the files; the data's own terms may differ.
        citation: Whom to cite.
        splits: What ``split`` may be, the default first; empty when there is no choice.
        pyg: The class of PyG that reads and downloads them; empty for graphx's own readers.
    """

    task: str
    files: tuple[str, ...]
    source: str
    licence: str
    citation: str
    optional: tuple[str, ...] = ()
    splits: tuple[str, ...] = ()
    pyg: str = ""


_GEOM: Final = "Pei et al., Geom-GCN: geometric graph convolutional networks, ICLR 2020"
_NODE, _MULTI, _LINK, _STRUCTURE = (
    "node classification",
    "multi-label node classification",
    "link prediction",
    "structure only",
)
_MUSAE: Final = "Rozemberczki et al., Multi-scale attributed node embedding, J. Complex Networks 9, 2021"
_GRAPH2GAUSS: Final = "Bojchevski and Guennemann, Deep Gaussian embedding of graphs, ICLR 2018"
_SHCHUR: Final = "Shchur et al., Pitfalls of graph neural network evaluation, 2018"
_PLATONOV: Final = "Platonov et al., A critical look at the evaluation of GNNs under heterophily, ICLR 2023"
_PRONE: Final = "Zhang et al., ProNE: fast and scalable network representation learning, IJCAI 2019"
_PLANETOID_PARTS: Final = ("x", "tx", "allx", "y", "ty", "ally", "graph", "test.index")


def _geom_gcn(folder: str, stem: str = "{low}") -> tuple[str, ...]:
    texts = (f"{folder}/raw/out1_node_feature_label.txt", f"{folder}/raw/out1_graph_edges.txt")
    return (*texts, f"{folder}/raw/{stem}_split_0.6_0.2_{{i}}.npz")


FAMILIES: Final = {
    "packaged": Family(
        _STRUCTURE, (), "graphx", "facts from the publication, as shipped with networkx (BSD-3-Clause)", ""
    ),
    "networkx": Family(_STRUCTURE, (), "networkx", "BSD-3-Clause", "Hagberg et al., NetworkX, SciPy 2008"),
    "synthetic": Family(
        _STRUCTURE, (), "graphx.data.synthetic, with its arguments as options", "MIT", "the docstring of the generator"
    ),
    "planetoid": Family(
        _NODE,
        tuple(f"planetoid/{{key}}/raw/ind.{{low}}.{part}" for part in _PLANETOID_PARTS),
        "https://github.com/kimiyoung/planetoid (data/)",
        "MIT",
        "Yang et al., Revisiting semi-supervised learning with graph embeddings, ICML 2016",
        splits=("public", "geom-gcn", "full", "random"),
        pyg="Planetoid",
    ),
    "webkb": Family(
        _NODE,
        _geom_gcn("webkb/{low}"),
        "https://github.com/graphdml-uiuc-jlu/geom-gcn (new_data/, splits/)",
        _UNSTATED,
        _GEOM,
        pyg="WebKB",
    ),
    "actor": Family(
        _NODE,
        _geom_gcn("actor", "film"),
        "https://github.com/graphdml-uiuc-jlu/geom-gcn (new_data/film/, splits/)",
        _UNSTATED,
        _GEOM,
        pyg="Actor",
    ),
    "wikipedia_network": Family(
        _NODE,
        _geom_gcn("wikipedia_network/{low}/geom_gcn"),
        "https://github.com/graphdml-uiuc-jlu/geom-gcn (new_data/, splits/)",
        _UNSTATED,
        f"{_MUSAE}; {_GEOM}",
        pyg="WikipediaNetwork",
    ),
    "heterophilous": Family(
        _NODE,
        ("heterophilous/{low}/raw/{low}.npz",),
        "https://github.com/yandex-research/heterophilous-graphs (data/)",
        "MIT",
        _PLATONOV,
        pyg="HeterophilousGraphDataset",
    ),
    "platonov_filtered": Family(
        _NODE,
        ("heterophilous/platonov_filtered/{key}.npz",),
        "https://github.com/yandex-research/heterophilous-graphs (data/)",
        "MIT",
        _PLATONOV,
    ),
    "amazon": Family(
        _NODE,
        ("amazon/{key}/raw/amazon_electronics_{low}.npz",),
        "https://github.com/shchur/gnn-benchmark (data/npz/)",
        "MIT",
        _SHCHUR,
        pyg="Amazon",
    ),
    "coauthor": Family(
        _NODE,
        ("coauthor/{key}/raw/ms_academic_{short}.npz",),
        "https://github.com/shchur/gnn-benchmark (data/npz/)",
        "MIT",
        _SHCHUR,
        pyg="Coauthor",
    ),
    "citation_full": Family(
        _NODE,
        ("citation_full/{low}/raw/{low}.npz",),
        "https://github.com/abojchevski/graph2gauss (data/)",
        "MIT",
        _GRAPH2GAUSS,
        pyg="CitationFull",
    ),
    "tu": Family(
        "graph classification",
        tuple(f"tu/{{key}}/raw/{{key}}_{part}.txt" for part in ("A", "graph_indicator", "graph_labels")),
        "https://www.chrsmrrs.com/graphkerneldatasets/",
        _UNSTATED,
        "Morris et al., TUDataset: a collection of benchmark datasets for learning with graphs, 2020",
        optional=("tu/{key}/raw/{key}_*.txt",),
        pyg="TUDataset",
    ),
    "airports": Family(
        _NODE,
        ("airports/{low}-airports.edgelist", "airports/labels-{low}-airports.txt"),
        "https://github.com/leoribeiro/struc2vec (graph/)",
        "MIT",
        "Ribeiro et al., struc2vec: learning node representations from structural identity, KDD 2017",
        pyg="Airports",
    ),
    "blogcatalog": Family(
        _MULTI,
        ("multilabel/blogcatalog/blogcatalog.mat",),
        "https://github.com/phanein/deepwalk (example_graphs/)",
        "GPLv3",
        "Tang and Liu, Relational learning via latent social dimensions, KDD 2009",
    ),
    "node2vec_ppi": Family(
        _MULTI,
        ("multilabel/node2vec_ppi/node2vec_PPI.edgelist", "multilabel/node2vec_ppi/node2vec_PPI_labels.txt"),
        "https://github.com/xiangyue9607/BioNEV (data/node2vec_PPI)",
        "MIT",
        "Grover and Leskovec, node2vec: scalable feature learning for networks, KDD 2016",
    ),
    "prone": Family(
        _MULTI,
        ("multilabel/prone_{low}/{key}.ungraph", "multilabel/prone_{low}/{key}.cmty"),
        "https://github.com/THUDM/ProNE (data/)",
        "MIT",
        _PRONE,
    ),
    "deezer": Family(
        _MULTI,
        ("multilabel/deezer_{low}/{key}_edges.csv.gz", "multilabel/deezer_{low}/{key}_genres.json.gz"),
        "https://github.com/benedekrozemberczki/GEMSEC (data/deezer_clean_data)",
        "GPL-3.0",
        "Rozemberczki et al., GEMSEC: graph embedding with self clustering, ASONAM 2019",
    ),
    "musae": Family(
        _NODE,
        ("musae/{key}_edges.csv.gz", "musae/{key}_target.csv.gz"),
        "https://github.com/benedekrozemberczki/MUSAE (input/)",
        "GPL-3.0",
        _MUSAE,
        optional=("musae/{key}_features.json.gz",),
    ),
    "facebook100": Family(
        _NODE,
        ("facebook100/{key}.mat",),
        "https://github.com/CUAI/Non-Homophily-Large-Scale (data/facebook100)",
        _UNSTATED,
        "Traud et al., Social structure of Facebook networks, Physica A 391, 2012",
    ),
    "seal": Family(
        _LINK,
        ("linkpred/seal/{key}.mat",),
        "https://github.com/muhanzhang/SEAL (Python/data)",
        _UNSTATED,
        "Zhang and Chen, Link prediction based on graph neural networks, NeurIPS 2018",
    ),
    "bionev": Family(
        _LINK,
        ("linkpred/bionev/{key}.edgelist.gz",),
        "https://github.com/xiangyue9607/BioNEV (data/)",
        "MIT",
        "Yue et al., Graph embedding on biomedical networks, Bioinformatics 2020",
    ),
    "disease": Family(
        _LINK,
        tuple(f"linkpred/hgcn/{{key}}/{{key}}.{part}" for part in ("edges.csv", "labels.npy", "feats.npz")),
        "https://github.com/HazyResearch/hgcn (data/)",
        _UNSTATED,
        "Chami et al., Hyperbolic graph convolutional neural networks, NeurIPS 2019",
    ),
    "airport": Family(
        _LINK,
        ("linkpred/hgcn/airport/airport.p",),
        "https://github.com/HazyResearch/hgcn (data/)",
        _UNSTATED,
        "Chami et al., Hyperbolic graph convolutional neural networks, NeurIPS 2019",
    ),
    "gowalla": Family(
        "recommendation",
        ("gowalla/train.txt", "gowalla/test.txt"),
        "https://github.com/gusye1234/LightGCN-PyTorch (data/gowalla)",
        _UNSTATED,
        "He et al., LightGCN, SIGIR 2020",
    ),
    "orca": Family(
        _STRUCTURE,
        ("orca/graph.in",),
        "https://github.com/thocevar/orca",
        "GPL-3.0",
        "Hocevar and Demsar, A combinatorial approach to graphlet counting, Bioinformatics 30, 2014",
    ),
    "networks": Family(
        _STRUCTURE,
        ("networks/{key}.edgelist.gz",),
        "the collections SNAP, networkit, graph-tool, BioGRID and others, as simple graphs",
        "that of the source",
        "the collection that the name begins with",
    ),
    "text": Family(
        "text-attributed node classification",
        ("text/{key}/nodes.jsonl.gz", "text/{key}/edges.tsv.gz", "text/{key}/meta.json"),
        "the texts of the publications, pages or packages, as JSON lines",
        _UNSTATED,
        "the collection that the name begins with",
    ),
    "ogb": Family(
        "the official task",
        (),
        "https://ogb.stanford.edu",
        "see https://ogb.stanford.edu",
        "Hu et al., Open Graph Benchmark: datasets for machine learning on graphs, NeurIPS 2020",
    ),
}

_SHORT: Final = {"CS": "cs", "Physics": "phy"}


def files_of(family: str, key: str, split: str | None = None) -> tuple[list[str], list[str]]:
    """The files of a data set that must be there, and patterns of those that may."""
    known = FAMILIES[family]
    templates = known.files
    if family == "planetoid" and split == "geom-gcn":
        templates = tuple(text.replace("/raw/", "/geom-gcn/raw/") for text in templates)
        templates += ("planetoid/{key}/geom-gcn/raw/{low}_split_0.6_0.2_{i}.npz",)
    words = {"key": key, "low": key.lower(), "short": _SHORT.get(key, key.lower())}
    files = []
    for text in templates:
        files += [text.format(**words, i=i) for i in range(10 if "{i}" in text else 1)]
    return files, [text.format(**words) for text in known.optional]
