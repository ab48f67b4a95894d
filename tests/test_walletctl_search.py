"""A movement is found by what a player says of it: the first line is the answer, and each cause is told apart."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from conftest import Operator, published
from test_walletctl_find import Logs, line, settled
from tools.shared.trouble import Trouble
from tools.walletctl.find.sought import Amounts
from tools.walletctl.log import Refusals, refusals_of_stack
from tools.walletctl.tables import Tables
from walletctl import PORT, Walletctl, parked

AMOUNTS = {
    "500": (["500", "-500", "500.00"], ["499.99", "5000"]),
    "500.00": (["500"], ["500.001"]),
    "100-200": (["100", "150.5", "-200"], ["99.99", "200.01"]),
    "100 .. 200": (["100", "200"], ["99"]),
    "100 to 200": (["150"], ["99"]),
    "100..": (["100", "9999"], ["99"]),
    "..200": (["0", "200"], ["201"]),
    ">=100": (["100"], ["99"]),
    "> 100": (["100.01"], ["100"]),
    "<=200": (["200"], ["201"]),
    "<200": (["199"], ["200"]),
}
NO_AMOUNTS = {
    "": "write 500 (also 500.00), or a range: 100-200",
    "five": "write 500",
    "200-100": "is upside down: write 100-200",
    "500,00": "write it with a point",
    "1,234.50": "write it with a point",
    "-5": "leave out the sign (5 finds bets and withdrawals too)",
    "€500": "leave out the currency, and write 500",
    "500 EUR": "leave out the currency, and write 500",
    "100-": "write 500",
    "..": "write 500",
    "1e3": "write 500",
    ".5": "write a digit before the point, such as 0.5",
    "+500": "leave out the plus sign",
    "500.": "leave out the point at its end",
    "1'000": "write its digits without marks",
    "1 000": "write its digits without marks",
    "\u0665\u0660": "write 500",
}


def test_an_amount_is_exact_or_a_range_whatever_its_sign() -> None:
    for text, (inside, outside) in AMOUNTS.items():
        amounts = Amounts.read(text)
        assert all(amounts.has(Decimal(each)) for each in inside), text
        assert not any(amounts.has(Decimal(each)) for each in outside), text


def test_an_amount_that_cannot_be_read_is_refused_with_how_to_write_it() -> None:
    for text, why in NO_AMOUNTS.items():
        with pytest.raises(Trouble) as refused:
            Amounts.read(text)
        assert why in str(refused.value), text


def told(walletctl: Walletctl, *arguments: str) -> list[str]:
    """The lines that a person is told, without the port in their hints."""
    shown = walletctl("find", *arguments, "--time-zone", "UTC").stdout
    return [each.replace(f" --port {PORT}", "") for each in shown.splitlines()]


def credited(operator: Operator, amount: str, reference: str, callback: str = "result", **more: Any) -> None:
    operator.send(callback, published(callback, amount=amount, reference=reference, hash=None, uuid="u", **more))


def left(callback: str, reference: str, amount: str, **why: Any) -> str:
    """A request that was parked at this moment, as a message."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    return parked(callback, published(callback, reference=reference, amount=amount), first_received_at=now, **why)


def recorded(operator: Operator, id: str, at: datetime) -> None:
    operator.database.Table("Transactions").update_item(
        Key={"id": id}, UpdateExpression="SET recordedAt = :at", ExpressionAttributeValues={":at": at.isoformat()}
    )


def test_the_first_line_is_the_answer(walletctl: Walletctl, operator: Operator) -> None:
    credited(operator, "500.00", "jp", "jackpot", jackpotId="JP-7")
    credited(operator, "12", "other")
    at = datetime.now(UTC)

    lines = told(walletctl, "421", "--amount", "500", "--since", "2h", "--kind", "jackpot")

    assert lines[0].startswith(f"Player 421 was paid 500 USD by jackpot JP-7 today at {at:%H:}")
    assert lines[0].endswith("Reference: jp. Balance after it: 100389.99 USD.")
    assert lines[1:] == ["To see the request, and each time that it was sent: walletctl find 'jackpot#jp'"]


def test_where_several_match_the_first_line_says_how_many_moved_money(walletctl: Walletctl, operator: Operator) -> None:
    credited(operator, "500", "paid")
    walletctl.leave("JackpotDeadLetters", left("jackpot", "owed", "500", code=57, reason="x"))

    lines = told(walletctl, "421", "--amount", "500")

    assert lines[0] == "2 match: 1 moved money, 1 did not."
    assert lines[1].startswith("Player 421 was paid 500 USD")
    assert told(walletctl, "421", "--amount", "500", "--kind", "result")[0] == lines[1]


def test_a_dead_letter_of_a_player_without_a_wallet_says_that_there_is_none(walletctl: Walletctl) -> None:
    request = published("result", reference="early", amount="500", userId="nobody")
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    walletctl.leave("ResultDeadLetters", parked("result", request, first_received_at=now, code=62, reason="x"))

    lines = told(walletctl, "nobody", "--amount", "500")

    assert lines[0].startswith("Not paid: a win of 500")
    assert "Player nobody has no wallet here, and no movement." in lines


def test_a_player_s_name_with_since_leads_to_what_moved_since_then(walletctl: Walletctl) -> None:
    assert told(walletctl, "421", "--since", "2 days ago")[-1] == (
        "What moved since then: walletctl ledger 421 --since '2 days ago'"
    )
    assert not any("since then" in line for line in told(walletctl, "421"))


def test_the_answer_has_local_time_beside_utc(walletctl: Walletctl, operator: Operator) -> None:
    credited(operator, "500", "r")
    recorded(operator, "result#r", datetime(2026, 1, 2, 23, 14, tzinfo=UTC))

    shown = walletctl("find", "421", "--amount", "500", "--since", "2026-01-03", "--time-zone", "Asia/Tokyo").stdout

    assert "on 2026-01-03 at 08:14 (2026-01-02 23:14 UTC)" in shown


KINDS = {
    ("--wins",): {"w", "p", "j"},
    ("--kind", "win"): {"w", "p", "j"},
    ("--kind", "bet"): {"b"},
    ("--kind", "jackpot,promo"): {"j", "p"},
    ("--kind", "Jackpot", "--kind", "bet"): {"j", "b"},
    ("--amount", "7"): {"w", "b"},
    ("--amount", "8..9", "--wins"): {"p", "j"},
    ("--wins", "--since", "2 hours ago", "--until", "1 hour ago"): set(),
}


def test_it_finds_by_kind_amount_and_time_for_one_player_or_all(walletctl: Walletctl, operator: Operator) -> None:
    credited(operator, "7.0", "w")
    credited(operator, "7", "b", "bet")
    credited(operator, "8", "p", "promo")
    credited(operator, "9", "j", "jackpot")

    for arguments, expected in KINDS.items():
        for whose in (["421"], ["--player", "421"], []):
            status = 0 if expected else 1
            found = walletctl.json("find", *whose, *arguments, status=status)
            assert {each["reference"] for each in found["transactions"]} == expected, (whose, arguments)
            rows = walletctl.csv("find", *whose, *arguments, status=status)
            assert {each["reference"] for each in rows} == expected


NOT_UNDERSTOOD = {
    ("421", "--kind", "spin"): "no kind is called spin: there are result, jackpot, bonus, promo, bet",
    ("421", "--wins", "--kind", "bet"): "--wins leaves out bet",
    ("421", "--amount", "5", "--since", "2099-01-01"): "2099-01-01 is in the future",
    ("421", "--amount", "5", "--until", "2020-01-01"): "2020-01-01 is not after 3d",
    ("421", "--amount", "5", "--time-zone", "Nowhere"): "no time zone is called Nowhere",
    ("421", "--amount", "5", "--player", "422"): "in a search NAME is the player",
    ("421", "--requests"): "--requests and --yes are for a search",
    (): "say what to find: a NAME, or --amount, --kind or --wins",
}


def test_what_is_not_understood_is_refused(walletctl: Walletctl) -> None:
    for arguments, why in NOT_UNDERSTOOD.items():
        assert why in walletctl.refused("find", *arguments)


def test_requests_are_shown_where_they_are_asked_for(walletctl: Walletctl, operator: Operator) -> None:
    credited(operator, "7", "r-1")
    credited(operator, "7", "r-2")

    folded = told(walletctl, "421", "--amount", "7")

    assert folded[0] == "2 match: 2 moved money."
    assert [each.split("Reference: ")[1][:3] for each in folded[1:3]] == ["r-2", "r-1"]
    assert folded[3:] == ["To see the requests, add --requests."]
    assert '"reference":"r-1"' in "".join(
        each.strip() for each in told(walletctl, "421", "--amount", "7", "--requests")
    )


def test_a_win_that_was_paid_less_is_found_by_what_it_asked(walletctl: Walletctl, operator: Operator) -> None:
    credited(operator, "2.5", "round", bonusCode="gift")
    credited(operator, "7", "total", "bonus", bonusCode="gift")

    (first, *_) = told(walletctl, "421", "--amount", "7")

    assert "was paid 4.5 USD for the free rounds gift" in first
    assert "Paid 4.5 of 7: its rounds had been paid 2.5 already." in first


def test_each_cause_of_a_missing_win_is_told_apart(walletctl: Walletctl, operator: Operator) -> None:
    now = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S},000+0000"
    walletctl.leave("ResultDeadLetters", left("result", "dead", "500.0", code=52, reason="Not the currency"))
    facts = {"userId": "421", "amount": "600.00", "currency": "USD", "timestamp": now}
    walletctl.log(
        line("refused", **facts, correlation_id="waits", code=998, reason="ReadTimeoutError"),
        line("parking failed", correlation_id="lost", timestamp=now, reason="x"),
        line("refused", **facts | {"amount": "700"}, correlation_id="lost", code=998, reason="x"),
        line("refused", **facts | {"amount": "800"}, correlation_id="gone", code=61, reason="used"),
        line("refused", **facts | {"amount": "900"}, correlation_id="bet", service="bet", code=56, reason="Frozen"),
    )
    expected = {
        "500": ("dead letter", "Not paid: a win of 500 USD for player 421 is a dead letter. It came"),
        "600": ("waiting", "Not paid yet: a win of 600.00 USD for player 421 waits for another try"),
        "700": ("not kept", "could be neither done nor kept. Ask the provider to send it again"),
        "800": ("gone", "was left for a person"),
        "900": ("unknown", "Nothing matches: player 421 has no movement of 900 since"),
    }

    for amount, (outcome, first) in expected.items():
        found = walletctl.json("find", "421", "--amount", amount, "--since", "1h", status=int(outcome == "unknown"))
        assert found["outcome"] == outcome
        assert first in found["answer"][0]
    assert "Refused: a bet of 900 USD" in told(walletctl, "421", "--amount", "900", "--kind", "bet")[0]
    assert not walletctl.json("find", "422", "--amount", "500", status=1)["deadLetters"]
    assert len(walletctl.json("find", "--amount", "500")["deadLetters"]) == 1
    assert walletctl.json("find", "--amount", "600")["refused"][0]["reference"] == "waits"


def test_a_win_that_was_refused_first_and_settled_later_is_not_said_to_be_missing(
    walletctl: Walletctl, operator: Operator
) -> None:
    now = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S},000+0000"
    for name, elsewhere in (("there", True), ("here", False)):
        assert settled(operator, left("result", name, "5"), bookedElsewhere=elsewhere)["error"] == 0
        facts = {"userId": "421", "amount": "5", "correlation_id": name, "timestamp": now}
        walletctl.log(line("refused", **facts, code=52, reason="x"))
    recorded(operator, "result#here", datetime.now(UTC) - timedelta(days=40))

    (_, first, *_) = told(walletctl, "421", "--amount", "5")

    assert "was refused at first, and done later: Player 421 was paid 5 USD" in first
    assert "Booked elsewhere: this wallet was not paid." in "".join(told(walletctl, "421", "--amount", "5"))


def test_where_nothing_matches_what_comes_nearest_is_told_and_what_to_do(
    walletctl: Walletctl, operator: Operator
) -> None:
    credited(operator, "450", "near")
    credited(operator, "1", "far")
    credited(operator, "500", "stake", "bet")
    credited(operator, "500", "before")
    recorded(operator, "result#before", datetime(2026, 1, 2, 3, 4, tzinfo=UTC))
    walletctl.leave("PromoDeadLetters", left("promo", "other", "50"))

    lines = told(walletctl, "421", "--amount", "500", "--wins", "--since", "3h")

    assert lines[0].startswith("Nothing matches: player 421 has no win of 500 since ")
    assert [each.strip()[:40] for each in lines[1:6]] == [
        "What comes nearest:",
        "Player 421 staked 500 USD in round 51031",
        "Before that time: Player 421 was paid 50",
        "Not paid: a campaign prize of 50 USD for",
        "Player 421 was paid 450 USD in round 510",
    ]
    assert lines[6].startswith("Most likely it never came here: no request was refused with 99 or 401 since")
    assert lines[7] == "To see what was not paid: walletctl find 421"
    assert lines[8].startswith("To see all movements of that time: walletctl ledger 421 --since=20")


def test_a_name_that_is_no_player_leads_to_the_search_by_name(walletctl: Walletctl) -> None:
    lines = told(walletctl, "585c", "--amount", "500")

    assert lines[1] == "There is no player 585c here: no wallet and no movement. Capitals and spaces count."
    assert lines[2] == "To look for it as a reference or a round: walletctl find 585c"


# --- Without a player -------------------------------------------------------------------------------


def test_all_players_of_a_stack_are_searched_after_its_cost_is_said(
    walletctl: Walletctl, operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    credited(operator, "500", "r")
    monkeypatch.setattr("tools.walletctl.place.LocalService.log_is_free", False)
    monkeypatch.setattr(Tables, "size_of_index", lambda _: (12_000_000, 2_400_000_000))

    refused = walletctl("find", "--amount", "500")

    assert refused.exit_code == 2
    assert "this reads 12,000,000 movements (2,400.0 MB): about 292,969 read request units (0.04 USD" in refused.stderr
    assert "nothing was searched: to do it without a question, add --yes" in refused.stderr
    assert [each["id"] for each in walletctl.json("find", "--amount", "500", "--yes")["transactions"]] == ["result#r"]
    assert "--no-scan forbids it" in walletctl.refused("find", "--amount", "500", "--no-scan")


def test_a_players_search_reads_one_ledger_and_no_table(walletctl: Walletctl, operator: Operator) -> None:
    credited(operator, "500", "r")
    walletctl.watch()

    walletctl("find", "421", "--amount", "500")

    assert not walletctl.asked("Scan")
    assert len(walletctl.asked("Query")) == 1


def test_a_stack_s_log_is_asked_for_a_player_s_refusals_and_then_for_what_became_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tools.walletctl.log._POLL_SECONDS", 0)
    written = {"@timestamp": "2026-01-02 03:04:05.000", "service": "result", "message": "refused", "code": "62"}
    lines = [{**written, "userId": "421", "amount": str(n), "correlation_id": f"r{n}"} for n in range(60)]
    logs, now = Logs(*lines), datetime.now(UTC)
    wanted = Refusals(player="421", are_meant=lambda _: True, first=lambda said: said.amount == "59")

    refusals_of_stack(logs, ["/prod/result"], wanted, now, now)

    first, second = logs.queries
    assert 'filter message = "refused" and userId = "421" and service != "bet" |' in first["queryString"]
    assert '"r59"' in second["queryString"]
    assert second["queryString"].count('"r') == 50


def test_more_refusals_than_can_be_read_are_not_taken_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.walletctl.log._POLL_SECONDS", 0)
    monkeypatch.setattr("tools.walletctl.log._MOST_LINES", 2)
    lines = [{"service": "result", "message": "refused", "userId": "421", "correlation_id": str(n)} for n in range(2)]
    wanted, now = Refusals(player="421", are_meant=lambda _: True), datetime.now(UTC)

    with pytest.raises(Trouble, match="2 requests or more were refused in that time"):
        refusals_of_stack(Logs(*lines), ["/prod/result"], wanted, now, now)


# --- Pages of a ledger ------------------------------------------------------------------------------


def test_a_long_ledger_is_read_by_the_page_and_each_page_leads_to_the_next(
    walletctl: Walletctl, operator: Operator
) -> None:
    for number in range(1, 7):
        credited(operator, "1", f"r-{number}")
    operator.database.Table("Transactions").delete_item(Key={"id": "result#r-3"})  # the fourth: between two pages
    walletctl.watch()

    first = walletctl("ledger", "421", "--limit", "3").stdout.splitlines()
    second = walletctl("ledger", "421", "--limit=3", "--before=5").stdout.splitlines()

    assert [each.split()[0] for each in first[1:5]] == ["7", "6", "5", "4"]
    assert "(no record of this change)" in first[4]
    assert f"3 transactions, and there are more: walletctl ledger 421 --limit=3 --before=5 --port {PORT}" in first
    assert [each.split()[0] for each in second[1:4]] == ["3", "2", "1"]
    assert "3 transactions" in second
    assert [each["Limit"] for each in walletctl.asked("Query")] == [4, 4]


def test_a_ledger_since_a_moment_is_not_read_to_its_beginning(walletctl: Walletctl, operator: Operator) -> None:
    credited(operator, "1", "new")
    credited(operator, "1", "odd")
    recorded(operator, "result#odd", datetime(2020, 1, 1, tzinfo=UTC))  # one wrong time ends no list

    rows = walletctl.json("ledger", "421", "--since", "yesterday", "--kind", "result")

    assert [each["reference"] for each in rows] == ["new"]


def test_a_win_that_was_paid_by_hand_and_discarded_is_said_to_be_paid(walletctl: Walletctl, operator: Operator) -> None:
    about = {"userId": "421", "currency": "USD", "reference": "result#r", "actor": "jo", "reason": "ticket 7"}
    assert operator.invoke("cashier", {"movement": "adjustment", "amount": "50", **about})["error"] == 0
    now = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S},000+0000"
    facts = {"userId": "421", "currency": "USD", "timestamp": now, "correlation_id": "r", "code": 61, "reason": "used"}
    walletctl.log(line("refused", amount="50.00", **facts), line("refused", amount="60", **facts))

    paid = told(walletctl, "421", "--amount", "50", "--wins")[0]

    assert paid.startswith("Paid by hand: a win of 50.00 USD")
    assert "It was adjusted by 50 USD on" in paid
    assert told(walletctl, "421", "--amount", "60", "--wins")[0].startswith("Not paid: a win of 60 USD")
