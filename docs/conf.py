"""Sphinx configuration. Nothing here reaches for the network: formulas become MathML, pictures are drawn by graphx."""

from __future__ import annotations

import contextlib
import html
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.util import logging

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.writers.html5 import HTML5Translator

logger = logging.getLogger(__name__)

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
autodoc_default_options = {
    "members": True,
    "show-inheritance": False,
    "exclude-members": "set_fit_request, set_transform_request",  # scikit-learn's metadata routing
}
autodoc_preserve_defaults = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_custom_sections = [("Shapes", "params_style")]
napoleon_use_rtype = False
napoleon_use_ivar = True
python_use_unqualified_type_names = True


def _mathml(node: nodes.Element, *, as_block: bool) -> str:
    """The formula of a node as MathML, which browsers show without any script."""
    text = node.astext().replace(r"\dots", r"\ldots")
    if as_block and r"\\" in text and r"\begin" not in text:
        text = rf"\begin{{aligned}}{text}\end{{aligned}}"
    try:
        return str(tex2mathml(text, as_block=as_block))
    except MathError as error:
        logger.warning("formula: %s", error, location=node)
        return f"<code>{html.escape(text)}</code>"


def _visit_inline(self: HTML5Translator, node: nodes.Element) -> None:
    self.body.append(_mathml(node, as_block=False))
    raise nodes.SkipNode


def _visit_block(self: HTML5Translator, node: nodes.Element) -> None:
    self.body.append(f'<div class="math">{_mathml(node, as_block=True)}</div>')
    raise nodes.SkipNode


def _draw_pictures(_app: Sphinx) -> None:
    """Draw the pictures by running the code of the gallery, so that a picture is what the page says it is."""
    folder = HERE / "_build" / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    page = (HERE / "gallery.md").read_text(encoding="utf-8")
    names: dict[str, object] = {}
    with contextlib.chdir(folder):
        for block in re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL):
            exec(block, names)  # noqa: S102 - our own page


def _mend_source_links(app: Sphinx, error: Exception | None) -> None:
    """Lead the links from source listings to the place that exists: viewcode knows one home of a module's names."""
    if error is not None or app.builder.name != "html":
        return
    folder = Path(app.outdir)
    pages = {page.name: page.read_text(encoding="utf-8") for page in folder.glob("*.html")}
    places = {name: re.findall(r' id="([\w.]+)"', text) for name, text in pages.items()}

    def mended(match: re.Match[str]) -> str:
        target, place = match[2], match[3]
        known = places.get(target, [])
        if place in known:
            return match[0]
        near = [name for name in known if name.rpartition(".")[2] == place.rpartition(".")[2]]
        if not known:
            return match[0]
        return f'href="{match[1]}{target}#{near[0]}"' if near else f'href="{match[1]}{target}"'

    for page in (folder / "_modules").rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        page.write_text(re.sub(r'href="([./]*)(\w+\.html)#([\w.]+)"', mended, text), encoding="utf-8")


def setup(app: Sphinx) -> None:
    """Register the offline formulas and draw the pictures before the pages are read."""
    app.add_html_math_renderer("mathml", (_visit_inline, None), (_visit_block, None))
    app.connect("builder-inited", _draw_pictures)
    app.connect("build-finished", _mend_source_links)
