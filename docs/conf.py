"""Sphinx configuration. Nothing here reaches for the network: formulas become MathML, pictures are drawn by graphx."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils.utils.math.latex2mathml import tex2mathml

if TYPE_CHECKING:
    from sphinx.application import Sphinx

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))  # the tree that these pages describe, also when another version is installed

import graphx  # noqa: E402

project = "graphx"
author = "The graphx developers"
project_copyright = "the graphx developers"
release = version = graphx.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "graphx"
html_static_path = ["_static"]
html_css_files = ["graphx.css"]
html_show_sourcelink = False
html_math_renderer = "mathml"

myst_enable_extensions = ["amsmath", "colon_fence", "dollarmath", "deflist", "fieldlist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_default_options = {"members": True, "show-inheritance": False}
autodoc_preserve_defaults = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_custom_sections = [("Shapes", "params_style")]
napoleon_use_rtype = False
napoleon_use_ivar = True
python_use_unqualified_type_names = True


def _mathml_inline(self: Any, node: Any) -> None:
    from docutils.nodes import SkipNode

    self.body.append(tex2mathml(node.astext(), as_block=False))
    raise SkipNode


def _mathml_block(self: Any, node: Any) -> None:
    from docutils.nodes import SkipNode

    text = node.astext()
    if "\\\\" in text and "\\begin" not in text:
        text = f"\\begin{{aligned}}{text}\\end{{aligned}}"
    self.body.append(f'<div class="math">{tex2mathml(text, as_block=True)}</div>')
    raise SkipNode


def _draw_pictures(_app: Sphinx) -> None:
    """Draw the pictures of the pages with the functions that the pages describe."""
    from graphx.data import load_graph
    from graphx.gradco import OrbitAdjacency
    from graphx.plot import plot_graphlets, plot_orbit_spectrum

    folder = HERE / "_build" / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    plot_graphlets().figure.savefig(folder / "graphlets.svg")
    summary = OrbitAdjacency(load_graph("les-miserables")).summary()
    plot_orbit_spectrum(summary).figure.savefig(folder / "spectrum.svg")


def setup(app: Sphinx) -> None:
    """Register the offline formulas and draw the pictures before the pages are read."""
    app.add_html_math_renderer("mathml", (_mathml_inline, None), (_mathml_block, None))
    app.connect("builder-inited", _draw_pictures)
