"""``python -m graphx COMMAND``: the console script ``graphx``, :func:`graphx.cli.main`."""

import sys

from graphx.cli import main

sys.exit(main())
