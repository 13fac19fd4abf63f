"""Options of a request that no public source explains are refused, never passed over."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gateway.certex.models import ProcessedChedRequest
from gateway.errors import CustomsRefused
from gateway.single_window.checks import check_options

pytestmark = pytest.mark.short

AT = datetime(2026, 9, 29, 14, 10, 42, tzinfo=UTC)
ASKED = ProcessedChedRequest(sending_date=AT, reference="CHEDP.XI.2026.0000875", office="XI000002")


@pytest.mark.parametrize(
    ("option", "where"),
    [
        ({"transformation": "IM"}, "TransformationIndiction"),
        ({"push": True, "push_from": AT}, "PushIndication/ValidityPeriodForThePush"),
        ({"push": True, "push_until": AT}, "PushIndication/ValidityPeriodForThePush"),
    ],
)
def test_it_is_refused(option, where):
    with pytest.raises(CustomsRefused) as refusal:
        check_options(replace(ASKED, **option))
    assert (refusal.value.code, refusal.value.where) == ("IMG-7411", where)


@pytest.mark.parametrize("push", [None, True, False])
def test_the_others_are_taken(push):
    check_options(replace(ASKED, push=push, pdf=True, taric_document="N853"))
