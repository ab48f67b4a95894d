"""What a person can correct: one clear line, and no traceback."""


class Trouble(Exception):
    """`str()` says what is wrong and, where it is not plain, what to do."""
