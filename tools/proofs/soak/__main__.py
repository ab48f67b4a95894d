"""Runs the soak: `make soak`, or `python -m tools.proofs.soak`. Its settings: tools/proofs/soak/run.py."""

import sys

from tools.local.lifetime import leave_on_signals

leave_on_signals()  # before the imports: Ctrl-C must end it as cleanly now as later

from tools.proofs.soak.run import main  # noqa: E402

sys.exit(main())
