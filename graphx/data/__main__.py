"""``python -m graphx.data COMMAND``: the command :mod:`graphx.cli.data`."""

import sys

from graphx.cli.data import main

sys.exit(main())
