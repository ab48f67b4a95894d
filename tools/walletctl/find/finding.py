"""Looks for a movement by any of its names, or for a player's: in the ledger, the queues and the log."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from tools.shared import listing
from tools.shared.identifiers import can_be_key, is_identifier
from tools.shared.items import Item
from tools.shared.trouble import Trouble
from tools.walletctl import records
from tools.walletctl.find.found import Found
from tools.walletctl.find.missed import Missed, missed, of_the_win, unpaid, with_those_paid
from tools.walletctl.kinds import BET, CANCEL, function_of
from tools.walletctl.log import LogLine
from tools.walletctl.parked.adjusted import adjustments_named, ids_about
from tools.walletctl.parked.letters import INVALID, DeadLetter, Group
from tools.walletctl.parked.reading import Pile, piles
from tools.walletctl.place import Place, keeping
from tools.walletctl.rounds.played import Played, played
from tools.walletctl.tables import Tables


def found_in(where: Place, name: str, player: str | None, since: datetime, *, scan: bool, retries: bool) -> Found:
    """What is known there of a name. `scan` reads the whole ledger if it must, `retries` costs what is due a try.

    Of a `player` only what is theirs, and what does not say whose it is.
    """
    tables = where.tables()
    recorded, wallet, opening = of_name(tables, name)
    by_hand = adjustments_named(name)
    theirs = [item for item in recorded if player in (None, item.get("userId"))]
    transactions = [item for item in theirs if item["id"] not in by_hand]
    adjustments = [item for item in theirs if item["id"] in by_hand]
    if player not in (None, name):
        wallet = opening = None
    not_looked: list[str] = []
    parked: list[Pile] = []
    try:
        parked = piles(where, where.keeping(), retries=retries, trusting_counts=bool(recorded))
    except Trouble as trouble:  # who may read the tables need not be allowed to see the queues
        not_looked.append(f"The dead letters were not looked at: {trouble}.")
    letters_of_all = list(_meant(name, ((pile.callback, pile.groups) for pile in parked)))
    due_of_all = list(_meant(name, ((pile.callback, pile.due) for pile in parked)))
    letters, due = list(_those_of(player, letters_of_all)), list(_those_of(player, due_of_all))
    if not (transactions or letters or due):
        transactions, adjustments = adjustments, []
    is_named = bool(transactions or wallet or any(_called(name, *each) for each in (*letters, *due)))
    is_by_list = player is not None and not is_named
    if player is not None and is_by_list:
        transactions = _in_ledger_of(tables, player, name)
    log: Sequence[LogLine] = ()
    may_be_logged = is_identifier(name.partition("#")[2] or name)  # the functions log no other name
    if may_be_logged and ((transactions and where.log_is_free) or not (transactions or wallet)):
        try:
            log = _lines_of(player, _log(where, name, since))
        except Trouble as trouble:
            not_looked.append(f"The log was not read: {trouble}.")
    missing: Sequence[Missed] = ()
    parked_as = references_of([*letters_of_all, *due_of_all])
    on_record = {str(item["id"]) for item in (*recorded, *transactions)}
    if transactions or letters or due or len({line.callback for line in log}) > 1:
        # A kind that is on record was paid, whatever else came under it: its conflicts are dead letters.
        missing = [each for each in unpaid(log, parked_as) if f"{each.callback}#{each.reference}" not in on_record]
    if transactions:
        log = [line for line in log if any(line in each.lines for each in missing)]
    if not log and may_be_logged and (not transactions or (is_by_list and where.log_is_free)):
        try:
            missing = missed(_lines_of(player, where.refused(name, since)), name, parked_as)
        except Trouble as trouble:
            not_looked += [] if not_looked else [f"The log was not read: {trouble}."]
    # Last, since it costs the most: what the log knows is a reference, and is not on record.
    could_scan = player is None and not is_named and not log and can_be_key(name)
    came_with: Sequence[Item] = ()
    if scan and could_scan:
        read = _in_any_ledger(tables, name)
        transactions = [item for item in read if name in (item.get(field) for field in _NO_INDEX)]
        came_with = [] if transactions else read
    rounds = _rounds(tables, name, player, transactions, may_scan=scan and could_scan)
    if any(of.is_named for of in rounds):
        dead = [group for pile in parked if pile.callback == CANCEL for group in pile.groups]
        tried = [group for pile in parked if pile.callback == CANCEL for group in pile.due]
        letters = [*letters, *_those_of(player, _of_bets(dead, transactions, letters))]
        due = [*due, *_those_of(player, _of_bets(tried, transactions, due))]
        on_record = {str(item["id"]) for item in transactions}
        missing = [each for each in missing if f"{each.callback}#{each.reference}" not in on_record]
    not_kept: Mapping[str, int] | None = None
    if not (transactions or wallet or letters or due or log or missing or rounds):
        try:
            not_kept = where.not_kept(since)
        except Trouble as trouble:
            not_looked += [] if not_looked else [f"The log was not read: {trouble}."]
    return Found(
        name=name,
        where=where.name,
        options=where.options,
        transactions=transactions,
        adjusted=adjustments,
        wallet=wallet or (tables.wallet(str(transactions[0].get("userId"))) if transactions else None),
        is_player=wallet is not None,
        opening=opening,
        letters=letters,
        due=due,
        waiting=sum(pile.waiting.all for pile in parked),
        hidden=sum(pile.hidden for pile in parked),
        log=log,
        missed=with_those_paid(tables, missing),
        rounds=rounds,
        since=since,
        not_kept=not_kept,
        came_with=came_with,
        refused_bodies=sum(
            not {code for code, _ in group.faults}.isdisjoint(INVALID) for pile in parked for group in pile.groups
        ),
        on_record=about(tables, letters, [*recorded, *transactions]),
        read_all=player is not None or (scan and could_scan),
        could_scan=could_scan and not scan,
        is_of_player=player is not None,
        not_looked_for=[] if where.log_is_free else _other_kinds(name, on_record),
        not_looked=not_looked,
    )


def _other_kinds(name: str, on_record: Collection[str]) -> list[str]:
    """The ids under a reference that are not on record, where one of another kind is."""
    ids = [f"{kind}#{name}" for kind in keeping()]
    others = [id for id in ids if id not in on_record]
    return others if len(others) < len(ids) else []


def references_of(parked: Sequence[tuple[str, Group]]) -> set[tuple[str, str]]:
    """The callbacks and references of what is parked; not of a win of which only the prize is."""
    return {
        (callback, letter.parked.reference)
        for callback, group in parked
        for letter in group.letters
        if letter.parked and letter.parked.reference and not letter.is_prize_only
    }


def about(tables: Tables, letters: Sequence[tuple[str, Group]], known: Sequence[Item]) -> dict[str, Item]:
    """What is on record of dead letters, by id: of prizes the wins, what was adjusted, what they contradict."""
    wins = {f"{callback}#{group.name}" for callback, group in letters if group.prizes}
    ids = wins | ids_about(letter for _, group in letters for letter in group.letters)
    there = {str(item["id"]): item for item in known if item["id"] in ids}
    return there | {str(item["id"]): item for item in tables.with_ids(sorted(ids - there.keys()))}


def of_name(tables: Tables, name: str) -> tuple[list[Item], Item | None, Item | None]:
    """The transactions under a reference, then a player's wallet and its opening.

    walletctl opens a wallet under its player's name. So such an opening belongs to the player, not to the transactions.
    """
    found, wallet = by_reference(tables, name), tables.wallet(name)
    openings = [item for item in found if wallet and item["id"] == f"opening#{name}" and item.get("userId") == name]
    return [item for item in found if item not in openings], wallet, next(iter(openings), None)


def by_reference(tables: Tables, name: str) -> list[Item]:
    """The transactions under a reference, what was credited with them in one write, and what paid them by hand."""
    ids = dict.fromkeys([*records.ids_named(name), *adjustments_named(name)])
    found = {item["id"]: item for item in tables.with_ids(ids)}
    others = {id for item in found.values() for id in records.ids_with(item)} - found.keys()
    found |= {item["id"]: item for item in tables.with_ids(sorted(others))}
    return records.in_order(found.values())


def _in_ledger_of(tables: Tables, player: str, name: str) -> list[Item]:
    """A player's transactions of a round or under a transaction id, by the index."""
    items = tables.whole(tables.ledger(player))
    return [item for item in items if name in (item.get(attribute) for attribute in _NO_INDEX)]


def _rounds(
    tables: Tables, name: str, player: str | None, transactions: Sequence[Item], *, may_scan: bool
) -> list[Played]:
    """The rounds of that id with all that is known of each; of a bet or a cancel, the state of its round."""
    named = [item for item in transactions if item.get("roundId") == name]
    if named:
        return played(tables, named, is_named=True)
    stakes = [item for item in transactions if records.kind_of(item) in (BET, CANCEL)]
    if transactions or not (may_scan or player is not None):
        return played(tables, stakes)
    with listing.progress("rounds read") as advance:
        return played(tables, (), tables.rounds_called(name, player, advance), is_named=True)


def _of_bets(
    cancels: Sequence[Group], transactions: Sequence[Item], known: Sequence[tuple[str, Group]]
) -> Iterator[tuple[str, Group]]:
    """The cancels of a round's bets, beside those that are known: not every cancel names its round."""
    references = {str(item["id"]).partition("#")[2] for item in transactions if records.kind_of(item) in (BET, CANCEL)}
    shown = {letter.message_id for _, group in known for letter in group.letters}
    for group in cancels:
        others = {letter.message_id for letter in group.letters} - shown
        if group.name in references and (part := group.among(others)):
            yield CANCEL, part


def _in_any_ledger(tables: Tables, name: str) -> list[Item]:
    """The transactions of a round, under a transaction id, or with that prize: no index has them, so all is read."""
    with listing.progress("transactions read", _number_of(tables)) as advance:
        having = dict.fromkeys((*_NO_INDEX, "prizeReference", "laterPrizeReference"), name)
        found = list(tables.scanned(tables.transactions, advance, having=having))
    return records.in_order(found)


_NO_INDEX: Sequence[str] = ("roundId", "transactionId")


def _number_of(tables: Tables) -> int | None:
    try:
        return tables.approximate_number(tables.transactions) or None
    except Trouble:  # a bar without an end serves as well
        return None


def _meant(name: str, parked: Iterable[tuple[str, Sequence[Group]]]) -> Iterator[tuple[str, Group]]:
    """What is parked under that name: by reference or message id, or with it as player, round or prize.

    A prize that was left for a person is meant by its own name, and by the names of the win it came with.
    """
    for callback, groups in parked:
        for group in groups:
            by_name = {letter.message_id for letter in _called(name, callback, group)}
            by_field = {letter.message_id for letter in group.letters if letter.is_called(name)}
            if part := group.among(by_name | by_field):
                yield callback, part


def _those_of(player: str | None, parked: Iterable[tuple[str, Group]]) -> Iterator[tuple[str, Group]]:
    """What is parked without the letters that name other players only."""
    for callback, group in parked:
        if theirs := group.among(
            {each.message_id for each in group.letters if player is None or each.may_be_of(player)}
        ):
            yield callback, theirs


def _lines_of(player: str | None, lines: Sequence[LogLine]) -> Sequence[LogLine]:
    """The lines without those of wins that were other players'. Not every line of a win says whose it is."""
    if player is None:
        return lines
    players: dict[tuple[str, str | None], set[str]] = {}
    for line in lines:
        players.setdefault((line.callback, line.reference), set()).update([line.player] if line.player else [])
    others = {win for win, named in players.items() if named and player not in named}
    return [line for line in lines if line.player in (None, player) and (line.callback, line.reference) not in others]


def _called(name: str, callback: str, group: Group) -> list[DeadLetter]:
    """A group's letters of that name, be it a reference or a transaction's `result#reference`, or a message's id."""
    prizes = [letter for letter in group.letters if name in letter.owes and name.startswith("promo#")]
    return group.called(name) or group.called(name.removeprefix(f"{callback}#")) or prizes


def _log(where: Place, name: str, since: datetime) -> Sequence[LogLine]:
    """What the log says of a reference, or of `result#reference`."""
    kind, _, reference = name.partition("#")
    if not reference or kind not in records.kinds():
        return of_the_win(where.log(name, since))
    function = function_of(kind)
    return of_the_win([line for line in where.log(reference, since) if line.callback == function])
