"""Hostile input: what may be sent, and what must hold whatever it is. tests/contract.py says what is due to it.

inputs.py     what may be sent: the published examples, and what becomes of them
desk.py       the four functions with AWS in memory, fast enough for a hundred requests a second
targets.py    what must hold
__main__.py   the long run: `make fuzz MINUTES=10`

It is a test and not a tool: it asks the layer's parsers themselves, and replaces the functions' clients.
"""
