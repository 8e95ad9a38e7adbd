"""Build the compiled extension ``graphx._core``; all metadata is in pyproject.toml."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import nanobind
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).parent
CPP = Path("cpp_ext")
NANOBIND = Path(nanobind.__file__).parent


def _sources() -> list[str]:
    files = sorted((ROOT / CPP / "src").glob("*.cpp")) + sorted((ROOT / CPP / "bindings").glob("*.cpp"))
    return [str(f.relative_to(ROOT)) for f in files]


def _text_with_headers(source: Path, seen: set[Path]) -> bytes:
    """A source and, each once, the headers of ours that it includes: all that may change its object file."""
    text = source.read_bytes()
    parts = [text]
    for name in re.findall(rb'^#include [<"](.+)[>"]', text, re.MULTILINE):
        for header in (source.parent / name.decode(), ROOT / CPP / "include" / name.decode()):
            if header not in seen and header.is_file():
                seen.add(header)
                parts.append(_text_with_headers(header, seen))
                break
    return b"".join(parts)


class BuildWithNanobind(build_ext):
    """Compiles as many files at once as there are processors, and none a second time.

    An object file is kept in ``build/objects`` (or ``$GRAPHX_OBJECTS``) under the hash of all that it is made of, since
    ``pip install -e .`` builds in a new temporary folder each time. nanobind's own source is added here, so that a
    source distribution does not carry it along.
    """

    def build_extension(self, ext: Extension) -> None:
        """One extension, with the source that all bindings share."""
        nanobind_source = str(NANOBIND / "src" / "nb_combined.cpp")
        if nanobind_source not in ext.sources:
            ext.sources.append(nanobind_source)
        compiler: Any = self.compiler
        if compiler.compiler_type == "unix":
            compiler.compile = self._compile
            compiler.force = True  # link always: a kept object may be older than what was linked of others
        super().build_extension(ext)

    def _compile(self, sources: list[str], **options: Any) -> list[str]:
        compiler: Any = self.compiler
        command = " ".join(map(str, compiler.compiler_so_cxx))
        asked = [*compiler.compiler_so_cxx, "--version"]
        version = subprocess.run(asked, capture_output=True, text=True, check=False).stdout  # noqa: S603
        settings = [options["extra_postargs"], options["macros"], command, version, sys.version]
        common = repr([*settings, nanobind.__version__, sysconfig.get_platform()]).encode()
        kept = Path(os.environ.get("GRAPHX_OBJECTS") or ROOT / "build" / "objects")
        compile_one = type(compiler).compile

        def one(source: str) -> str:
            if os.environ.get("GRAPHX_COVERAGE"):  # its counters lie beside the object, by the object's name
                return str(compile_one(compiler, [source], **options)[0])
            key = hashlib.sha256(common + source.encode() * source.startswith(str(CPP)))
            key.update(_text_with_headers(Path(source), set()))
            wanted = kept / f"{Path(source).stem}-{key.hexdigest()[:24]}.o"
            if not wanted.exists():
                made = Path(compile_one(compiler, [source], **options)[0])
                wanted.parent.mkdir(parents=True, exist_ok=True)
                (part := wanted.with_suffix(f".{os.getpid()}")).write_bytes(made.read_bytes())
                part.replace(wanted)
            return str(wanted)

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            largest_first = sorted(sources, key=lambda name: -Path(name).stat().st_size)
            made = {name: pool.submit(one, name) for name in largest_first}
            return [made[name].result() for name in sources]


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
