"""Texts for labels, made from their names alone by a fixed set of templates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from graphx.errors import InputError

__all__ = ["TEMPLATES", "label_prompts"]

TEMPLATES: Final = (
    "{name}",
    "{name} {kind}",
    "a {kind}: {name}",
    "a {kind} of the category {name}",
    "This {kind} is about {name}.",
)
"""The templates; fixed, the same for every graph, and never chosen by the labels of a graph."""


def label_prompts(names: Sequence[str], kind: str = "text") -> list[list[str]]:
    """Several texts for each label, whose vectors H4G averages: an ensemble of prompts, as CLIP has it.

    Radford et al., Learning transferable visual models from natural language supervision, ICML 2021, section 3.1.4.
    The templates are ours.

    Args:
        names: The names of C classes.
        kind: What a node is, in a word or three: ``'research paper'``, ``'web page'``, ``'product'``.

    Returns:
        C lists of texts, for :meth:`graphx.nn.H4G.predict`.

    Raises:
        InputError: A name or the kind is empty.

    Example:
        >>> label_prompts(["databases"], "research paper")[0][1:3]
        ['databases research paper', 'a research paper: databases']
    """
    if isinstance(names, str) or not all(isinstance(name, str) and name.strip() for name in names):
        raise InputError(f"names are {names!r}; expected a sequence of names that are not empty")
    if not kind.strip():
        raise InputError("kind is empty; expected what a node is, such as 'web page'")
    return [[template.format(name=name, kind=kind) for template in TEMPLATES] for name in names]
