"""The operator's own proof, as `walletctl verify` makes it, of tables in memory."""

from collections import defaultdict
from collections.abc import Set
from typing import Any

from memory import Tables
from tools.walletctl.verify.account import account
from tools.walletctl.verify.books import (
    FREE_ROUNDS,
    TRANSACTION,
    WALLET,
    Page,
    free_rounds_of,
    kept,
    transaction_of,
    typed,
    wallet_of,
)
from tools.walletctl.verify.record import faults_of

Item = dict[str, Any]


def proved(tables: Tables, without: Set[str]) -> tuple[int, list[str]]:
    """How many players' ledgers were looked at, and what is wrong with them; not of those `without` a version."""
    wallets, transactions, counts = ([_listed(each) for each in tables.all(table)] for table in tables.items)
    ids = {item["id"] for item in transactions}
    by_player: defaultdict[str, list[Item]] = defaultdict(list)
    for item in sorted(transactions, key=lambda item: item.get("seq", 0)):
        by_player[item["userId"]].append(item)
    codes: defaultdict[str, dict[str, Any]] = defaultdict(dict)
    for item in counts:
        codes[item["userId"]][item["bonusCode"]] = free_rounds_of(typed(kept(item, FREE_ROUNDS)))
    pages = [
        Page(
            user_id=wallet["userId"],
            faults=[fault for item in by_player[wallet["userId"]] for fault in faults_of(item)],
            has_wallet=True,
            wallet=wallet_of(typed(kept(wallet, WALLET))),
            transactions=[transaction_of(typed(kept(item, TRANSACTION))) for item in by_player[wallet["userId"]]],
            free_rounds=codes[wallet["userId"]],
            is_on_record=ids.__contains__,
        )
        for wallet in wallets
        if wallet["userId"] not in without
    ]
    made = account(pages, strict=False, compares_free_rounds=True)
    return made.players, [f"{fault.user_id}: {fault.what}: {fault.text}" for fault in made.faults]


def _listed(item: Item) -> Item:
    return {name: [*value] if isinstance(value, tuple) else value for name, value in item.items()}
