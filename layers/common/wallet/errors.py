"""Every answer that is not a credit: one class a code, raised anywhere, caught once in callback.py.

    Refusal
    ├── MethodNotAllowed   405  HTTP 405  not a POST
    ├── Unauthorized       401  HTTP 401  token or hash wrong or absent
    ├── Unreadable          99  HTTP 400  not JSON, not an object, too large, or a key twice
    ├── Absent              64  HTTP 400  a mandatory field is absent or empty
    ├── InvalidAmount       59  HTTP 400  not a valid amount
    ├── Malformed           57  HTTP 400  a field is malformed
    ├── Conflict            61  HTTP 200  the reference was used with other content
    ├── NoSuchPlayer        62  HTTP 200  no wallet under this userId
    ├── WrongCurrency       52  HTTP 200  not the wallet's currency
    └── Unavailable        998  HTTP 503  not possible at the moment

The classes stand in order of precedence: a request with several faults gets the first one's answer
(but two spellings of one field that disagree come first of what a body's fields may be refused for).
HTTP 200 marks what a retransmission cannot mend; 503 makes the provider send again (ten times).
999 is never answered: it tells the provider to give up, and the player's win is lost.
"""

from typing import ClassVar, Literal


class Refusal(Exception):
    """A callback that credits nothing. `str()` is the description the provider reads.

    A description names fields, never values: a value may be a secret, or an attack on a log reader.
    """

    code: ClassVar[int]
    http_status: ClassVar[int]
    # Where an admitted request goes that is refused so: a retry may mend it, a person may, or only the provider.
    kept: ClassVar[Literal["for another try", "for a person", "nowhere"]] = "nowhere"

    @property
    def reason(self) -> str:
        """What the operator is told; the provider is told `str()`."""
        return str(self)


class MethodNotAllowed(Refusal):
    code = 405
    http_status = 405

    def __init__(self) -> None:
        super().__init__("Only POST is accepted")


class Unauthorized(Refusal):
    """No hint why: whoever guesses must not learn which half was right."""

    code = 401
    http_status = 401

    def __init__(self) -> None:
        super().__init__("Unauthorized")


class Unreadable(Refusal):
    code = 99
    http_status = 400

    def __init__(self, fault: str) -> None:
        super().__init__(f"The body {fault}")


class Absent(Refusal):
    code = 64
    http_status = 400
    kept = "for a person"

    def __init__(self, field: str) -> None:
        super().__init__(f"Mandatory field is absent or empty: {field}")
        self.field = field


class InvalidAmount(Refusal):
    code = 59
    http_status = 400
    kept = "for a person"

    def __init__(self, field: str) -> None:
        super().__init__(f"Not a valid amount: {field}")
        self.field = field


class Malformed(Refusal):
    code = 57
    http_status = 400
    kept = "for a person"

    def __init__(self, field: str) -> None:
        super().__init__(f"Field is malformed: {field}")
        self.field = field


class Conflict(Refusal):
    """The reference is taken by a transaction that differs in `differences` (names of fields)."""

    code = 61
    http_status = 200
    kept = "for a person"

    def __init__(self, reference: str, differences: tuple[str, ...]) -> None:
        super().__init__("This reference was already used with other content")
        self.reference = reference
        self.differences = differences

    @property
    def reason(self) -> str:
        return f"{self}: {', '.join(self.differences)}"


class NoSuchPlayer(Refusal):
    code = 62
    http_status = 200
    kept = "for another try"  # the player may be created meanwhile

    def __init__(self, user_id: str) -> None:
        super().__init__("No such player")
        self.user_id = user_id

    @property
    def reason(self) -> str:
        return f"{self}: {self.user_id}"


class WrongCurrency(Refusal):
    code = 52
    http_status = 200
    kept = "for a person"

    def __init__(self, wallet_currency: str) -> None:
        super().__init__("The currency is not the player's")
        self.wallet_currency = wallet_currency

    @property
    def reason(self) -> str:
        return f"{self}: the wallet's is {self.wallet_currency}"


class Unavailable(Refusal):
    """The credit could not be settled now; `cause` is for the operator, not for the provider."""

    code = 998
    http_status = 503
    kept = "for another try"

    def __init__(self, cause: str) -> None:
        super().__init__("Not possible at the moment, send again")
        self.cause = cause

    @property
    def reason(self) -> str:
        return self.cause
