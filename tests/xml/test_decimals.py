"""One reading of xs:decimal for whatever reads or writes quantities."""

import pytest

from gateway.xml.decimals import is_decimal

pytestmark = pytest.mark.short


@pytest.mark.parametrize("text", ["0", "12.5", "+1", "-1", "00.100", "1.", ".5", "9" * 200])
def test_a_decimal(text):
    assert is_decimal(text)


@pytest.mark.parametrize(
    "text", ["", ".", "+", "1e3", "1E-3", "INF", "NaN", "1,5", "1 0", " 1", "1\n", "\u0663", "\uff11", "0x1", "--1"]
)
def test_no_decimal(text):
    assert not is_decimal(text)
