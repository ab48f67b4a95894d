"""Rounds: what a player staked and won in each, and those that wait for a result."""
