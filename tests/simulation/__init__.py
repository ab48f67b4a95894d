"""The wallet's own code in a world that is made up: years of faults in minutes, each of them again from its seed.

script.py    what happens to the wallet: deliveries, and what comes between; drawn from a seed
scenes.py    scripts by hand: what chance seldom brings about
hard_cases.py  those of bets, cancels and rounds
provider.py  the provider, which plays rounds by its own rules and keeps books of its own
timeline.py  time: many functions at once, each running until its next call
network.py   AWS at the SDK's calls: memory.py with latency, faults and lost answers
machines.py  the functions: cold starts, snapshots, clocks, deaths, and what they say
books.py     what is right, by tests/contract.py
judge.py     what must hold, after each step and in the end
world.py     all of it together
shrink.py    the shortest script that still fails
orders.py    every order of two functions' calls
rounds.py    every order of the calls of one round
teeth.py     faults in the wallet's code, each of which must be found
crowd.py     one player with many wins at once, measured
"""
