"""``python -m graphx.fastrp GRAPH -o FILE``: the command :mod:`graphx.cli.fastrp`."""

import sys

from graphx.cli.fastrp import main

sys.exit(main())
