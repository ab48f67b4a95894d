"""`PYTHONPATH=tests python -m certify.measure`: writes footprint.json again, from runs against the right operator."""

import asyncio

from tools.provider.certify.cases import CASES
from tools.provider.certify.footprint import FILE, Measured, left_by, written
from tools.provider.certify.provider import OWN_PATHS
from tools.provider.certify.run import Certification, CertifySettings, run
from tools.provider.secret import Secret

from .rival import Rival
from .test_wrong_operators import certified, locked, within


def with_nothing() -> Certification:
    """A run without a secret, a second player, or large amounts: it says what each case needs."""
    settings = CertifySettings(url="http://operator", player_id="421", paths=OWN_PATHS, run_id="test")
    certification = Certification(settings=settings, cases=CASES)
    asyncio.run(run(certification, way=within(Rival())))
    return certification


if __name__ == "__main__":
    open_to_all = certified(Rival(), secret=Secret(), large_amounts=True)
    with_secret = certified(locked(Rival), large_amounts=True)
    tried = {
        outcome.case.name: outcome
        for certification in (open_to_all, with_secret)
        for outcome in certification.outcomes
        if outcome.verdict != "not tried"
    }
    needs = {
        outcome.case.name: outcome.why for outcome in (*with_secret.outcomes, *with_nothing().outcomes) if outcome.why
    }
    FILE.write_text(
        written(
            {
                case.name: Measured(left=left_by(tried[case.name].exchanges), needs=needs.get(case.name, ""))
                for case in CASES
            }
        )
    )
