"""Texts of labels: the templates as they stand, and names that are none."""

from __future__ import annotations

import pytest

from graphx.errors import InputError
from graphx.nn.hyperbolic.prompts import TEMPLATES, label_prompts


def test_every_template_says_the_name() -> None:
    made = label_prompts(["neural nets", "{kind} theory"], "research paper")
    assert [len(texts) for texts in made] == [len(TEMPLATES)] * 2
    assert made[0] == [
        "neural nets",
        "neural nets research paper",
        "a research paper: neural nets",
        "a research paper of the category neural nets",
        "This research paper is about neural nets.",
    ]
    assert all("{kind} theory" in text for text in made[1])  # braces of a name are its own
    assert len({text for texts in made for text in texts}) == 2 * len(TEMPLATES)
    assert label_prompts([]) == [] and label_prompts(("a", "b"))[1][0] == "b"


def test_prompts_have_words() -> None:
    for names in ("cats", ["cats", " "], [1, 2]):
        with pytest.raises(InputError, match="expected a sequence of names that are not empty"):
            label_prompts(names)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="kind is empty; expected what a node is"):
        label_prompts(["cats"], " ")
