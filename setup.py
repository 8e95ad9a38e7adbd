"""Build the compiled extension ``graphx._core``; all metadata is in pyproject.toml."""

from __future__ import annotations

import os
import sys
import sysconfig
from pathlib import Path

import nanobind
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).parent
CPP = Path("cpp_ext")
NANOBIND = Path(nanobind.__file__).parent


def _sources() -> list[str]:
    files = sorted((ROOT / CPP / "src").glob("*.cpp")) + sorted((ROOT / CPP / "bindings").glob("*.cpp"))
    return [str(f.relative_to(ROOT)) for f in files]


class BuildWithNanobind(build_ext):
    """Adds nanobind's own source when something is built, so that a source distribution does not carry it along."""

    def build_extension(self, ext: Extension) -> None:
        """One extension, with the source that all bindings share."""
        nanobind_source = str(NANOBIND / "src" / "nb_combined.cpp")
        if nanobind_source not in ext.sources:
            ext.sources.append(nanobind_source)
        super().build_extension(ext)


def _headers() -> list[str]:
    return [str(f.relative_to(ROOT)) for f in sorted((ROOT / CPP / "include").rglob("*.hpp"))]


compile_args = ["/std:c++20", "/O2"] if sys.platform == "win32" else ["-std=c++20", "-O3", "-fvisibility=hidden", "-g0"]
link_args: list[str] = []
if sys.platform != "win32":
    compile_args += [
        "-fno-math-errno",
        "-ffp-contract=off",
        "-fwrapv",
        "-Wall",
        "-Wextra",
        "-fno-strict-aliasing",
        "-pthread",
    ]
    link_args += ["-pthread"]
if sys.platform.startswith("linux"):
    link_args += ["-Wl,-s"]
if sanitize := os.environ.get("GRAPHX_SANITIZE"):
    flags = [f"-fsanitize={sanitize}", "-fno-omit-frame-pointer", "-g"]
    compile_args += flags
    link_args = [a for a in link_args if a != "-Wl,-s"] + flags[:1]
if os.environ.get("GRAPHX_COVERAGE"):  # for .ci/coverage: counters of executed lines
    compile_args += ["-O1", "--coverage", "-fprofile-update=atomic"]
    link_args = [a for a in link_args if a != "-Wl,-s"] + ["--coverage"]

# One wheel for Python 3.12 and all that follow: what nanobind needs of the stable interface came with 3.12.
stable = sys.version_info >= (3, 12) and not sysconfig.get_config_var("Py_GIL_DISABLED")
macros: list[tuple[str, str | None]] = [("NB_COMPACT_ASSERTIONS", "1"), ("NDEBUG", "1")]

setup(
    cmdclass={"build_ext": BuildWithNanobind},
    options={"bdist_wheel": {"py_limited_api": "cp312"}} if stable else {},
    ext_modules=[
        Extension(
            "graphx._core",
            sources=_sources(),
            include_dirs=[
                str(CPP / "include"),
                str(NANOBIND / "include"),
                str(NANOBIND / "ext" / "robin_map" / "include"),
            ],
            depends=_headers(),
            define_macros=[*macros, ("Py_LIMITED_API", "0x030C0000")] if stable else macros,
            py_limited_api=stable,
            extra_compile_args=compile_args,
            extra_link_args=link_args,
            language="c++",
        )
    ],
)
