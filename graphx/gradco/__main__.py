"""``python -m graphx.gradco GRAPH``: the command :mod:`graphx.cli.gradco`."""

import sys

from graphx.cli.gradco import main

sys.exit(main())
