"""Hostile input: what may be sent, what docs/callbacks.md says is due to it, and what must hold whatever it is.

contract.py   docs/callbacks.md once more, sharing no code with `wallet`
inputs.py     what may be sent: the published examples, and what becomes of them
desk.py       the four functions with AWS in memory, fast enough for a hundred requests a second
targets.py    what must hold
__main__.py   the long run: `make fuzz MINUTES=10`
"""
