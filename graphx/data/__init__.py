"""The door for data: one loader for every command, layer, script and test. Imports no torch."""

from __future__ import annotations

from graphx.data.edgelist import read_edgelist, write_edgelist
from graphx.data.load import load, load_graph
from graphx.data.registry import Dataset, dataset_names, find_dataset

__all__ = ["Dataset", "dataset_names", "find_dataset", "load", "load_graph", "read_edgelist", "write_edgelist"]
