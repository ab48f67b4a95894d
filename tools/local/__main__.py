"""Runs the wallet on this machine: `make run`, or `python -m tools.local`. Its settings: tools/local/run.py."""

import sys

from tools.local.lifetime import leave_on_signals

leave_on_signals("wallet")  # before the imports: they take a second, in which Ctrl-C must end it as cleanly as later

from tools.local.run import main  # noqa: E402

sys.exit(main())
