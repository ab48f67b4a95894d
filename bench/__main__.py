"""Runs the benchmarks: `make bench`, or `python -m bench`. Its settings: bench/run.py."""

import sys

from tools.local.lifetime import leave_on_signals

leave_on_signals()  # before the imports: Ctrl-C must end it as cleanly now as later

from bench.run import main  # noqa: E402

sys.exit(main())
