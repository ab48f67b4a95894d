"""What tests/contract.py leaves on record, compared with what the wallet's tables hold."""

from collections.abc import Mapping, Sequence
from typing import Any

from contract import Contract, Record

Item = Mapping[str, Any]


def assert_on_record(contract: Contract, **tables: Sequence[Item]) -> None:
    """Raises AssertionError unless the items are the contract's, and there are no others."""
    found = {
        "Players": {item["userId"]: {**item} for item in tables["Players"]},
        "Transactions": {item["id"]: {name: item.get(name) for name in _RECORDED} for item in tables["Transactions"]},
        "FreeRounds": {
            (item["userId"], item["bonusCode"]): (item["uncovered"], item["advance"]) for item in tables["FreeRounds"]
        },
    }
    due = {
        "Players": {player: {"userId": player, **vars(wallet)} for player, wallet in contract.wallets.items()},
        "Transactions": {record.credit.id: _recorded(record) for record in contract.records.values()},
        "FreeRounds": {code: (count.uncovered, count.advance) for code, count in contract.counts.items()},
    }
    for table, must_be in due.items():
        assert found[table] == must_be, f"{table} holds {found[table]}, and must hold {must_be}"


_RECORDED = ("userId", "seq", "amountAsked", "amount", "cashAfter", "bonusAfter", "prizeReference", "prizeAmount")


def _recorded(record: Record) -> Item:
    credit, wallet = record.credit, record.wallet
    prize = (credit.prize.reference, credit.prize.amount) if credit.prize else (None, None)
    balances = (wallet.cash, wallet.bonus)
    return dict(
        zip(_RECORDED, (credit.player, wallet.version, credit.amount, record.paid, *balances, *prize), strict=True)
    )
