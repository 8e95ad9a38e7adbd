"""``python -m graphx.linkpred COMMAND``: the command :mod:`graphx.cli.linkpred`."""

import sys

from graphx.cli.linkpred import main

sys.exit(main())
