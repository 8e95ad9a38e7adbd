"""The door for data: one loader for every command, layer, script and test.

Importing it, :func:`load_graph`, :func:`describe` and :func:`list` import no torch; :func:`load` and
:func:`load_ogb` do when they are called.
"""

from __future__ import annotations

from graphx.data.edgelist import read_edgelist, write_edgelist
from graphx.data.load import load, load_graph
from graphx.data.ogb import OGBDataset, load_ogb
from graphx.data.registry import Dataset, dataset_names, describe, find_dataset
from graphx.data.registry import dataset_names as list  # noqa: A004

__all__ = [
    "Dataset",
    "OGBDataset",
    "dataset_names",
    "describe",
    "find_dataset",
    "list",
    "load",
    "load_graph",
    "load_ogb",
    "read_edgelist",
    "write_edgelist",
]
