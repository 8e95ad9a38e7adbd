"""``python -m graphx.zeroshot --graph GRAPH``: the command :mod:`graphx.cli.zeroshot`."""

import sys

from graphx.cli.zeroshot import main

sys.exit(main())
