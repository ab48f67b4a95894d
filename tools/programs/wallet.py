"""Runs the wallet on this machine, with its console: `make run`. Its settings: tools/local/run.py."""

import sys

from tools.local.lifetime import leave_on_signals

leave_on_signals("wallet")  # before the imports: they take a second, in which Ctrl-C must end it as cleanly as later

from tools.console.here import Here  # noqa: E402
from tools.local.run import main  # noqa: E402

sys.exit(main(Here))
