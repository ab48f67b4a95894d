"""The Lucky Monaco wallet callbacks' shared layer: a win is credited exactly once per reference."""
